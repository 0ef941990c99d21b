package absence

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEventMessage(t *testing.T) {
	for description, want := range map[string]string{
		"":                     "",
		"OOO: Back in August.": "Back in August.",
		"ooo:Back\r\n in August.\r\n\r\nNot this":      "Back\nin August.",
		"Flight LH 123\nOOO: Gone.\nAsk Kim.\n\nHotel": "Gone.\nAsk Kim.",
		"About OOO: nothing":                           "",
		"OOO":                                          "",
		"OOO:\nOn the next line":                       "On the next line",
		"OOO: {{.Summary}} \x1b[31m":                   "{{.Summary}} [31m",
		"OOO:\n\nEmpty":                                "",
		"OOO: one\n\nOOO: two":                         "one",
	} {
		if got := eventMessage(description); got != want {
			t.Errorf("%q: got %q, want %q", description, got, want)
		}
	}
}

// The message of an event counts when it is switched on, for the person's own
// events that are not private.
func TestMessageFromEvent(t *testing.T) {
	const builtin, own = "I am away until Friday, 11 July and back on Monday, 14 July.", "Fishing."
	for _, c := range []struct {
		name   string
		change func(*Settings, *Event)
		want   string
	}{
		{"on", func(*Settings, *Event) {}, own},
		{"off", func(s *Settings, _ *Event) { s.MessageFromEvent = false }, builtin},
		{"private", func(_ *Settings, e *Event) { e.Private = true }, builtin},
		{"without a block", func(_ *Settings, e *Event) { e.Description = "Fishing" }, builtin},
		{"before the template", func(s *Settings, _ *Event) { s.Message = "Away." }, own},
		{"somebody else's words", func(s *Settings, e *Event) {
			s.Addresses = []string{"mailto:me@example.org"}
			e.Organizer, e.Attendees = "mailto:hr@example.org", []Attendee{{Address: "mailto:me@example.org", PartStat: "ACCEPTED"}}
		}, builtin},
	} {
		s := Defaults()
		s.MessageFromEvent = true
		e := Event{UID: "u", Start: at("20250707"), End: ref("20250712"), Summary: "Vacation", Description: "OOO: Fishing."}
		c.change(&s, &e)
		r := Build([]Calendar{{Objects: []Object{{Events: []Event{e}}}}}, s, at("20250701").Wall, at("20250801").Wall)
		if len(r.Timeline.Periods) != 1 {
			t.Fatalf("%s: %+v", c.name, r)
		}
		if got := r.Timeline.Periods[0].Texts[0].Message; got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func FuzzEventMessage(f *testing.F) {
	f.Add("OOO: x\n\ny")
	f.Fuzz(func(t *testing.T, s string) {
		got := eventMessage(s)
		if !utf8.ValidString(got) || len(got) > maxMessage+len("…") || strings.TrimSpace(got) != got {
			t.Errorf("%q", got)
		}
	})
}
