package absence

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxTemplate and maxMessage bound a template and what it makes, in bytes. A
// message is shown as a status text, so it is short.
const (
	maxTemplate = 4096
	maxMessage  = 2048
)

// fields is what a template can use. They are texts in the language and zone
// of the account, and have no methods.
type fields struct {
	Start       string // the first moment away
	End         string // the last, exactly
	Until       string // the last day away, as a person says it
	Return      string // the next working moment after it
	Delegate    string
	Summary     string // of the absence that holds now; empty if it is private
	Description string // likewise
}

const fieldNames = ".Start, .End, .Until, .Return, .Delegate, .Summary, .Description"

// CheckMessage reports what is wrong with a message template and its language.
// An empty template means the language's own.
//
// A template may use the fields .Start, .End, .Until, .Return, .Delegate,
// .Summary and .Description, the actions if, else and with, and the functions
// and, or, not, eq and ne.
func CheckMessage(tmpl, lang string) error {
	_, err := findLanguage(lang)
	if err != nil {
		return err
	}
	if tmpl == "" {
		return nil
	}
	t, err := parseMessage(tmpl)
	if err != nil {
		return err
	}
	full := fields{"Monday", "Friday", "Friday", "Monday", "deputy@example.org", "Summary", "Description"}
	for _, sample := range []fields{full, {Start: "Monday", End: "Friday", Until: "Friday", Return: "Monday"}} {
		if _, err := render(t, sample); err != nil {
			return err
		}
	}
	if s, _ := render(t, full); s == "" {
		return errors.New("read message: it says nothing")
	}
	return nil
}

// parseMessage reads a template and refuses whatever could loop, grow or reach
// beyond the fields.
func parseMessage(tmpl string) (*template.Template, error) {
	if len(tmpl) > maxTemplate {
		return nil, fmt.Errorf("read message: it is longer than %d bytes", maxTemplate)
	}
	t, err := template.New("message").Parse(tmpl)
	if err != nil {
		return nil, fmt.Errorf("read message: %s", strings.TrimPrefix(err.Error(), "template: "))
	}
	if len(t.Templates()) > 1 {
		return nil, errors.New("read message: define is not supported")
	}
	if t.Tree == nil || t.Root == nil {
		return nil, errors.New("read message: it says nothing")
	}
	if err := checkNodes(t.Root, false); err != nil {
		return nil, fmt.Errorf("read message: %w", err)
	}
	return t, nil
}

