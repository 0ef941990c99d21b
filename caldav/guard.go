package caldav

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds on iCalendar text, all of them far beyond what calendars hold.
const (
	maxLine       = 64 << 10 // bytes of an unfolded line that is used
	maxParam      = 256      // bytes of a parameter value that is used
	maxNesting    = 16       // components within components
	maxProperties = 10_000   // of one component, counting those that are used
	maxUID        = 1_000    // bytes
	maxComponents = 2_000    // of one object
	maxFileEvents = 100_000  // components of one file
)

const (
	errObjectTooLarge = "larger than 1 MiB"
	errNotICalendar   = "not an iCalendar object: no BEGIN:VCALENDAR"
)

// A block is one component directly within a VCALENDAR, with those of its parts
// that say something about time.
type block struct {
	name     string
	number   int // of its BEGIN line
	calendar int // index of its VCALENDAR
	lines    []line
	parts    []block
	fault    *fault // why the component cannot be used
	// available says that there is an AVAILABLE within (RFC 7953 §3.1).
	available bool
}

// hasPart are the components within others that are kept.
var hasPart = map[string]map[string]bool{
	"VTIMEZONE": {"STANDARD": true, "DAYLIGHT": true}, // RFC 5545 §3.6.5
}

// A fault is what is wrong with a line.
type fault struct {
	number int
	reason string
}

// all returns the properties of a name, in order.
func (b *block) all(name string) []line {
	var found []line
	for i, l := range b.lines {
		switch {
		case l.name != name:
		case found == nil:
			found = b.lines[i : i+1 : i+1] // most names stand once
		default:
			found = append(found, l)
		}
	}
	return found
}

// one returns the first property of a name, nil if there is none.
func (b *block) one(name string) *line {
	for i := range b.lines {
		if b.lines[i].name == name {
			return &b.lines[i]
		}
	}
	return nil
}

// first returns the value of the first property of a name.
func (b *block) first(name string) string {
	if l := b.one(name); l != nil {
		return strings.TrimSpace(l.value)
	}
	return ""
}

// uid returns the UID as far as it can be told.
func (b *block) uid() string {
	uid := b.first("UID")
	if uid = uid[:min(len(uid), maxUID)]; utf8.ValidString(uid) {
		return uid
	}
	return strings.ToValidUTF8(uid, "")
}

func (b *block) fail(number int, format string, args ...any) {
	if b.fault == nil {
		b.fault = &fault{number, fmt.Sprintf(format, args...)}
	}
}

func (f *fault) asError() error { return &faultError{*f} }

// A guard reads iCalendar text line by line and lets only well-formed lines of
// bounded length through to what reads values. A component that it refuses does
// not take its siblings with it.
type guard struct {
	max    int // components kept
	kept   int
	blocks []block
	stray  []fault  // outside any component of a calendar
	floats []string // X-WR-TIMEZONE of each VCALENDAR

	stack []string // names of the open components
	deep  int      // open components beyond maxNesting
	cur   *block   // the open component within VCALENDAR
	part  *block   // the open component within cur, if it is kept
	last  string   // name of the property before
	seen  bool     // a VCALENDAR

	// The lines of the open components, each of which then takes as many along
	// as it has.
	room, partRoom []line
}

// guardText splits iCalendar text. It fails only if there is no calendar in it
// or far too much.
func guardText(data []byte, maxBlocks int) (*guard, error) {
	g := &guard{max: maxBlocks}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	for number := 1; len(data) > 0; number++ {
		var raw []byte
		raw, data = nextLine(data)
		if err := g.take(number, raw); err != nil {
			return nil, err
		}
	}
	if !g.seen {
		return nil, errors.New(errNotICalendar)
	}
	if g.cur != nil {
		g.cur.fail(g.cur.number, "%s has no END", g.cur.name)
		g.close()
	} else if len(g.stack) > 0 {
		g.outside(0, "no END:VCALENDAR: the end of it may be missing")
	}
	return g, nil
}

// outside notes a fault that belongs to no component.
func (g *guard) outside(number int, reason string) {
	if len(g.stray) < 10 {
		g.stray = append(g.stray, fault{number, reason})
	}
}

// nextLine cuts off one content line and unfolds it (RFC 5545 §3.1).
func nextLine(data []byte) (line, rest []byte) {
	line, rest = cutLine(data)
	if len(rest) == 0 || (rest[0] != ' ' && rest[0] != '\t') {
		return line, rest
	}
	line = bytes.Clone(line)
	for len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') {
		var more []byte
		more, rest = cutLine(rest[1:])
		line = append(line, more...)
	}
	return line, rest
}

func cutLine(data []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(data, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), rest
}

