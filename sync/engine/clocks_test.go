package engine

import (
	"errors"
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

// noticed is how soon a changed clock has to be followed.
const noticed = 10 * time.Second

// visible reports whether contacts can see a message.
func (w *world) visible() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.node.Exists && w.node.Access != plan.Whitelist && len(w.node.Items) > 0
}

// follow looks at the node every second and demands that contacts see a message
// exactly while the wall clock is within [start, end), but for what was changed
// less than 10 seconds ago.
func (w *world) follow(changed time.Time, start, end time.Time, length time.Duration) {
	w.t.Helper()
	for began := time.Now(); time.Since(began) < length; time.Sleep(time.Second) {
		synctest.Wait()
		wall := w.now()
		should := !wall.Before(start) && wall.Before(end)
		if is := w.visible(); is != should && time.Since(changed) > noticed {
			w.t.Fatalf("%s after the change, at %s: visible %t", time.Since(changed), wall.Format(time.DateTime), is)
		}
	}
}

// neverEarly demands of everything that was revealed that the wall clock said
// so, and that what is not just after the change came in time.
func (w *world) neverEarly(changed time.Time, start, end time.Time) {
	w.t.Helper()
	_, _, done := w.look()
	for _, p := range done {
		if p.Kind != plan.Reveal {
			continue
		}
		if p.at.Before(start) || !p.at.Before(end) {
			w.t.Errorf("revealed at %s, which is not within [%s, %s)", p.at, start, end)
		}
		if late := p.at.Sub(start); late > 100*time.Millisecond && p.real.Sub(changed).Abs() > noticed {
			w.t.Errorf("revealed %s late", late)
		}
	}
}

// The wall clock is stepped, or the machine sleeps, at each moment of a vacation
// and by each distance: over a start, an end or both, forwards and backwards.
func TestClockChanges(t *testing.T) {
	const length = 2 * time.Hour
	moments := map[string]time.Duration{ // since the start
		"an hour before the start": -time.Hour, "a second before the start": -time.Second, "a second after the start": time.Second,
		"in the middle": time.Hour, "a second before the end": length - time.Second, "a second after the end": length + time.Second,
	}
	steps := []time.Duration{
		-5 * time.Hour, -90 * time.Minute, -30 * time.Minute, -2 * time.Second, -300 * time.Millisecond,
		300 * time.Millisecond, 2 * time.Second, 30 * time.Minute, 90 * time.Minute, 5 * time.Hour,
	}
	cases := 0
	for name, at := range moments {
		for _, by := range steps {
			for _, asleep := range []bool{false, true} {
				if asleep && by < 0 {
					continue // nobody wakes up before falling asleep
				}
				cases++
				what := map[bool]string{false: "step", true: "sleep"}[asleep]
				t.Run(fmt.Sprintf("%s of %s, %s", what, by, name), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := newWorld(t)
						w.schedule = "@every 3h"
						start := time.Now().Add(90 * time.Minute)
						end := start.Add(length)
						w.vacation("a", 90*time.Minute, 90*time.Minute+length)
						defer w.run()()
						time.Sleep(time.Until(start.Add(at)))
						synctest.Wait()
						w.change(func() {
							w.offset += by
							if asleep { // the network is gone with it
								w.cut()
							}
						})
						changed := time.Now()
						w.follow(changed, start, end, 30*time.Second)
						back := at >= 0 && at < length && at+by < 0
						if log := w.logged(account.KindWithdraw); back && by < -noticed && (len(log) == 0 || log[0].Reason == "") {
							t.Errorf("hidden again, but the log has %+v", log)
						}
						if rest := end.Sub(w.now()); rest > 0 {
							time.Sleep(rest - 15*time.Second)
							w.follow(changed, start, end, 30*time.Second)
						}
						w.neverEarly(changed, start, end)
					})
				})
			}
		}
	}
	if cases != 90 {
		t.Errorf("%d cases", cases)
	}
}

