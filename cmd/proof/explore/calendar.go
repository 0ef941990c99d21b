package explore

import (
	"slices"
	"time"

	"awayd/sync/absence"
	"awayd/sync/plan"
)

// origin is hour 0. Hours lie far enough apart for every retry in between.
var origin = time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)

func at(hour int) time.Time { return origin.Add(time.Duration(hour) * time.Hour) }

// Long has the instants of interest: every start, end and change of text of
// every edition of the calendar, and moments between them. Short and Brief have
// fewer of them, for more disturbances.
var (
	Long  = []int{5, 8, 9, 10, 11, 13, 15, 17, 20, 21, 24, 27, 30, 35, 40, 42}
	Short = []int{9, 10, 15, 20, 24, 30, 40}
	Brief = []int{5, 8, 10, 20, 30}
)

// A calendar is an edition of either of two vacations.
type calendar struct{ first, second uint8 }

type vacation struct {
	what       string
	start, end int
	second     int    // when another text begins to hold; 0: never
	text       string // "": there is no vacation
}

// firsts and seconds are the editions; those of index 1 are what the calendar
// holds at the beginning.
var (
	firsts = []vacation{
		{what: "first removed"},
		{"first as at the beginning", 10, 20, 15, "Gone fishing"},
		{"first moved to later", 13, 21, 17, "Gone fishing"},
		{"first under another text", 10, 20, 15, "Gone hiking"},
		{"first made longer", 10, 24, 15, "Gone fishing"},
		{"first made shorter", 10, 13, 0, "Gone fishing"},
		{"first moved to earlier", 8, 17, 13, "Gone fishing"},
	}
	seconds = []vacation{
		{what: "second removed"},
		{"second as at the beginning", 30, 40, 0, "Off to Verona"},
		{"second right after the first", 20, 27, 0, "Off to Verona"},
	}
	beginning = calendar{1, 1}
)

func (v vacation) period() (absence.Period, bool) {
	if v.text == "" {
		return absence.Period{}, false
	}
	p := absence.Period{
		Start: at(v.start), End: at(v.end),
		Absences: []absence.Absence{{UID: v.text[:4], Start: at(v.start), End: at(v.end), Summary: v.text}},
		Texts:    []absence.Text{{From: at(v.start), Message: v.text}},
	}
	if v.second > 0 {
		p.Texts = append(p.Texts, absence.Text{From: at(v.second), Message: v.text + ", second half"})
	}
	return p, true
}

// timelines has the timeline of every edition.
var timelines = func() map[calendar]absence.Timeline {
	m := make(map[calendar]absence.Timeline)
	for f := range firsts {
		for s := range seconds {
			var l absence.Timeline
			for _, v := range []vacation{firsts[f], seconds[s]} {
				if p, ok := v.period(); ok {
					l.Periods = append(l.Periods, p)
				}
			}
			m[calendar{uint8(f), uint8(s)}] = l
		}
	}
	return m
}()

// fits reports whether the periods do not overlap: what overlaps becomes one
// period before it gets here.
func (c calendar) fits() bool {
	f, s := firsts[c.first], seconds[c.second]
	return f.text == "" || s.text == "" || f.end <= s.start
}

// live is what contacts are to see at t.
func (c calendar) live(t time.Time) (plan.Payload, bool) {
	p, ok := timelines[c].At(t)
	if !ok {
		return plan.Payload{}, false
	}
	return plan.NewPayload(p.Start, p.End, p.Message(t)), true
}

// ahead is what is to be staged at t.
func (c calendar) ahead(t time.Time) (plan.Payload, bool) {
	p, ok := timelines[c].After(t)
	if !ok {
		return plan.Payload{}, false
	}
	return plan.NewPayload(p.Start, p.End, p.Message(p.Start)), true
}

// A saying is a text and the start it is said with, of any edition: what
// contacts are told is one of them.
type saying struct {
	start time.Time
	text  string
}

var sayings = func() []saying {
	var list []saying
	for _, v := range slices.Concat(firsts, seconds) {
		p, _ := v.period()
		for _, x := range p.Texts {
			if s := (saying{p.Start, x.Message}); !slices.Contains(list, s) {
				list = append(list, s)
			}
		}
	}
	return list
}()

// A set of sayings, as bits.
type said uint32

func (s said) with(p plan.Payload) said {
	return s | 1<<slices.Index(sayings, saying{p.Start, p.Message})
}

func (s said) has(p plan.Payload) bool {
	i := slices.Index(sayings, saying{p.Start, p.Message})
	return i >= 0 && s&(1<<i) != 0
}

// hasText reports whether the text was said with any start.
func (s said) hasText(text string) bool {
	for i, x := range sayings {
		if s&(1<<i) != 0 && x.text == text {
			return true
		}
	}
	return false
}

func same(p, q plan.Payload) bool {
	return p.Message == q.Message && p.Start.Equal(q.Start) && p.End.Equal(q.End)
}
