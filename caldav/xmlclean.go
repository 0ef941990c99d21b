package caldav

import (
	"bufio"
	"errors"
	"io"
	"unicode/utf8"
)

var (
	errTextTooLong = errors.New("a single text is too long")
	errDoctype     = errors.New("document type declarations are not accepted")
)

// xmlCleaner makes what servers really send acceptable to encoding/xml, which
// stops at the first control character or byte that is no UTF-8: those become
// blanks and U+FFFD, also when written as character references. It bounds the
// text between two tags, which encoding/xml holds in memory as one token.
type xmlCleaner struct {
	src  *bufio.Reader
	max  int    // of bytes from one tag to the next
	run  int    // bytes since the last tag began
	stop string // end of the CDATA section or comment we are in, if any
	out  []byte // cleaned, not yet read
	buf  [16]byte
}

func newXMLCleaner(r io.Reader, maxText int) *xmlCleaner {
	return &xmlCleaner{src: bufio.NewReaderSize(r, 32<<10), max: maxText}
}

// Read implements io.Reader.
func (c *xmlCleaner) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if len(c.out) == 0 {
			if n > 0 && c.src.Buffered() == 0 {
				break // hand over what there is before waiting for more
			}
			if err := c.next(); err != nil {
				if n > 0 && err == io.EOF {
					break
				}
				return n, err
			}
		}
		m := copy(p[n:], c.out)
		c.out = c.out[m:]
		n += m
	}
	return n, nil
}

// next cleans one character, or takes as many as need no cleaning.
func (c *xmlCleaner) next() error {
	if n := c.plain(); n > 0 {
		if c.run += n; c.run > c.max {
			return errTextTooLong
		}
		c.out, _ = c.src.Peek(n) // buffered, and read before the next call
		_, _ = c.src.Discard(n)
		return nil
	}
	r, size, err := c.src.ReadRune()
	if err != nil {
		return err
	}
	if c.run += size; c.run > c.max {
		return errTextTooLong
	}
	switch {
	case c.stop != "":
		if r == rune(c.stop[0]) && c.follows(c.stop[1:]) {
			c.stop = ""
		}
	case r == '<':
		c.run = 0
		switch {
		case c.follows("![CDATA["):
			c.stop = "]]>"
		case c.follows("!--"):
			c.stop = "-->"
		case c.follows("!"):
			return errDoctype
		}
	case r == '&' && c.badReference():
		r = ' '
	}
	if !inXML(r) {
		r = ' '
	}
	c.out = utf8.AppendRune(c.buf[:0], r)
	return nil
}

// plain counts the buffered bytes that are of no interest.
func (c *xmlCleaner) plain() int {
	b, _ := c.src.Peek(c.src.Buffered())
	for i, x := range b {
		if x < ' ' && x != '\n' || x >= utf8.RuneSelf || x == '<' || x == '&' || x == ']' || x == '-' {
			return i
		}
	}
	return len(b)
}

// follows reports whether the next bytes are s, without reading them.
func (c *xmlCleaner) follows(s string) bool {
	b, _ := c.src.Peek(len(s))
	return string(b) == s
}

// badReference skips a numeric character reference that names no character of
// XML; the ampersand before it has been read.
func (c *xmlCleaner) badReference() bool {
	b, _ := c.src.Peek(len("#x10FFFF;"))
	if len(b) < 3 || b[0] != '#' {
		return false
	}
	i, base := 1, rune(10)
	if b[i] == 'x' {
		i, base = 2, 16
	}
	n := rune(0)
	for ; i < len(b) && b[i] != ';'; i++ {
		digit := digitOf(b[i])
		if digit >= base || n > utf8.MaxRune {
			return false // not well-formed; encoding/xml says so
		}
		n = n*base + digit
	}
	if i == len(b) || inXML(n) {
		return false
	}
	_, _ = c.src.Discard(i + 1) // peeked just now
	return true
}

func digitOf(b byte) rune {
	switch {
	case '0' <= b && b <= '9':
		return rune(b - '0')
	case 'a' <= b && b <= 'f':
		return rune(b-'a') + 10
	case 'A' <= b && b <= 'F':
		return rune(b-'A') + 10
	}
	return 99
}

// inXML reports whether XML 1.0 §2.2 allows the character.
func inXML(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' ||
		0x20 <= r && r <= 0xD7FF || 0xE000 <= r && r <= 0xFFFD || 0x10000 <= r && r <= utf8.MaxRune
}
