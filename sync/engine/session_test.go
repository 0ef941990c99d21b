package engine

import (
	"awayd/sync/plan"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A session acts on the world's node the way a server would.
type session struct {
	*world
	done <-chan struct{}
	dead chan struct{} // closed: this one is lost, because the server did not answer in time
}

func (s *session) Look(ctx context.Context) (plan.Observed, error) {
	s.mu.Lock()
	takes, waits, answer := s.lookTakes, s.lookWaits, s.answer
	s.mu.Unlock()
	if takes > answer {
		time.Sleep(answer)
		close(s.dead)
		return plan.Observed{}, errors.New("the server stopped answering")
	}
	if err := after(ctx, waits+takes); err != nil {
		return plan.Observed{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.node
	o.Items = slices.Clone(o.Items)
	return o, s.doErr
}

func (s *session) Do(_ context.Context, a plan.Action, l plan.Ledger) error {
	if s.doErr != nil {
		return s.doErr
	}
	time.Sleep(s.doTakes)
	if err := s.refused(); err != nil {
		return s.attempt(a, l, err)
	}
	if a.Kind == plan.Stage && s.openly {
		return fmt.Errorf("stage message of %s: %w", ada, plan.ErrUnhideable)
	}
	publish := func(id string, model plan.AccessModel) error {
		if err := l.Sending(a.Payload); err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.node = plan.Observed{Exists: true, Access: model, Items: []plan.Item{{ID: id, Payload: a.Payload}}}
		return nil
	}
	var err error
	switch a.Kind {
	case plan.Stage:
		if a.Fresh {
			err = l.Deleted()
		}
		err = errors.Join(err, l.Making(), publish(plan.ItemArchive, plan.Whitelist))
	case plan.Reveal:
		err = errors.Join(l.Opening(), publish(plan.ItemCurrent, s.audience()))
	case plan.Amend:
		err = publish(plan.ItemCurrent, s.audience())
	case plan.Unstage:
		s.mu.Lock()
		s.node.Items = nil
		s.mu.Unlock()
	case plan.Withdraw:
		s.mu.Lock()
		s.node = plan.Observed{}
		s.mu.Unlock()
		err = l.Deleted()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.done = append(s.world.done, performed{time.Now().Add(s.offset), time.Now(), !s.hurried.After(time.Now()), a})
	return err
}

func (s *session) refused() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refusal
}

// attempt does of an action what comes before its first change of the node, which
// the server refuses.
func (s *session) attempt(a plan.Action, l plan.Ledger, refusal error) error {
	switch a.Kind {
	case plan.Reveal:
		return errors.Join(s.Show(context.Background(), a.Payload.Message), l.Opening(), refusal)
	case plan.Withdraw:
		return errors.Join(s.attend(), l.Sending(a.Payload), refusal)
	}
	return refusal
}

// attend makes the person available without a text, unless they are already.
func (s *session) attend() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown == "" {
		s.shows++
	}
	return nil
}

func (s *session) Show(_ context.Context, status string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if takes := s.showTakes; takes > 0 {
		s.mu.Unlock()
		time.Sleep(takes)
		s.mu.Lock()
	}
	if s.shown != status {
		s.shows++
	}
	s.shown = status
	return nil
}

func (s *session) Hide(ctx context.Context) error { return s.Show(ctx, "") }
func (s *session) Pace(answer, ping, calm time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer, s.ping, s.hurried = answer, ping, time.Now().Add(calm)
}

// audience is what the account's settings say.
func (s *session) audience() plan.AccessModel {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.acct.Settings.Audience != "" {
		return plan.AccessModel(s.acct.Settings.Audience)
	}
	return plan.Presence
}

func (s *session) Activity(ctx context.Context) (plan.ActivityNode, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.activityAsked++
	if takes := s.activityTakes; takes > 0 {
		s.mu.Unlock()
		_ = after(ctx, takes)
		s.mu.Lock()
	}
	return s.activity, errors.Join(s.activityErr, ctx.Err())
}

func (s *session) SetActivity(_ context.Context, step plan.ActivityStep) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.activityErr != nil {
		return s.activityErr
	}
	if s.meanwhile != nil {
		s.activity.Item, s.activity.Away, s.meanwhile = s.meanwhile, nil, nil
	}
	if !step.Fits(s.activity) {
		return plan.ErrActivityChanged
	}
	s.activity.Exists, s.activity.Access = true, step.Guard
	switch {
	case step.Show != nil:
		s.activity.Item, s.activity.Away = &plan.ActivityItem{ID: plan.ItemActivity, XML: *step.Show}, step.Show
	default:
		s.activity.Item, s.activity.Away = step.Restore, nil
	}
	s.activitySet = append(s.activitySet, step)
	return nil
}

func (s *session) Reach(context.Context) (plan.Reach, error) {
	return plan.Reach{}, nil
}
func (s *session) News() <-chan struct{} { return s.news }
func (s *session) Server() string        { return "test" }
func (s *session) Err() error            { return nil }

func (s *session) Done() <-chan struct{} {
	select {
	case <-s.dead:
		return s.dead
	default:
		return s.done
	}
}

func (s *session) Close(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	if s.shown != "" {
		s.shows++
	}
	s.shown = "" // as the server makes it
	return nil
}

func (s *session) Tell(_ context.Context, to, text string) error {
	s.mu.Lock()
	takes := s.tellTakes
	s.mu.Unlock()
	time.Sleep(takes)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tellErr != nil {
		return s.tellErr
	}
	s.letters = append(s.letters, to+" "+text)
	return nil
}

func (s *session) Time(context.Context) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.noTime {
		return time.Time{}, nil
	}
	return time.Now().Add(s.serverOff).UTC().Truncate(time.Second), nil
}
