package plan

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"awayd/sync/absence"
)

// A scene is everything Decide may be confronted with: what the person wants,
// what is on the node, and a journal that may have been cut short anywhere.
type scene struct {
	wish Wish
	seen Observed
	j    Journal
	now  time.Time
}

func genTimeline(t *rapid.T, label string) absence.Timeline {
	var l absence.Timeline
	hour := float64(rapid.IntRange(-40, 0).Draw(t, label+" begin"))
	for i := range rapid.IntRange(0, 4).Draw(t, label+" periods") {
		start := hour + float64(rapid.IntRange(1, 20).Draw(t, "gap"))
		end := start + float64(rapid.IntRange(1, 20).Draw(t, "length"))
		p := period(fmt.Sprintf("%s%d", label, i), start, end)
		if rapid.Bool().Draw(t, "two texts") {
			p.Texts = append(p.Texts, absence.Text{From: at((start + end) / 2), Message: "second text"})
		}
		l.Periods = append(l.Periods, p)
		hour = end
	}
	return l
}

func genScene(t *rapid.T) scene {
	s := scene{
		wish: Wish{genTimeline(t, "w"), rapid.SampledFrom([]AccessModel{Presence, Open, Group("a"), Group("b")}).Draw(t, "audience")},
		now:  at(float64(rapid.IntRange(-45, 45).Draw(t, "now"))),
	}
	// Payloads that may lie on the node: of the wish, of an earlier wish, and
	// the person's own.
	var mine []Payload
	for _, l := range []absence.Timeline{s.wish.Timeline, genTimeline(t, "old")} {
		for _, p := range l.Periods {
			mine = append(mine, staged(p), NewPayload(p.Start, p.End, "second text"), NewPayload(p.Start, s.now, p.Message(p.Start)))
		}
	}
	s.j.Sent = make(map[string]time.Time)
	for _, p := range mine {
		s.j.Sent[p.Hash()] = t0
	}
	s.seen.Exists = rapid.Bool().Draw(t, "exists")
	if s.seen.Exists {
		s.seen.Access = rapid.SampledFrom([]AccessModel{Whitelist, Presence, Open, "roster", Group("a"), Group("b")}).Draw(t, "access")
		s.seen.Guests = rapid.IntRange(0, 4).Draw(t, "guests") == 0
		if _, group := s.wish.Audience.Group(); group && s.seen.Access == Whitelist && rapid.Bool().Draw(t, "by members") {
			s.seen.ByMembers = true
			c := Circle{Contacts: rapid.IntRange(0, 2).Draw(t, "contacts")}
			c.Strangers = s.seen.Guests && (c.Contacts == 0 || rapid.Bool().Draw(t, "strangers"))
			c.Missing = c.Contacts > 0 && (!s.seen.Guests || rapid.Bool().Draw(t, "missing"))
			s.seen.Circle = &c
		}
		for _, id := range []string{ItemCurrent, ItemArchive, "other"} {
			switch rapid.IntRange(0, 5).Draw(t, id) {
			case 0, 1:
				if len(mine) > 0 {
					s.seen.Items = append(s.seen.Items, Item{ID: id, Payload: rapid.SampledFrom(mine).Draw(t, "payload")})
				}
			case 2:
				s.seen.Items = append(s.seen.Items, Item{ID: id, Payload: Payload{
					Start:   s.now.Add(-time.Hour),
					End:     s.now.Add(time.Duration(rapid.IntRange(-5, 5).Draw(t, "own end")) * time.Hour),
					Message: "own",
				}})
			}
		}
	}
	s.j.Audience = rapid.SampledFrom([]AccessModel{"", Presence, Open, Group("a"), Group("b")}).Draw(t, "opened as")
	s.j.Clean = rapid.Bool().Draw(t, "clean")
	if k := rapid.SampledFrom([]Kind{"", Stage, Unstage, Reveal, Amend, Withdraw}).Draw(t, "begun"); k != "" {
		s.j.Begun = &Action{Kind: k}
	}
	if len(mine) > 0 && rapid.Bool().Draw(t, "seen") {
		s.j.Seen = &Item{
			ID:      rapid.SampledFrom([]string{ItemCurrent, ItemArchive}).Draw(t, "seen id"),
			Payload: rapid.SampledFrom(mine).Draw(t, "seen payload"),
		}
	}
	if n := len(s.wish.Periods); n > 0 && rapid.IntRange(0, 3).Draw(t, "override") == 0 {
		p := s.wish.Periods[rapid.IntRange(0, n-1).Draw(t, "of")]
		s.j.Override = &Override{Absences: []string{p.Absences[0].Fingerprint()}, Until: p.End}
	}
	return s
}