// An all-day absence begins at midnight where the person is: in the zone that
// is set, else in that of the calendar, else in the machine's.
func TestZoneChanges(t *testing.T) {
	day := time.Date(2000, 1, 3, 0, 0, 0, 0, time.UTC)
	zone := func(name string) *time.Location {
		z, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	in := func(z *time.Location) time.Time { return time.Date(2000, 1, 3, 0, 0, 0, 0, z) }
	ways := map[string]func(*world, *time.Location){
		"awayd set --zone": func(w *world, z *time.Location) {
			if err := w.engine.Set(w.t.Context(), ada, func(a *account.Account) error { a.Settings.Zone = z.String(); return nil }); err != nil {
				w.t.Fatal(err)
			}
		},
		"the calendar's": func(w *world, z *time.Location) {
			w.change(func() { w.zone = z.String() })
			if r, err := w.engine.Sync(w.t.Context(), ada, false); err != nil || len(r[0].Errors) > 0 {
				w.t.Fatal(r, err)
			}
		},
		"the machine's": func(w *world, z *time.Location) {
			d := w.engine.Defaults()
			d.System = z
			if err := w.engine.Reload(w.t.Context(), d); err != nil {
				w.t.Fatal(err)
			}
		},
	}
	for name, change := range ways {
		for at, to := range map[time.Duration]*time.Location{ // since midnight in UTC
			-2 * time.Hour: zone("Asia/Tokyo"),       // already there
			2 * time.Hour:  zone("America/New_York"), // not yet
			22 * time.Hour: zone("Pacific/Auckland"), // over
			25 * time.Hour: zone("Pacific/Honolulu"), // not over yet
		} {
			t.Run(name+", "+to.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					w.acct.Settings.Zone, w.schedule, w.nowhere = "", "@every 12h", true
					w.events = []absence.Object{{Href: "/day", ETag: "1", Events: []absence.Event{{
						UID: "day", Summary: "Vacation", Start: absence.DateTime{Wall: day, Date: true},
					}}}}
					defer w.run()()
					time.Sleep(time.Until(day.Add(at)))
					synctest.Wait()
					if before := w.visible(); before != (at > 0 && at < 24*time.Hour) {
						t.Fatalf("visible before the change: %t", before)
					}
					changed := w.now()
					change(w, to)
					start, end := in(to), in(to).AddDate(0, 0, 1)
					w.follow(time.Now().Add(-noticed), start, end, 30*time.Second) // at once
					if rest := time.Until(end); rest > 0 {
						time.Sleep(rest - 15*time.Second)
						w.follow(time.Now().Add(-noticed), start, end, 30*time.Second)
					}
					if log := w.logged(account.KindChange); !slices.ContainsFunc(log, func(e account.Entry) bool {
						return e.Time.Equal(changed) && strings.Contains(e.Reason, `"Vacation" in "Vacations"`)
					}) {
						t.Errorf("the log says %+v", log)
					}
				})
			})
		}
	}
}

// What the engine goes by is the wall clock alone: a time that carries a
// monotonic reading, too, is compared by that, which no suspend and no step
// moves.
func TestEngineGoesByTheWallClock(t *testing.T) {
	for name, clock := range map[string]func() time.Time{"time.Now": nil, "one that was given": time.Now} {
		e, err := New(Config{Defaults: Defaults{Poll: "@every 5m"}, Now: clock})
		if err != nil {
			t.Fatal(err)
		}
		if now := e.now(); now != now.Round(0) {
			t.Errorf("%s: %s has a monotonic reading", name, now)
		}
	}
	if both := bothClocks(time.Now(), time.Second).String(); !strings.HasSuffix(both, " m=+1.000000000") {
		t.Errorf("the tests go by %s", both)
	}
}

// After the clock was put forward, or the machine slept, an account that rests
// looks at its node when the wall clock says so, and rests again.
func TestClockPutForwardOverALook(t *testing.T) {
	for _, by := range []time.Duration{time.Minute, 5 * time.Hour, 30 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.schedule = "@every 8760h"
				defer w.run()()
				time.Sleep(time.Minute)
				look := *w.status().XMPP.ConnectsAt
				time.Sleep(look.Sub(w.now()) - min(by, 20*time.Hour)/2)
				before, _ := w.logins()
				w.change(func() { w.offset += by })
				time.Sleep(max(noticed, look.Sub(w.now())+time.Second))
				if n, _ := w.logins(); n != before+1 {
					t.Errorf("%d logins after %d", n, before)
				}
				time.Sleep(time.Minute)
				if s := w.status(); !s.XMPP.Resting {
					t.Errorf("does not rest: %+v", s.XMPP)
				}
				time.Sleep(by)
			})
		})
	}
}

// How long something took is told as it was, though the clock was set meanwhile.
func TestDurationsWhileTheClockIsSet(t *testing.T) {
	const takes = 10 * time.Second
	for _, by := range []time.Duration{-5 * time.Hour, 5 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, m := measured(t)
				w.schedule, w.takes, w.doTakes = "@every 8760h", takes, takes
				w.vacation("a", 200*time.Hour, 210*time.Hour)
				w.fail(errors.New("connection refused"))
				defer w.run()()
				step := func(after time.Duration) {
					time.Sleep(after)
					w.change(func() { w.offset += by })
				}
				step(takes / 2)
				time.Sleep(takes)
				w.change(func() { w.offset, w.dialErr = 0, nil })
				go w.ask()
				step(takes - time.Second) // while the message is staged
				time.Sleep(time.Minute)
				w.expect(plan.Stage)
				polls, stages, troubles := w.logged(account.KindPoll), w.logged(account.KindStage), w.logged(account.KindError)
				if len(polls) != 1 || polls[0].Duration != takes || m.took != takes {
					t.Errorf("the poll took %s: %+v", m.took, polls)
				}
				if len(stages) != 1 || stages[0].Duration != takes {
					t.Errorf("staged: %+v", stages)
				}
				if len(troubles) < 2 || !strings.HasSuffix(troubles[1].Reason, "after 25s") {
					t.Errorf("troubles: %+v", troubles)
				}
			})
		})
	}
}

// A clock that is changed while a thousand accounts are taken up is noticed by
// those that already are.
func TestClockChangesDuringAStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.schedule = "@every 8760h"
		w.vacation("a", -time.Hour, 10*time.Hour)
		stop := w.run()
		w.expect(plan.Reveal)
		stop()
		w.loadTakes = time.Minute
		defer w.run()()
		time.Sleep(w.loadTakes / 2)
		w.change(func() { w.offset += 20 * time.Hour })
		time.Sleep(w.loadTakes/2 + noticed)
		w.expect(plan.Reveal, plan.Withdraw)
	})
}
