package engine

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"awayd/sync/account"
	"awayd/sync/plan"
)

var reading = &plan.ActivityItem{ID: "hers", XML: "<activity/>"}

func newActivityWorld(t *testing.T) *world {
	w := newWorld(t)
	w.activities = true
	w.activity = plan.ActivityNode{Exists: true, Access: plan.Presence, Item: reading}
	w.vacation("a", time.Hour, 5*time.Hour)
	w.vacation("b", 100*time.Hour, 120*time.Hour)
	return w
}

func (w *world) activityNow() (plan.ActivityNode, *plan.Activity, int) {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.activity, w.journal.Activity, w.activityAsked
}

// While a message is visible the activity says so, and afterwards it is what it
// was; nothing is asked while nothing is to be done.
func TestActivityBesideMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newActivityWorld(t)
		defer w.run()()
		time.Sleep(30 * time.Minute)
		if _, _, asked := w.activityNow(); asked != 0 {
			t.Errorf("the activity was asked for %d times before the start", asked)
		}
		time.Sleep(30 * time.Minute)
		n, a, _ := w.activityNow()
		if n.Away == nil || a == nil || a.Saved == nil || *a.Saved != *reading || !a.Shown {
			t.Fatalf("while away the activity is %+v, remembered %+v", n, a)
		}
		if _, shown, _ := w.look(); *n.Away != shown {
			t.Errorf("the activity says %q, presence %q", *n.Away, shown)
		}
		time.Sleep(4 * time.Hour)
		if n, a, _ := w.activityNow(); n.Away != nil || n.Item == nil || *n.Item != *reading || a != nil {
			t.Errorf("at last the activity is %+v, remembered %+v", n, a)
		}
		_, shown, done := w.look()
		if shown != "" || !done[2].Linger {
			t.Errorf("the person is shown with %q after %+v", shown, done[2])
		}
	})
}

// What the person sets while awayd is about to set something stays, and is no
// failure.
func TestActivityOfThatMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newActivityWorld(t)
		defer w.run()()
		stays := func(id string) {
			t.Helper()
			if n, _, _ := w.activityNow(); n.Item == nil || n.Item.ID != id {
				t.Errorf("the activity is %+v, want %s", n.Item, id)
			}
		}
		time.Sleep(2 * time.Hour)
		stays(plan.ItemActivity)
		w.mu.Lock()
		w.meanwhile = &plan.ActivityItem{ID: "at the end", XML: "<activity/>"}
		w.mu.Unlock()
		time.Sleep(4 * time.Hour)
		stays("at the end")
		w.mu.Lock()
		w.meanwhile = &plan.ActivityItem{ID: "at the start", XML: "<activity/>"}
		w.mu.Unlock()
		time.Sleep(98 * time.Hour)
		stays("at the start")
		time.Sleep(40 * time.Hour)
		stays("at the start")
		if failed := w.logged(account.KindError); len(failed) > 0 {
			t.Errorf("logged %+v", failed)
		}
	})
}

// A failing activity delays nothing, is logged once, and done when it can be.
func TestActivityFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newActivityWorld(t)
		w.activityErr = errors.New("no such thing")
		defer w.run()()
		time.Sleep(2 * time.Hour)
		w.expect(plan.Stage, plan.Reveal)
		if s := w.status(); s.Health != HealthOK {
			t.Errorf("the account is ill: %+v", s)
		}
		if e := w.logged(account.KindError); len(e) != 1 || e[0].Error == "" {
			t.Errorf("logged %+v", e)
		}
		w.mu.Lock()
		w.activityErr = nil
		w.mu.Unlock()
		time.Sleep(activityRetry + time.Second)
		if n, _, _ := w.activityNow(); n.Away == nil {
			t.Error("the activity was not tried again")
		}
		w.mu.Lock()
		w.activityErr = errors.New("not now")
		w.mu.Unlock()
		time.Sleep(3 * time.Hour)
		w.expect(plan.Stage, plan.Reveal, plan.Withdraw, plan.Stage)
		w.mu.Lock()
		w.activityErr = nil
		w.mu.Unlock()
		time.Sleep(activityRetry + time.Second)
		if n, a, _ := w.activityNow(); n.Item == nil || *n.Item != *reading || a != nil {
			t.Errorf("at last the activity is %+v, remembered %+v", n, a)
		}
	})
}

