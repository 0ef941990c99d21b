package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"awayd/cmd/testbed"
)

const (
	// lead is how long before the vacation everything is set up, length how
	// long it is.
	lead   = 8 * time.Second
	length = 6 * time.Second
	// afterwards is how long the contact goes on watching.
	afterwards = 4 * time.Second

	title     = "Secret trip to Rome"
	nextTitle = "Even more secret honeymoon"
)

// A story is one vacation from start to end, watched by a contact.
type story struct {
	kind string // of XMPP server
	say  func(format string, args ...any)
	// crashes are moments after the start, in order, at which the daemon is
	// killed and started again.
	crashes []time.Duration
	binary  string // awayd
	bed     *testbed.Bed
	dir     string // for what belongs to this story alone

	xmpp     *testbed.XMPP
	dav      *testbed.DAV
	ada, bob testbed.Person
	daemon   *testbed.Daemon
	watch    *testbed.Watch
	report   reporter
	start    time.Time
	end      time.Time
	next     time.Time
	log      string
}

// tell sets everything up, lets the vacation happen and checks what was seen.
func (s *story) tell(ctx context.Context) error {
	if err := s.prepare(ctx); err != nil {
		return err
	}
	defer s.daemon.Close()
	if err := s.happen(ctx); err != nil {
		return fmt.Errorf("%w\nWhat awayd said:\n%s", err, s.daemon.Said())
	}
	return nil
}

// prepare starts the servers, makes two people who know each other, and
// builds awayd.
func (s *story) prepare(ctx context.Context) (err error) {
	if s.xmpp, err = s.bed.XMPP(ctx, s.kind); err != nil {
		return err
	}
	if s.dav, err = testbed.StartRadicale(ctx, filepath.Join(s.dir, "calendars"), testbed.RadicaleOptions{
		Users: map[string]string{"ada": "calendar secret"}, TLS: s.bed.CA,
	}); err != nil {
		return err
	}
	s.say("%s and Radicale run on loopback, with certificates of a throw-away CA", s.kind)
	if s.ada, err = s.xmpp.Person(ctx, "ada"); err != nil {
		return err
	}
	if s.bob, err = s.xmpp.Person(ctx, "bob"); err != nil {
		return err
	}
	if err := s.befriend(ctx); err != nil {
		return err
	}
	s.say("Ada and Bob are contacts; Ada is offline, Bob is online")
	s.daemon, err = testbed.NewDaemon(s.binary, s.dir)
	return err
}

// befriend makes Ada and Bob contacts. Ada then goes offline for good.
func (s *story) befriend(ctx context.Context) error {
	ada, err := s.xmpp.Login(ctx, s.ada, testbed.ContactOptions{})
	if err != nil {
		return err
	}
	bob, err := s.xmpp.Login(ctx, s.bob, testbed.ContactOptions{Resource: "phone"})
	if err != nil {
		return err
	}
	if err := testbed.Befriend(ctx, ada, bob); err != nil {
		return err
	}
	if err := ada.Close(); err != nil {
		return err
	}
	s.watch = &testbed.Watch{Contact: bob, Of: s.ada.JID, Secrets: []string{title, nextTitle}}
	s.report.watch = s.watch
	if len(s.crashes) > 0 {
		s.watch.Patience = 2 * time.Second
	}
	return testbed.Until(ctx, "Bob sees Ada offline", func() (bool, error) { return s.watch.Offline(), nil })
}

// happen is the vacation.
func (s *story) happen(ctx context.Context) error {
	defer s.watch.Contact.Close()
	if err := s.daemon.Start(ctx); err != nil {
		return err
	}
	if err := s.fillCalendar(ctx); err != nil {
		return err
	}
	s.watch.Contact.Forget()
	stopWatching := s.watch.Begin(ctx)
	defer stopWatching()
	if err := s.link(ctx); err != nil {
		return err
	}
	if err := s.staged(ctx, s.start); err != nil {
		return err
	}
	s.say("awayd has staged the message on Ada's node, hidden; it is to show at %s", s.start.Format("15:04:05"))
	for _, moment := range s.crashes {
		if err := s.watchUntil(ctx, s.start.Add(moment)); err != nil {
			return err
		}
		if err := s.daemon.Kill(); err != nil {
			return err
		}
		s.say("awayd is killed and started again")
		if err := s.daemon.Start(ctx); err != nil {
			return err
		}
	}
	if err := s.watchUntil(ctx, s.end.Add(afterwards)); err != nil {
		return err
	}
	if err := s.staged(ctx, s.next); err != nil {
		return err
	}
	s.say("the following vacation is staged already, hidden")
	// What a server might still push because of that has a second to arrive.
	if err := s.watchUntil(ctx, time.Now().Add(time.Second)); err != nil {
		return err
	}
	stopWatching()
	if err := s.check(ctx); err != nil {
		return err
	}
	s.say("and at no moment did Bob see anything else")
	return s.daemon.Stop()
}

