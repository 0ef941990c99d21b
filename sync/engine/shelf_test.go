package engine

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/plan"
)

// Calendars that do not change are loaded at the start, and then once a week
// for the timeline: not for each poll.
func TestQuietCalendarIsNotLoaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", 3*rebuildEvery, 4*rebuildEvery)
		w.objects, w.calm = []account.CachedObject{{Object: w.events[0]}}, true
		defer w.run()()
		time.Sleep(time.Hour)
		w.expect(plan.Stage)
		w.mu.Lock()
		if w.polls < 12 || w.loads != 1 {
			t.Errorf("%d polls, %d loads", w.polls, w.loads)
		}
		w.events = nil // suddenly empty
		w.mu.Unlock()
		time.Sleep(10 * time.Minute)
		if hold := w.status().Calendars[0].Hold; !strings.Contains(hold, "suddenly holds nothing") {
			t.Errorf("hold: %q", hold)
		}
		time.Sleep(2 * rebuildEvery)
		w.expect(plan.Stage)
	})
}

// When a calendar was read last is what its owner knows, though the state that
// takes other settings was not told of quiet polls yet.
func TestSettingsForgetNoQuietPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", 3*rebuildEvery, 4*rebuildEvery)
		w.objects, w.calm = []account.CachedObject{{Object: w.events[0]}}, true
		defer w.run()()
		time.Sleep(20 * time.Minute)
		read := w.status().Calendars[0].LastOK
		w.failPolls(errors.New("500 Internal Server Error"))
		asTheStateHasIt := func(a *account.Account) error {
			c := &a.Calendars[0]
			c.LastPoll, c.LastOK = c.LastPoll.Add(-15*time.Minute), c.LastOK.Add(-15*time.Minute)
			return nil
		}
		if err := w.engine.Set(t.Context(), ada, asTheStateHasIt); err != nil {
			t.Fatal(err)
		}
		if c := w.status().Calendars[0]; c.Error == "" || !c.LastOK.Equal(*read) {
			t.Errorf("read last at %s, not %s: %q", c.LastOK, read, c.Error)
		}
	})
}

// Nor does what the state was told by a clock that was wrong count for more.
func TestSettingsBringNoWrongTimeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", 3*rebuildEvery, 4*rebuildEvery)
		w.objects, w.calm = []account.CachedObject{{Object: w.events[0]}}, true
		defer w.run()()
		time.Sleep(20 * time.Minute)
		read := w.status().Calendars[0].LastOK
		w.failPolls(errors.New("500 Internal Server Error"))
		asTheStateHasIt := func(a *account.Account) error {
			c := &a.Calendars[0]
			c.LastPoll, c.LastOK = c.LastPoll.AddDate(3, 0, 0), c.LastOK.AddDate(3, 0, 0)
			return nil
		}
		if err := w.engine.Set(t.Context(), ada, asTheStateHasIt); err != nil {
			t.Fatal(err)
		}
		if c := w.status().Calendars[0]; c.Error == "" || !c.LastOK.Equal(*read) {
			t.Errorf("read last at %s, not %s: %q", c.LastOK, read, c.Error)
		}
	})
}

// A failure has the state told when the calendar was read last, which a restart
// would not know otherwise for as long as it fails.
func TestFailureForgetsNoQuietPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", 3*rebuildEvery, 4*rebuildEvery)
		w.objects, w.calm = []account.CachedObject{{Object: w.events[0]}}, true
		defer w.run()()
		time.Sleep(20 * time.Minute)
		read := w.status().Calendars[0].LastOK
		w.failPolls(errors.New("500 Internal Server Error"))
		time.Sleep(6 * time.Minute)
		if c := w.status().Calendars[0]; c.Error == "" || !c.LastOK.Equal(*read) {
			t.Errorf("read last at %s, not %s: %q", c.LastOK, read, c.Error)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.quiet) != 1 || !w.quiet[0][1].At.Truncate(time.Second).Equal(*read) {
			t.Errorf("the state was told %v", w.quiet)
		}
	})
}