func (s scene) foreign() bool {
	for _, i := range s.seen.Items {
		if !s.j.Wrote(i) && (i.Payload.End.IsZero() || i.Payload.End.After(s.now)) {
			return true
		}
	}
	return false
}

// strangers reports whether awayd's item is on a node that lets in somebody whom
// the audience that is wished for does not have.
func (s scene) strangers() bool {
	if s.seen.Unread || !slices.ContainsFunc(s.seen.Items, s.j.Wrote) {
		return false
	}
	name, group := s.wish.Audience.Group()
	switch {
	case s.seen.Access == Whitelist && !s.seen.Guests:
		return false
	case s.seen.Circle != nil && s.seen.Circle.Strangers:
		return true
	case s.seen.Access == Open, s.seen.Access == Presence && group:
		return s.wish.Audience != Open
	}
	other, ok := s.seen.Access.Group()
	return ok && group && other != name
}

// Every action is allowed at its moment, whatever the server holds.
func TestActionsAreNeverEarlyAndSparePersons(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := genScene(t)
		live, isLive := s.wish.At(s.now)
		withdrawn := false
		for _, a := range Decide(s.wish, s.seen, s.j, s.now) {
			if a.Reason == "" {
				t.Fatalf("%s without a reason", a.Kind)
			}
			if a.Kind == Reveal && !a.Fresh && s.strangers() && !withdrawn {
				t.Fatalf("reveal to %s while others hold what %+v shows", s.wish.Audience, s.seen)
			}
			withdrawn = withdrawn || a.Kind == Withdraw
			switch a.Kind {
			case Reveal, Amend:
				if !isLive || a.Payload.Start.After(s.now) || !a.Payload.End.Equal(live.End) {
					t.Fatalf("%s outside its period: %+v", a.Kind, a)
				}
			case Stage:
				if isLive || !a.Payload.Start.After(s.now) {
					t.Fatalf("stage of a period that has begun: %+v", a)
				}
			case Withdraw:
				if !a.Quiet && (a.Payload.End.IsZero() || a.Payload.End.After(s.now) || a.Payload.Start.After(a.Payload.End)) {
					t.Fatalf("closing message that is not over: %+v", a.Payload)
				}
			}
			if s.foreign() && a.Kind != Yield && !(a.Kind == Withdraw && a.Spare) {
				t.Fatalf("%s beside something of the person's own", a.Kind)
			}
		}
	})
}

// After its actions Decide asks for nothing more, and what then stands on the
// node is right.
func TestDecideConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := genScene(t)
		foreign := s.foreign()
		for round := 0; ; round++ {
			actions := Decide(s.wish, s.seen, s.j, s.now)
			if len(actions) == 0 {
				break
			}
			if round == 2 {
				t.Fatalf("still acting after %d rounds: %+v", round, actions)
			}
			for _, a := range actions {
				s.seen, s.j = apply(s.wish, s.seen, s.j, a, s.now)
			}
		}
		s.j = s.j.Saw(s.seen, s.now)
		if again := Decide(s.wish, s.seen, s.j, s.now); len(again) != 0 {
			t.Fatalf("looking once more changed the plan: %+v", again)
		}
		_, isLive := s.wish.At(s.now)
		if isLive && s.strangers() && !foreign && s.j.Override == nil {
			t.Fatalf("others than %s are let in: %+v", s.wish.Audience, s.seen)
		}
		for _, i := range s.seen.Items {
			if s.j.Wrote(i) && !s.seen.Hidden() && !isLive {
				t.Fatalf("stale or early: %+v", i)
			}
			if s.j.Wrote(i) && s.seen.Hidden() && !isLive && i.Payload.Start.After(s.now) && !s.j.Clean && !foreign && s.j.Override == nil {
				t.Fatalf("staged on a node that contacts may be subscribed to: %+v", i)
			}
		}
	})
}

// A forecast is finite, in order, and never stops while something is visible
// past its end.
func TestForecastEndsQuietly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := genScene(t)
		steps := Forecast(s.wish, s.seen, s.j, s.now, at(1000))
		if len(steps) > 100 {
			t.Fatalf("%d steps for %d periods", len(steps), len(s.wish.Periods))
		}
		for i := 1; i < len(steps); i++ {
			if steps[i].At.Before(steps[i-1].At) {
				t.Fatalf("step %d is before step %d", i, i-1)
			}
		}
	})
}
