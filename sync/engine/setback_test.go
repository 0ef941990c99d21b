package engine

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"awayd/sync/plan"
)

// After the clock was set back, what was to wait for a while waits for no
// longer: until then it was to wait by a clock that was ahead.
func TestClockSetBackKeepsNobodyWaiting(t *testing.T) {
	const by = 5 * time.Hour
	polled := func(w *world) bool { return w.since() > 0 }
	staged := func(w *world) bool { synctest.Wait(); return len(w.kinds()) > 1 }
	for name, test := range map[string]struct {
		schedule string
		before   func(*world)        // until the clock is set back
		change   func(*world)        // in the same moment
		least    time.Duration       // it does not happen before
		most     time.Duration       // and then it has
		happened func(w *world) bool // what is waited for
	}{
		"a calendar that failed": {
			before: func(w *world) {
				w.failPolls(errors.New("503"))
				time.Sleep(3 * time.Hour)
				w.untilNextPoll()
			},
			change: func(w *world) { w.calErr = nil },
			least:  restMost - 11*time.Minute, most: restMost + 10*time.Minute, happened: polled,
		},
		"a calendar whose server asked for patience": {
			before: func(w *world) {
				w.failPolls(patient(2 * time.Hour))
				w.untilNextPoll()
			},
			change: func(w *world) { w.calErr = nil },
			least:  2*time.Hour - time.Minute, most: 2*time.Hour + 10*time.Minute, happened: polled,
		},
		"a calendar that is polled rarely": {
			schedule: "@every 12h",
			before:   func(w *world) { w.untilNextPoll() },
			most:     12*time.Hour + time.Minute, happened: polled,
		},
		"a login that failed": {
			before: func(w *world) {
				w.change(func() { w.dialErr = errors.New("connection refused"); w.cut() })
				go w.ask()
				time.Sleep(time.Hour)
				w.logins()
				w.vacation("b", 200*time.Hour, 210*time.Hour)
			},
			change: func(w *world) { w.dialErr = nil },
			most:   8 * time.Minute, happened: func(w *world) bool { return w.status().XMPP.Error == "" },
		},
		"a letter": {
			before: func(w *world) {
				w.change(func() { w.calErr, w.tellErr = denied{}, errors.New("not now") })
				time.Sleep(6 * time.Minute)
				w.mail()
			},
			change: func(w *world) { w.tellErr = nil },
			most:   tellRetry + noticed,
			happened: func(w *world) bool {
				letters, _ := w.mail()
				return len(letters) == 1
			},
		},
		"the activity": {
			before: func(w *world) {
				w.vacation("b", time.Minute, 100*time.Hour)
				w.activityErr = errors.New("not now")
				w.ask()
				time.Sleep(10 * time.Minute)
			},
			change: func(w *world) {
				w.activityErr = nil
				w.events[1].Events[0].Start.Wall = w.events[1].Events[0].Start.Wall.Add(-by)
			},
			most:     activityRetry + 10*time.Minute,
			happened: func(w *world) bool { w.mu.Lock(); defer w.mu.Unlock(); return len(w.activitySet) == 1 },
		},
		"what was wrong with the clock": {
			schedule: "@every 8760h",
			before: func(w *world) {
				time.Sleep(time.Hour)
				w.change(func() { w.serverOff = -by })
				w.ask()
				time.Sleep(time.Minute)
				if s := w.status(); s.Health != HealthError || !s.XMPP.Resting {
					w.t.Errorf("before: %+v", s)
				}
			},
			most: skewRest + time.Minute, happened: func(w *world) bool { return w.status().Health == HealthOK },
		},
		"the daily look": {
			schedule: "@every 8760h",
			before: func(w *world) {
				time.Sleep(12 * time.Hour)
				if n, open := w.logins(); n != 1 || open {
					w.t.Errorf("%d logins, open %t", n, open)
				}
			},
			least: 12*time.Hour - auditSpread, most: 12 * time.Hour, happened: func(w *world) bool { n, _ := w.logins(); return n > 1 },
		},
		"staging, soon after a start": {
			before: func(w *world) { time.Sleep(time.Minute); w.expect(plan.Stage) },
			change: func(w *world) { w.events[0].Events[0].Start.Wall = w.events[0].Events[0].Start.Wall.Add(time.Hour) },
			most:   6 * time.Minute, happened: staged,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.activities = true
				if test.schedule != "" {
					w.schedule = test.schedule
				}
				w.vacation("a", 300*time.Hour, 400*time.Hour)
				defer w.run()()
				w.expect(plan.Stage)
				test.before(w)
				w.change(func() {
					w.offset -= by
					if test.change != nil {
						test.change(w)
					}
				})
				time.Sleep(test.least)
				if test.least > 0 && test.happened(w) {
					t.Errorf("happened within %s", test.least)
				}
				time.Sleep(test.most - test.least)
				if !test.happened(w) {
					t.Errorf("not within %s: %+v", test.most, w.status())
				}
			})
		})
	}
}

// The turn to log in comes as soon as it would have, whenever the clock is set
// back while others log in.
func TestClockSetBackWhileQueueing(t *testing.T) {
	for at := time.Duration(0); at < 2*calmWait; at += 700 * time.Millisecond {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
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
				time.Sleep(time.Minute + at)
				w.change(func() { w.offset -= 5 * time.Hour })
				for _, f := range leave {
					f()
				}
				time.Sleep(2*calmWait + noticed)
				w.expect(plan.Stage)
			})
		})
	}
}

// A poll whose turn came while the machine slept, or was passed over when the
// clock was put forward, is made then: another turn may be a day away.
func TestPollMissedInSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.schedule = "@every 24h"
		w.vacation("a", 300*time.Hour, 400*time.Hour)
		defer w.run()()
		time.Sleep(time.Minute)
		w.since()
		time.Sleep(w.nextPoll().Sub(w.now()) - time.Hour)
		if n := w.since(); n != 0 {
			t.Fatalf("%d polls before the turn", n)
		}
		w.change(func() { w.offset += 8 * time.Hour })
		time.Sleep(noticed)
		if n := w.since(); n != 1 {
			t.Errorf("%d polls after sleep", n)
		}
	})
}
