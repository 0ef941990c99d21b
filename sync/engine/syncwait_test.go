package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"awayd/sync/account"
)

// asks has a person wait for a sync, for no longer than a minute, and returns how
// long that took and what they were told.
func (w *world) asks() (took time.Duration, errs []string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	began := time.Now()
	r, err := w.engine.Sync(ctx, ada, false)
	if err != nil {
		w.t.Fatal(err)
	}
	return time.Since(began), r[0].Errors
}

// A paused account makes no attempt, so nobody waits for one, and what went wrong
// before the pause is told neither by sync nor by status.
func TestSyncOfAPausedAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", -time.Hour, 100*time.Hour)
		w.fail(errors.New("connection refused"))
		defer w.run()()
		time.Sleep(time.Hour)
		if err := w.engine.Pause(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		if s := w.status(); s.Mode != string(account.Paused) || s.Health != HealthOK || s.XMPP.Error != "" || len(s.Problems) > 0 {
			t.Errorf("status: %+v", s)
		}
		if took, errs := w.asks(); took > time.Second || len(errs) > 0 {
			t.Errorf("took %s: %q", took, errs)
		}
		dials := w.dials
		time.Sleep(time.Hour)
		if n, _ := w.logins(); n != dials {
			t.Errorf("%d logins while paused", n-dials)
		}
		if err := w.engine.Resume(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		if s := w.status(); s.Health != HealthError || s.XMPP.Error == "" {
			t.Errorf("resumed: %+v", s)
		}
		w.fail(nil)
		time.Sleep(10 * time.Second)
		w.expect("reveal")
	})
}

// Who asks is told soon that the server is still away, and that a login is
// refused at once, however long the wait between attempts has become.
func TestSyncTellsTheTroubleSoon(t *testing.T) {
	for name, err := range map[string]error{"away": errors.New("connection refused"), "refused": refused{}, "broken": errors.New("pubsub is broken")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.vacation("a", 100*time.Hour, 200*time.Hour)
				if w.dialErr = err; name == "broken" {
					w.dialErr, w.doErr = nil, err
				}
				defer w.run()()
				time.Sleep(3 * time.Hour)
				for range 10 {
					before, _ := w.logins()
					took, errs := w.asks()
					if took > 5*time.Second || !(len(errs) == 1 && strings.HasSuffix(errs[0], err.Error())) {
						t.Errorf("took %s: %q", took, errs)
					}
					time.Sleep(20 * time.Minute)
					// Nor is a refused password tried more often for that.
					if n, _ := w.logins(); name == "refused" && n-before > 10 {
						t.Errorf("%d logins", n-before)
					}
				}
			})
		})
	}
}

// Who went away is waited for by nobody: polls are urgent for those who wait.
func TestSyncThatIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.takes = time.Hour
		defer w.run()()
		ctx, cancel := context.WithCancel(t.Context())
		var waiting int
		count := func() int {
			err := w.engine.command(t.Context(), ada, func(_ context.Context, a *actor) error { waiting = len(a.waiting); return nil })
			if err != nil {
				t.Fatal(err)
			}
			return waiting
		}
		synctest.Wait()
		go func() { _, _ = w.engine.Sync(ctx, ada, false) }()
		synctest.Wait()
		if n := count(); n != 1 {
			t.Errorf("%d wait", n)
		}
		cancel()
		synctest.Wait()
		if n := count(); n != 0 {
			t.Errorf("%d still wait", n)
		}
	})
}
