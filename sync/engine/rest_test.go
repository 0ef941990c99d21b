package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/plan"
)

// patient is an error of a server that asks to be left alone.
type patient time.Duration

func (p patient) Error() string             { return "429 Too Many Requests" }
func (p patient) RetryAfter() time.Duration { return time.Duration(p) }

func (w *world) failPolls(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calErr = err
}

// since returns how many polls there were since it was last asked.
func (w *world) since() int {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.polls
	w.polls = 0
	return n
}

// nextPoll returns when status says that the calendar is polled.
func (w *world) nextPoll() time.Time {
	w.t.Helper()
	synctest.Wait()
	s, err := w.engine.Status(ada)
	if err != nil {
		w.t.Fatal(err)
	}
	return *s[0].Calendars[0].NextPoll
}

// untilNextPoll sleeps until then, and demands that there was none before.
func (w *world) untilNextPoll() (waited time.Duration) {
	w.t.Helper()
	w.since()
	begin, at := time.Now(), w.nextPoll()
	time.Sleep(time.Until(at) - time.Millisecond)
	if n := w.since(); n != 0 {
		w.t.Fatalf("%d polls before %s, which status names", n, at)
	}
	time.Sleep(time.Second) // to which status rounds
	if n := w.since(); n != 1 {
		w.t.Fatalf("%d polls at %s, which status names", n, at)
	}
	return at.Sub(begin)
}

func TestCalendarsThatFailAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", time.Minute, 100*time.Hour)
		defer w.run()()
		w.untilNextPoll()
		w.failPolls(errors.New("500 Internal Server Error"))
		w.untilNextPoll()
		for i, want := range []time.Duration{5, 10, 20, 30, 30, 30} {
			if waited := w.untilNextPoll().Round(time.Minute); waited != want*time.Minute {
				t.Errorf("wait %d: %s, want %s", i, waited, want*time.Minute)
			}
		}
		// A person who asks is not kept waiting, and one success ends it.
		w.failPolls(nil)
		if r, err := w.engine.Sync(t.Context(), ada, false); err != nil || len(r[0].Errors) > 0 {
			t.Fatal(r, err)
		}
		w.untilNextPoll()
		if waited := w.untilNextPoll().Round(time.Minute); waited != 5*time.Minute {
			t.Errorf("after a success: %s", waited)
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", time.Minute, 100*time.Hour)
		defer w.run()()
		w.untilNextPoll()
		w.failPolls(fmt.Errorf("read calendar: %w", patient(2*time.Hour)))
		w.untilNextPoll()
		asked := time.Now()
		// Not even when a person asks: the server would only ask for more.
		time.Sleep(time.Hour)
		w.since()
		if r, err := w.engine.Sync(t.Context(), ada, false); err != nil || len(r[0].Errors) == 0 || w.since() != 0 {
			t.Errorf("%+v, %v", r, err)
		}
		w.failPolls(nil)
		w.untilNextPoll()
		if waited := time.Since(asked); waited < 2*time.Hour || waited > 2*time.Hour+5*time.Minute+time.Second {
			t.Errorf("polled after %s", waited)
		}
		if waited := w.untilNextPoll().Round(time.Minute); waited != 5*time.Minute {
			t.Errorf("afterwards: %s", waited)
		}
	})
}

// What was read of a calendar whose server then asked to be left alone counts, and
// the rest is read when it may be.
func TestRetryAfterInTheMiddle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", time.Minute, 100*time.Hour)
		w.vacation("b", 200*time.Hour, 300*time.Hour)
		w.unread, w.halted = 1, fmt.Errorf("read calendar: %w", patient(2*time.Hour))
		defer w.run()()
		if n := w.since(); n != 1 {
			t.Errorf("%d polls", n)
		}
		w.expect(plan.Stage)
		if log := w.logged(account.KindPoll); len(log) != 1 || !strings.Contains(log[0].Reason, "1 objects so far") || !strings.Contains(log[0].Reason, "429") {
			t.Errorf("%+v", log)
		}
		if r, err := w.engine.Sync(t.Context(), ada, false); err != nil || len(r[0].Errors) == 0 || w.since() != 0 {
			t.Errorf("%+v, %v", r, err)
		}
		if s := w.status(); s.Health != HealthError || !strings.Contains(s.Calendars[0].Error, "429") {
			t.Errorf("%+v", s)
		}
		if waited := w.untilNextPoll(); waited < 2*time.Hour || waited > 2*time.Hour+5*time.Minute {
			t.Errorf("polled after %s", waited)
		}
		if waited := w.untilNextPoll().Round(time.Minute); waited != 5*time.Minute {
			t.Errorf("afterwards: %s", waited)
		}
		if s := w.status(); s.Health != HealthOK {
			t.Errorf("%+v", s)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.objects) != 2 {
			t.Errorf("%d objects", len(w.objects))
		}
	})
}

