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

// fail makes every login fail with err, or work again when err is nil.
func (w *world) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dialErr = err
}

// However long the wait between attempts has become, a start is met when the
// server is there again by then.
func TestInstantIsMetWhateverTheBackoff(t *testing.T) {
	for away := time.Minute; away < 2*time.Hour; away += 7 * time.Minute {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.vacation("a", 2*time.Hour, 12*time.Hour)
			w.fail(errors.New("connection refused"))
			start := time.Now().Add(2 * time.Hour)
			defer w.run()()
			time.Sleep(away)
			w.fail(nil)
			time.Sleep(time.Until(start) + time.Second)
			synctest.Wait()
			_, _, done := w.look()
			i := slices.IndexFunc(done, func(p performed) bool { return p.Kind == plan.Reveal })
			if i < 0 || done[i].at.Sub(start) > 100*time.Millisecond || done[i].at.Before(start) {
				t.Errorf("server back after %s: %+v", away, done)
			}
		})
	}
}

// A server that is away says so in other words each time; the log tells of it
// once, of what does not pass by itself too, and of the end with how long it
// took.
func TestTroubleIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", -time.Hour, 12*time.Hour)
		w.fail(errors.New("connection refused"))
		defer w.run()()
		for _, err := range []error{errors.New("reset by peer"), errors.New("no answer"), refused{}, errors.New("connection refused"), nil} {
			time.Sleep(10 * time.Minute)
			w.fail(err)
		}
		time.Sleep(10 * time.Minute)
		var told []string
		for _, e := range w.logged(account.KindError) {
			if !strings.HasPrefix(e.Reason, "told the person") {
				told = append(told, e.Outcome+" "+e.Error)
			}
		}
		want := []string{"failed connection refused", "failed wrong password", "failed connection refused", "ok "}
		if !slices.Equal(told, want) {
			t.Errorf("told %q", told)
		}
		if end := w.logged(account.KindError)[len(want)-1].Reason; !strings.HasPrefix(end, "the node is in step again, after 5") {
			t.Errorf("the end: %q", end)
		}
	})
}

// What a calendar said is held through a failure, and the end of the hold is
// told.
func TestHoldIsToldFromBeginningToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", time.Hour, 100*time.Hour)
		defer w.run()()
		time.Sleep(time.Minute)
		events := w.events
		for _, answer := range []struct {
			err    error
			events []absence.Object
		}{{nil, nil}, {errors.New("503"), nil}, {nil, nil}, {nil, events}} {
			w.mu.Lock()
			w.calErr, w.events = answer.err, answer.events
			w.mu.Unlock()
			time.Sleep(time.Hour)
		}
		holds, polls := w.logged(account.KindHold), w.logged(account.KindPoll)
		if len(holds) != 2 || !strings.Contains(holds[0].Reason, "it suddenly holds nothing") || !strings.Contains(holds[1].Reason, "until it can be read again") {
			t.Errorf("holds: %+v", holds)
		}
		if last := polls[len(polls)-1].Reason; !strings.Contains(last, "answers well again") {
			t.Errorf("the end: %q", last)
		}
	})
}

// refused is a login that will not work by itself.
type refused struct{}

func (refused) Error() string   { return "wrong password" }
func (refused) Temporary() bool { return false }

func TestRefusedPasswordIsNotTriedOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", -time.Hour, 12*time.Hour)
		w.fail(refused{})
		defer w.run()()
		time.Sleep(time.Hour)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.dials > 30 {
			t.Errorf("%d logins in an hour", w.dials)
		}
	})
}

// patience is an answer that asks to be left alone.
type patience struct{ error }

func (patience) RetryAfter() time.Duration { return 3 * time.Hour }

