package caldav

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
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

// used are the properties that are read; of the others only the form matters. Those that say when an event is must be readable to the letter.
var used = map[string]propertyKind{
	"DTSTART": timing, "DTEND": timing, "DURATION": timing, "RECURRENCE-ID": timing,
	"RRULE": timing, "EXRULE": timing, "RDATE": timing, "EXDATE": timing,
	"TZOFFSETFROM": timing, "TZOFFSETTO": timing,
	"UID": naming, "TZID": naming, "X-LIC-LOCATION": naming, "X-WR-TIMEZONE": naming,
	"SUMMARY": wording, "DESCRIPTION": wording, "CATEGORIES": wording, "CLASS": wording, "STATUS": wording,
	"SEQUENCE": wording, "ORGANIZER": wording, "ATTENDEE": wording,
	"X-MICROSOFT-CDO-BUSYSTATUS": wording, "X-MICROSOFT-CDO-INTENDEDSTATUS": wording,
	"X-MICROSOFT-MSNCALENDAR-BUSYSTATUS": wording, "X-APPLE-EWS-BUSYSTATUS": wording,
	"X-NEXTCLOUD-OUT-OF-OFFICE": wording, "TRANSP": wording, "BUSYTYPE": wording,
}

type propertyKind int

const (
	unused  propertyKind = iota
	wording              // left out when it cannot be read
	naming               // an error when it cannot be read
	timing               // as naming, and its value holds no colon
)

// usedParams are the parameters that are read.
var usedParams = map[string]bool{"TZID": true, "VALUE": true, "RANGE": true, "PARTSTAT": true, "EMAIL": true, "CN": true}

// A line is one content line (RFC 5545 §3.1), unfolded.
type line struct {
	number int // in the unfolded text, from 1
	name   string
	params string // those that are read: ;NAME="value" for each
	value  string
}

