package testbed

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
)

// A splitter cuts an XML stream into pieces, byte for byte as they came.
type splitter struct {
	tape *tape
	dec  *xml.Decoder
}

func newSplitter(r io.Reader) *splitter {
	t := &tape{r: bufio.NewReader(r)}
	return &splitter{tape: t, dec: xml.NewDecoder(t)}
}

// A piece is a part of a stream that is of use only as a whole.
type piece struct {
	kind  pieceKind
	start xml.StartElement // of a header or an element
	raw   []byte
}

type pieceKind int

const (
	filler  pieceKind = iota // white space, an XML declaration
	header                   // what opens the stream, or opens it again (RFC 6120 §4.3.3)
	element                  // a stanza, or another child of the stream
	footer                   // what closes the stream
)

// piece returns the next piece of the stream. A stream that is opened again
// lies, for the decoder, within the one before.
func (s *splitter) piece() (p piece, err error) {
	begin := s.dec.InputOffset()
	s.tape.forget(begin)
	tok, err := s.dec.Token()
	if err != nil {
		return piece{}, fmt.Errorf("read stream: %w", err)
	}
	switch tok := tok.(type) {
	case xml.StartElement:
		p.kind, p.start = header, tok.Copy()
		if tok.Name != (xml.Name{Space: nsStream, Local: "stream"}) {
			p.kind = element
			if err := s.dec.Skip(); err != nil {
				return piece{}, fmt.Errorf("read stream: %w", err)
			}
		}
	case xml.EndElement:
		p.kind = footer
	}
	p.raw = bytes.Clone(s.tape.seen.Bytes()[:s.dec.InputOffset()-begin])
	return p, nil
}

// A tape is a reader that remembers what the XML decoder has read from it. As
// an io.ByteReader it is never read ahead of what the decoder has consumed.
type tape struct {
	r    *bufio.Reader
	seen bytes.Buffer
	base int64 // offset of the first byte of seen
}

func (t *tape) ReadByte() (byte, error) {
	if t.seen.Len() > maxStanza {
		return 0, fmt.Errorf("read stanza: longer than %d bytes", maxStanza)
	}
	b, err := t.r.ReadByte()
	if err == nil {
		t.seen.WriteByte(b)
	}
	return b, err
}

func (t *tape) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := t.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = b
	return 1, nil
}

// forget drops everything before offset.
func (t *tape) forget(offset int64) {
	t.seen.Next(int(offset - t.base))
	t.base = offset
}