// fillCalendar puts a vacation that starts in seconds into Ada's calendar, and
// another one far ahead.
func (s *story) fillCalendar(ctx context.Context) error {
	calendar, err := s.dav.MakeCalendar(ctx, "ada", "Vacations")
	if err != nil {
		return err
	}
	s.start = time.Now().Add(lead).Truncate(time.Second)
	s.end = s.start.Add(length)
	s.next = s.start.AddDate(0, 0, 40)
	for uid, e := range map[string]struct {
		title      string
		start, end time.Time
	}{"rome": {title, s.start, s.end}, "honeymoon": {nextTitle, s.next, s.next.AddDate(0, 0, 14)}} {
		if err := s.dav.Put(ctx, calendar+uid+".ics", vevent(uid, e.title, e.start, e.end)); err != nil {
			return err
		}
	}
	s.say("Ada's calendar has %q from %s to %s, and %q in 40 days", title, s.start.Format("15:04:05"), s.end.Format("15:04:05"), nextTitle)
	return nil
}

func vevent(uid, title string, start, end time.Time) string {
	const form = "20060102T150405Z"
	return strings.Join([]string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//awayd//demo//EN",
		"BEGIN:VEVENT", "UID:" + uid, "DTSTAMP:" + time.Now().UTC().Format(form),
		"DTSTART:" + start.UTC().Format(form), "DTEND:" + end.UTC().Format(form), "SUMMARY:" + title,
		"END:VEVENT", "END:VCALENDAR", "",
	}, "\r\n")
}

// link links Ada's account with her calendars, as a person would.
func (s *story) link(ctx context.Context) error {
	password, err := testbed.SecretFile(s.dir, "jid-password", s.ada.Password)
	if err != nil {
		return err
	}
	calendarPassword, err := testbed.SecretFile(s.dir, "calendar-password", "calendar secret")
	if err != nil {
		return err
	}
	args := []string{
		"link", "--yes", "--jid", s.ada.JID, "--jid-password-file", password, "--xmpp-address", s.xmpp.Addr,
		"--calendar-url", s.dav.URL, "--calendar-user", "ada", "--calendar-password-file", calendarPassword,
		"--every-event", "--zone", "Europe/Berlin", "--tls-ca", s.bed.CA.File,
	}
	if _, err := s.daemon.Run(ctx, args...); err != nil {
		return err
	}
	s.say("awayd link: Ada's XMPP account and her calendar are linked")
	return nil
}

// A status is what this program reads of `awayd status --json`.
type status struct {
	Accounts []struct {
		Visible *struct{ Message string }
		Staged  *struct{ Start time.Time }
		Health  string
	}
}

func (s *story) status(ctx context.Context) (st status, err error) {
	out, err := s.daemon.Run(ctx, "status", "--json")
	if err != nil {
		return st, err
	}
	return st, json.Unmarshal([]byte(out), &st)
}

// staged waits until awayd reports the message that starts at start as staged
// and nothing as visible.
func (s *story) staged(ctx context.Context, start time.Time) error {
	return testbed.Until(ctx, "the message is staged", func() (bool, error) {
		st, err := s.status(ctx)
		if err != nil || len(st.Accounts) != 1 {
			return false, err
		}
		a := st.Accounts[0]
		return a.Visible == nil && a.Staged != nil && a.Staged.Start.Equal(start), nil
	})
}

// watchUntil tells what Bob sees as it happens.
func (s *story) watchUntil(ctx context.Context, t time.Time) error {
	for {
		for _, line := range s.report.news(s.start) {
			s.say("%s", line)
		}
		wait := min(time.Until(t), 100*time.Millisecond)
		if wait <= 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// check holds what was seen against what should have been.
func (s *story) check(ctx context.Context) error {
	err := s.watch.Verify(s.start, s.end, s.next)
	logged, logErr := s.daemon.Run(ctx, "log", "--json")
	for _, kind := range []string{"stage", "reveal", "withdraw"} {
		if !loggedWithReason(logged, kind) {
			err = errors.Join(err, fmt.Errorf("the sync log has no %s with a reason", kind))
		}
	}
	s.log, _ = s.daemon.Run(ctx, "log")
	return errors.Join(err, logErr)
}

func loggedWithReason(log, kind string) bool {
	for line := range strings.Lines(log) {
		var e struct{ Kind, Outcome, Reason string }
		if json.Unmarshal([]byte(line), &e) == nil && e.Kind == kind && e.Outcome == "ok" && e.Reason != "" {
			return true
		}
	}
	return false
}