// checkNodes allows what [CheckMessage] promises. within is true inside of
// with, where the dot is a text.
func checkNodes(list *parse.ListNode, within bool) error {
	if list == nil {
		return nil
	}
	for _, n := range list.Nodes {
		var err error
		switch n := n.(type) {
		case *parse.TextNode, *parse.CommentNode:
		case *parse.ActionNode:
			err = checkPipe(n.Pipe, within)
		case *parse.IfNode:
			err = checkBranch(n.BranchNode, within, within)
		case *parse.WithNode:
			err = checkBranch(n.BranchNode, within, true)
		default:
			err = fmt.Errorf("%s is not supported", clip(n.String(), 40))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func checkBranch(b parse.BranchNode, within, inside bool) error {
	return errors.Join(checkPipe(b.Pipe, within), checkNodes(b.List, inside), checkNodes(b.ElseList, within))
}

func checkPipe(p *parse.PipeNode, within bool) error {
	if len(p.Decl) > 0 {
		return fmt.Errorf("%s: variables are not supported", clip(p.String(), 40))
	}
	for _, c := range p.Cmds {
		for _, arg := range c.Args {
			if err := checkArg(arg, within); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkArg(arg parse.Node, within bool) error {
	switch n := arg.(type) {
	case *parse.StringNode, *parse.BoolNode, *parse.NumberNode:
		return nil
	case *parse.PipeNode:
		return checkPipe(n, within)
	case *parse.DotNode:
		if within {
			return nil
		}
		return fmt.Errorf("{{.}} alone says nothing; there are %s", fieldNames)
	case *parse.FieldNode:
		if within {
			return fmt.Errorf("%s inside of with is written $%s", n, n)
		}
		return checkField(n.Ident)
	case *parse.VariableNode:
		if n.Ident[0] == "$" && len(n.Ident) > 1 {
			return checkField(n.Ident[1:])
		}
	case *parse.IdentifierNode:
		switch n.Ident {
		case "and", "or", "not", "eq", "ne":
			return nil
		}
		return fmt.Errorf("function %s is not supported; there are and, or, not, eq, ne", clip(n.Ident, 40))
	}
	return fmt.Errorf("%s is not supported", clip(arg.String(), 40))
}

func checkField(ident []string) error {
	for _, known := range strings.Split(fieldNames, ", ") {
		if len(ident) == 1 && "."+ident[0] == known {
			return nil
		}
	}
	return fmt.Errorf("unknown field .%s; there are %s", clip(strings.Join(ident, "."), 40), fieldNames)
}

// render executes t and returns a text fit for XML and for a status line.
func render(t *template.Template, f fields) (string, error) {
	var b bounded
	if err := t.Execute(&b, f); err != nil && !errors.Is(err, errFull) {
		return "", fmt.Errorf("fill in message: %s", strings.TrimPrefix(err.Error(), "template: "))
	}
	return clean(b.text.String()), nil
}

// clean makes a text fit for XML and for a status line.
func clean(s string) string {
	return clip(strings.TrimSpace(strings.Map(printable, strings.ToValidUTF8(s, "\uFFFD"))), maxMessage)
}

// printable drops what XML 1.0 §2.2 does not allow and what a person cannot see.
func printable(r rune) rune {
	if r != '\n' && r != '\t' && unicode.IsControl(r) || r == '\uFFFE' || r == '\uFFFF' || !utf8.ValidRune(r) {
		return -1
	}
	return r
}

// bounded is a buffer that refuses to grow beyond what a message may be.
type bounded struct{ text strings.Builder }

var errFull = errors.New("message is full")

func (b *bounded) Write(p []byte) (int, error) {
	// One byte more than a message may have, so that clip sees that it is cut.
	room := maxMessage + utf8.UTFMax - b.text.Len()
	if len(p) > room {
		b.text.Write(p[:room])
		return room, errFull
	}
	return b.text.Write(p)
}

// A composer writes one person's messages.
type composer struct {
	chosen   *template.Template // nil: the language's own
	builtin  *template.Template
	lang     language
	delegate string
	week     week
	carried  bool // events may carry their message
}

// newComposer never returns nil. Beside an error it returns a composer that
// writes the built-in message, in English if the language is the error.
func newComposer(s Settings, w week) (*composer, error) {
	lang, langErr := findLanguage(s.Lang)
	if langErr != nil {
		lang, _ = findLanguage("en")
	}
	c := &composer{lang: lang, delegate: s.Delegate, week: w, carried: s.MessageFromEvent}
	builtin, err := parseMessage(lang.text)
	c.builtin = builtin
	if s.Message != "" {
		c.chosen, err = parseMessage(s.Message)
	}
	return c, errors.Join(langErr, err)
}

// compose gives p its texts: the one of the absence that holds, and another
// from each moment at which that one changes. Through a gap the text stays.
func (c *composer) compose(p *Period) error {
	f := c.times(*p)
	var failed error
	written := make(map[[2]string]string)
	text := func(a Absence) string {
		if c.carried && a.Own && !a.Private {
			if s := eventMessage(a.Description); s != "" {
				return s
			}
		}
		f := f
		if !a.Private {
			f.Summary, f.Description = a.Summary, a.Description
		}
		key := [2]string{f.Summary, f.Description}
		if s, ok := written[key]; ok {
			return s
		}
		s, err := c.write(f)
		if err != nil {
			failed = err
		}
		written[key] = s
		return s
	}
	p.Texts = nil
	for _, h := range holders(p.Absences) {
		if s := text(h.absence); len(p.Texts) == 0 || p.Texts[len(p.Texts)-1].Message != s {
			p.Texts = append(p.Texts, Text{From: h.from, Message: s})
		}
	}
	return failed
}

func (c *composer) write(f fields) (string, error) {
	var failed error
	if c.chosen != nil {
		s, err := render(c.chosen, f)
		if s != "" && err == nil {
			return s, nil
		}
		failed = err
	}
	s, err := render(c.builtin, f)
	return s, errors.Join(failed, err)
}

// A holder is the absence that decides about the message from a moment on.
type holder struct {
	from    time.Time
	absence Absence
}

// holders returns which absence holds when: of those that overlap the one that
// began last, as the more special. absences are in order of their starts, so
// those that may still hold are a stack.
func holders(absences []Absence) []holder {
	var held []holder
	var open []Absence
	// settle ends what has ended by t.
	settle := func(t time.Time, all bool) {
		for len(open) > 0 {
			top := open[len(open)-1]
			if !all && top.End.After(t) {
				return
			}
			open = open[:len(open)-1]
			for len(open) > 0 && !open[len(open)-1].End.After(top.End) {
				open = open[:len(open)-1]
			}
			if len(open) > 0 {
				held = append(held, holder{top.End, open[len(open)-1]})
			}
		}
	}
	for i := 0; i < len(absences); {
		start := absences[i].Start
		settle(start, false)
		n := i + 1
		for n < len(absences) && absences[n].Start.Equal(start) {
			n++
		}
		// Of those that begin together the shortest is on top.
		for _, a := range slices.Backward(absences[i:n]) {
			open = append(open, a)
		}
		if n := len(held); n > 0 && held[n-1].from.Equal(start) {
			held = held[:n-1]
		}
		held = append(held, holder{start, absences[i]})
		i = n
	}
	settle(time.Time{}, true)
	return held
}

// times are the fields that the whole period decides.
func (c *composer) times(p Period) fields {
	start, end := p.Start.In(c.week.zone), p.End.In(c.week.zone)
	next, works := c.week.next(end)
	if !works {
		next = end
	}
	last := end
	if midnight(end) {
		last = end.Add(-time.Nanosecond)
	}
	oneDay := sameDay(start, last)
	back := next.Equal(end) && !c.dawn(end) // in the middle of a working day
	if !oneDay && works && !back && sameDay(next, last) {
		last = dayStart(last).Add(-time.Nanosecond) // nobody says Monday for Monday at 7:00
	}
	years := start.Year() != next.Year()
	// A moment says its hour where the hour matters: within working time, or if
	// all of it is on one day.
	startClock := !midnight(start) && (oneDay || !c.dawn(start))
	endClock := !midnight(end) && (oneDay || back || !works)
	return fields{
		Start:    c.lang.date(start, years, startClock),
		End:      c.lang.date(end, years, true),
		Until:    c.lang.date(last, years, endClock),
		Return:   c.lang.date(next, years, !midnight(next) && (back || !works)),
		Delegate: c.delegate,
	}
}

// dawn reports whether t is the first working moment of its day.
func (c *composer) dawn(t time.Time) bool { return c.week.free(dayStart(t), t) }

// midnight reports whether t is the first moment of its day, which is not 00:00
// where the clock goes forward at midnight.
func midnight(t time.Time) bool { return dayStart(t).Equal(t) }

func sameDay(a, b time.Time) bool { return dayStart(a).Equal(dayStart(b)) }

func dayStart(t time.Time) time.Time {
	return DateTime{Wall: day(wall(t, t.Location())), Date: true}.In(t.Location())
}
