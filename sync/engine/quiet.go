package engine

import (
	"context"
	"maps"
	"sync"
	"time"

	"awayd/sync/account"
)

const (
	// quietEvery is how often the state is told of polls that brought nothing: each
	// time is a sync of the disk, on an otherwise idle machine.
	quietEvery = 30 * time.Minute
	// quietMost bounds how many at once, so that a flip's journal waits for no long
	// transaction.
	quietMost = 200
)

// The quiet polls are those that brought nothing that a restart would miss: the
// state is told of many together. What is lost with a crash is when a calendar
// was last read, to half an hour, and a cursor since which nothing has changed.
type quiet struct {
	mu    sync.Mutex
	polls map[int64]account.Poll // by calendar
}

// note has the state told of a poll, some time.
func (q *quiet) note(calendar int64, p account.Poll) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.polls == nil {
		q.polls = make(map[int64]account.Poll)
	}
	q.polls[calendar] = p
}

// forget leaves out a calendar of which more is to be told, and returns what was
// to be told of it.
func (q *quiet) forget(calendar int64) (p account.Poll, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	p, ok = q.polls[calendar]
	delete(q.polls, calendar)
	return p, ok
}

// take returns up to quietMost polls, and forgets them.
func (q *quiet) take() map[int64]account.Poll {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.polls) <= quietMost {
		all := q.polls
		q.polls = nil
		return all
	}
	some := make(map[int64]account.Poll, quietMost)
	for id, p := range q.polls {
		some[id] = p
		if len(some) == quietMost {
			break
		}
	}
	maps.DeleteFunc(q.polls, func(id int64, _ account.Poll) bool { _, ok := some[id]; return ok })
	return some
}

// tellQuiet tells the state of quiet polls until ctx ends, and then of the last
// ones.
func (e *Engine) tellQuiet(ctx context.Context) {
	for more := true; more; {
		more = sleep(ctx, quietEvery)
		for polls := e.quiet.take(); len(polls) > 0; polls = e.quiet.take() {
			if err := e.store.SaveQuiet(context.WithoutCancel(ctx), polls); err != nil {
				e.log.Error("polls not saved", "error", err)
			}
		}
	}
}
