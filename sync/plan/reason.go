package plan

import (
	"fmt"
	"time"

	"awayd/sync/absence"
)

// Reasons are read by people who ask "why did it say I was away?": each names
// the event, the rule that made it an absence, and the clock time.

func (d *decision) reasonStage() string {
	return fmt.Sprintf("%s begins %s", Describe(d.next), clock(d.next.Start, d.next))
}

func (d *decision) reasonUnstage() string {
	switch {
	case !d.hasNext:
		return "no absence is ahead any more"
	case d.seen.Openly:
		return "the server cannot hide what is ahead"
	}
	return "the next absence is left to the person" // the clock was set back, and it was live before
}

func (d *decision) reasonReveal(recovering bool) string {
	s := fmt.Sprintf("%s began %s", Describe(d.live), clock(d.live.Start, d.live))
	switch {
	case recovering:
		s += "; the server had lost the message"
	case d.begun() == Reveal:
		s += "; an earlier attempt had been cut short"
	}
	return s
}

func (d *decision) reasonAmend(want Payload) string {
	was := d.current.Payload
	switch {
	case was.Equal(want):
		return fmt.Sprintf("the message of %s; told again after an interruption", Describe(d.live))
	case !was.End.Equal(want.End):
		return fmt.Sprintf("%s now ends %s, not %s", Describe(d.live), clock(want.End, d.live), clock(was.End, d.live))
	case !was.Start.Equal(want.Start):
		return fmt.Sprintf("%s now begins %s, not %s", Describe(d.live), clock(want.Start, d.live), clock(was.Start, d.live))
	}
	return fmt.Sprintf("the message of %s is another one from now on", Describe(d.live))
}

func (d *decision) reasonWithdraw() string {
	if !d.mine() {
		return "an earlier withdrawal had been cut short"
	}
	p := d.shown()
	of, known := d.periodOf(p)
	name := "the absence"
	if known {
		name = Describe(of)
	}
	switch {
	case d.isLive && d.seen.openTo(d.wish.Audience):
		return fmt.Sprintf("others are in %s, the audience, now: who left is told the end, and all who are in it are told anew", d.wish.Audience)
	case d.isLive:
		return fmt.Sprintf("the audience is %s now: who could see the message so far is told the end", d.wish.Audience)
	case !p.End.IsZero() && !p.End.After(d.now):
		return fmt.Sprintf("%s ended %s", name, clock(p.End, d.zoneOf()))
	case p.Start.After(d.now):
		return fmt.Sprintf("visible too early: %s begins %s", name, clock(p.Start, d.zoneOf()))
	}
	return fmt.Sprintf("no absence holds at %s any more; what contacts could read was to end %s", clock(d.now, d.zoneOf()), clock(p.End, d.zoneOf()))
}

// zoneOf is some period of the wish, for its zone.
func (d *decision) zoneOf() absence.Period {
	if len(d.wish.Periods) > 0 {
		return d.wish.Periods[0]
	}
	return absence.Period{Start: d.now}
}

// Describe names the event behind a period, and the rule that makes it one. A private event stays unnamed even
// in the log.
func Describe(p absence.Period) string {
	if len(p.Absences) == 0 {
		return "an absence"
	}
	a := p.Absences[0]
	s := fmt.Sprintf("%q", a.Summary)
	if a.Private || a.Summary == "" {
		s = "a private event"
		if !a.Private {
			s = "an event without a title"
		}
	}
	if a.Calendar != "" {
		s += fmt.Sprintf(" in %q", a.Calendar)
	}
	s += fmt.Sprintf(" (%s)", a.Matched)
	if n := len(p.Absences) - 1; n > 0 {
		s += fmt.Sprintf(" and %d more", n)
	}
	return s
}

// clock is t as the person's own clock shows it.
func clock(t time.Time, p absence.Period) string {
	return t.In(p.Start.Location()).Format("2006-01-02 15:04:05 MST")
}
