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
	changes int // how often the journal, or what was observed, became another one
}

// SaveJournal implements [NodeStore].
func (s *sparing) SaveJournal(ctx context.Context, jid string, j plan.Journal) error {
	s.changes++ // one that cannot be written may hold all the same
	return s.NodeStore.SaveJournal(ctx, jid, j)
}

// SaveObserved implements [NodeStore].
func (s *sparing) SaveObserved(ctx context.Context, jid string, o plan.Observed, at time.Time) error {
	if s.written && reflect.DeepEqual(o, s.last) {
		return nil
	}
	s.changes++
	err := s.NodeStore.SaveObserved(ctx, jid, o, at)
	s.written, s.last = err == nil, o
	return err
}
