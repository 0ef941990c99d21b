package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"awayd/cmd/awayd/control"
	"awayd/sync/account"
	"awayd/sync/engine"
)

// A state is how a period stands. It is also the class of its bar and the name
// of its pattern.
type state string

const (
	live   state = "live"   // contacts see it
	staged state = "staged" // hidden on the node
	ahead  state = "ahead"  // known, and to be staged
	held   state = "held"   // kept as it was, while its calendar is not believed
	alone  state = "alone"  // left to the person
)

// Label says it in words.
func (s state) Label() string {
	return map[state]string{
		live: "seen by contacts now", staged: "staged, hidden", ahead: "ahead", held: "held", alone: "left alone",
	}[s]
}

// stateOf compares a period with what is on the node.
func stateOf(x control.PreviewPeriod, s engine.Status, p control.Preview, now time.Time) state {
	begun := !x.Start.After(now) && x.End.After(now)
	switch {
	case begun && s.Mode == engine.ModeOverridden:
		return alone
	case begun && s.Visible != nil:
		return live
	case s.Mode == string(account.Paused):
		return alone
	case heldBack(x, s, p):
		return held
	case s.Staged != nil && s.Staged.Start != nil && s.Staged.Start.Equal(x.Start.Truncate(time.Second)):
		return staged
	}
	return ahead
}

// heldBack reports whether a period stands on a calendar that is not believed.
func heldBack(x control.PreviewPeriod, s engine.Status, p control.Preview) bool {
	for _, c := range s.Calendars {
		if c.Hold == "" {
			continue
		}
		for _, a := range p.Absences {
			if a.Calendar == c.Name && slices.Contains(x.Absences, a.UID) && a.Start.Before(x.End) && a.End.After(x.Start) {
				return true
			}
		}
	}
	return false
}

// An axis is the time that a picture shows: thirteen months, so that the year
// from any day of the first one is in it.
type axis struct{ from, to, now time.Time }

const shownMonths = 13

func newAxis(now time.Time) axis {
	from := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
	return axis{from, from.AddDate(0, shownMonths, 0), now}
}

// at is where a moment is, in percent of the width.
func (a axis) at(t time.Time) float64 {
	return min(max(100*float64(t.Sub(a.from))/float64(a.to.Sub(a.from)), 0), 100)
}

// A year is the picture of an account's coming year. Its widths are percents,
// so that it fits every screen while its text stays as large as it is.
type year struct {
	ID           int // among those of the page
	JID          string
	Title, About string
	Months       []month
	Today        string
	Bars, Marks  []bar
	Periods      []yearPeriod
}

type month struct{ X, Middle, Long, Short string }

type bar struct {
	X, W  string
	State state
	Title string
}

type yearPeriod struct {
	Span, Long string
	State      state
}

// leastWidth keeps one day from being too narrow to be seen.
const leastWidth = 0.9

func (v *visit) year(a axis, s engine.Status, p control.Preview, id int) year {
	y := year{ID: id, JID: s.JID, Today: percent(a.at(a.now)), Title: "The coming year of " + s.JID}
	for i := range shownMonths {
		from, to := a.from.AddDate(0, i, 0), a.from.AddDate(0, i+1, 0)
		y.Months = append(y.Months, month{
			percent(a.at(from)), percent((a.at(from) + a.at(to)) / 2), from.Format("Jan"), from.Format("Jan")[:1],
		})
	}
	for _, x := range p.Periods {
		st := stateOf(x, s, p, v.Now())
		span := v.Phrases.During(x.Start, x.End, false)
		from, width := a.at(x.Start), max(a.at(x.End)-a.at(x.Start), leastWidth)
		y.Bars = append(y.Bars, bar{percent(min(from, 100-width)), percent(width), st, span + ", " + st.Label()})
		y.Periods = append(y.Periods, yearPeriod{span, v.Phrases.Long(x.Start, x.End), st})
	}
	y.Marks = v.marks(a, p.Ignored)
	y.About = about(y, len(p.Ignored))
	return y
}

// marks are the events that are no absence, those close together as one.
func (v *visit) marks(a axis, list []control.PreviewIgnored) []bar {
	const near = leastWidth / 3
	var marks []bar
	var from, to float64 // of the last mark
	events := 0          // in it
	for _, x := range list {
		begin := a.at(x.Start)
		end := max(a.at(x.End), begin+near)
		if len(marks) > 0 && begin <= to+near {
			to, events = max(to, end), events+1
			marks[len(marks)-1] = bar{X: percent(from), W: percent(to - from), Title: fmt.Sprintf("%d events that are no absence", events)}
			continue
		}
		from, to, events = begin, end, 1
		title := fmt.Sprintf("%s %s: %s", v.Phrases.During(x.Start, x.End, false), named(x.Summary), x.Detail)
		marks = append(marks, bar{X: percent(from), W: percent(to - from), Title: title})
	}
	return marks
}

// about is the picture for those who cannot see it.
func about(y year, ignored int) string {
	if len(y.Periods) == 0 {
		return fmt.Sprintf("No period away. Ignored events: %d.", ignored)
	}
	parts := make([]string, len(y.Periods))
	for i, p := range y.Periods {
		parts[i] = fmt.Sprintf("%s (%s)", p.Span, p.State.Label())
	}
	return fmt.Sprintf("Away: %s. Ignored events: %d.", strings.Join(parts, "; "), ignored)
}

func percent(x float64) string { return fmt.Sprintf("%.2f%%", x) }
