package main

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The look of a drawn terminal, in pixels. Each run of characters is told how
// long it is, so that columns are straight in whatever font a reader has.
const (
	cellWidth  = 8.4
	lineHeight = 19
	padding    = 16
	fontSize   = 14

	paper = "#16191d"
	ink   = "#d8dee4"
)

// Inks are those of the colours that the program uses (ECMA-48 §8.3.117).
var inks = map[int]string{31: "#ff8f88", 32: "#7ad491", 33: "#e6c15c", 34: "#7db8ff", 35: "#d5a4ff", 36: "#6fd3d8", 90: "#8f9aa5"}

const faint = "#8f9aa5"

// A pen is how the next characters look.
type pen struct {
	colour           string
	bold, underlined bool
}

// A run is characters that look alike, at a column of a line.
type run struct {
	column int
	text   string
	pen    pen
}

// drawTerminal is the picture of a screen with its colours.
func drawTerminal(screen string, columns int) string {
	lines := strings.Split(strings.TrimRight(screen, "\n"), "\n")
	width, height := float64(columns)*cellWidth+2*padding, len(lines)*lineHeight+2*padding
	var b strings.Builder
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %d\" width=\"%g\" height=\"%d\" role=\"img\" aria-label=\"A terminal\">\n",
		width, height, width, height)
	fmt.Fprintf(&b, "<style>text{font:%dpx ui-monospace,\"DejaVu Sans Mono\",Menlo,Consolas,monospace;white-space:pre}</style>\n", fontSize)
	fmt.Fprintf(&b, "<rect width=\"100%%\" height=\"100%%\" rx=\"8\" fill=\"%s\"/>\n", paper)
	p := pen{colour: ink}
	for i, line := range lines {
		for _, r := range runs(line, &p) {
			r.draw(&b, i)
		}
	}
	return b.String() + "</svg>\n"
}

func (r run) draw(b *strings.Builder, line int) {
	text := strings.TrimRight(r.text, " ")
	start := len(text) - len(strings.TrimLeft(text, " "))
	if text = text[start:]; text == "" {
		return
	}
	attributes := ""
	if r.pen.bold {
		attributes += ` font-weight="bold"`
	}
	if r.pen.underlined {
		attributes += ` text-decoration="underline"`
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%d" textLength="%.1f" lengthAdjust="spacingAndGlyphs" fill="%s"%s>`,
		padding+float64(r.column+start)*cellWidth, padding+line*lineHeight+fontSize, float64(utf8.RuneCountInString(text))*cellWidth, r.pen.colour, attributes)
	_ = xml.EscapeText(b, []byte(text)) // a Builder never fails
	b.WriteString("</text>\n")
}

// runs cuts a line where its look changes. The pen goes on in the next line.
func runs(line string, p *pen) []run {
	var list []run
	column := 0
	for first := true; line != ""; first = false {
		if !first {
			var sgr string
			sgr, line, _ = strings.Cut(line, "m")
			p.change(sgr)
		}
		text, rest, _ := strings.Cut(line, "\x1b[")
		if text != "" {
			list = append(list, run{column, text, *p})
			column += utf8.RuneCountInString(text)
		}
		line = rest
	}
	return list
}

// change carries out one SGR sequence. What the program does not use is left
// out.
func (p *pen) change(sgr string) {
	for code := range strings.SplitSeq(sgr, ";") {
		n, _ := strconv.Atoi(code) // without a number: 0
		switch {
		case n == 0:
			*p = pen{colour: ink}
		case n == 1:
			p.bold = true
		case n == 2:
			p.colour = faint
		case n == 4:
			p.underlined = true
		case n == 22:
			p.bold = false
		case n == 24:
			p.underlined = false
		case n == 39:
			p.colour = ink
		case inks[n] != "":
			p.colour = inks[n]
		}
	}
}
