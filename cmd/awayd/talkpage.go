package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"awayd/cmd/awayd/control"
	"awayd/sync/absence"
	"awayd/sync/engine"
)

// What the conversation shows.

// maxShown bounds what is listed of one calendar.
const maxShown = 4

// head prints a line that stands out.
func (t *talk) head(c colour, text string) {
	for _, line := range hung(printable(text), t.width(), 0) {
		fmt.Fprintln(t.out, t.style(c, line))
	}
}

// printOffer shows the calendars found, and what each would do.
func (t *talk) printOffer() {
	what := "Calendars"
	if t.offer.User != "" {
		what += " of " + t.offer.User
	}
	t.say(0, "%s, and what each says about the coming year:", what)
	for i, c := range t.offer.Calendars {
		fmt.Fprintln(t.out)
		switch {
		case !c.Choosable:
			t.say(4, " -  %s: %s", c.Name, c.Why)
		case c.Why != "":
			t.say(4, "%2d  %s (%s)", i+1, c.Name, c.Why)
		default:
			t.say(4, "%2d  %s", i+1, c.Name)
		}
		if c.Error != "" {
			t.say(2, "      it cannot be read: %s", c.Error)
		}
		if c.Preview != nil {
			t.printPlan(*c.Preview)
		}
	}
}

// printPlan shows what one calendar would do.
func (t *talk) printPlan(p control.Preview) {
	if len(p.Absences) == 0 {
		t.say(2, "      no absences")
	} else {
		t.say(2, "      %s (times in %s)", count(len(p.Absences), "absence"), p.Zone)
	}
	for i, a := range p.Absences {
		if i == maxShown && len(p.Absences) > maxShown+1 {
			t.say(2, "      and %s", count(len(p.Absences)-i, "more absence"))
			break
		}
		t.say(2, "      %s  %s: %s", during(a.Start, a.End, a.AllDay), title(a.Summary), becauseOf(a.Matched))
	}
	for i, g := range grouped(p.Ignored) {
		if i == maxShown {
			t.say(2, "      and more that does not count: awayd preview tells all of it")
			break
		}
		more := ""
		if n := len(g.events) - 1; n > 0 {
			more = fmt.Sprintf(" and %s", count(n, "other"))
		}
		t.say(2, "      not counted: %s%s: %s", title(g.events[0].Summary), more, g.detail)
	}
	for i, e := range p.Errors {
		if i == maxShown {
			break
		}
		t.say(2, "      not readable: %s: %s", e.Source, e.Error)
	}
}

// quote shows a message as contacts will read it.
func (t *talk) quote(message string) {
	for line := range strings.SplitSeq(message, "\n") {
		t.say(4, "  > %s", line)
	}
}

// aLanguage is how a language is named: de, pt-BR.
var aLanguage = regexp.MustCompile(`^[A-Za-z]{2}([-_][A-Za-z0-9]+)*$`)

// askMessage shows what contacts would read, and lets the person change it.
func (t *talk) askMessage() (changed bool, err error) {
	if len(t.plan.Periods) > 0 {
		p := t.plan.Periods[0]
		t.say(0, "While you are away, %s, contacts will read:", during(p.Start, p.End, false))
		t.quote(p.Message)
	} else if t.plan.Example != "" {
		t.say(0, "For a week off, contacts would read:")
		t.quote(t.plan.Example)
	}
	if t.spoken {
		return false, nil
	}
	t.spoken = true
	if err := t.askText(); err != nil {
		return false, err
	}
	return !t.spoken, nil
}

// askText asks for a language or a text. Another answer than Enter leaves the
// message to be shown again.
func (t *talk) askText() error {
	answer, err := t.ask("Enter if that is good. Or a language ("+strings.Join(absence.Languages(), " ")+
		"), or your own words, in which {{.Until}} and {{.Return}} stand for the last day away and the day of return", "")
	switch {
	case err != nil:
		return err
	case answer == "":
		t.spoken = true
	case aLanguage.MatchString(answer):
		t.spoken = false
		t.set("lang")
		t.q.Settings.Values.Lang = answer
	default:
		t.spoken = false
		t.set("message")
		t.q.Settings.Values.Message = answer
	}
	return nil
}

// printNext says what will happen once the account is linked.
func (t *talk) printNext() {
	fmt.Fprintln(t.out)
	t.head(green, "What will happen")
	switch {
	case t.q.CalendarURL == "":
		t.say(2, "  What you said now holds for %s, and its calendars stay.", t.q.JID)
	case len(t.plan.Periods) == 0:
		t.say(2, "  Nothing yet: there is no absence in the coming year. awayd goes on reading, and tells %s of the next one while it lasts.", audience(t.plan.Audience))
	default:
		p := t.plan.Periods[0]
		if p.Start.After(now()) {
			t.say(2, "  Until %s (%s) nobody sees anything. The message waits on your account, hidden.", at(p.Start), relative(p.Start, now()))
			t.say(2, "  Then it is shown to %s, until %s.", audience(t.plan.Audience), until(p.End))
		} else {
			t.say(2, "  You are away now: the message is shown at once to %s, until %s.", audience(t.plan.Audience), until(p.End))
		}
		t.say(2, "  These are times in %s.", t.plan.Zone)
		if n := len(t.plan.Periods) - 1; n > 0 {
			t.say(2, "  The same again for %s in the coming year.", count(n, "more absence"))
		}
	}
}

// until is an end as people say it: at midnight that of the day before, which is
// the last one that the message names.
func until(end time.Time) string {
	if midnight(end) {
		return "the end of " + at(end.AddDate(0, 0, -1))
	}
	return at(end)
}

// audience says who will see messages.
func audience(name string) string {
	switch group, isGroup := strings.CutPrefix(name, "group:"); {
	case isGroup:
		return "your contacts in the group “" + group + "”"
	case name == "open":
		return "everybody"
	}
	return "the contacts who may see when you are online"
}

// farewell says how things stand now, and what one may want to do.
func (t *talk) farewell(asJSON bool) error {
	if asJSON {
		if err := t.printJSON(t.linked); err != nil {
			return err
		}
	} else {
		t.printAfter()
	}
	if err := t.outcome(t.daemon, t.after.synced); err != nil || t.after.failed == nil {
		return err
	}
	return fmt.Errorf("linked, but not in step yet: %w", t.after.failed)
}

func (t *talk) printAfter() {
	t.head(green, t.linked.JID+" is linked.")
	for _, s := range t.after.status {
		if s.Visible != nil {
			t.printMessage("Contacts see now", s.Visible)
		}
		if s.Staged != nil {
			t.printMessage("Waiting, hidden", s.Staged)
		}
		if s.Next != nil {
			t.say(2, "  Next: %s, %s (%s)", s.Next.Action, at(s.Next.At), relative(s.Next.At, now()))
		}
		for _, p := range s.Problems {
			t.say(2, "  ! %s", p)
		}
	}
	fmt.Fprintln(t.out)
	for _, c := range [][2]string{
		{"awayd status", "shows what contacts see, and what comes next"},
		{"awayd preview " + t.linked.JID, "shows what counts as an absence, and why"},
		{"awayd set " + t.linked.JID, "changes the message and other settings"},
		{"awayd unlink " + t.linked.JID, "undoes this"},
	} {
		t.say(2, "%s: %s", c[0], c[1])
	}
}

// printMessage shows a message that is on the account.
func (t *talk) printMessage(how string, m *engine.Message) {
	span := ""
	if m.Start != nil && m.End != nil {
		span = ", " + during(*m.Start, *m.End, false)
	}
	t.say(2, "  %s%s:", how, span)
	t.quote(m.Message)
}