// An activity that is not told in time keeps the message from ending for so
// long, and no longer.
func TestActivityHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newActivityWorld(t)
		w.events = nil
		w.vacation("short", time.Hour, time.Hour+activityLimit+30*time.Second)
		w.activityTakes = 3 * time.Hour
		began := time.Now()
		defer w.run()()
		time.Sleep(3 * time.Hour)
		w.expect(plan.Stage, plan.Reveal, plan.Withdraw)
		_, _, done := w.look()
		if end := done[2].at.Sub(began); end != time.Hour+activityLimit+30*time.Second {
			t.Errorf("the message ended after %v", end)
		}
		if e := w.logged(account.KindError); len(e) != 1 {
			t.Errorf("logged %+v", e)
		}
	})
}

// Whatever ends the message puts the activity back, also after a restart; a
// pause leaves both.
func TestActivityEndsWithMessage(t *testing.T) {
	ends := map[string]func(w *world) error{
		"withdraw":     func(w *world) error { return w.engine.Withdraw(w.t.Context(), ada) },
		"unlink":       func(w *world) error { return w.engine.Unlink(w.t.Context(), ada, false) },
		"unlink, keep": func(w *world) error { return w.engine.Unlink(w.t.Context(), ada, true) },
		"configuration": func(w *world) error {
			d := w.engine.Defaults()
			d.Activity = false
			return w.engine.Reload(w.t.Context(), d)
		},
		"audience": func(w *world) error {
			return w.engine.Set(w.t.Context(), ada, func(a *account.Account) error { a.Settings.Audience = "group:Work"; return nil })
		},
		"pause, until it is over": func(w *world) error {
			err := w.engine.Pause(w.t.Context(), ada)
			time.Sleep(4 * time.Hour)
			if n, _, _ := w.activityNow(); n.Away == nil {
				w.t.Error("a paused account's activity was changed")
			}
			return errors.Join(err, w.engine.Resume(w.t.Context(), ada))
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newActivityWorld(t)
				stop := w.run()
				time.Sleep(2 * time.Hour)
				if n, _, _ := w.activityNow(); n.Away == nil {
					t.Fatal("the activity was not set")
				}
				stop()
				defer w.run()()
				synctest.Wait()
				if err := end(w); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				if n, a, _ := w.activityNow(); n.Item == nil || *n.Item != *reading || a != nil {
					t.Errorf("the activity is %+v, remembered %+v", n, a)
				}
			})
		})
	}
}

// What presence says reaches all contacts, so to a group it says nothing.
func TestGroupHasNoStatusText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newActivityWorld(t)
		w.acct.Settings.Audience = "group:Work"
		w.node.Circle = &plan.Circle{Others: []string{"Family"}}
		defer w.run()()
		time.Sleep(2 * time.Hour)
		w.expect(plan.Stage, plan.Reveal)
		if _, shown, _ := w.look(); shown != "" {
			t.Errorf("all contacts are told %q", shown)
		}
		if _, _, asked := w.activityNow(); asked != 0 {
			t.Error("the activity was touched")
		}
		w.mu.Lock()
		w.node.Circle = &plan.Circle{Others: []string{"Family"}}
		w.mu.Unlock()
		time.Sleep(10 * time.Minute)
		if s := w.status(); s.Health != HealthError || len(s.Problems) != 1 || s.Unverified {
			t.Errorf("with nobody in the group: %+v", s)
		}
		w.mu.Lock()
		w.node.Circle, w.node.Unread, w.node.Items = &plan.Circle{Contacts: 1}, true, nil
		w.mu.Unlock()
		time.Sleep(10 * time.Minute)
		if s := w.status(); s.Health != HealthOK || s.Visible == nil || !s.Unverified {
			t.Errorf("when the server shows nothing: %+v", s)
		}
	})
}
