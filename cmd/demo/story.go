package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	testbed.Cast
	say func(format string, args ...any)
	// crashes are moments after the start, in order, at which the daemon is
	// killed and started again.
	crashes []time.Duration

	watch  *testbed.Watch
	report reporter
	start  time.Time
	end    time.Time
	next   time.Time
	log    string
}

// tell sets everything up, lets the vacation happen and checks what was seen.
func (s *story) tell(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.prepare(ctx); err != nil {
		return err
	}
	if err := s.happen(ctx); err != nil {
		return fmt.Errorf("%w\nWhat awayd said:\n%s", err, s.Daemon.Said())
	}
	return nil
}

// prepare starts the servers, makes two people who know each other, and lets
// Ada go offline for good.
func (s *story) prepare(ctx context.Context) error {
	if err := s.Prepare(ctx); err != nil {
		return err
	}
	s.say("%s and Radicale run on loopback, with certificates of a throw-away CA", s.Kind)
	bob, err := s.Acquaint(ctx)
	if err != nil {
		return err
	}
	s.watch = &testbed.Watch{Contact: bob, Of: s.Ada.JID, Secrets: []string{title, nextTitle}}
	s.report.watch = s.watch
	if len(s.crashes) > 0 {
		s.watch.Patience = 2 * time.Second
	}
	if err := testbed.Until(ctx, "Bob sees Ada offline", func() (bool, error) { return s.watch.Offline(), nil }); err != nil {
		return err
	}
	s.say("Ada and Bob are contacts; Ada is offline, Bob is online")
	return nil
}

// happen is the vacation.
func (s *story) happen(ctx context.Context) error {
	defer s.watch.Contact.Close()
	if err := s.Daemon.Start(ctx); err != nil {
		return err
	}
	if err := s.fillCalendar(ctx); err != nil {
		return err
	}
	s.watch.Contact.Forget()
	stopWatching := s.watch.Begin(ctx)
	defer stopWatching()
	if _, err := s.Link(ctx); err != nil {
		return err
	}
	s.say("awayd link: Ada's XMPP account and her calendar are linked")
	if err := s.staged(ctx, s.start); err != nil {
		return err
	}
	s.say("awayd has staged the message on Ada's node, hidden; it is to show at %s", s.start.Format("15:04:05"))
	for _, moment := range s.crashes {
		if err := s.watchUntil(ctx, s.start.Add(moment)); err != nil {
			return err
		}
		if err := s.Daemon.Kill(); err != nil {
			return err
		}
		s.say("awayd is killed and started again")
		if err := s.Daemon.Start(ctx); err != nil {
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
	return s.Daemon.Stop()
}

// fillCalendar puts a vacation that starts in seconds into Ada's calendar, and
// another one far ahead.
func (s *story) fillCalendar(ctx context.Context) error {
	s.start = time.Now().Add(lead).Truncate(time.Second)
	s.end = s.start.Add(length)
	s.next = s.start.AddDate(0, 0, 40)
	if err := s.Put(ctx, "rome", title, s.start, s.end); err != nil {
		return err
	}
	s.say("Ada's calendar has %q from %s to %s, and %q in 40 days", title, s.start.Format("15:04:05"), s.end.Format("15:04:05"), nextTitle)
	return s.Put(ctx, "honeymoon", nextTitle, s.next, s.next.AddDate(0, 0, 14))
}

// staged waits until awayd reports the message that starts at start as staged
// and nothing as visible.
func (s *story) staged(ctx context.Context, start time.Time) error {
	return s.UntilStatus(ctx, "the message is staged", testbed.Staged(start))
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
	logged, logErr := s.Daemon.Run(ctx, "log", "--json")
	for _, kind := range []string{"stage", "reveal", "withdraw"} {
		if !loggedWithReason(logged, kind) {
			err = errors.Join(err, fmt.Errorf("the sync log has no %s with a reason", kind))
		}
	}
	s.log, _ = s.Daemon.Run(ctx, "log")
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
