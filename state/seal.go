package state

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"strconv"

	"filippo.io/age"

	"awayd/sync/account"
)

// A sealer keeps secrets from whoever has the database but not the key.
type sealer struct{ identity *age.X25519Identity }

// A place is the column and row that a sealed value belongs to. Its hash is
// sealed with the value, so that a value moved elsewhere does not open.
type place [sha256.Size]byte

func accountPassword(jid string) place { return placeOf("accounts.password", jid) }

func calendarURL(id int64) place { return placeOf("calendars.url", strconv.FormatInt(id, 10)) }

func calendarPassword(id int64) place {
	return placeOf("calendars.password", strconv.FormatInt(id, 10))
}

func placeOf(column, row string) place { return sha256.Sum256([]byte(column + "\x00" + row)) }

// seal returns the age file of value at p. An empty secret stays empty.
func (s sealer) seal(p place, value account.Secret) ([]byte, error) {
	if value.Empty() {
		return []byte{}, nil
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, s.identity.Recipient())
	if err != nil {
		return nil, fmt.Errorf("seal secret: %w", err)
	}
	_, err = io.WriteString(w, string(p[:])+value.Reveal())
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("seal secret: %w", err)
	}
	return sealed.Bytes(), nil
}

// open is the inverse of seal.
func (s sealer) open(p place, sealed []byte) (account.Secret, error) {
	if len(sealed) == 0 {
		return account.Secret{}, nil
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), s.identity)
	if err != nil {
		return account.Secret{}, fmt.Errorf("%w: %w", ErrSealed, err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		return account.Secret{}, fmt.Errorf("%w: %w", ErrSealed, err)
	}
	value, ok := bytes.CutPrefix(plain, p[:])
	if !ok {
		return account.Secret{}, fmt.Errorf("%w: it was sealed for another place", ErrSealed)
	}
	return account.NewSecret(string(value)), nil
}
