// Package page keeps a page of the documentation that a program writes in
// sections, so that one can be written anew while the others stay.
package page

import "strings"

// A Page is a heading and its sections, in order. The zero value is empty.
type Page struct {
	Heading  string // up to the first section
	sections []section
}

type section struct{ title, text string }

const mark = "\n## "

// Read takes a page apart that [Page.String] put together.
func Read(text string) Page {
	parts := strings.Split(text, mark)
	p := Page{Heading: parts[0]}
	for _, s := range parts[1:] {
		title, text, _ := strings.Cut(s, "\n\n")
		p.Set(title, text)
	}
	return p
}

// Set makes text the section of a title, in its place or as the last one.
func (p *Page) Set(title, text string) {
	for i := range p.sections {
		if p.sections[i].title == title {
			p.sections[i].text = text
			return
		}
	}
	p.sections = append(p.sections, section{title, text})
}

func (p *Page) String() string {
	var b strings.Builder
	b.WriteString(p.Heading)
	for _, s := range p.sections {
		b.WriteString(mark + s.title + "\n\n" + s.text)
	}
	return b.String()
}
