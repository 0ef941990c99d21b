package main

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"awayd/cmd/awayd/control"
)

// The part of the conversation that is about calendars.

// isMail reports whether an address of calendars is an e-mail address.
func isMail(address string) bool {
	return strings.Contains(address, "@") && !strings.Contains(address, "/")
}

// isHTTP reports whether the address is of a server that may ask for a login.
func isHTTP(address string) bool {
	return strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://")
}

// calendars finds what there is, shows it and lets the person choose.
func (t *talk) calendars() error {
	if t.pending {
		t.pending = false
		if err := t.askCalendar(); err != nil {
			return err
		}
	}
	if t.q.CalendarURL == "" && t.known() {
		t.say(0, "Its calendars stay as they are.")
		return nil
	}
	if t.q.CalendarPassword == "" && (t.q.CalendarUser != "" || isMail(t.q.CalendarURL)) {
		if err := t.askCalendarPassword(); err != nil {
			return err
		}
	}
	err := t.try("Looking for calendars at "+shown(t.q.CalendarURL), func(c *control.Client) (err error) {
		t.offer, err = c.Offer(t.ctx, t.q)
		return err
	})
	var e *control.Error
	if errors.As(err, &e) && e.Field == "calendar-password" && t.q.CalendarUser == "" && t.q.CalendarPassword == "" {
		// Nobody asked before the server did.
		t.say(0, "The server wants to know who is asking.")
		if err := t.askCalendarLogin(); err != nil {
			return err
		}
		return t.calendars()
	}
	if err != nil {
		return err
	}
	t.printOffer()
	return t.choose()
}

func (t *talk) askCalendar() error {
	question := "Your calendar: an e-mail address to find it by, or the URL of a CalDAV server, a calendar or an .ics feed"
	ask := t.need
	if t.known() {
		question, ask = question+", or Enter to keep those that are linked", t.ask
	}
	before := t.q.CalendarURL
	if t.sealed {
		before = ""
	}
	answer, err := ask(question, before)
	if t.typed && domain(answer) != domain(t.q.CalendarURL) {
		t.q.CalendarPassword = "" // it was meant for another server
	}
	t.q.CalendarURL, t.sealed = answer, false
	return err
}

// domain is whom an address of calendars belongs to.
func domain(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return strings.ToLower(u.Host)
	}
	return strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
}

// correctCalendar asks for another address, and for a login where there was
// none: some servers hide from strangers what there is.
func (t *talk) correctCalendar() error {
	before := t.q.CalendarURL
	if err := t.askCalendar(); err != nil || !isHTTP(t.q.CalendarURL) {
		return err
	}
	if t.q.CalendarUser == "" && t.q.CalendarURL == before {
		return t.askCalendarLogin()
	}
	return nil
}

func (t *talk) askCalendarLogin() (err error) {
	question := "Your user name on the calendar server"
	if isMail(t.q.CalendarURL) {
		question += ", or Enter to try " + t.q.CalendarURL
	} else {
		question += ", or Enter for none"
	}
	if t.q.CalendarUser, err = t.ask(question, t.q.CalendarUser); err != nil {
		return err
	}
	if t.q.CalendarUser == "" && !isMail(t.q.CalendarURL) {
		t.q.CalendarPassword = ""
		return nil
	}
	return t.askCalendarPassword()
}

func (t *talk) askCalendarPassword() (err error) {
	whose := t.q.CalendarUser
	if whose == "" {
		whose = t.q.CalendarURL
	}
	t.typed = true
	t.q.CalendarPassword, err = t.secret("The calendar password of " + whose)
	return err
}

// choose lets the person pick calendars, unless there is nothing to pick from
// or the flags did.
func (t *talk) choose() error {
	if len(t.q.Calendars) > 0 || t.offer.Named {
		return nil
	}
	var can, own []int
	for i, c := range t.offer.Calendars {
		if c.Choosable {
			can = append(can, i)
		}
		if c.Choosable && c.Why == "" && c.Error == "" {
			own = append(own, i)
		}
	}
	switch len(can) {
	case 0:
		return &control.Error{Message: "none of these calendars can make you absent", Advice: "another calendar", Field: "calendar-url"}
	case 1:
		t.pick(can)
		return nil
	}
	answer := numbers(own)
	for {
		var err error
		if answer, err = t.need("Which calendars say when you are away? Their numbers", answer); err != nil {
			return err
		}
		picked, err := parseNumbers(answer, len(t.offer.Calendars))
		for _, i := range picked {
			if err == nil && !slices.Contains(can, i) {
				err = fmt.Errorf("%d cannot be linked: %s", i+1, t.offer.Calendars[i].Why)
			}
		}
		if err == nil {
			t.pick(picked)
			return nil
		}
		t.say(0, "%v", err)
	}
}

func (t *talk) pick(picked []int) {
	t.q.Chosen = nil
	for _, i := range picked {
		t.q.Chosen = append(t.q.Chosen, t.offer.Calendars[i].ID)
	}
}

// numbers lists indexes as people count.
func numbers(list []int) string {
	var s []string
	for _, i := range list {
		s = append(s, strconv.Itoa(i+1))
	}
	return strings.Join(s, " ")
}

// parseNumbers reads the numbers of some of n things, as indexes.
func parseNumbers(text string, n int) ([]int, error) {
	var list []int
	for field := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		i, err := strconv.Atoi(field)
		if err != nil || i < 1 || i > n {
			return nil, fmt.Errorf("%q is no number from 1 to %d", field, n)
		}
		if !slices.Contains(list, i-1) {
			list = append(list, i-1)
		}
	}
	if len(list) == 0 {
		return nil, errors.New("at least one number is needed")
	}
	return list, nil
}

// askEveryEvent asks about a calendar that has events but none that says that
// it is an absence: it may be one of nothing but vacations.
func (t *talk) askEveryEvent() (changed bool, err error) {
	if t.every || t.q.EveryEvent || t.q.Holidays || len(t.plan.Calendars) != 1 || t.plan.Calendars[0].Absences > 0 {
		return false, nil
	}
	name := t.plan.Calendars[0].Name
	plain := slices.ContainsFunc(t.offer.Calendars, func(c control.OfferedCalendar) bool {
		return c.Name == name && c.Preview != nil &&
			slices.ContainsFunc(c.Preview.Ignored, func(i control.PreviewIgnored) bool { return i.Reason == "no-rule" })
	})
	if !plain {
		return false, nil
	}
	t.every = true
	t.q.EveryEvent, err = t.agree(fmt.Sprintf("No event in %q says that it is an absence. Is every event there one?", name))
	return t.q.EveryEvent, err
}
