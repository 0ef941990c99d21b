package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/plan"
)

// A once is a calendar of a server that tells of each change once, as sync-
// collection does (RFC 6578 §3.2), and lists it to who knows nothing.
type once struct {
	*world
	changes [][]absence.Object // the cursor is how many were told
	gone    []string           // named with the last of them
}

func (s *once) Poll(_ context.Context, cursor string) (absence.Delta, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var known int
	if cursor != "" {
		if _, err := fmt.Sscan(cursor, &known); err != nil {
			return absence.Delta{}, "", err
		}
	}
	d := absence.Delta{Unchanged: known == len(s.changes)}
	d.Changed = slices.Concat(s.changes[known:]...)
	if !d.Unchanged {
		d.Removed = s.gone
	}
	if cursor == "" {
		d.Listing = []string{}
		for _, o := range d.Changed {
			d.Listing = append(d.Listing, o.Href)
		}
	}
	return d, fmt.Sprint(len(s.changes)), nil
}

// broken is a version of an object of which nothing can be read.
func broken(href string) absence.Object {
	return absence.Object{Href: href, ETag: "broken", Errors: []absence.ObjectError{{UID: "a", Reason: "broken"}}}
}

// What a server said once and could not be read stays a hold for as long as the
// older version counts, after a restart too; accepting it ends it.
func TestUnreadableIsHeldUntilAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", -time.Hour, 100*time.Hour)
		s := &once{world: w, changes: [][]absence.Object{w.events}}
		w.source = func(account.Calendar) Source { return s }
		stop := w.run()
		defer func() { stop() }()
		time.Sleep(time.Minute)
		w.expect(plan.Reveal)
		w.change(func() { s.changes = append(s.changes, []absence.Object{broken("/a")}) })
		held := func(when string) {
			t.Helper()
			st := w.status()
			if st.Health != HealthHeld || !strings.Contains(st.Calendars[0].Hold, "awayd sync --accept") {
				t.Errorf("%s: %s, %q", when, st.Health, st.Calendars[0].Hold)
			}
			if n := len(w.logged(account.KindHold)); n != 1 {
				t.Errorf("%s: %d holds in the log", when, n)
			}
			for _, e := range w.logged(account.KindPoll) {
				if strings.Contains(e.Reason, "answers well again") {
					t.Errorf("%s: %s", when, e.Reason)
				}
			}
			w.expect(plan.Reveal)
		}
		time.Sleep(10 * time.Minute)
		held("polled once")
		time.Sleep(time.Hour)
		held("polled often")
		stop()
		w.change(func() { w.acct.Calendars[0].Cursor = "2" })
		stop = w.run()
		held("started anew")
		time.Sleep(time.Hour)
		held("polled anew")

		if r, err := w.engine.Sync(t.Context(), ada, true); err != nil || len(r[0].Errors) > 0 {
			t.Fatal(r, err)
		}
		w.expect(plan.Reveal, plan.Withdraw)
		if st := w.status(); st.Health != HealthOK {
			t.Errorf("accepted: %s, %q", st.Health, st.Problems)
		}
		if polls := w.logged(account.KindPoll); !strings.Contains(polls[len(polls)-1].Reason, "is accepted as it is") {
			t.Errorf("%+v", polls)
		}
		time.Sleep(time.Hour)
		w.expect(plan.Reveal, plan.Withdraw)
	})
}

// The hold is over with a version that can be read, and with the object.
func TestUnreadableIsHeldUntilMended(t *testing.T) {
	for name, mend := range map[string]func(*once, absence.Object){
		"mended":  func(s *once, o absence.Object) { s.changes = append(s.changes, []absence.Object{o}) },
		"removed": func(s *once, _ absence.Object) { s.changes = append(s.changes, nil); s.gone = []string{"/a"} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.vacation("a", 50*time.Hour, 100*time.Hour)
				s := &once{world: w, changes: [][]absence.Object{w.events, {broken("/a")}}}
				w.source = func(account.Calendar) Source { return s }
				w.objects = []account.CachedObject{{Object: w.events[0]}}
				w.acct.Calendars[0].Cursor = "1"
				defer w.run()()
				time.Sleep(time.Minute)
				if st := w.status(); st.Health != HealthHeld {
					t.Errorf("%s, %q", st.Health, st.Problems)
				}
				w.change(func() { mend(s, w.events[0]) })
				time.Sleep(10 * time.Minute)
				if st := w.status(); st.Health != HealthOK {
					t.Errorf("%s, %q", st.Health, st.Problems)
				}
			})
		})
	}
}
