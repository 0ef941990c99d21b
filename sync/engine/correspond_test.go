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

// A denied is an error of a calendar that wants another password.
type denied struct{}

func (denied) Error() string {
	return "read calendar from dav.example.org: the server answered 401 Unauthorized"
}
func (denied) Credentials() bool { return true }
func (denied) Temporary() bool   { return false }
func (denied) Hint() string      { return "check the calendar's user and password" }

// A lost is an error of a calendar that is gone.
type lost struct{}

func (lost) Error() string { return "404 Not Found" }
func (lost) Gone() bool    { return true }

// change changes the world between two turns.
func (w *world) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// cut loses every session that is open.
func (w *world) cut() {
	close(w.broken)
	w.broken = make(chan struct{})
}

// mail returns what the person was told since it was last asked, and notify_jid.
func (w *world) mail() (letters, notified []string) {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	letters, notified = w.letters, w.notified
	w.letters = nil
	if w.notified != nil {
		w.notified = []string{}
	}
	return letters, notified
}

// wantMail demands what was told to the person: for each message, parts of it.
func (w *world) wantMail(when string, want ...[]string) {
	w.t.Helper()
	letters, _ := w.mail()
	w.compare(when+", the person", letters, want)
}

func (w *world) wantNotified(when string, want ...[]string) {
	w.t.Helper()
	_, notified := w.mail()
	w.compare(when+", notify_jid", notified, want)
}

func (w *world) compare(when string, got []string, want [][]string) {
	w.t.Helper()
	if len(got) != len(want) {
		w.t.Fatalf("%s was told %d things, want %d: %q", when, len(got), len(want), got)
	}
	for i, parts := range want {
		for _, part := range parts {
			if !strings.Contains(got[i], part) {
				w.t.Errorf("%s: %q is not in %q", when, part, got[i])
			}
		}
	}
}

// What stops an account is told once, with what is at stake and what to do, and
// so is its end; neither is repeated or forgotten over restarts.
func TestThePersonIsToldOnce(t *testing.T) {
	type mail = []string
	for name, test := range map[string]struct {
		begin  func(*world)
		sooner time.Duration // nothing is told before
		later  time.Duration // it is told then
		told   mail
		end    func(*world)
		ended  mail
	}{
		"a refused login": {
			func(w *world) { w.calErr = fmt.Errorf("poll: %w", denied{}) }, 0, 6 * time.Minute,
			mail{ada + " awayd: Your calendar \"Vacations\" has refused the login since Sat 1 Jan 00:", "Your absence from Mon 3 Jan is at risk", "check the calendar's user and password", "awayd link --jid " + ada},
			func(w *world) { w.calErr = nil }, mail{"Your calendar \"Vacations\" is read again; the trouble began on Sat 1 Jan 00:"},
		},
		"a calendar that fails": {
			func(w *world) { w.calErr = errors.New("503 Service Unavailable") }, 58 * time.Minute, 70 * time.Minute,
			mail{"Your calendar \"Vacations\" cannot be read since", "503 Service Unavailable"},
			func(w *world) { w.calErr = nil }, mail{"is read again"},
		},
		"a calendar that is gone": {
			func(w *world) { w.calErr = lost{} }, 14 * time.Minute, 25 * time.Minute,
			mail{"is no longer where it was since", "404"},
			func(w *world) { w.calErr = nil }, mail{"is read again"},
		},
		"an empty calendar": {
			func(w *world) { w.kept, w.events = w.events, nil }, 14 * time.Minute, 25 * time.Minute,
			mail{"is suddenly empty", "Your absence from Mon 3 Jan stays as it was last known", "awayd sync --accept " + ada},
			func(w *world) { w.events = w.kept }, mail{"is believed in full again"},
		},
		"an event that cannot be read any more": {
			func(w *world) {
				w.kept = slices.Clone(w.events)
				w.events[0] = absence.Object{Href: w.events[0].Href, ETag: "2", Errors: []absence.ObjectError{{UID: "a", Reason: "broken"}}}
			}, 14 * time.Minute, 25 * time.Minute,
			mail{"holds an absence of yours in a form that cannot be read", "Your absence from Mon 3 Jan stays as it was before"},
			func(w *world) { w.events = w.kept }, mail{"is believed in full again"},
		},
		"a server that refuses to publish": {
			func(w *world) { w.doErr = errors.New("pubsub is broken"); go w.ask() }, 58 * time.Minute, 70 * time.Minute,
			mail{"Your out-of-office message cannot be brought up to date since", "pubsub is broken"},
			func(w *world) { w.doErr = nil }, mail{"is up to date again"},
		},
		"a clock that is off": {
			func(w *world) { w.serverOff = time.Minute }, 14 * time.Minute, 25*time.Hour + 25*time.Minute,
			mail{"The clock that awayd goes by is wrong", "1m0s behind that of the XMPP server"},
			func(w *world) { w.serverOff = 9 * time.Second }, mail{"is right again"},
		},
		"their own login, of which they hear afterwards": {
			func(w *world) { w.dialErr = refused{}; w.cut(); go w.ask() }, 0, 0, nil,
			func(w *world) { w.dialErr = nil }, mail{"awayd is logged in to your account again; the trouble began on", "awayd log " + ada},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.vacation("a", 48*time.Hour, 60*time.Hour)
				stop := w.run()
				defer func() { stop() }()
				restart := func() { stop(); stop = w.run() }
				time.Sleep(time.Minute)
				w.wantMail("before anything")
				w.change(func() { test.begin(w) })
				time.Sleep(test.sooner)
				w.wantMail("too early")
				time.Sleep(test.later - test.sooner)
				if test.told != nil {
					w.wantMail("in time", test.told)
				}
				for range 3 {
					restart()
					time.Sleep(20 * time.Minute)
				}
				w.wantMail("again")
				restart()
				w.change(func() { test.end(w) })
				time.Sleep(time.Hour)
				w.wantMail("at the end", test.ended)
				restart()
				time.Sleep(time.Hour)
				w.wantMail("after the end")
				if entries := w.logged(account.KindError); !slices.ContainsFunc(entries, func(e account.Entry) bool {
					return strings.HasPrefix(e.Reason, "told the person: ")
				}) {
					t.Errorf("the log does not say what was told: %+v", entries)
				}
			})
		})
	}
}

