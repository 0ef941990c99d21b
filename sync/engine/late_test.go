package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"awayd/sync/plan"
)

// A meter keeps what it is told.
type meter struct {
	mu       sync.Mutex
	told     []string // flips, with how late
	polls    int
	took     time.Duration // of the last poll
	failed   []error
	stumbled []error
	acted    map[string]int
}

func (m *meter) Polled(took time.Duration, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.polls++
	m.took = took
	if err != nil {
		m.failed = append(m.failed, err)
	}
}

func (m *meter) Acted(kind plan.Kind, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.acted[fmt.Sprint(kind, " ", err == nil)]++
}

func (m *meter) Flipped(kind plan.Kind, late time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told = append(m.told, fmt.Sprint(kind, " ", late.Round(10*time.Second)))
}

func (m *meter) Stumbled(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stumbled = append(m.stumbled, err)
}

func measured(t *testing.T) (*world, *meter) {
	w, m := newWorld(t), &meter{acted: make(map[string]int)}
	w.observer = m
	return w, m
}

// flips are what it was told, and forgets.
func (m *meter) flips() []string {
	synctest.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	told := m.told
	m.told = nil
	return told
}

// How late a flip is counts from the instant that it was due at, or was first
// known to be, through failures and while nothing ran.
func TestLateness(t *testing.T) {
	tests := map[string]struct {
		play func(w *world)
		want []string
	}{
		"on time": {func(w *world) {
			w.vacation("a", time.Hour, 2*time.Hour)
			defer w.run()()
			time.Sleep(3 * time.Hour)
		}, []string{"reveal 0s", "withdraw 0s"}},
		"the server was away": {func(w *world) {
			w.vacation("a", time.Hour, 10*time.Hour)
			defer w.run()()
			time.Sleep(time.Minute)
			w.breaks(errors.New("connection refused"))
			time.Sleep(time.Hour + time.Minute)
			w.breaks(nil)
			time.Sleep(time.Minute)
		}, []string{"reveal 2m0s"}},
		"awayd did not run": {func(w *world) {
			w.vacation("a", time.Hour, 10*time.Hour)
			stop := w.run()
			time.Sleep(time.Minute)
			stop()
			time.Sleep(3*time.Hour - time.Minute)
			defer w.run()()
			time.Sleep(time.Minute)
		}, []string{"reveal 2h0m0s"}},
		"a restart while live is not late": {func(w *world) {
			w.vacation("a", -time.Hour, 10*time.Hour)
			stop := w.run()
			time.Sleep(time.Minute)
			stop()
			time.Sleep(3 * time.Hour)
			defer w.run()()
			time.Sleep(time.Minute)
		}, []string{"reveal 0s"}},
		"known too late": {func(w *world) {
			w.takes = time.Minute
			defer w.run()()
			time.Sleep(24 * time.Hour)
			w.vacation("a", -10*time.Hour, 10*time.Hour)
			time.Sleep(time.Hour)
		}, []string{"reveal 0s"}},
		"cancelled while live": {func(w *world) {
			w.vacation("a", -time.Hour, 10*time.Hour)
			w.vacation("b", 20*time.Hour, 30*time.Hour)
			defer w.run()()
			time.Sleep(time.Hour)
			if err := w.engine.Withdraw(context.Background(), ada); err != nil {
				w.t.Error(err)
			}
		}, []string{"reveal 0s", "withdraw 0s"}},
		"lost by the server": {func(w *world) {
			w.vacation("a", -time.Hour, 10*time.Hour)
			defer w.run()()
			time.Sleep(5*time.Hour + time.Second)
			w.mu.Lock()
			w.node = plan.Observed{}
			w.mu.Unlock()
			time.Sleep(time.Hour)
		}, []string{"reveal 0s", "reveal 0s"}},
		"paused at the start": {func(w *world) {
			w.vacation("a", time.Hour, 10*time.Hour)
			defer w.run()()
			time.Sleep(time.Minute)
			if err := w.engine.Pause(context.Background(), ada); err != nil {
				w.t.Error(err)
			}
			time.Sleep(2 * time.Hour)
			if s := w.status(); !s.Late.IsZero() || s.Flip != nil {
				w.t.Errorf("paused: %+v", s)
			}
			if err := w.engine.Resume(context.Background(), ada); err != nil {
				w.t.Error(err)
			}
		}, []string{"reveal 0s"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, m := measured(t)
				test.play(w)
				if got := m.flips(); !slices.Equal(got, test.want) {
					t.Errorf("told %q, want %q", got, test.want)
				}
			})
		})
	}
}

