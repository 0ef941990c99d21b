package engine

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"awayd/sync/account"
	"awayd/sync/plan"
)

// refuse has the server refuse whatever would change the node, or nothing any
// more when err is nil.
func (w *world) refuse(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refusal = err
}

// efforts are what a server that refuses has to bear, and a person's contacts.
type efforts struct{ dials, shows, failed, sent int }

func (w *world) efforts(k account.Kind) efforts {
	synctest.Wait()
	failed := 0
	for _, e := range w.logged(k) {
		if e.Outcome == account.Failed {
			failed++
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return efforts{w.dials, w.shows, failed, len(w.journal.Sent)}
}

var errFull = errors.New("internal-server-error: no space left on device")

// A server that answers, and refuses to begin an absence, is neither logged in
// to again and again nor shown a person who comes and goes, and the log says it
// once. As soon as it takes the message it has it.
func TestRefusedReveal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", time.Hour, 12*time.Hour)
		defer w.run()()
		time.Sleep(59 * time.Minute)
		w.refuse(errFull)
		time.Sleep(time.Hour)
		e := w.efforts(account.KindReveal)
		if e.dials > 3 || e.shows > 1 || e.failed != 1 {
			t.Errorf("in an hour %d logins, %d presences, %d times in the log", e.dials, e.shows, e.failed)
		}
		if _, shown, _ := w.look(); shown == "" {
			t.Error("the person is not shown as away")
		}
		w.refuse(nil)
		time.Sleep(time.Minute)
		w.expect(plan.Stage, plan.Reveal)
		// Another trouble is another line.
		w.vacation("b", 24*time.Hour, 25*time.Hour)
		time.Sleep(23*time.Hour + 30*time.Minute)
		w.refuse(errFull)
		time.Sleep(time.Hour)
		if e := w.efforts(account.KindReveal); e.failed != 2 {
			t.Errorf("the second absence: %d times in the log", e.failed)
		}
	})
}

// One that refuses to end an absence before its time is asked for the same end
// each time, and the person is shown with the text no longer.
func TestRefusedWithdrawal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", -time.Hour, 12*time.Hour)
		w.vacation("b", 24*time.Hour, 25*time.Hour)
		defer w.run()()
		time.Sleep(time.Minute)
		w.expect(plan.Reveal)
		w.refuse(errFull)
		begun := w.efforts(account.KindWithdraw)
		if err := w.engine.Withdraw(t.Context(), ada); err == nil || !strings.Contains(err.Error(), "not yet") {
			t.Errorf("withdraw: %v", err)
		}
		time.Sleep(time.Hour)
		e := w.efforts(account.KindWithdraw)
		if e.dials != begun.dials || e.shows-begun.shows > 80 || e.failed != 1 || e.sent != begun.sent+1 {
			t.Errorf("in an hour %d logins, %d presences, %d times in the log, %d closing messages",
				e.dials-begun.dials, e.shows-begun.shows, e.failed, e.sent-begun.sent)
		}
		if _, shown, _ := w.look(); shown != "" {
			t.Errorf("the person is still shown with %q", shown)
		}
		w.refuse(nil)
		time.Sleep(time.Minute)
		w.expect(plan.Reveal, plan.Withdraw, plan.Stage)
	})
}

// What a server refuses for a moment is tried again at once.
func TestRefusedForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", time.Hour, 12*time.Hour)
		defer w.run()()
		time.Sleep(59 * time.Minute)
		w.refuse(errFull)
		time.Sleep(time.Minute + 3*time.Second)
		w.refuse(nil)
		time.Sleep(2 * overdueRetry)
		w.expect(plan.Stage, plan.Reveal)
	})
}
