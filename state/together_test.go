package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"awayd/sync/account"
	"awayd/sync/plan"
)

// gathered makes n writes wait for each other, carries them out and returns the
// outcomes.
func gathered(t *testing.T, db *DB, n int, write func(i int) error) []error {
	t.Helper()
	db.queue.turn <- struct{}{} // somebody is at work
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = write(i) })
	}
	for waiting := 0; waiting < n; {
		db.queue.mu.Lock()
		waiting = len(db.queue.waiting)
		db.queue.mu.Unlock()
		time.Sleep(time.Millisecond)
	}
	<-db.queue.turn
	all.Wait()
	return errs
}

func people(t testing.TB, db *DB, n int) []string {
	t.Helper()
	list := make([]string, n)
	for i := range list {
		a := account.Account{JID: fmt.Sprintf("p%d@example.org", i)}
		_, err := db.SaveAccount(t.Context(), a)
		must(t, err)
		list[i] = a.JID
	}
	return list
}

// TestTogether has more accounts write at once than one transaction takes, some
// of which nobody knows.
func TestTogether(t *testing.T) {
	t.Parallel()
	db := openIn(t, t.TempDir())
	jids := people(t, db, mostTogether+20)
	for i := 0; i < len(jids); i += 7 {
		must(t, db.DeleteAccount(t.Context(), jids[i]))
	}
	errs := gathered(t, db, len(jids), func(i int) error {
		return db.SaveJournal(t.Context(), jids[i], plan.Journal{Begun: &plan.Action{Reason: jids[i]}})
	})
	for i, err := range errs {
		if i%7 == 0 {
			if !errors.Is(err, ErrUnknownAccount) {
				t.Errorf("%s, which is not linked: %v", jids[i], err)
			}
			continue
		}
		must(t, err)
		j, err := db.Journal(t.Context(), jids[i])
		must(t, err)
		if j.Begun == nil || j.Begun.Reason != jids[i] {
			t.Errorf("journal of %s: %+v", jids[i], j.Begun)
		}
	}
}

// TestTogetherOneFails has one write fail half way, and one take the whole
// transaction with it, as SQLite does on a full disk.
func TestTogetherOneFails(t *testing.T) {
	t.Parallel()
	db := openIn(t, t.TempDir())
	jids := people(t, db, 9)
	broken := errors.New("broken")
	errs := gathered(t, db, len(jids), func(i int) error {
		return db.together(t.Context(), "try", jids[i], func(ctx context.Context, tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, "UPDATE accounts SET address = 'written' WHERE jid = ?", jids[i]); err != nil {
				return err
			}
			switch i {
			case 3:
				return broken
			case 5:
				_, err := tx.ExecContext(ctx, "ROLLBACK")
				return errors.Join(err, broken)
			}
			return nil
		})
	})
	list, err := db.Accounts(t.Context())
	must(t, err)
	for i, a := range list {
		fails := i == 3 || i == 5
		if errors.Is(errs[i], broken) != fails || (a.Login.Address == "written") == fails {
			t.Errorf("%s: %v, address %q", a.JID, errs[i], a.Login.Address)
		}
	}
}

// TestTogetherGivesUp ends the wait of one write, not that of the others.
func TestTogetherGivesUp(t *testing.T) {
	t.Parallel()
	db := openIn(t, t.TempDir())
	jids := people(t, db, 3)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan struct{})
	errs := gathered(t, db, len(jids), func(i int) error {
		switch i {
		case 0:
			go func() { time.Sleep(20 * time.Millisecond); cancel() }()
			defer close(gone)
			return db.SaveJournal(ctx, jids[i], plan.Journal{Clean: true})
		default:
			err := db.SaveJournal(t.Context(), jids[i], plan.Journal{Clean: true})
			<-gone
			return err
		}
	})
	must(t, errors.Join(errs[1:]...))
	// Whichever came first, the outcome is true.
	j, err := db.Journal(t.Context(), jids[0])
	must(t, err)
	if (errs[0] == nil) != j.Clean || (errs[0] != nil && !errors.Is(errs[0], context.Canceled)) {
		t.Errorf("cancelled: %v, and the journal is %+v", errs[0], j)
	}
	if err := db.SaveJournal(ctx, jids[0], plan.Journal{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
}

// BenchmarkJournal is what a flip writes down, for one person and for a
// thousand at once.
func BenchmarkJournal(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprintf("people=%d", n), func(b *testing.B) {
			db, err := Open(b.Context(), filepath.Join(b.TempDir(), "state"), Options{})
			must(b, err)
			defer func() { must(b, db.Close()) }()
			jids := people(b, db, n)
			day := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
			for b.Loop() {
				var all sync.WaitGroup
				for i := range jids {
					all.Go(func() {
						day := day.Add(time.Duration(i) * time.Second)
						p := plan.NewPayload(day, day.AddDate(0, 0, 14), "Away")
						j := plan.Journal{Begun: &plan.Action{Kind: plan.Reveal, Reason: "because", Payload: p}}
						if err := db.SaveJournal(b.Context(), jids[i], j.Sending(p, day)); err != nil {
							b.Error(err)
						}
					})
				}
				all.Wait()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/journal")
		})
	}
}
