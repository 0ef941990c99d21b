package xmppout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"awayd/sync/plan"
	"awayd/xmppout/pep"
)

// Reach finds out by which means the server can show a message to the session's
// audience and to nobody else. Servers do not tell what they can do for a roster
// group, so that is tried on a node of a random name, which is empty, hidden
// from the beginning, and removed again. Error kind NoGroups: there are no
// means.
func (s *Session) Reach(ctx context.Context) (plan.Reach, error) {
	if _, group := s.audience.Group(); !group {
		return plan.Reach{By: string(s.audience)}, nil
	}
	err := s.learnServer(ctx)
	var r plan.Reach
	if err == nil {
		r, err = s.reachGroup(ctx)
	}
	if err != nil {
		return plan.Reach{}, s.end.about("try audience "+string(s.audience)+" of", err)
	}
	return r, nil
}

func (s *Session) reachGroup(ctx context.Context) (r plan.Reach, err error) {
	if r.Circle, err = pep.Circle(ctx, s.node, s.audience); err != nil {
		return r, err
	}
	switch hides, err := s.node.Hides(ctx); {
	case err != nil:
		return r, err
	case !hides:
		return r, pep.ErrNoGroups
	}
	switch has, err := s.hasRosterModel(ctx); {
	case err != nil:
		return r, err
	case has:
		r.By = "access model roster"
	case s.node.tells && r.Circle != nil:
		r.By = "members of a hidden node"
	default:
		return r, pep.ErrNoGroups
	}
	return r, nil
}

// hasRosterModel tries the roster model on a throw-away node.
func (s *Session) hasRosterModel(ctx context.Context) (has bool, err error) {
	n := s.node
	n.name, n.told = probeName(time.Now()), nil
	if err := s.ask(ctx, createNode(n.name, field{Var: fieldAccess, Values: []string{string(plan.Whitelist)}}), nil); err != nil {
		return false, fmt.Errorf("make a node to try it on: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		err = errors.Join(err, n.Delete(ctx))
	}()
	if err := n.Configure(ctx, s.audience); err != nil {
		if errors.Is(err, pep.ErrUnsupported) {
			err = nil
		}
		return false, err
	}
	set, err := n.Access(ctx)
	return set == s.audience, err
}
