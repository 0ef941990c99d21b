package caldav

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
)

const (
	// parserVersion changes when objects must be read again because they would
	// be read differently.
	parserVersion = 4

	// maxMembers bounds a calendar. A cursor needs 22 bytes for each.
	maxMembers = 50_000
)

// A cursor is where a poll left off. Outside this package it is opaque text.
type cursor struct {
	Version int    `json:"v"`
	Token   string `json:"token,omitempty"` // sync-token (RFC 6578 §3.2)
	CTag    string `json:"ctag,omitempty"`  // for servers without tokens
	Polls   int    `json:"polls,omitempty"` // since the last listing
	// Relist asks for a listing at the next poll, because this one found
	// objects gone or could not fetch some.
	Relist bool `json:"relist,omitempty"`
	// Lost says that a cursor before could not be read. What it had told of and is
	// gone by now shows in no comparison, so the next listing is made twice.
	Lost bool `json:"lost,omitempty"`
	Late uint `json:"late,omitempty"` // listings in a row that could not be had
	Rest uint `json:"rest,omitempty"` // polls until the next one is tried
	Seen seen `json:"seen,omitempty"`

	// Of a feed: what makes a request conditional (RFC 9110 §13.1).
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"`
	// Of a feed or a file: the text itself, or what the file system says of it.
	Text string `json:"text,omitempty"`
}

// digest stands for an href or an entity tag.
type digest [8]byte

// noETag stands for an object whose version is unknown.
var noETag digest

func digestOf(s string) (d digest) {
	h := sha256.Sum256([]byte(s))
	copy(d[:], h[:])
	return d
}

// seen holds every object that was told of, with the version that was fetched.
type seen map[digest]digest

func (s seen) clone() seen {
	c := make(seen, len(s))
	maps.Copy(c, s)
	return c
}

func (s seen) put(id, etag string) {
	if etag == "" {
		s[digestOf(id)] = noETag
		return
	}
	s[digestOf(id)] = digestOf(etag)
}

// knows reports whether the object was told of.
func (s seen) knows(id string) bool {
	_, ok := s[digestOf(id)]
	return ok
}

// holds reports whether this version of the object was fetched.
func (s seen) holds(id, etag string) bool {
	d, ok := s[digestOf(id)]
	return ok && etag != "" && d == digestOf(etag)
}

// MarshalText writes all digests in order, so that equal sets are equal text.
func (s seen) MarshalText() ([]byte, error) {
	rows := make([][16]byte, 0, len(s))
	for id, etag := range s {
		var row [16]byte
		copy(row[:8], id[:])
		copy(row[8:], etag[:])
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	all := make([]byte, 0, 16*len(rows))
	for _, row := range rows {
		all = append(all, row[:]...)
	}
	return base64.StdEncoding.AppendEncode(nil, all), nil
}

// UnmarshalText reads what MarshalText wrote.
func (s *seen) UnmarshalText(text []byte) error {
	raw, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil {
		return err
	}
	*s = make(seen, len(raw)/16)
	for ; len(raw) >= 16; raw = raw[16:] {
		(*s)[digest(raw[:8])] = digest(raw[8:16])
	}
	return nil
}

// readCursor returns a cursor that asks for everything for whatever this version
// did not write.
func readCursor(text string) cursor {
	var c cursor
	if json.Unmarshal([]byte(text), &c) != nil || c.Version != parserVersion {
		return cursor{Lost: text != ""}
	}
	return c
}

func (c cursor) String() string {
	c.Version = parserVersion
	text, err := json.Marshal(c)
	if err != nil {
		return "" // cannot happen; everything is asked for again
	}
	return string(text)
}