// What is not awayd's trouble is not told, and what nobody wants is not.
func TestWhatIsNotTold(t *testing.T) {
	for name, begin := range map[string]func(*world){
		"a hiccup": func(w *world) {
			w.failPolls(errors.New("503"))
			time.Sleep(20 * time.Minute)
			w.failPolls(nil)
		},
		"the person's own message": func(w *world) {
			w.change(func() {
				w.node = plan.Observed{Exists: true, Access: plan.Presence, Items: []plan.Item{{ID: "mine", Odd: true}}}
			})
		},
		"a paused account": func(w *world) {
			if err := w.engine.Pause(w.t.Context(), ada); err != nil {
				w.t.Error(err)
			}
			w.failPolls(denied{})
		},
		"messages switched off": func(w *world) {
			d := w.engine.Defaults()
			d.Messages = false
			if err := w.engine.Reload(w.t.Context(), d); err != nil {
				w.t.Error(err)
			}
			w.failPolls(denied{})
		},
		"a server that does not tell the time": func(w *world) { w.change(func() { w.noTime, w.serverOff = true, time.Hour }) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.vacation("a", 400*time.Hour, 410*time.Hour)
				defer w.run()()
				time.Sleep(time.Minute)
				begin(w)
				time.Sleep(30 * time.Hour)
				w.wantMail("at last")
			})
		})
	}
}

// Trouble shortly before a start or an end is told soon.
func TestTroubleBeforeAnInstantIsToldSooner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", 45*time.Minute, 10*time.Hour)
		defer w.run()()
		time.Sleep(time.Minute)
		w.failPolls(errors.New("503"))
		time.Sleep(9 * time.Minute)
		w.wantMail("at once")
		time.Sleep(10 * time.Minute)
		w.wantMail("before the start", []string{"cannot be read since", "Your absence from Sat 1 Jan 00:45 is at risk"})
	})
}

// What cannot be sent is sent later, and nothing that is told delays a flip.
func TestMessagesGoOutLaterAndDelayNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		start := time.Now().Add(time.Hour)
		w.vacation("a", time.Hour, 10*time.Hour)
		defer w.run()()
		time.Sleep(time.Minute)
		w.change(func() { w.calErr, w.tellErr = denied{}, errors.New("not now") })
		time.Sleep(time.Until(start) - 8*time.Second)
		w.change(func() { w.tellErr, w.tellTakes = nil, 12*time.Second })
		time.Sleep(time.Until(start) + time.Second)
		w.expect(plan.Stage, plan.Reveal)
		_, _, done := w.look()
		if late := done[1].at.Sub(start); late < 0 || late > 100*time.Millisecond {
			t.Errorf("revealed %s after the start", late)
		}
		time.Sleep(2 * time.Minute)
		w.wantMail("later", []string{"has refused the login"})
	})
}