// A calendar that asks for patience does not keep the node from being looked
// at, while there is a session.
func TestNodeIsWatchedWhileACalendarIsQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.schedule = "@every 1m"
		w.vacation("a", 9*time.Minute, 12*time.Hour)
		defer w.run()()
		w.expect(plan.Stage)
		w.mu.Lock()
		w.calErr = patience{errors.New("429")}
		w.mu.Unlock()
		time.Sleep(2 * time.Minute)
		polls := func() int { w.mu.Lock(); defer w.mu.Unlock(); return w.polls }
		before := polls()
		w.mu.Lock()
		w.node.Access = plan.Presence // the person's other client opens it
		w.mu.Unlock()
		time.Sleep(2 * time.Minute)
		if polls() != before {
			t.Error("polled although the server asked for patience")
		}
		w.expect(plan.Stage, plan.Withdraw, plan.Stage)
	})
}

func TestWithdrawWhenPausedOrWithABrokenState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", -time.Hour, time.Hour)
		defer w.run()()
		w.expect(plan.Reveal)
		if err := w.engine.Pause(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		if err := w.engine.Withdraw(t.Context(), ada); !errors.Is(err, ErrPaused) {
			t.Errorf("paused: %v", err)
		}
		if err := w.engine.Resume(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		w.mu.Lock()
		w.storeErr = errors.New("disk full")
		w.mu.Unlock()
		if err := w.engine.Withdraw(t.Context(), ada); err == nil {
			t.Error("nothing said of a withdrawal that will not be remembered")
		}
		if node, _, _ := w.look(); node.Exists {
			t.Errorf("still on the node: %+v", node)
		}
	})
}

// A server that takes longer to answer than a hurried look waits is late, but
// never left with a message that is over.
func TestSlowServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.lookTakes = 2 * hurriedLimit
		w.vacation("a", time.Hour, 2*time.Hour)
		defer w.run()()
		time.Sleep(time.Hour + time.Minute)
		w.expect(plan.Stage, plan.Reveal)
		time.Sleep(time.Hour)
		w.expect(plan.Stage, plan.Reveal, plan.Withdraw)
	})
}

// Waiting behind a thousand others for the same server's answers is no trouble.
func TestCrowdedServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.lookWaits = time.Minute
		w.vacation("a", time.Hour, 2*time.Hour)
		defer w.run()()
		time.Sleep(time.Hour + 3*time.Minute)
		w.expect(plan.Stage, plan.Reveal)
		if dials, failed := w.dials, w.logged(account.KindError); dials > 2 || len(failed) > 0 {
			t.Errorf("%d logins, logged %+v", dials, failed)
		}
	})
}

// Whenever the network is mended, what is overdue is done at once: a login that
// was lost on the way is not waited for.
func TestHangingLoginIsNotWaitedFor(t *testing.T) {
	for mended := 100 * time.Millisecond; mended < time.Minute; mended += 1700 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.vacation("a", -time.Minute, time.Hour)
			w.objects = []account.CachedObject{{Object: w.events[0]}} // known before the restart
			w.dialTakes = 100 * time.Millisecond
			w.hangUntil = time.Now().Add(mended)
			defer w.run()()
			time.Sleep(mended + besideEvery + overdueRetry/2)
			synctest.Wait()
			if got := w.kinds(); !slices.Equal(got, []plan.Kind{plan.Reveal}) {
				t.Errorf("mended after %s: performed %v", mended, got)
			}
		})
	}
}

// A server on which a login takes long is reached all the same, and not
// flooded with logins.
func TestSlowLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", -time.Minute, time.Hour)
		w.objects = []account.CachedObject{{Object: w.events[0]}}
		w.dialTakes = dialLimit - time.Second
		defer w.run()()
		time.Sleep(dialLimit)
		w.expect(plan.Reveal)
		if most := int(dialLimit/besideEvery) + 1; w.dials > most {
			t.Errorf("%d logins, want at most %d", w.dials, most)
		}
	})
}

