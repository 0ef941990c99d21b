package engine

import (
	"context"
	"reflect"
	"time"

	"awayd/sync/plan"
)

// A sparing store writes what was observed only if it is something else than
// what was written last: most looks find what the one before did.
type sparing struct {
	NodeStore
	written bool
	last    plan.Observed
}

// SaveObserved implements [NodeStore].
func (s *sparing) SaveObserved(ctx context.Context, jid string, o plan.Observed, at time.Time) error {
	if s.written && reflect.DeepEqual(o, s.last) {
		return nil
	}
	err := s.NodeStore.SaveObserved(ctx, jid, o, at)
	s.written, s.last = err == nil, o
	return err
}