// A state that cannot be written makes nobody hear the same in each turn.
func TestBrokenStateIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", time.Hour, 10*time.Hour)
		defer w.run()()
		time.Sleep(time.Minute)
		w.change(func() { w.storeErr = errors.New("disk full") })
		time.Sleep(3 * time.Hour)
		letters, _ := w.mail()
		if len(letters) == 0 || len(letters) > 2 || !strings.Contains(strings.Join(letters, "\n"), "disk full") {
			t.Errorf("told %q", letters)
		}
	})
}

// A group that nobody is in is an audience that nobody is in.
func TestMissingAudienceIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.acct.Settings.Audience = "group:Work"
		w.node.Circle = &plan.Circle{Contacts: 1}
		w.vacation("a", 48*time.Hour, 60*time.Hour)
		defer w.run()()
		time.Sleep(time.Minute)
		w.change(func() { w.node.Circle = &plan.Circle{} })
		w.ask()
		time.Sleep(25 * time.Minute)
		w.wantMail("in time", []string{`Nobody is in the roster group "Work"`, "Your absence from Mon 3 Jan will be seen by nobody", "--audience"})
		w.change(func() { w.node.Circle = &plan.Circle{Contacts: 2} })
		time.Sleep(10 * time.Minute)
		w.wantMail("at the end", []string{"Your messages have an audience again"})
	})
}

// Where the person's own login broke, notify_jid hears of it, and of its end.
func TestNotifyJID(t *testing.T) {
	broken := func(err error) func(*world) {
		return func(w *world) { w.dialErr = err; w.cut(); go w.ask() }
	}
	for name, test := range map[string]struct {
		err   error
		after time.Duration
		want  []string
	}{
		"password":    {refused{}, time.Minute, []string{"awayd:\n\n" + ada + ": awayd cannot log in since", "wrong password", "An absence from Mon 3 Jan is at risk"}},
		"unreachable": {errors.New("connection refused"), 70 * time.Minute, []string{"cannot log in since", "connection refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.notified = []string{}
				w.vacation("a", 48*time.Hour, 60*time.Hour)
				stop := w.run()
				defer func() { stop() }()
				time.Sleep(time.Minute)
				w.change(func() { broken(test.err)(w); w.notifyErr = errors.New("not there either") })
				time.Sleep(test.after)
				w.wantNotified("out of reach")
				if s, _ := w.engine.Status(ada); test.after < time.Hour && !slices.ContainsFunc(s[0].Problems, func(p string) bool {
					return strings.Contains(p, "notify_jid cannot be told: not there either")
				}) {
					t.Errorf("status says only %q", s[0].Problems)
				}
				w.change(func() { w.notifyErr = nil })
				time.Sleep(time.Hour)
				w.wantNotified("within reach", test.want)
				stop()
				stop = w.run()
				time.Sleep(3 * time.Hour)
				w.wantNotified("after a restart")
				w.change(func() { w.dialErr = nil })
				time.Sleep(time.Hour)
				letters, notified := w.mail()
				w.compare("at the end, notify_jid", notified, [][]string{{ada + ": awayd is logged in again; the trouble began on"}})
				w.compare("at the end, the person", letters, [][]string{{"awayd is logged in to your account again"}})
				time.Sleep(30 * time.Hour)
				w.wantNotified("afterwards")
			})
		})
	}
}

// With somebody to tell it to, a wrong clock is theirs.
func TestClockIsToldToWhoLooksAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.notified, w.serverOff = []string{}, -11*time.Second
		defer w.run()()
		time.Sleep(time.Minute)
		s, _ := w.engine.Status(ada)
		if len(s[0].Problems) != 1 || !strings.HasPrefix(s[0].Problems[0], "the clock of this machine is 1") || s[0].Health != HealthError {
			t.Errorf("status says %q, %s", s[0].Problems, s[0].Health)
		}
		time.Sleep(30 * time.Minute)
		letters, notified := w.mail()
		w.compare("notify_jid", notified, [][]string{{"The clock that awayd goes by is wrong", "ahead of that of the XMPP server"}})
		w.compare("the person", letters, nil)
		w.change(func() { w.serverOff = 0 })
		time.Sleep(20 * time.Minute)
		w.wantNotified("at the end", []string{"is right again"})
		var said []string
		for _, e := range w.logged(account.KindError) {
			said = append(said, e.Outcome+" "+e.Reason)
		}
		if len(said) != 4 || said[0] != "failed starts and ends may come at a wrong time" || said[2] != "ok the clocks of this machine and of the XMPP server agree again" {
			t.Errorf("the log says %q", said)
		}
	})
}
