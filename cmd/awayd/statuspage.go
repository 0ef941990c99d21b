package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"awayd/sync/account"
	"awayd/sync/engine"
	"awayd/sync/plan"
)

// inFull is how many accounts are shown in full; more are a line each.
const inFull = 3

// roomy is how wide a screen is that has room for a year or a name more.
const roomy = 100

// statuses shows all accounts, those in trouble first.
func (p *page) statuses(list []engine.Status, daemon bool) {
	if len(list) == 0 {
		p.printf(nobody)
		return
	}
	if !daemon {
		p.hangIn(red, "", "No daemon is running: nothing is polled and nothing flips; this is what was stored last.")
		p.hang("Try: ", "systemctl start awayd")
		p.printf("\n")
	}
	list = slices.Clone(list)
	if !daemon {
		for i := range list {
			list[i].Health = engine.HealthError // as in JSON
		}
	}
	rank := []string{engine.HealthError, engine.HealthHeld, engine.HealthOK}
	slices.SortStableFunc(list, func(a, b engine.Status) int {
		return slices.Index(rank, a.Health) - slices.Index(rank, b.Health)
	})
	if len(list) > inFull {
		p.crowd(list)
		return
	}
	for i, s := range list {
		if i > 0 {
			p.printf("\n")
		}
		p.statusOf(s, daemon)
	}
}

// health is the word for how an account does, and for whether awayd takes part.
func (p *page) health(s engine.Status) string {
	word := map[string]colour{engine.HealthOK: green, engine.HealthHeld: yellow, engine.HealthError: red}[s.Health]
	text := p.style(word, s.Health)
	if s.Mode != string(account.Auto) {
		text += ", " + p.style(yellow, s.Mode)
	}
	return text
}

// problems says what is wrong, and what to do.
func (p *page) problems(s engine.Status) {
	for _, x := range s.Problems {
		p.hangIn(red, "  problem       ", x)
	}
	if t := advice(s); t != "" {
		p.hang("  try           ", t)
	}
}

// advice is what to do about an account, or nothing.
func advice(s engine.Status) string {
	held := slices.ContainsFunc(s.Calendars, func(c engine.CalendarStatus) bool { return c.Hold != "" })
	switch {
	case len(s.Problems) > 0 && !held:
		return "awayd check says what to mend, and how"
	case held:
		return "awayd sync --accept " + s.JID + ", if the calendar is right as it is"
	case s.Mode == string(account.Paused):
		return "awayd resume " + s.JID + " takes part again"
	}
	return ""
}

// statusOf shows all of one account, in the zone of its person.
func (p *page) statusOf(s engine.Status, daemon bool) {
	zone := zoneOf(s.Zone)
	p.hang(p.style(bold, printable(s.JID))+"  "+p.health(s)+"  ", "times in "+zone.String())
	p.problems(s)
	p.message("  contacts see  ", s.Visible, zone)
	if s.Unverified {
		p.hang("                ", "unverified: the server does not show it to its owner")
	}
	if s.Mode == engine.ModeOverridden {
		p.hang("                ", "changed by another client: left alone until this absence is over")
	}
	if s.Staged != nil {
		p.message("  staged        ", s.Staged, zone)
	}
	p.hang("  next          ", p.next(s, zone))
	for _, c := range s.Calendars {
		p.hang("  calendar      ", c.Name+": "+p.calendarHealth(c, daemon))
	}
	if len(s.Calendars) == 0 {
		p.hang("  calendar      ", "none")
	}
	switch {
	case s.XMPP.Connected:
		p.hang("  XMPP          ", strings.TrimSpace("connected to "+s.XMPP.Server))
	case s.XMPP.Resting:
		p.hang("  XMPP          ", p.rest(s, zone))
	case daemon:
		p.hangIn(yellow, "  XMPP          ", "not connected")
	}
}

// rest says why there is no connection, and when there will be one.
func (p *page) rest(s engine.Status, zone *time.Location) string {
	text := "resting, as nothing is due"
	if t := s.XMPP.ConnectsAt; t != nil {
		text += "; connects by " + minute(t.In(zone)) + " (" + relative(*t, p.now) + ")"
	}
	return text
}