// breaks makes the server hang up, and every login fail with err from then on;
// nil: both work again.
func (w *world) breaks(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dialErr, w.doErr = err, err
}

// What is late shows while it is, and so does a calendar that fails, since when
// it was read last.
func TestStatusTellsSinceWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := measured(t)
		w.vacation("a", time.Hour, 10*time.Hour)
		start := time.Now().Add(time.Hour)
		defer w.run()()
		time.Sleep(10 * time.Minute)
		if s := w.status(); !s.Late.IsZero() || s.Flip == nil || !s.Flip.At.Equal(start) || s.Flip.Action != plan.Reveal || !s.Calendars[0].Failing.IsZero() {
			t.Errorf("ahead: %+v", s)
		}
		read := *w.status().Calendars[0].LastOK
		w.mu.Lock()
		w.calErr = errors.New("no answer")
		w.mu.Unlock()
		w.breaks(errors.New("connection refused"))
		time.Sleep(2 * time.Hour)
		s := w.status()
		if !s.Late.Equal(start) || s.Calendars[0].Failing.Sub(read) < 0 || s.Calendars[0].Failing.Sub(read) > 5*time.Minute {
			t.Errorf("late since %v, want %v; failing since %v, want %v", s.Late, start, s.Calendars[0].Failing, read)
		}
		w.mu.Lock()
		w.calErr = nil
		w.mu.Unlock()
		w.breaks(nil)
		time.Sleep(time.Hour)
		if s := w.status(); !s.Late.IsZero() || !s.Calendars[0].Failing.IsZero() || s.Flip.Action != plan.Withdraw {
			t.Errorf("mended: %+v", s)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.polls < 5 || len(m.failed) == 0 || len(m.stumbled) == 0 || m.acted["reveal true"] != 1 || m.acted["stage true"] != 1 {
			t.Errorf("measured %+v", m)
		}
	})
}

// A turn that takes longer than until the instant it was made for is followed by
// another one at once.
func TestInstantPassesDuringATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", time.Hour, 2*time.Hour)
		begin := time.Now()
		defer w.run()()
		w.expect(plan.Stage)
		ahead := lastLookAhead + spread(ada, lastLookSpread)
		time.Sleep(time.Hour - ahead - time.Second)
		w.mu.Lock()
		w.showTakes = ahead + time.Second // from the last look before the start until after it
		w.mu.Unlock()
		time.Sleep(ahead + 4*time.Second)
		w.expect(plan.Stage, plan.Reveal)
		time.Sleep(time.Until(begin.Add(2*time.Hour + ahead + 4*time.Second)))
		w.expect(plan.Stage, plan.Reveal, plan.Withdraw)
	})
}

// Those who leave at the same moment look at their nodes one after the other,
// each in good time and once more shortly before.
func TestLooksAheadAreSpread(t *testing.T) {
	const people = 1000
	instant := time.Now()
	looks := make(map[time.Duration]int) // in each second before the instant
	for i := range people {
		k := &Keeper{KeeperConfig: KeeperConfig{JID: fmt.Sprintf("away-%d@example.org", i)}}
		at := k.aheadOf(instant)
		first, last := instant.Sub(at[0]), instant.Sub(at[1])
		if first < lookAhead || first > lookAhead+lookSpread || last < lastLookAhead || last > lookAhead || !at[2].Equal(instant) {
			t.Fatalf("%s looks %v and %v ahead", k.JID, first, last)
		}
		looks[first.Truncate(time.Second)]++
		looks[last.Truncate(time.Second)]++
	}
	for ahead, n := range looks {
		if most := people / 4; n > most {
			t.Errorf("%d of %d look within the second %v ahead, want %d at most", n, people, ahead, most)
		}
	}
}
