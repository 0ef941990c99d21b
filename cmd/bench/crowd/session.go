package crowd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"awayd/sync/account"
	"awayd/sync/engine"
	"awayd/sync/plan"
)

// A session acts on one person's node as a server would.
type session struct {
	*Crowd
	person *person
}

// Dial implements [engine.Dialer].
func (c *Crowd) Dial(_ context.Context, a account.Account) (engine.Connection, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.people[a.JID]
	if p == nil {
		return nil, fmt.Errorf("log in as %s: nobody", a.JID)
	}
	c.counts.Logins++
	c.open++
	c.counts.Sessions = max(c.counts.Sessions, c.open)
	return &session{c, p}, nil
}

// Close implements [engine.Session].
func (s *session) Close(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	return nil
}

// Look implements [engine.Session].
func (s *session) Look(context.Context) (plan.Observed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Looks++
	return s.person.node, nil
}

// Do implements [engine.Session].
func (s *session) Do(_ context.Context, a plan.Action, l plan.Ledger) error {
	var err error
	switch a.Kind {
	case plan.Stage:
		if a.Fresh {
			err = l.Deleted()
		}
		err = errors.Join(err, l.Making(), s.publish(plan.ItemArchive, plan.Whitelist, a, l))
	case plan.Reveal:
		err = errors.Join(l.Opening(), s.publish(plan.ItemCurrent, plan.Presence, a, l))
	case plan.Amend:
		err = s.publish(plan.ItemCurrent, plan.Presence, a, l)
	case plan.Unstage, plan.Withdraw:
		s.judge(a)
		s.put(plan.Observed{})
		err = l.Deleted()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Actions[a.Kind]++
	return err
}

func (s *session) publish(id string, model plan.AccessModel, a plan.Action, l plan.Ledger) error {
	if err := l.Sending(a.Payload); err != nil {
		return err
	}
	if a.Kind == plan.Reveal {
		s.judge(a)
	}
	s.put(plan.Observed{Exists: true, Access: model, Items: []plan.Item{{ID: id, Payload: a.Payload}}})
	return nil
}

func (s *session) put(o plan.Observed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.person.node = o
}

// judge compares the moment of a reveal or withdrawal with when it was due.
func (s *session) judge(a plan.Action) {
	s.mu.Lock()
	defer s.mu.Unlock()
	due := a.Payload.Start
	if a.Kind != plan.Reveal {
		if s.person.node.Hidden() || len(s.person.node.Items) == 0 {
			return
		}
		due = s.person.node.Items[0].Payload.End
	}
	late := s.now().Sub(due)
	if late < 0 && a.Kind == plan.Reveal {
		s.counts.Early++
	}
	s.counts.Late = max(s.counts.Late, late)
}

// The rest of [engine.Connection] is calm.

func (*session) Show(context.Context, string) error { return nil }
func (*session) Hide(context.Context) error         { return nil }
func (*session) Pace(_, _, _ time.Duration)         {}
func (*session) Activity(context.Context) (plan.ActivityNode, error) {
	return plan.ActivityNode{}, nil
}
func (*session) SetActivity(context.Context, plan.ActivityStep) error { return nil }
func (*session) Reach(context.Context) (plan.Reach, error)            { return plan.Reach{}, nil }
func (*session) News() <-chan struct{}                                { return nil }
func (*session) Server() string                                       { return "crowd" }
func (*session) Done() <-chan struct{}                                { return nil }
func (*session) Err() error                                           { return nil }
func (*session) Tell(context.Context, string, string) error           { return nil }
func (s *session) Time(context.Context) (time.Time, error)            { return s.now(), nil }
