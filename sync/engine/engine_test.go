package engine

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/plan"
)

func TestVacationFromStartToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		begin := time.Now()
		w.vacation("a", time.Hour, 5*time.Hour)
		w.vacation("b", 100*time.Hour, 120*time.Hour)
		defer w.run()()
		w.expect(plan.Stage)
		time.Sleep(time.Hour - time.Second)
		w.expect(plan.Stage)
		time.Sleep(time.Second)
		w.expect(plan.Stage, plan.Reveal)
		if _, shown, _ := w.look(); shown == "" {
			t.Error("the person is not shown as away")
		}
		time.Sleep(4 * time.Hour)
		w.expect(plan.Stage, plan.Reveal, plan.Withdraw, plan.Stage)
		node, shown, done := w.look()
		if shown != "" {
			t.Error("the person is still shown as away")
		}
		for i, want := range []time.Duration{0, time.Hour, 5 * time.Hour} {
			if late := done[i].at.Sub(begin.Add(want)); late < 0 || late > 100*time.Millisecond {
				t.Errorf("%s was %s after its instant", done[i].Kind, late)
			}
		}
		if n := node.Items[0].Payload.Message; n == "" || node.Access != plan.Whitelist {
			t.Errorf("the following vacation is not staged: %+v", node)
		}
		for _, k := range []account.Kind{account.KindStage, account.KindReveal, account.KindWithdraw, account.KindChange, account.KindPoll} {
			if e := w.logged(k); len(e) == 0 || e[0].Reason == "" {
				t.Errorf("no entry of kind %s with a reason", k)
			}
		}
	})
}

func TestFailedPollIsNoEmptyCalendar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", time.Minute, 10*time.Hour)
		defer w.run()()
		time.Sleep(2 * time.Minute)
		w.expect(plan.Stage, plan.Reveal)
		w.mu.Lock()
		w.calErr = errors.New("503 Service Unavailable")
		w.mu.Unlock()
		time.Sleep(time.Hour)
		w.expect(plan.Stage, plan.Reveal)
		if n := len(w.logged(account.KindHold)); n != 1 {
			t.Errorf("%d holds logged, want one for one cause", n)
		}
		// An empty answer is not believed either, however often it comes.
		w.mu.Lock()
		w.calErr, w.events = nil, nil
		w.mu.Unlock()
		time.Sleep(time.Hour)
		w.expect(plan.Stage, plan.Reveal)
		if s, _ := w.engine.Status(ada); s[0].Health != HealthHeld {
			t.Errorf("health is %s, want held", s[0].Health)
		}
		if r, err := w.engine.Sync(t.Context(), ada, true); err != nil || len(r[0].Errors) > 0 {
			t.Fatal(r, err)
		}
		w.expect(plan.Stage, plan.Reveal, plan.Withdraw)
	})
}

func TestDeletionNeedsTwoListings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", time.Minute, 10*time.Hour)
		w.vacation("b", 100*time.Hour, 120*time.Hour)
		defer w.run()()
		time.Sleep(6 * time.Minute)
		w.expect(plan.Stage, plan.Reveal)
		w.mu.Lock()
		w.events = w.events[1:]
		w.mu.Unlock()
		time.Sleep(5 * time.Minute)
		w.expect(plan.Stage, plan.Reveal)
		time.Sleep(5 * time.Minute)
		w.expect(plan.Stage, plan.Reveal, plan.Withdraw, plan.Stage)
	})
}

func TestWithdrawDoesNotComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", -time.Hour, 10*time.Hour)
		stop := w.run()
		w.expect(plan.Reveal)
		if err := w.engine.Withdraw(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		w.expect(plan.Reveal, plan.Withdraw)
		time.Sleep(time.Hour)
		stop()
		defer w.run()()
		time.Sleep(time.Hour)
		w.expect(plan.Reveal, plan.Withdraw)
		if err := w.engine.Withdraw(t.Context(), ada); !errors.Is(err, ErrNothingLive) {
			t.Errorf("got %v", err)
		}
	})
}