// Whatever a source says, no object is lost on one poll's word but one that the
// server named as removed, an empty listing loses none, and what was readable
// stays so.
func TestBelieveNeverLosesWhatNobodySaidIsGone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 4, rapid.ID[string])
		cached := map[string]account.CachedObject{}
		missed := map[string]bool{} // lacking from the listing before
		for range rapid.IntRange(1, 12).Draw(t, "polls") {
			var d absence.Delta
			for _, n := range names.Draw(t, "changed") {
				o := absence.Object{Href: n}
				if rapid.Bool().Draw(t, "readable") {
					o.Events = []absence.Event{{UID: n}}
				} else {
					o.Errors = []absence.ObjectError{{Reason: "broken"}}
				}
				d.Changed = append(d.Changed, o)
			}
			switch rapid.SampledFrom([]string{"report", "listing", "unchanged", "failure"}).Draw(t, "kind") {
			case "report":
				d.Removed = slices.DeleteFunc(names.Draw(t, "removed"), func(n string) bool {
					return slices.ContainsFunc(d.Changed, func(o absence.Object) bool { return o.Href == n })
				})
			case "listing":
				d.Listing = append([]string{}, names.Draw(t, "listing")...)
				d.Changed = slices.DeleteFunc(d.Changed, func(o absence.Object) bool { return !slices.Contains(d.Listing, o.Href) })
			case "unchanged":
				d = absence.Delta{Unchanged: true}
			case "failure":
				continue // believe is not asked
			}
			p, hold := believe(cached, d, false)
			for _, n := range p.Removed {
				named := slices.Contains(d.Removed, n)
				agreed := missed[n] && len(d.Listing) > 0 && !slices.Contains(d.Listing, n)
				if !named && !agreed {
					t.Fatalf("%s was lost to %+v", n, d)
				}
			}
			if len(p.Missing) > 0 && d.Listing != nil && hold == "" {
				t.Fatalf("%v are missing, and nobody says so", p.Missing)
			}
			for _, o := range p.Changed {
				if len(cached[o.Href].Events) > 0 && len(o.Events) == 0 && len(o.Errors) > 0 {
					t.Fatalf("%s was readable and is no more", o.Href)
				}
			}
			for href, o := range cached {
				o.Missing = slices.Contains(p.Missing, href)
				cached[href] = o
			}
			for _, o := range p.Changed {
				cached[o.Href] = account.CachedObject{Object: o}
			}
			for _, n := range p.Removed {
				delete(cached, n)
			}
			if d.Listing != nil {
				clear(missed)
				for n := range cached {
					missed[n] = !slices.Contains(d.Listing, n)
				}
			}
		}
	})
}

// However rarely calendars are polled, the node is looked at once a day.
func TestAudit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.schedule = "@every 8760h"
		w.vacation("a", 1000*time.Hour, 1100*time.Hour)
		defer w.run()()
		w.expect(plan.Stage)
		time.Sleep(time.Hour)
		w.mu.Lock()
		w.node.Access = plan.Open // somebody let everybody in
		w.mu.Unlock()
		time.Sleep(auditEvery - 2*time.Hour)
		w.expect(plan.Stage)
		time.Sleep(time.Hour + time.Second)
		w.expect(plan.Stage, plan.Withdraw, plan.Stage)
	})
}

// What an old look showed of the person's own message is over by now, but they
// have another one there.
func TestNothingIsDoneOnAnOldLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.schedule = "@every 8760h"
		w.vacation("a", 3*rebuildEvery, 4*rebuildEvery)
		own := func(until time.Duration) plan.Observed {
			p := plan.NewPayload(time.Now().Add(-time.Hour), time.Now().Add(until), "own")
			return plan.Observed{Exists: true, Access: plan.Presence, Items: []plan.Item{{ID: plan.ItemCurrent, Payload: p}}}
		}
		w.node = own(time.Hour)
		defer w.run()()
		w.expect()
		w.mu.Lock()
		w.node = own(2 * rebuildEvery)
		w.mu.Unlock()
		time.Sleep(auditEvery + time.Minute)
		w.expect()
		time.Sleep(rebuildEvery)
		w.expect()
	})
}

// What lies beyond the window is taken up when that has moved along, though the
// calendar says nothing new.
func TestWindowMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.schedule = "@every 6h"
		const beyond = 10 * 24 * time.Hour
		w.vacation("a", horizon+beyond, horizon+beyond+time.Hour)
		w.objects, w.calm = []account.CachedObject{{Object: w.events[0]}}, true
		defer w.run()()
		time.Sleep(beyond - time.Hour)
		w.expect()
		time.Sleep(rebuildEvery + auditEvery)
		w.expect(plan.Stage)
	})
}
