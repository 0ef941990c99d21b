package engine

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"awayd/sync/account"
	"awayd/sync/plan"
)

// ask has a person ask for the node to be looked at.
func (w *world) ask() { _, _ = w.engine.Sync(w.t.Context(), ada, false) }

// logins returns how many there were so far, and whether a session is open.
func (w *world) logins() (int, bool) {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dials, w.open > 0
}

// A session is there from shortly before a start until shortly after the end,
// and for the moments in which something is staged or looked at.
func TestSessionOnlyWhileSomethingIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", 5*time.Hour, 8*time.Hour)
		begin := time.Now()
		defer w.run()()
		w.expect(plan.Stage)
		for _, step := range []struct {
			at     time.Duration
			logins int
			open   bool
		}{
			{time.Second, 1, true},
			{DefaultSessions.Linger + 10*time.Second, 1, false},
			{5*time.Hour - DefaultSessions.LeadMost, 1, false},
			{5*time.Hour - DefaultSessions.LeadLeast, 2, true},
			{6 * time.Hour, 2, true},
			{8*time.Hour + time.Second, 2, true},
			{8*time.Hour + DefaultSessions.Linger + time.Second, 2, false},
			{24*time.Hour - auditSpread, 2, false},
		} {
			time.Sleep(time.Until(begin.Add(step.at)))
			n, open := w.logins()
			if n != step.logins || open != step.open {
				t.Errorf("after %s: %d logins, open %t; want %d, %t", step.at, n, open, step.logins, step.open)
			}
			s := w.status()
			if s.XMPP.Connected != open || s.XMPP.Resting == open || s.XMPP.Server != "test" || s.Health != HealthOK {
				t.Errorf("after %s: status says %+v, %s", step.at, s.XMPP, s.Health)
			}
			if s.XMPP.Resting && step.at < 5*time.Hour && (s.XMPP.ConnectsAt == nil || s.XMPP.ConnectsAt.Before(begin.Add(5*time.Hour-DefaultSessions.LeadMost)) || s.XMPP.ConnectsAt.After(begin.Add(5*time.Hour-DefaultSessions.LeadLeast))) {
				t.Errorf("connects at %v", s.XMPP.ConnectsAt)
			}
		}
		w.expect(plan.Stage, plan.Reveal, plan.Withdraw)
		if late := w.done[1].at.Sub(begin.Add(5 * time.Hour)); late < 0 || late > 100*time.Millisecond {
			t.Errorf("revealed %s after its instant", late)
		}
		if n := len(w.logged(account.KindError)); n != 0 {
			t.Errorf("%d errors logged", n)
		}
	})
}

// Short absences in a row share a session.
func TestSessionDoesNotFlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for i := range 12 {
			at := time.Hour + time.Duration(i)*10*time.Minute
			w.vacation(string(rune('a'+i)), at, at+2*time.Minute)
		}
		defer w.run()()
		time.Sleep(4 * time.Hour)
		if n, open := w.logins(); n != 2 || open {
			t.Errorf("%d logins, open %t", n, open)
		}
		if got := len(w.kinds()); got != 36 {
			t.Errorf("%d actions, want 36", got)
		}
	})
}

// A login that would fail is found by the daily look, in time to be mended.
func TestTroubleIsFoundBeforeItMatters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", 100*time.Hour, 120*time.Hour)
		defer w.run()()
		time.Sleep(time.Hour)
		w.change(func() { w.dialErr = errors.New("wrong password") })
		time.Sleep(24 * time.Hour)
		if s := w.status(); s.Health != HealthError || s.XMPP.Resting || s.XMPP.Error == "" {
			t.Errorf("status says %s, %+v", s.Health, s.XMPP)
		}
		w.change(func() { w.dialErr = nil })
		time.Sleep(10 * time.Minute)
		if s := w.status(); s.Health != HealthOK || !s.XMPP.Resting {
			t.Errorf("status says %s, %+v", s.Health, s.XMPP)
		}
		entries := w.logged(account.KindError)
		if slices.ContainsFunc(entries[1:], func(e account.Entry) bool { return e.Outcome == account.Failed }) {
			t.Errorf("one trouble is logged as %+v", entries)
		}
	})
}

// What a calendar says is acted on at once, and so is what a person says.
func TestRestEndsWhenSomethingIsToBeDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.schedule = "@every 1h"
		defer w.run()()
		time.Sleep(90 * time.Minute)
		if n, open := w.logins(); n != 1 || open {
			t.Fatalf("%d logins, open %t", n, open)
		}
		w.vacation("a", 50*time.Hour, 60*time.Hour)
		time.Sleep(time.Hour)
		w.expect(plan.Stage)
		if n, open := w.logins(); n != 2 || open {
			t.Errorf("staged: %d logins, open %t", n, open)
		}
		w.mu.Lock()
		w.node.Access = plan.Open // somebody let everybody in
		w.mu.Unlock()
		w.ask()
		w.expect(plan.Stage, plan.Withdraw, plan.Stage)
		time.Sleep(time.Hour)
		if err := w.engine.Pause(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		if s := w.status(); s.XMPP.Resting {
			t.Error("paused is called resting")
		}
		before, _ := w.logins()
		if err := w.engine.Resume(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		if n, open := w.logins(); n != before+1 || !open {
			t.Errorf("resumed: %d logins after %d, open %t", n, before, open)
		}
	})
}

// After a start the node is looked at, whoever would rest: nobody knows what
// happened meanwhile.
func TestRestartLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", 50*time.Hour, 60*time.Hour)
		stop := w.run()
		w.expect(plan.Stage)
		time.Sleep(time.Hour)
		stop()
		defer w.run()()
		time.Sleep(time.Second)
		if n, open := w.logins(); n != 2 || !open {
			t.Errorf("after a restart: %d logins, open %t", n, open)
		}
	})
}

// A session that was made only to tell the person something ends soon, too.
func TestSessionForALetterEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.schedule = "@every 12h"
		defer w.run()()
		time.Sleep(time.Hour)
		before, _ := w.logins()
		w.change(func() { w.calErr = denied{} })
		w.untilNextPoll()
		if n, open := w.logins(); n != before+1 || !open {
			t.Errorf("%d logins after %d, open %t", n, before, open)
		}
		w.wantMail("at once", []string{"has refused the login"})
		time.Sleep(time.Minute)
		if n, open := w.logins(); n != before+1 || open {
			t.Errorf("a minute later: %d logins after %d, open %t", n, before, open)
		}
		if s := w.status(); !s.XMPP.Resting {
			t.Errorf("status says %+v", s.XMPP)
		}
	})
}