// When many leave and come back at the same moment, all contacts are told before
// the next message of anybody is staged.
func TestTellingGoesBeforeStaging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", time.Hour, 2*time.Hour)
		w.vacation("b", 20*time.Hour, 30*time.Hour)
		defer w.run()()
		time.Sleep(2*time.Hour + time.Minute)
		w.expect(plan.Stage, plan.Reveal, plan.Withdraw, plan.Stage)
		_, _, done := w.look()
		for i, want := range []bool{false, true, true, false} {
			if done[i].hurried != want {
				t.Errorf("%s goes before others: %t, want %t", done[i].Kind, done[i].hurried, want)
			}
		}
	})
}

// Nothing is hurried unless something is due or live.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", time.Hour, 2*time.Hour)
		w.vacation("b", 2*time.Hour+9*time.Minute, 3*time.Hour) // so soon that the session stays
		begin := time.Now()
		defer w.run()()
		for _, step := range []struct{ at, answer, ping time.Duration }{
			{time.Minute, answerLimit, calmPing},
			{time.Hour - soon - time.Second, answerLimit, calmPing},
			{time.Hour - soon, answerLimit, closePing},
			{time.Hour - lookAhead, hurriedLimit, closePing},
			{time.Hour + time.Minute, hurriedLimit, closePing},
			{2*time.Hour + time.Second, hurriedLimit, closePing},
			{2*time.Hour + 7*time.Minute - time.Second, answerLimit, calmPing},
		} {
			time.Sleep(time.Until(begin.Add(step.at)))
			synctest.Wait()
			w.mu.Lock()
			if w.answer != step.answer || w.ping != step.ping {
				t.Errorf("after %s: answers within %s, pings every %s", step.at, w.answer, w.ping)
			}
			w.mu.Unlock()
		}
	})
}

// Who asks for a poll while one is under way is told of the next one: the one
// under way may have been answered before the event was there.
func TestSyncReadsWhatCameMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.takes = 10 * time.Second
		defer w.run()()
		time.Sleep(w.takes / 2)
		w.vacation("a", time.Hour, 2*time.Hour)
		if r, err := w.engine.Sync(t.Context(), ada, false); err != nil || len(r[0].Errors) > 0 {
			t.Errorf("sync: %v, %+v", err, r)
		}
		w.expect(plan.Stage)
	})
}

// A calendar that takes longer than a poll may is read on at once as long as it
// brings what was not known, and at the next turn otherwise. Who waits for it is
// told of no half-read one as of a whole, and the log says how far it is.
func TestPollGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for i := range 3 {
			w.vacation(fmt.Sprint(i), time.Duration(10*i+1)*time.Hour, time.Duration(10*i+2)*time.Hour)
		}
		unread := func(polls int) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.unread = polls
		}
		expect := func(polls, objects int) {
			t.Helper()
			synctest.Wait()
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.polls != polls || len(w.objects) != objects {
				t.Errorf("%d objects after %d polls", len(w.objects), w.polls)
			}
		}
		unread(2)
		defer w.run()()
		expect(3, 3)
		var said []string
		for _, e := range w.logged(account.KindPoll) {
			said = append(said, e.Reason)
		}
		want := []string{`calendar "Vacations" read in part: 1 objects so far, and awayd goes on`, `calendar "Vacations" read: 3 objects`}
		if !slices.Equal(said, want) {
			t.Errorf("%q", said)
		}

		// Nothing of this is new.
		unread(2)
		if r, err := w.engine.Sync(t.Context(), ada, false); err != nil || len(r[0].Errors) != 1 || !strings.Contains(r[0].Errors[0], "the next poll goes on") {
			t.Errorf("%+v, %v", r, err)
		}
		expect(4, 3)
		time.Sleep(10 * time.Minute)
		expect(6, 3)

		// What is to be accepted is known when all is read.
		w.vacation("3", 100*time.Hour, 101*time.Hour)
		w.vacation("4", 110*time.Hour, 111*time.Hour)
		w.mu.Lock()
		w.events = w.events[1:]
		w.mu.Unlock()
		unread(1)
		if r, err := w.engine.Sync(t.Context(), ada, true); err != nil || len(r[0].Errors) != 0 {
			t.Errorf("%+v, %v", r, err)
		}
		expect(8, 4)
	})
}
