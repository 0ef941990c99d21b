package xmppout

import (
	"encoding/xml"
	"regexp"
	"strings"
	"time"

	"awayd/sync/plan"
)

// An element is any XML element, for content whose form is not known before.
type element struct {
	XMLName  xml.Name
	Text     string    `xml:",chardata"`
	Children []element `xml:",any"`
}

// writePayload makes the <ooo/> element (XEP-0109 §4): all three children, in
// this order.
func writePayload(p plan.Payload) element {
	child := func(name, text string) element {
		return element{XMLName: xml.Name{Space: nsOOO, Local: name}, Text: text}
	}
	return element{XMLName: xml.Name{Space: nsOOO, Local: "ooo"}, Children: []element{
		child("start", writeTime(p.Start)), child("end", writeTime(p.End)), child("message", p.Message),
	}}
}

// read returns the item. One that does not read exactly as awayd could have
// written it is marked odd.
func (i item) read() plan.Item {
	if len(i.Content) != 1 {
		return plan.Item{ID: i.ID, Odd: true}
	}
	p, ok := readPayload(i.Content[0])
	return plan.Item{ID: i.ID, Payload: p, Odd: !ok}
}

// readPayload reads an <ooo/> element and reports whether it is one whose three
// values a [plan.Payload] holds in full. If not, it returns what it can, for
// people to look at. Order, prefixes and white space between the children do
// not matter: a server may rewrite them.
func readPayload(e element) (plan.Payload, bool) {
	var p plan.Payload
	if e.XMLName != (xml.Name{Space: nsOOO, Local: "ooo"}) {
		return p, false
	}
	seen := make(map[string]int)
	ok := strings.TrimSpace(e.Text) == "" && len(e.Children) == 3
	for _, c := range e.Children {
		fine := c.XMLName.Space == nsOOO && len(c.Children) == 0
		switch c.XMLName.Local {
		case "start":
			fine = readTime(&p.Start, c.Text) && fine
		case "end":
			fine = readTime(&p.End, c.Text) && fine
		case "message":
			p.Message = c.Text
		default:
			fine = false
		}
		seen[c.XMLName.Local]++
		ok = ok && fine && seen[c.XMLName.Local] == 1
	}
	return p, ok
}

// Times are XEP-0082 §3.2 DateTime, or empty (XEP-0109 §4).

const timeLayout = "2006-01-02T15:04:05Z"

func writeTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeLayout)
}

// dateTime is stricter than the time package, which also takes a comma, one
// digit for the hour, and more.
var dateTime = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$`)

// readTime reads s into t and reports whether t says all that s says. A
// fraction of a second is cut off: awayd writes none, so that item is not its.
func readTime(t *time.Time, s string) bool {
	s = strings.TrimSpace(s)
	if s == "" {
		*t = time.Time{}
		return true
	}
	if !dateTime.MatchString(s) {
		return false
	}
	parsed, err := time.Parse(time.RFC3339Nano, s)
	parsed = parsed.UTC()
	if err != nil || parsed.IsZero() || parsed.Year() < 1 || parsed.Year() > 9999 {
		return false
	}
	*t = parsed.Truncate(time.Second)
	return parsed.Nanosecond() == 0
}

// fit reports whether p arrives as it is: XML has no way to carry some control
// characters, and XEP-0082 none to carry a year of five digits.
func fit(p plan.Payload) error {
	b, err := xml.Marshal(writePayload(p))
	if err == nil {
		var e element
		if err = xml.Unmarshal(b, &e); err == nil {
			if q, ok := readPayload(e); ok && q.Equal(p) {
				return nil
			}
		}
	}
	return &Error{Kind: Unfit, What: "publish message: its times or its text cannot be carried as they are", Err: err,
		hint: "remove control characters from the message template"}
}
