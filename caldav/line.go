package caldav

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
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
	if l.params == "" {
		return ""
	}
	_, rest, ok := strings.Cut(l.params, ";"+name+`="`)
	if !ok {
		return ""
	}
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// has reports whether there is such a parameter.
func (l line) has(name string) bool {
	return l.params != "" && strings.Contains(l.params, ";"+name+`="`)
}

// frequent holds the names that calendars are full of, so that reading one makes
// no string.
var frequent = func() map[string]string {
	m := make(map[string]string)
	for name := range used {
		m[name] = name
	}
	for _, name := range []string{
		"BEGIN", "END", "VCALENDAR", "VEVENT", "VALARM", "VTIMEZONE", "STANDARD", "DAYLIGHT", "VAVAILABILITY", "AVAILABLE",
		"DTSTAMP", "CREATED", "LAST-MODIFIED", "LOCATION", "PRIORITY", "URL", "ACTION", "TRIGGER", "ATTACH", "TZNAME",
	} {
		m[name] = name
	}
	return m
}()

// upper returns a name in upper case.
func upper(name []byte) string {
	if known, ok := frequent[string(name)]; ok {
		return known
	}
	return strings.ToUpper(string(name))
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
		if name := upper(raw[:i]); used[name] != unused && (i == len(raw) || !isNameByte(raw[i])) {
			return name // with its colon lost
		}
		return ""
	}
	name := upper(raw[:i])
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
	return upper(bytes.TrimSpace(value))
}

// parseLine checks a content line and keeps the parameters that are used. The
// reason says why it is refused.
func parseLine(number int, name string, kind propertyKind, raw []byte) (l line, reason string) {
	if len(raw) > maxLine {
		return l, fmt.Sprintf("line longer than %d KiB", maxLine>>10)
	}
	s := validText(string(raw[len(name):]))
	l = line{number: number, name: name}
	var params strings.Builder
	values := make([]string, 0, 4) // few have more
	for strings.HasPrefix(s, ";") {
		var key string
		key, values, s, reason = parseParam(s[1:], kind, values[:0])
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
			params.Grow(len(key) + len(v) + len(`;=""`))
			params.WriteString(";")
			params.WriteString(key)
			params.WriteString(`="`)
			params.WriteString(v)
			params.WriteString(`"`)
		}
	}
	if s = strings.TrimLeft(s, " "); !strings.HasPrefix(s, ":") {
		return l, "no colon"
	}
	l.params, l.value = params.String(), dropControls(s[1:])
	return l, ""
}

// parseParam reads one parameter from s, which begins after its semicolon, and
// adds its values to list.
func parseParam(s string, kind propertyKind, list []string) (key string, values []string, rest, reason string) {
	i := strings.IndexAny(s, "=;:")
	if i < 0 {
		return "", nil, "", "no colon"
	}
	key = s[:i]
	if s[i] != '=' {
		return key, list, s[i:], "" // a bare word, as vCalendar 1.0 had them
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
		list = append(list, v)
		if s = strings.TrimLeft(s, " "); s == "" {
			return "", nil, "", "no colon"
		}
		switch s[0] {
		case ',':
		case ';', ':':
			return key, list, s, ""
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
	i := 0
	for i < len(s) && !isControl(rune(s[i])) { // all of them are of one byte
		i++
	}
	if i == len(s) {
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

// validText is s with a mark in the place of what is no UTF-8.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\ufffd")
}

// cleanLine makes a stranger's text fit for one line of a parameter, a log or
// a screen.
func cleanLine(s string) string {
	s = strings.TrimSpace(dropControls(validText(s)))
	return strings.ReplaceAll(s, `"`, "'")
}
