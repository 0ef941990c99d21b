package caldav

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// manyEvents is a calendar of n events as programs write them.
func manyEvents(n int) []byte {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//awayd//test//EN\r\n")
	for i := range n {
		fmt.Fprintf(&b, "BEGIN:VEVENT\r\nUID:%d\r\nDTSTAMP:20250101T000000Z\r\nCREATED:20250101T000000Z\r\nSEQUENCE:1\r\n", i)
		fmt.Fprintf(&b, "DTSTART;TZID=Europe/Berlin:202501%02dT090000\r\nDTEND;TZID=Europe/Berlin:202501%02dT100000\r\n", i%28+1, i%28+1)
		if i%20 == 0 {
			b.WriteString("RRULE:FREQ=WEEKLY;BYDAY=MO,WE\r\n")
		}
		b.WriteString("SUMMARY:Weekly with the team\r\nLOCATION:Room 5\r\nTRANSP:OPAQUE\r\n")
		b.WriteString("DESCRIPTION:" + strings.Repeat("What is to be said\\, and more. ", 10) + "\r\n")
		b.WriteString("ATTENDEE;CN=Kim;PARTSTAT=ACCEPTED:mailto:kim@example.org\r\n")
		b.WriteString("BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT15M\r\nEND:VALARM\r\nEND:VEVENT\r\n")
	}
	b.WriteString("END:VCALENDAR\r\n")
	return []byte(b.String())
}

func BenchmarkReadICS(b *testing.B) {
	data := manyEvents(1_000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if list, err := ReadICS(bytes.NewReader(data), ""); err != nil || len(list) != 1_000 {
			b.Fatal(len(list), err)
		}
	}
}

// BenchmarkReadObject reads one object with a VTIMEZONE beside its event.
func BenchmarkReadObject(b *testing.B) {
	data := bytes.Replace(manyEvents(1), []byte("BEGIN:VEVENT"), []byte(strings.ReplaceAll(berlinText, "\n", "\r\n")+"BEGIN:VEVENT"), 1)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if o := readObject(data); len(o.Events) != 1 || len(o.Errors) > 0 {
			b.Fatal(o)
		}
	}
}

const berlinText = `BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
`

// BenchmarkMultistatus reads a 207 with calendar data.
func BenchmarkMultistatus(b *testing.B) {
	var s strings.Builder
	s.WriteString(`<?xml version="1.0"?><multistatus xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">`)
	text := strings.ReplaceAll(string(manyEvents(1)), "\r\n", "&#13;\n")
	for i := range 1_000 {
		fmt.Fprintf(&s, `<response><href>/u/c/%d.ics</href><propstat><prop><getetag>"%d"</getetag><C:calendar-data>%s</C:calendar-data></prop>`+
			`<status>HTTP/1.1 200 OK</status></propstat></response>`, i, i, text)
	}
	s.WriteString(`<sync-token>http://example.org/1</sync-token></multistatus>`)
	b.SetBytes(int64(s.Len()))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		if _, err := readMultistatus(strings.NewReader(s.String()), func(response) { n++ }); err != nil || n != 1_000 {
			b.Fatal(n, err)
		}
	}
}

// BenchmarkCursor reads and writes the cursor of a calendar of 5,000 events,
// which a poll without news does once.
func BenchmarkCursor(b *testing.B) {
	c := cursor{Token: "http://example.org/1", Seen: seen{}}
	for i := range 5_000 {
		c.Seen.put(fmt.Sprintf("%d.ics", i), fmt.Sprint(i))
	}
	text := c.String()
	b.ReportAllocs()
	for b.Loop() {
		c := readCursor(text)
		c.Polls++
		_ = c.String()
	}
}