// message shows a message as contacts read it, with its times.
func (p *page) message(label string, m *engine.Message, zone *time.Location) {
	if m == nil {
		p.hang(label, "nothing")
		return
	}
	p.hang(label, p.span(m, zone))
	for line := range strings.SplitSeq(m.Message, "\n") {
		p.hangIn(dim, strings.Repeat(" ", len(label))+"> ", line)
	}
}

// span is when a message holds, a side of which the node may leave open.
func (p *page) span(m *engine.Message, zone *time.Location) string {
	switch {
	case m.Start != nil && m.End != nil:
		start, end := m.Start.In(zone), m.End.In(zone)
		return during(start, end, false) + ", " + long(start, end)
	case m.Start != nil:
		return "from " + minute(m.Start.In(zone)) + ", without an end"
	case m.End != nil:
		return "to " + minute(m.End.In(zone))
	}
	return "without start and end"
}

func (p *page) next(s engine.Status, zone *time.Location) string {
	switch {
	case s.Next == nil && s.Mode == string(account.Paused):
		return "nothing, while it is paused"
	case s.Next == nil:
		return "nothing is planned"
	}
	what := map[plan.Kind]string{
		plan.Stage: "stage the next message, hidden", plan.Reveal: "reveal the message to contacts",
		plan.Amend: "amend the message", plan.Withdraw: "withdraw the message",
	}[s.Next.Action]
	if what == "" {
		what = string(s.Next.Action)
	}
	return minute(s.Next.At.In(zone)) + " (" + relative(s.Next.At, p.now) + "): " + what
}

func (p *page) calendarHealth(c engine.CalendarStatus, daemon bool) string {
	var said []string
	switch {
	case c.Hold != "":
		said = append(said, "held")
	case c.Error != "":
		said = append(said, "failing")
	}
	switch {
	case c.LastOK == nil:
		said = append(said, "never read")
	case p.now.Sub(*c.LastOK) < time.Second:
		said = append(said, "read just now")
	default:
		said = append(said, "read "+relative(*c.LastOK, p.now))
	}
	if c.Error != "" && c.NextPoll != nil && daemon {
		said = append(said, "again "+relative(*c.NextPoll, p.now))
	}
	return strings.Join(said, ", ")
}

// crowd shows a line for each account, and what is wrong, in the reader's zone:
// the lines are compared with each other.
func (p *page) crowd(list []engine.Status) {
	troubled := 0
	for _, s := range list {
		if s.Health != engine.HealthOK {
			troubled++
		}
	}
	said := "all well"
	if troubled > 0 {
		said = fmt.Sprintf("%d in trouble", troubled)
	}
	p.hang("", fmt.Sprintf("%s, %s, times in %s", count(len(list), "account"), said, p.zone))
	p.printf("\n")
	jids := widest(list, p.share(3), func(s engine.Status) string { return s.JID })
	width := max(len("HEALTH"), widest(list, maxColumn, func(s engine.Status) string { return (&page{}).health(s) }))
	p.hangIn(dim, "", fill("HEALTH", width)+"  "+fill("ACCOUNT", jids)+"  NOW      NEXT")
	for _, s := range list {
		state := "-"
		switch {
		case s.Visible != nil:
			state = "visible"
		case s.Staged != nil:
			state = "staged"
		}
		next := "nothing"
		if s.Next != nil {
			at := minute(s.Next.At.In(p.zone))
			if p.width > 0 && p.width < roomy {
				at = s.Next.At.In(p.zone).Format("Mon 2 Jan 15:04")
			}
			next = fmt.Sprintf("%s %s (%s)", s.Next.Action, at, relative(s.Next.At, p.now))
		}
		p.hang(fill(p.health(s), width)+"  "+fill(printable(s.JID), jids)+"  "+fill(state, len("visible"))+"  ", next)
		p.problems(s)
	}
	p.printf("\n")
	p.hang("", "awayd status JID shows all of one.")
}