// What could not be saved holds, and the state gets it later: what is gone, too.
func TestUnsavedPollHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", 50*time.Hour, 60*time.Hour)
		w.vacation("b", 70*time.Hour, 80*time.Hour)
		defer w.run()()
		time.Sleep(time.Minute)
		w.change(func() {
			w.events = w.events[1:]
			w.pollErr = errors.New("disk full")
		})
		starts := func() (list []string) {
			p, err := w.engine.Preview(t.Context(), ada, time.Now(), time.Now().Add(100*time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range p.Result.Absences {
				list = append(list, x.UID)
			}
			return list
		}
		time.Sleep(20 * time.Minute) // the first listing that lacks it proves nothing
		if got := starts(); !slices.Equal(got, []string{"b"}) {
			t.Errorf("not saved: %v", got)
		}
		w.change(func() { w.pollErr = nil })
		time.Sleep(20 * time.Minute)
		w.mu.Lock()
		kept := len(w.objects)
		w.mu.Unlock()
		if got := starts(); !slices.Equal(got, []string{"b"}) || kept != 1 {
			t.Errorf("saved: %v, of %d objects", got, kept)
		}
	})
}

// A state that cannot be read ends nothing that is known, says so, and does not
// keep a message visible that is withdrawn.
func TestUnreadableState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", -time.Hour, 2*rebuildEvery)
		w.vacation("b", 2*rebuildEvery+10*time.Hour, 2*rebuildEvery+20*time.Hour)
		w.calm, w.objects = true, []account.CachedObject{{Object: w.events[0]}, {Object: w.events[1]}}
		defer w.run()()
		w.expect(plan.Reveal)
		w.change(func() { w.loadErr = errors.New("disk broken") })
		time.Sleep(rebuildEvery + time.Hour)
		w.expect(plan.Reveal)
		if s := w.status(); s.Health != HealthError || len(s.Problems) != 1 || !strings.Contains(s.Problems[0], "disk broken") {
			t.Errorf("status: %+v", s)
		}
		w.mu.Lock()
		if w.loads > int(rebuildEvery/rebuildRetry) {
			t.Errorf("tried %d times", w.loads)
		}
		w.mu.Unlock()
		if err := w.engine.Withdraw(t.Context(), ada); err != nil {
			t.Error(err)
		}
		w.expect(plan.Reveal, plan.Withdraw, plan.Stage)
		w.change(func() { w.loadErr = nil })
		time.Sleep(2 * rebuildRetry)
		if s := w.status(); s.Health != HealthOK {
			t.Errorf("status: %+v", s)
		}
		w.expect(plan.Reveal, plan.Withdraw, plan.Stage)
	})
}

// A listing agrees with what is known only if it names the same objects.
func TestAgrees(t *testing.T) {
	a := &shelf{objects: map[string]account.CachedObject{"/a": {}, "/b": {}}}
	a.sum()
	for _, c := range []struct {
		delta absence.Delta
		want  bool
	}{
		{absence.Delta{Unchanged: true}, true},
		{absence.Delta{Listing: []string{"/b", "/a"}}, true},
		{absence.Delta{Listing: []string{"/a"}}, false},
		{absence.Delta{Listing: []string{"/a", "/a"}}, false},
		{absence.Delta{Listing: []string{"/a", "/c"}}, false},
		{absence.Delta{Listing: []string{}}, false},
		{absence.Delta{Removed: []string{"/a"}}, false},
		{absence.Delta{Changed: []absence.Object{{Href: "/a"}}}, false},
	} {
		if got := a.agrees(c.delta); got != c.want {
			t.Errorf("agrees(%+v) = %t", c.delta, got)
		}
	}
	a.take(account.Poll{Missing: []string{"/b"}})
	if a.agrees(absence.Delta{Listing: []string{"/a", "/b"}}) {
		t.Error("an object is in doubt, and nothing is said of it")
	}
}

// What is missing is not accepted as gone before the calendar is read to its end:
// it may be among what was not read yet.
func TestHalfReadIsNotAccepted(t *testing.T) {
	for _, more := range []bool{true, false} {
		c := &calendar{}
		c.shelf.objects = map[string]account.CachedObject{"/a": {Object: absence.Object{Href: "/a"}, Missing: true}}
		c.shelf.sum()
		d := absence.Delta{More: more, Changed: []absence.Object{{Href: "/b"}}}
		u, _, err := new(actor).weigh(c, polled{c: c, delta: d, accept: true})
		if err != nil || (len(u.Removed) == 0) != more || (len(u.Missing) == 1) != more {
			t.Errorf("more %v: %+v, %v", more, u, err)
		}
	}
}