// What is not awayd's is not said to be withdrawn, and its absence counts on.
func TestWithdrawLeavesWhatIsAnothers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", -time.Hour, 10*time.Hour)
		defer w.run()()
		w.expect(plan.Reveal)
		now := time.Now()
		w.change(func() {
			w.node.Items = []plan.Item{{ID: plan.ItemCurrent, Payload: plan.Payload{Start: now, End: now.Add(time.Hour), Message: "Back soon"}}}
		})
		if r, err := w.engine.Sync(t.Context(), ada, false); err != nil || len(r[0].Errors) > 0 {
			t.Fatal(r, err)
		}
		if err := w.engine.Withdraw(t.Context(), ada); !errors.Is(err, ErrForeign) {
			t.Errorf("got %v", err)
		}
		if s := w.status(); !s.Foreign || s.Visible == nil {
			t.Errorf("%+v", s)
		}
		for _, e := range w.logged(account.KindChange) {
			if strings.Contains(e.Reason, "withdrawn") {
				t.Errorf("logged %q", e.Reason)
			}
		}
		// An hour later it is no message any more.
		time.Sleep(2 * time.Hour)
		if s := w.status(); s.Foreign {
			t.Errorf("%+v", s)
		}
	})
}

// Titles are in the sync log, not in the daemon's, unless it is to say everything.
func TestTitlesStayInTheSyncLog(t *testing.T) {
	for level, told := range map[slog.Level]bool{slog.LevelInfo: false, slog.LevelDebug: true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			var said strings.Builder
			w.logger = slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: level}))
			w.vacation("a", time.Hour, 2*time.Hour)
			stop := w.run()
			time.Sleep(90 * time.Minute)
			if err := w.engine.Withdraw(t.Context(), ada); err != nil {
				t.Fatal(err)
			}
			w.expect(plan.Stage, plan.Reveal, plan.Withdraw)
			stop()
			title := w.events[0].Events[0].Summary
			if title == "" || strings.Contains(said.String(), title) != told || !strings.Contains(said.String(), "reveal") {
				t.Errorf("at %s, of %q: %s", level, title, said.String())
			}
		})
	}
}

func TestPauseLeavesTheNodeAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", time.Hour, 2*time.Hour)
		defer w.run()()
		w.expect(plan.Stage)
		if err := w.engine.Pause(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		time.Sleep(90 * time.Minute)
		w.expect(plan.Stage)
		if err := w.engine.Resume(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		w.expect(plan.Stage, plan.Reveal)
	})
}

// What awayd published after the backup that was restored, or before the account was
// linked anew, is its own all the same: it is shown and taken off.
func TestStateIsOlderThanTheNode(t *testing.T) {
	for name, from := range map[string]time.Duration{"staged": time.Hour, "live": -time.Hour, "live when it was last known": time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.vacation("a", from, 5*time.Hour)
				stop := w.run()
				time.Sleep(10 * time.Minute)
				stop()
				w.change(func() { w.journal, w.done = plan.Journal{}, nil })
				defer w.run()()
				time.Sleep(2 * time.Hour)
				if n := len(w.logged(account.KindOverride)); n > 0 {
					t.Error("awayd's own is left to the person")
				}
				if n := len(w.logged(account.KindRecover)); n != 1 {
					t.Errorf("said %d times", n)
				}
				w.change(func() {
					if w.shown == "" || !w.node.Exists || w.node.Hidden() {
						t.Errorf("contacts see %q, %+v", w.shown, w.node)
					}
				})
				time.Sleep(4 * time.Hour)
				w.change(func() {
					if w.node.Exists || w.shown != "" {
						t.Errorf("afterwards: %q, %+v", w.shown, w.node)
					}
				})
			})
		})
	}
}

func TestServerAwayAcrossAStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", time.Hour, 12*time.Hour)
		w.dialErr = errors.New("connection refused")
		defer w.run()()
		time.Sleep(3 * time.Hour)
		w.expect()
		if n := len(w.logged(account.KindError)); n != 1 {
			t.Errorf("%d errors logged, want one for one cause", n)
		}
		w.mu.Lock()
		w.dialErr = nil
		w.mu.Unlock()
		time.Sleep(5 * time.Second)
		w.expect(plan.Reveal)
	})
}

func TestBrokenStateWithdrawsButDoesNotReveal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", -time.Hour, time.Hour)
		w.vacation("b", 4*time.Hour, 5*time.Hour)
		defer w.run()()
		w.expect(plan.Reveal)
		w.mu.Lock()
		w.storeErr = errors.New("disk full")
		w.mu.Unlock()
		time.Sleep(8 * time.Hour)
		synctest.Wait()
		node, _, _ := w.look()
		if got := w.kinds(); slices.Contains(got[1:], plan.Reveal) || !slices.Contains(got, plan.Withdraw) || node.Exists {
			t.Errorf("performed %v, node %+v", got, node)
		}
	})
}

func TestClockStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", time.Hour, 48*time.Hour)
		defer w.run()()
		w.expect(plan.Stage)
		step := func(by time.Duration) {
			w.mu.Lock()
			w.offset += by
			w.mu.Unlock()
			time.Sleep(10 * time.Second)
		}
		step(2 * time.Hour)
		w.expect(plan.Stage, plan.Reveal)
		step(-2 * time.Hour)
		w.expect(plan.Stage, plan.Reveal, plan.Withdraw, plan.Stage)
	})
}

func TestUnlinkWithdraws(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", -time.Hour, time.Hour)
		defer w.run()()
		w.expect(plan.Reveal)
		w.mu.Lock()
		w.doErr = errors.New("password refused")
		w.mu.Unlock()
		var refused *UnlinkError
		if err := w.engine.Unlink(t.Context(), ada, false); !errors.As(err, &refused) || refused.Hint() == "" {
			t.Fatalf("got %v", err)
		}
		if list, _ := w.Accounts(t.Context()); len(list) == 0 {
			t.Fatal("forgotten although it could not be withdrawn")
		}
		w.mu.Lock()
		w.doErr = nil
		w.mu.Unlock()
		if err := w.engine.Unlink(t.Context(), ada, false); err != nil {
			t.Fatal(err)
		}
		w.expect(plan.Reveal, plan.Withdraw)
		if list, _ := w.Accounts(t.Context()); len(list) > 0 {
			t.Error("not forgotten")
		}
		if _, err := w.engine.Status(ada); !errors.Is(err, ErrUnknownAccount) {
			t.Errorf("got %v", err)
		}
	})
}

func TestOneHangingCalendarDelaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", time.Hour, 3*time.Hour)
		w.acct.Calendars = append(w.acct.Calendars, account.Calendar{ID: 2, Name: "never answers"})
		hang := &hanging{w}
		e, err := New(Config{Store: w, Calendars: hang, Dialer: w, Log: slog.New(slog.DiscardHandler), Defaults: Defaults{Poll: "@every 5m", Rules: absence.Defaults()}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- e.Run(ctx, nil) }()
		time.Sleep(time.Hour)
		w.expect(plan.Stage, plan.Reveal)
		_, _, performed := w.look()
		if late := performed[1].at.Sub(performed[0].at) - time.Hour; late > 100*time.Millisecond {
			t.Errorf("revealed %s late", late)
		}
		cancel()
		<-done
	})
}

// hanging opens calendar 2 as one that never answers.
type hanging struct{ w *world }

func (h *hanging) Open(c account.Calendar) (Source, error) {
	if c.ID == 2 {
		return h, nil
	}
	return h.w, nil
}

func (h *hanging) Poll(ctx context.Context, _ string) (absence.Delta, string, error) {
	<-ctx.Done()
	return absence.Delta{}, "", ctx.Err()
}
