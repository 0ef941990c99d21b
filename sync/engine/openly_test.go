package engine

import (
	"testing"
	"testing/synctest"
	"time"

	"awayd/sync/account"
	"awayd/sync/plan"
)

// On a server that cannot hide a message nothing is staged, and nothing is wrong:
// the log says so once, the session rests, and the absence begins in time.
func TestNothingIsStagedInTheOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.openly = true
		w.vacation("a", 100*time.Hour, 112*time.Hour)
		w.vacation("b", 200*time.Hour, 212*time.Hour)
		start := time.Now().Add(100 * time.Hour)
		defer w.run()()
		well := func(when string) {
			t.Helper()
			s := w.status()
			if s.Health != HealthOK || len(s.Problems) > 0 {
				t.Errorf("%s: %s, %q", when, s.Health, s.Problems)
			}
			if !s.XMPP.Resting {
				t.Errorf("%s there is a session", when)
			}
			if s.Next == nil || s.Next.Action != plan.Reveal {
				t.Errorf("%s what comes next is %+v", when, s.Next)
			}
			p, err := w.engine.Preview(t.Context(), ada, time.Now(), time.Now().Add(1000*time.Hour))
			if err != nil || len(p.Steps) == 0 || p.Steps[0].Kind != plan.Reveal {
				t.Errorf("%s the preview is %+v, %v", when, p.Steps, err)
			}
			if e := append(w.logged(account.KindStage), w.logged(account.KindError)...); len(e) > 0 {
				t.Errorf("%s the log has %+v", when, e)
			}
			if e := w.logged(account.KindHold); len(e) != 1 || e[0].Reason != plan.ErrUnhideable.Error() {
				t.Errorf("%s the log says %+v", when, e)
			}
		}
		time.Sleep(time.Hour)
		well("after an hour")
		time.Sleep(90 * time.Hour)
		well("after days")
		if n := w.efforts(account.KindHold).dials; n > 5 {
			t.Errorf("%d logins in four days", n)
		}
		time.Sleep(10 * time.Hour)
		w.expect(plan.Reveal)
		if _, _, done := w.look(); done[0].at.Before(start) || done[0].at.Sub(start) > 100*time.Millisecond {
			t.Errorf("revealed at %s, want %s", done[0].at, start)
		}
		time.Sleep(12 * time.Hour)
		w.expect(plan.Reveal, plan.Withdraw)
		well("between two absences")
	})
}

// To a group nothing can be shown there without having been hidden: that is a
// trouble, and known before the absence begins.
func TestNothingIsShownToAGroupInTheOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.openly = true
		w.acct.Settings.Audience = "group:Work"
		w.vacation("a", 100*time.Hour, 112*time.Hour)
		defer w.run()()
		time.Sleep(time.Hour)
		if s := w.status(); s.Health != HealthError {
			t.Errorf("health is %s", s.Health)
		}
		if e := w.logged(account.KindStage); len(e) != 1 {
			t.Errorf("logged %+v", e)
		}
	})
}
