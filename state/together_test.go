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

// TestTogetherGivesUp ends the wait of who has not had their turn.
func TestTogetherGivesUp(t *testing.T) {
	t.Parallel()
	db := openIn(t, t.TempDir())
	jids := people(t, db, 1)
	ctx, cancel := context.WithCancel(t.Context())
	outcome := make(chan error, 1)
	db.queue.turn <- struct{}{} // somebody is at work
	go func() { outcome <- db.SaveJournal(ctx, jids[0], plan.Journal{Clean: true}) }()
	cancel()
	if err := <-outcome; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	<-db.queue.turn
	// Which neither is there nor keeps others from being written.
	j, err := db.Journal(t.Context(), jids[0])
	must(t, err)
	if j.Clean || len(db.queue.waiting) > 0 {
		t.Errorf("journal %+v, waiting %d", j, len(db.queue.waiting))
	}
	must(t, db.SaveJournal(t.Context(), jids[0], plan.Journal{Clean: true}))
}

// TestObservedAgain looks at the same node again and again.
func TestObservedAgain(t *testing.T) {
	t.Parallel()
	db := openIn(t, t.TempDir())
	jid := people(t, db, 1)[0]
	noon := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	hidden, open := plan.Observed{Exists: true, Access: plan.Whitelist}, plan.Observed{Exists: true, Access: plan.Open}
	for _, look := range []struct {
		sight      plan.Observed
		at, stored time.Duration
	}{
		{hidden, 0, 0},
		{hidden, 4 * time.Second, 0},
		{open, 4 * time.Second, 4 * time.Second},
		{hidden, 5 * time.Second, 5 * time.Second},
		{hidden, 10 * time.Second, 10 * time.Second},
		{hidden, -time.Hour, -time.Hour}, // the clock went back
	} {
		must(t, db.SaveObserved(t.Context(), jid, look.sight, noon.Add(look.at)))
		got, at, err := db.Observed(t.Context(), jid)
		must(t, err)
		if got.Access != look.sight.Access || !at.Equal(noon.Add(look.stored)) {
			t.Errorf("after a look at %s: %v at %s", look.at, got.Access, at.Sub(noon))
		}
	}
	must(t, db.DeleteAccount(t.Context(), jid))
	if err := db.SaveObserved(t.Context(), jid, hidden, noon.Add(-time.Hour)); !errors.Is(err, ErrUnknownAccount) {
		t.Errorf("of an account that was deleted: %v", err)
	}
}

// TestHashesAgain deletes an account and links it again: what was saved of the
// first one is not taken for saved.
func TestHashesAgain(t *testing.T) {
	t.Parallel()
	db := openIn(t, t.TempDir())
	j := plan.Journal{Sent: map[string]time.Time{"hash": time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)}}
	for range 2 {
		jid := people(t, db, 1)[0]
		must(t, db.SaveJournal(t.Context(), jid, j))
		j.Clean = !j.Clean // which changes no hash
		must(t, db.SaveJournal(t.Context(), jid, j))
		got, err := db.Journal(t.Context(), jid)
		must(t, err)
		if len(got.Sent) != 1 || got.Clean != j.Clean {
			t.Errorf("journal %+v", got)
		}
		must(t, db.DeleteAccount(t.Context(), jid))
	}
}

// BenchmarkTogether is what a flip writes down, for one person and for a
// thousand at once.
func BenchmarkTogether(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprintf("people=%d", n), func(b *testing.B) {
			db, err := Open(b.Context(), filepath.Join(b.TempDir(), "state"), Options{})
			must(b, err)
			defer func() { must(b, db.Close()) }()
			jids := people(b, db, n)
			day := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
			for b.Loop() {
				day = day.Add(time.Hour)
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
