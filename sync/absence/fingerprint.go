package absence

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
)

// Fingerprint identifies the absence as a person sees it: its times and its
// texts. A touched DTSTAMP or an acknowledged alarm does not change it.
func (a Absence) Fingerprint() string {
	h := sha256.New()
	write(h, a.UID)
	fmt.Fprintf(h, "%d,%d,", a.Start.Unix(), a.End.Unix())
	write(h, a.Summary)
	write(h, a.Description)
	return sum(h)
}

// Key identifies the period by its absences.
func (p Period) Key() string {
	h := sha256.New()
	for _, a := range p.Absences {
		write(h, a.Fingerprint())
	}
	return sum(h)
}

// write hashes s with its length in front, so that no two lists of strings are
// hashed alike.
func write(h hash.Hash, s string) { fmt.Fprintf(h, "%d:%s,", len(s), s) }

func sum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)[:16]) }
