package engine

import (
	"testing"
	"testing/synctest"
	"time"

	"awayd/sync/account"
)

// While others hang in their logins at a host, an account's commands are heard,
// and that it waits is no trouble of its own.
func TestWaitingForALoginIsNoTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", 50*time.Hour, 60*time.Hour)
		var leave []func()
		w.ready = func() {
			for range calmLogins {
				f, err := w.engine.logins.Enter(t.Context(), "example.org", false)
				if err != nil {
					t.Fatal(err)
				}
				leave = append(leave, f)
			}
		}
		defer w.run()()
		time.Sleep(time.Hour)
		w.expect()
		begin := time.Now()
		if err := w.engine.Set(t.Context(), ada, func(*account.Account) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took > 2*calmWait {
			t.Errorf("a command waited %s", took)
		}
		if s := w.status(); s.Health != HealthOK || s.XMPP.Error != "" || s.XMPP.Connected || len(w.logged(account.KindError)) > 0 {
			t.Errorf("status says %s, %+v", s.Health, s.XMPP)
		}
		for _, f := range leave {
			f()
		}
		time.Sleep(2 * calmWait)
		w.expect("stage")
	})
}