// take takes one content line.
func (g *guard) take(number int, raw []byte) error {
	if len(raw) == 0 {
		return nil
	}
	name := propertyName(raw)
	switch name {
	case "BEGIN":
		return g.begin(number, componentName(raw))
	case "END":
		g.end(number, componentName(raw))
		return nil
	}
	b := g.open()
	if b == nil {
		g.ofCalendar(number, name, raw)
		return nil
	}
	kind := used[name]
	if kind == unused {
		// A line without a name is a piece of the property before it, broken
		// off by a program that did not fold. Losing a piece of a text is
		// nothing, losing one of a rule is another rule.
		if name == "" && used[g.last] >= naming && len(bytes.TrimSpace(raw)) > 0 {
			b.fail(number, "stray text after %s", g.last)
		}
		if name != "" {
			g.last = name
		}
		return nil
	}
	g.last = name
	if len(b.lines) == maxProperties {
		b.fail(number, "more than %d properties", maxProperties)
		return nil
	}
	l, reason := parseLine(number, name, kind, raw)
	switch {
	case reason == "":
		b.lines = append(b.lines, l)
	case kind != wording:
		b.fail(number, "%s: %s", name, reason)
	}
	return nil
}

// open returns the component whose property a line is, or nil.
func (g *guard) open() *block {
	switch {
	case g.deep > 0:
	case len(g.stack) == 2:
		return g.cur
	case len(g.stack) == 3:
		return g.part
	}
	return nil
}

// ofCalendar takes a property of the VCALENDAR itself.
func (g *guard) ofCalendar(number int, name string, raw []byte) {
	if name != "X-WR-TIMEZONE" || g.deep > 0 || len(g.stack) != 1 {
		return
	}
	if l, reason := parseLine(number, name, naming, raw); reason == "" {
		g.floats[len(g.floats)-1] = l.value
	}
}

func (g *guard) begin(number int, name string) error {
	g.last = ""
	if g.deep > 0 || len(g.stack) == maxNesting {
		if g.deep++; g.cur != nil {
			g.cur.fail(number, "components nested too deep")
		}
		return nil
	}
	// A component that nobody closed ends where the next of its kind begins.
	// With another open within it, its own properties may have gone astray.
	if (name == "VEVENT" || name == "VCALENDAR") && len(g.stack) > 1 {
		if len(g.stack) > 2 || name == "VCALENDAR" {
			g.cur.fail(number, "%s has no END", g.cur.name)
		}
		g.unwind(1)
	}
	if name == "VCALENDAR" && len(g.stack) == 1 {
		g.stack = g.stack[:0]
	}
	if name == "VCALENDAR" && len(g.stack) == 0 {
		g.seen = true
		g.floats = append(g.floats, "")
	} else if len(g.stack) == 0 {
		return nil // not in a calendar; its lines are ignored as well
	}
	g.stack = append(g.stack, name)
	if len(g.stack) == 3 && name == "AVAILABLE" {
		g.cur.available = true
	}
	open := func(room []line) *block {
		return &block{name: name, number: number, calendar: len(g.floats) - 1, lines: room[:0]}
	}
	switch {
	case len(g.stack) == 2:
		g.cur = open(g.room)
	case len(g.stack) == 3 && hasPart[g.cur.name][name]:
		g.part = open(g.partRoom)
	default:
		return nil
	}
	if g.kept++; g.kept > g.max {
		return fmt.Errorf("more than %d components", g.max)
	}
	return nil
}

func (g *guard) end(number int, name string) {
	g.last = ""
	if g.deep > 0 {
		g.deep--
		return
	}
	for i := len(g.stack) - 1; i >= 0; i-- {
		if g.stack[i] != name {
			continue
		}
		// Components within, such as an alarm, need no end of their own; one
		// that says when an event is does.
		if i == 0 && len(g.stack) > 2 {
			g.cur.fail(number, "%s has no END", g.cur.name)
		}
		g.unwind(i)
		return
	}
	if g.cur != nil {
		g.cur.fail(number, "END:%s without BEGIN", cleanLine(name))
	} else if g.seen {
		g.outside(number, "END:"+cleanLine(name)+" without BEGIN")
	}
}

// unwind closes components until n are open.
func (g *guard) unwind(n int) {
	g.stack = g.stack[:n]
	if n < 3 && g.part != nil {
		g.partRoom = g.part.lines
		g.part.lines = slices.Clone(g.part.lines)
		g.cur.parts = append(g.cur.parts, *g.part)
		g.part = nil
	}
	if n < 2 && g.cur != nil {
		g.close()
	}
}

func (g *guard) close() {
	g.room = g.cur.lines
	g.cur.lines = slices.Clone(g.cur.lines)
	g.blocks = append(g.blocks, *g.cur)
	g.cur = nil
}
