package state

import (
	"context"
	"database/sql"
	"sync"
)

// mostTogether bounds one transaction, so that the first of many who write in the
// same moment does not wait for all of them.
const mostTogether = 64

// A write is a small change of one account that waits to be committed.
type write struct {
	do   func(context.Context, *sql.Tx) error
	done chan struct{} // closed when err is the outcome
	err  error
}

// A queue has the small changes that are made in the same moment committed in
// one transaction: a commit costs a sync of the disk, however much is in it. A
// thousand people who leave at the same instant write some thousand entries
// before they may go on.
//
// Nobody waits for others to come: who finds nobody at work commits what is
// there, and the next one what came meanwhile.
type queue struct {
	turn    chan struct{} // holds a value while somebody commits
	mu      sync.Mutex
	waiting []*write
}

func newQueue() *queue { return &queue{turn: make(chan struct{}, 1)} }

func (q *queue) add(w *write) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, w)
}

// take returns who is to be served next, in the order they came.
func (q *queue) take() []*write {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), mostTogether)
	list := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	return list
}

// remove reports whether w was still waiting.
func (q *queue) remove(w *write) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, other := range q.waiting {
		if other == w {
			// A new slice: take may have given away the memory of this one.
			q.waiting = append(append([]*write(nil), q.waiting[:i]...), q.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// together is tx for small changes: do shares a transaction with those of other
// goroutines, and yet succeeds or fails by itself. It may be run twice. Once do
// has begun, ctx does not end it any more, for SQLite takes an interrupted
// transaction back as a whole.
func (db *DB) together(ctx context.Context, verb, noun string, do func(context.Context, *sql.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return db.wrap(verb+" "+noun, err)
	}
	w := &write{do: do, done: make(chan struct{})}
	db.queue.add(w)
	for served := false; !served; {
		select {
		case <-w.done:
			served = true
		case db.queue.turn <- struct{}{}:
			db.commit(context.WithoutCancel(ctx), db.queue.take())
			<-db.queue.turn
		case <-ctx.Done():
			if db.queue.remove(w) {
				return db.wrap(verb+" "+noun, ctx.Err())
			}
			<-w.done
			served = true
		}
	}
	if w.err != nil {
		return db.wrap(verb+" "+noun, w.err)
	}
	return nil
}

// commit carries out writes and says so to those who wait for them.
func (db *DB) commit(ctx context.Context, list []*write) {
	if len(list) < 2 || db.commitAll(ctx, list) != nil {
		// What fails as a whole, such as on a full disk, is tried one by one: each
		// gets an outcome of its own, and a small one may still fit.
		for _, w := range list {
			w.err = db.once(ctx, func(tx *sql.Tx) error { return w.do(ctx, tx) })
		}
	}
	for _, w := range list {
		close(w.done)
	}
}

// commitAll carries out writes in one transaction. An error means that nothing
// of any of them is there; else each has its own.
func (db *DB) commitAll(ctx context.Context, list []*write) error {
	return db.once(ctx, func(tx *sql.Tx) error {
		for _, w := range list {
			if _, err := tx.ExecContext(ctx, "SAVEPOINT one"); err != nil {
				return err
			}
			if w.err = w.do(ctx, tx); w.err != nil {
				if _, err := tx.ExecContext(ctx, "ROLLBACK TO one"); err != nil {
					return err // the transaction is gone with it
				}
			}
			if _, err := tx.ExecContext(ctx, "RELEASE one"); err != nil {
				return err
			}
		}
		return nil
	})
}
