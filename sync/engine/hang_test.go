package engine

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"awayd/sync/absence"
	"awayd/sync/account"
)

// A deaf calendar answers when it is let, whatever its caller has in mind, like a
// file on a server that is gone.
type deaf struct {
	let   chan struct{}
	asked int // on the owner's behalf, one after the other
	world *world
}

func (s *deaf) Poll(context.Context, string) (absence.Delta, string, error) {
	s.world.change(func() { s.asked++ })
	<-s.let
	return absence.Delta{Changed: []absence.Object{{Href: "/late"}}, Listing: []string{"/late"}}, "late", nil
}

// Calendars that never come back are said to fail, keep no other from being
// polled, and are not asked again before they did.
func TestHangingPollHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := &deaf{let: make(chan struct{}), world: w}
		w.acct.Calendars = nil
		for id := range int64(calmPolls) {
			w.acct.Calendars = append(w.acct.Calendars, account.Calendar{ID: id + 1, Name: "deaf"})
		}
		well := account.Calendar{ID: calmPolls + 1, Name: "well", EveryEvent: true}
		w.acct.Calendars = append(w.acct.Calendars, well)
		w.source = func(c account.Calendar) Source {
			if c.ID == well.ID {
				return w
			}
			return s
		}
		let := sync.OnceFunc(func() { close(s.let) })
		defer w.run()()
		defer let()
		w.vacation("a", 50*time.Hour, 60*time.Hour)
		time.Sleep(pollLimit + pollGrace + time.Minute)
		w.expect("stage")
		st := w.status()
		if st.Health != HealthError || !strings.Contains(st.Calendars[0].Error, "has not come back") {
			t.Errorf("%s: %+v", st.Health, st.Calendars[0])
		}
		if last := st.Calendars[calmPolls]; last.LastOK == nil || last.Error != "" {
			t.Errorf("the other one: %+v", last)
		}
		time.Sleep(3 * time.Hour)
		begin := time.Now()
		r, err := w.engine.Sync(t.Context(), ada, false)
		if err != nil || len(r[0].Errors) != calmPolls || time.Since(begin) > time.Minute {
			t.Errorf("sync: %v, %+v after %s", err, r, time.Since(begin))
		}
		// Settings that change make no difference to what hangs.
		if err := w.engine.Set(t.Context(), ada, func(*account.Account) error { return nil }); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		w.change(func() {
			if s.asked != calmPolls {
				t.Errorf("asked %d times", s.asked)
			}
		})
		let()
		time.Sleep(time.Hour)
		if c := w.status().Calendars[0]; c.Error != "" || c.LastOK == nil {
			t.Errorf("let go: %+v", c)
		}
	})
}

// What is linked anew while it hangs is not asked beside that, however often.
func TestHangingPollOutlivesItsSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := &deaf{let: make(chan struct{}), world: w}
		w.source = func(account.Calendar) Source { return s }
		defer w.run()()
		defer close(s.let)
		time.Sleep(time.Minute)
		set := func() {
			if err := w.engine.Set(t.Context(), ada, func(*account.Account) error { return nil }); err != nil {
				t.Error(err)
			}
		}
		set()
		time.Sleep(pollLimit + pollGrace)
		for range 10 {
			set()
			time.Sleep(pollLimit + pollGrace)
		}
		w.change(func() {
			if s.asked > 2 {
				t.Errorf("asked %d times", s.asked)
			}
		})
	})
}