// param returns the first value of a parameter.
func (l line) param(name string) string {
	_, rest, ok := strings.Cut(l.params, ";"+name+`="`)
	if !ok {
		return ""
	}
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// has reports whether there is such a parameter.
func (l line) has(name string) bool { return strings.Contains(l.params, ";"+name+`="`) }

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

// first returns the value of the first property of a name.
func (b *block) first(name string) string {
	for _, l := range b.lines {
		if l.name == name {
			return strings.TrimSpace(l.value)
		}
	}
	return ""
}

// uid returns the UID as far as it can be told.
func (b *block) uid() string {
	uid := b.first("UID")
	return strings.ToValidUTF8(uid[:min(len(uid), maxUID)], "")
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
	b := &block{name: name, number: number, calendar: len(g.floats) - 1}
	switch {
	case len(g.stack) == 2:
		g.cur = b
	case len(g.stack) == 3 && hasPart[g.cur.name][name]:
		g.part = b
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
		g.cur.parts = append(g.cur.parts, *g.part)
		g.part = nil
	}
	if n < 2 && g.cur != nil {
		g.close()
	}
}

func (g *guard) close() {
	g.blocks = append(g.blocks, *g.cur)
	g.cur = nil
}

// propertyName returns the upper-case name of a content line, or "" if it does
// not begin with one.
func propertyName(raw []byte) string {
	i := 0
	for i < len(raw) && isNameByte(raw[i]) {
		i++
	}
	if i == 0 {
		return ""
	}
	// No property that counts has a longer name.
	if i > 64 {
		return ""
	}
	if bytes.IndexByte(raw[i:], ':') < 0 {
		if name := strings.ToUpper(string(raw[:i])); used[name] != unused && (i == len(raw) || !isNameByte(raw[i])) {
			return name // with its colon lost
		}
		return ""
	}
	name := strings.ToUpper(string(raw[:i]))
	if raw[i] != ':' && raw[i] != ';' && (raw[i] != ' ' || used[name] == unused) {
		return ""
	}
	return name
}

func isNameByte(c byte) bool {
	return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

// componentName reads the value of a BEGIN or END line.
func componentName(raw []byte) string {
	_, value, _ := bytes.Cut(raw, []byte(":"))
	if len(value) > maxParam {
		value = value[:maxParam]
	}
	return strings.ToUpper(string(bytes.TrimSpace(value)))
}

// parseLine checks a content line and keeps the parameters that are used. The
// reason says why it is refused.
func parseLine(number int, name string, kind propertyKind, raw []byte) (l line, reason string) {
	if len(raw) > maxLine {
		return l, fmt.Sprintf("line longer than %d KiB", maxLine>>10)
	}
	s := strings.ToValidUTF8(string(raw[len(name):]), "\ufffd")
	l = line{number: number, name: name}
	var params strings.Builder
	for strings.HasPrefix(s, ";") {
		var key string
		var values []string
		key, values, s, reason = parseParam(s[1:], kind)
		if reason != "" {
			return l, reason
		}
		if key = strings.ToUpper(strings.TrimSpace(key)); !usedParams[key] {
			continue
		}
		for _, v := range values {
			if v = cleanLine(v); len(v) > maxParam {
				return l, fmt.Sprintf("parameter %s longer than %d bytes", key, maxParam)
			}
			fmt.Fprintf(&params, `;%s="%s"`, key, v)
		}
	}
	if s = strings.TrimLeft(s, " "); !strings.HasPrefix(s, ":") {
		return l, "no colon"
	}
	l.params, l.value = params.String(), dropControls(s[1:])
	return l, ""
}

// parseParam reads one parameter from s, which begins after its semicolon.
func parseParam(s string, kind propertyKind) (key string, values []string, rest, reason string) {
	i := strings.IndexAny(s, "=;:")
	if i < 0 {
		return "", nil, "", "no colon"
	}
	key = s[:i]
	if s[i] != '=' {
		return key, nil, s[i:], "" // a bare word, as vCalendar 1.0 had them
	}
	for s = s[i+1:]; ; s = s[1:] {
		var v string
		if strings.HasPrefix(s, `"`) {
			end := strings.IndexByte(s[1:], '"')
			if end < 0 {
				return "", nil, "", "quotation mark not closed"
			}
			v, s = s[1:1+end], s[end+2:]
		} else {
			v, s = cutValue(s, key, kind)
			if strings.Contains(v, `"`) {
				return "", nil, "", "quotation mark within a parameter"
			}
		}
		values = append(values, v)
		if s = strings.TrimLeft(s, " "); s == "" {
			return "", nil, "", "no colon"
		}
		switch s[0] {
		case ',':
		case ';', ':':
			return key, values, s, ""
		default:
			return "", nil, "", "text after a quoted parameter"
		}
	}
}

// cutValue cuts off an unquoted parameter value. Outlook writes
// TZID=(UTC+01:00) Berlin without quotes; the value of a date holds no colon,
// so there the last one is the right one.
func cutValue(s, key string, kind propertyKind) (value, rest string) {
	stop := ",;:"
	if kind == timing && strings.EqualFold(strings.TrimSpace(key), "TZID") {
		stop = ",;"
		if strings.HasPrefix(s, "(") {
			stop = ";"
		}
	}
	end := strings.IndexAny(s, stop)
	if end < 0 {
		end = len(s)
	}
	if !strings.Contains(stop, ":") {
		if i := strings.LastIndexByte(s, ':'); i >= 0 {
			end = min(end, i)
		}
	}
	return s[:end], s[end:]
}

// dropControls removes what RFC 5545 §3.1 calls CONTROL.
func dropControls(s string) string {
	if !strings.ContainsFunc(s, isControl) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if isControl(r) {
			return -1
		}
		return r
	}, s)
}

func isControl(r rune) bool { return (r < ' ' && r != '\t') || r == 0x7f }

// cleanLine makes a stranger's text fit for one line of a parameter, a log or
// a screen.
func cleanLine(s string) string {
	s = strings.TrimSpace(dropControls(strings.ToValidUTF8(s, "\ufffd")))
	return strings.ReplaceAll(s, `"`, "'")
}
