package absence

import (
	"testing"
	"time"
)

func TestTimeline(t *testing.T) {
	hour := func(h int) time.Time { return time.Date(2025, 7, 7, h, 0, 0, 0, time.UTC) }
	l := Timeline{Periods: []Period{
		{Start: hour(2), End: hour(6), Texts: []Text{{hour(2), "a"}, {hour(4), "b"}}},
		{Start: hour(8), End: hour(9), Texts: []Text{{hour(8), "c"}}},
	}}
	for _, c := range []struct {
		at, holds, after, next, last int // 0: none
		message                      string
	}{
		{1, 0, 2, 2, 0, ""}, {2, 2, 8, 4, 2, "a"}, {3, 2, 8, 4, 2, "a"}, {4, 2, 8, 6, 4, "b"}, {5, 2, 8, 6, 4, "b"},
		{6, 0, 8, 8, 6, ""}, {7, 0, 8, 8, 6, ""}, {8, 8, 0, 9, 8, "c"}, {9, 0, 0, 0, 9, ""},
	} {
		p, ok := l.At(hour(c.at))
		if ok != (c.holds > 0) || ok && (p.Start.Hour() != c.holds || p.Message(hour(c.at)) != c.message) {
			t.Errorf("at %d: %v, %v", c.at, p, ok)
		}
		if p, ok := l.After(hour(c.at)); ok != (c.after > 0) || ok && p.Start.Hour() != c.after {
			t.Errorf("after %d: %v, %v", c.at, p, ok)
		}
		if n, ok := l.Next(hour(c.at)); ok != (c.next > 0) || ok && n.Hour() != c.next {
			t.Errorf("next after %d: %v, %v", c.at, n, ok)
		}
		if n, ok := l.Last(hour(c.at)); ok != (c.last > 0) || ok && n.Hour() != c.last {
			t.Errorf("last at %d: %v, %v", c.at, n, ok)
		}
	}
	if got := (Period{}).Message(hour(1)); got != "" {
		t.Errorf("a period without texts says %q", got)
	}
	if got := l.Periods[0].Message(hour(0)); got != "a" {
		t.Errorf("before its start a period says %q", got)
	}
}

// Never early: no period holds a moment that none of its absences or joins
// holds, and none begins before its first absence.
func TestTimelineIsNeverEarly(t *testing.T) {
	r := july("Europe/Berlin", every("20250711 20250712", "20250714 20250715", "20250716T120000 20250716T130000"))
	for m := at("20250701").In(time.UTC); m.Before(at("20250801").Wall); m = m.Add(7 * time.Minute) {
		_, away := r.Timeline.At(m)
		covered := false
		for _, a := range r.Absences {
			covered = covered || !m.Before(a.Start) && m.Before(a.End)
		}
		for _, p := range r.Timeline.Periods {
			for _, j := range p.Joins {
				covered = covered || !m.Before(j.From) && m.Before(j.To)
			}
		}
		if away != covered {
			t.Fatalf("at %v away is %v, but covered is %v", m, away, covered)
		}
	}
}
