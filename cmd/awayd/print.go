package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"
)

// An ANSI colour.
type colour string

const (
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
	bold   colour = "1"
	dim    colour = "2"
)

// usualWidth is that of a terminal which does not tell its own, and
// narrowest what is still laid out; below that the terminal breaks the lines.
const (
	usualWidth = 80
	narrowest  = 24
)

// A page is text for people. On a terminal it has colours and knows how wide it
// is; elsewhere it is plain, and each paragraph is one line that grep finds.
type page struct {
	out    *bufio.Writer
	width  int // columns; 0: as many as it takes
	colour bool
	now    time.Time
	zone   *time.Location // the reader's
}

// page begins what a command shows. The caller flushes it.
func (a *app) page() *page {
	p := &page{out: bufio.NewWriter(a.out), now: now(), zone: systemZone()}
	if fd, ok := terminal(a.out); ok {
		p.width = usualWidth
		if w, _, err := term.GetSize(fd); err == nil && w > 0 {
			p.width = max(w, narrowest)
		}
		p.colour = os.Getenv("NO_COLOR") == "" && smart()
	}
	return p
}

// terminal returns the descriptor of w if that is a terminal.
func terminal(w io.Writer) (fd int, ok bool) {
	f, ok := w.(*os.File)
	if !ok {
		return 0, false
	}
	return int(f.Fd()), term.IsTerminal(int(f.Fd()))
}

// smart reports whether the terminal understands escape sequences.
func smart() bool { return os.Getenv("TERM") != "" && os.Getenv("TERM") != "dumb" }

func (p *page) flush() error { return p.out.Flush() }

// style colours text, if the page has colours.
func (p *page) style(c colour, text string) string {
	if !p.colour || c == "" || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// style colours text for standard output.
func (a *app) style(c colour, text string) string { return a.page().style(c, text) }

// printf writes as it is; what strangers wrote goes through printable first.
func (p *page) printf(format string, args ...any) { fmt.Fprintf(p.out, format, args...) }

// hang writes text behind a label, and under itself where it takes more than
// one line.
func (p *page) hang(label, text string) { p.hangIn("", label, text) }

// hangIn is hang with text in a colour. An escape sequence is never broken,
// because each line is coloured by itself.
func (p *page) hangIn(c colour, label, text string) {
	if text == "" {
		p.printf("%s\n", strings.TrimRight(label, " "))
		return
	}
	indent := widthOf(label)
	if p.width > 0 && p.width-indent < narrowest-6 {
		// Too little is left beside the label.
		p.printf("%s\n", strings.TrimRight(label, " "))
		indent = min(4, indent)
		label = strings.Repeat(" ", indent)
	}
	for i, line := range wrap(printable(text), p.width-indent, 0) {
		if i > 0 {
			label = strings.Repeat(" ", indent)
		}
		p.printf("%s\n", strings.TrimRight(label+p.style(c, line), " "))
	}
}

// wrap breaks text between words, never at a hyphen: dates and addresses stay
// whole. A longer word is broken only if it is of a script that has no spaces;
// an address is left to the terminal, where it can be copied in one piece.
// Lines after the first are narrower by hang. Without a width, it is one line.
func wrap(text string, width, hang int) []string {
	if width <= 0 {
		return []string{text}
	}
	var lines []string
	room, rest := width, max(1, width-hang)
	line, used := "", 0
	end := func() { lines, room = append(lines, line), rest }
	for word := range strings.SplitSeq(text, " ") {
		w := widthOf(word)
		if line != "" && used+1+w <= room {
			line, used = line+" "+word, used+1+w
			continue
		}
		if line != "" {
			end()
		}
		if w > room && strings.ContainsFunc(word, spaceless) {
			parts := strings.Split(runewidth.Wrap(word, min(room, rest)), "\n")
			for _, line = range parts[:len(parts)-1] {
				end()
			}
			word = parts[len(parts)-1]
			w = widthOf(word)
		}
		line, used = word, w
	}
	return append(lines, line)
}

// spaceless is true of letters that are written without spaces between words.
func spaceless(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// styles are the escape sequences of style.
var styles = regexp.MustCompile(`\x1b\[[0-9]*m`)

// widthOf is how many columns of a terminal text takes, with or without style.
func widthOf(text string) int { return runewidth.StringWidth(styles.ReplaceAllString(text, "")) }

// fill makes text as wide as a column, as a terminal counts. Names and addresses
// are not cut: one that is too long pushes the rest of its own line.
func fill(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-widthOf(text)))
}

// maxColumn bounds what one long name does to the lines of all others.
const maxColumn = 50

// share is the n-th part of the width, for a column that others stand beside.
func (p *page) share(n int) int {
	if p.width == 0 {
		return maxColumn
	}
	return min(p.width/n, maxColumn)
}

// widest is the width of a column that holds every text but those wider than
// limit.
func widest[T any](list []T, limit int, text func(T) string) int {
	width := 0
	for _, x := range list {
		if w := widthOf(printable(text(x))); w <= limit {
			width = max(width, w)
		}
	}
	return width
}

func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// printable keeps what strangers wrote from steering the terminal, from breaking
// a line, and from turning around what is written after it.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029':
			return ' '
		case r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\ufeff':
			return -1
		}
		return r
	}, s)
}

// nobody is what there is to show before the first account.
const nobody = "No account is linked yet. Try: awayd link\n"

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
