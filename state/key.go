package state

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"awayd/sync/account"
)

// loadKey returns the sealer of a given key, else of the key file, which it
// makes when there is neither the file nor a database.
func loadKey(dir string, given account.Secret, database bool) (sealer, error) {
	if !given.Empty() {
		return parseKey(given.Reveal(), "the given key")
	}
	path := filepath.Join(dir, keyName)
	text, err := os.ReadFile(path)
	switch {
	case err == nil:
		return parseKey(string(text), path)
	case !errors.Is(err, fs.ErrNotExist):
		return sealer{}, unusable(dir, "read key", err)
	case database:
		// A new key could open nothing, and would hide that the old one is lost.
		return sealer{}, &Error{
			Kind:   ErrNoKey,
			Text:   fmt.Sprintf("there is a database in %s, but its key %s is missing", dir, path),
			Advice: fmt.Sprintf("systemctl start awayd, if systemd hands the key out (LoadCredential=); else put %s back from a backup", path),
		}
	}
	return makeKey(dir, path)
}

// makeKey writes a new key so that it is complete or not there at all.
func makeKey(dir, path string) (sealer, error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return sealer{}, fmt.Errorf("make key: %w", err)
	}
	f, err := os.CreateTemp(dir, keyName+".*") // 0600
	if err != nil {
		return sealer{}, unusable(dir, "make key", err)
	}
	defer os.Remove(f.Name()) // gone already when all went well
	text := "# The key of awayd's state. Without it the passwords in awayd.db are lost.\n" + identity.String() + "\n"
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return sealer{}, unusable(dir, "make key", err)
	}
	return sealer{identity}, nil
}

// parseKey reads an age identity file that holds one X25519 identity. Its
// errors do not quote the text.
func parseKey(text, where string) (sealer, error) {
	identities, err := age.ParseIdentities(strings.NewReader(text))
	if err == nil && len(identities) == 1 {
		if identity, ok := identities[0].(*age.X25519Identity); ok {
			return sealer{identity}, nil
		}
	}
	return sealer{}, &Error{
		Kind:   ErrBadKey,
		Text:   where + " is not a key of awayd",
		Advice: "give one line AGE-SECRET-KEY-1…, as awayd or `age-keygen` wrote it",
	}
}

// fingerprint names the key without giving it away.
func (s sealer) fingerprint() string {
	sum := sha256.Sum256([]byte(s.identity.Recipient().String()))
	return hex.EncodeToString(sum[:8])
}

// check refuses a key that is not the one the database wants.
func (s sealer) check(dir, want string) error {
	got := s.fingerprint()
	if got == want {
		return nil
	}
	return &Error{
		Kind:   ErrWrongKey,
		Text:   fmt.Sprintf("wrong key for the state in %s: the database wants key %s, this is key %s", dir, want, got),
		Advice: fmt.Sprintf("give the key that belongs to this database, as %s/%s or as a credential", dir, keyName),
	}
}
