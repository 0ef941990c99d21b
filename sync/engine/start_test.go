package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"awayd/sync/account"
	"awayd/sync/plan"
)

// restart has awayd end and start again, with a state that cannot tell what the
// calendars hold.
func (w *world) restartUnread(stop func()) (stopAgain func()) {
	stop()
	w.change(func() { w.loadErr = errors.New("disk broken") })
	return w.run()
}

// A message that is live when a start cannot read what the calendars hold stays,
// and ends when it is over: at its end, whether the state can be read by then or
// not.
func TestUnreadAtStart(t *testing.T) {
	for _, mended := range []time.Duration{10 * time.Minute, 2 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.vacation("a", -time.Hour, time.Hour)
			w.vacation("b", 100*time.Hour, 110*time.Hour)
			end := time.Now().Add(time.Hour)
			stop := w.run()
			w.expect(plan.Reveal)
			stop = w.restartUnread(stop)
			defer func() { stop() }()
			time.Sleep(mended - time.Minute)
			s := w.status()
			if s.Health != HealthError || len(s.Problems) == 0 || !strings.Contains(strings.Join(s.Problems, " "), "disk broken") {
				t.Errorf("status: %s, %q", s.Health, s.Problems)
			}
			if mended < time.Hour && (s.Visible == nil || s.Next == nil || s.Next.Action != plan.Withdraw || s.Next.At.Sub(end).Abs() > time.Second) {
				t.Errorf("status: visible %+v, next %+v", s.Visible, s.Next)
			}
			time.Sleep(time.Minute)
			w.change(func() { w.loadErr = nil })
			time.Sleep(time.Until(end) + time.Second)
			synctest.Wait()
			_, _, done := w.look()
			i := slices.IndexFunc(done, func(p performed) bool { return p.Kind == plan.Withdraw })
			if i != 1 || done[i].at.Before(end) || done[i].at.Sub(end) > 100*time.Millisecond {
				t.Errorf("mended after %s: %+v", mended, done)
			}
			time.Sleep(mended)
			w.expect(plan.Reveal, plan.Withdraw, plan.Stage)
			if s := w.status(); s.Health != HealthOK {
				t.Errorf("status: %s, %q", s.Health, s.Problems)
			}
			if n := len(w.logged(account.KindChange)); n != 2 {
				t.Errorf("%d entries of news, want those of the first start alone", n)
			}
		})
	}
}

// While nothing is known of the calendars, nothing is told that was not, and an
// answer of theirs is not taken for news.
func TestUnreadAtStartTellsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", time.Hour, 10*time.Hour)
		stop := w.run()
		w.expect(plan.Stage)
		stop = w.restartUnread(stop)
		defer func() { stop() }()
		w.change(func() { w.kept, w.events = w.events, nil })
		time.Sleep(2 * time.Hour)
		w.expect(plan.Stage)
		if r, err := w.engine.Sync(t.Context(), ada, true); err != nil || len(r[0].Errors) != 1 || !strings.Contains(r[0].Errors[0], "disk broken") {
			t.Errorf("sync: %v, %+v", err, r)
		}
		if err := w.engine.Withdraw(t.Context(), ada); err == nil || errors.Is(err, ErrNothingLive) {
			t.Errorf("withdraw: %v", err)
		}
		w.change(func() { w.loadErr = nil })
		time.Sleep(2 * rebuildRetry)
		w.expect(plan.Stage, plan.Reveal)
		time.Sleep(time.Hour)
		w.expect(plan.Stage, plan.Reveal)
		if s := w.status(); s.Health != HealthHeld {
			t.Errorf("status: %s, %q", s.Health, s.Problems)
		}
	})
}

// What the person does meanwhile still wins afterwards.
func TestUnreadAtStartLeavesThePersonTheirs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", -time.Hour, 10*time.Hour)
		stop := w.run()
		w.expect(plan.Reveal)
		stop = w.restartUnread(stop)
		defer func() { stop() }()
		w.change(func() { w.node.Items = nil })
		time.Sleep(time.Hour)
		w.change(func() { w.loadErr = nil })
		time.Sleep(time.Hour)
		w.expect(plan.Reveal)
		if s := w.status(); s.Mode != ModeOverridden || len(w.logged(account.KindOverride)) != 1 {
			t.Errorf("status: %s, %+v", s.Mode, s.Problems)
		}
	})
}

// Without what a restart could read, the account is forgotten as ever.
func TestUnlinkUnreadAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("a", -time.Hour, 10*time.Hour)
		stop := w.run()
		w.expect(plan.Reveal)
		stop = w.restartUnread(stop)
		defer func() { stop() }()
		time.Sleep(time.Minute)
		if err := w.engine.Unlink(t.Context(), ada, false); err != nil {
			t.Error(err)
		}
		w.expect(plan.Reveal, plan.Withdraw)
	})
}

// two is a state with another account beside the world's, of which nothing can be
// read for as long as unread is set.
type two struct {
	*world
	unread  error
	deleted []string
	told    []account.Notice // of the other one
}

const bob = "bob@example.org"

func (s *two) Pressing(context.Context, time.Time) ([]string, error) { return []string{ada, bob}, nil }

func (s *two) Account(ctx context.Context, jid string) (account.Account, error) {
	if jid != bob {
		return s.world.Account(ctx, jid)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return account.Account{JID: bob, Mode: account.Paused}, s.unread
}

func (s *two) Accounts(ctx context.Context) ([]account.Account, error) {
	list, err := s.world.Accounts(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(list, account.Account{JID: bob, Mode: account.Paused, Unread: s.unread}), err
}

func (s *two) DeleteAccount(_ context.Context, jid string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deleted = append(s.deleted, jid)
	return nil
}

func (s *two) SaveAccount(ctx context.Context, a account.Account) (account.Account, error) {
	if a.JID != bob {
		return s.world.SaveAccount(ctx, a)
	}
	return a, nil
}

func (s *two) Notices(ctx context.Context, jid string) ([]account.Notice, error) {
	if jid != bob {
		return s.world.Notices(ctx, jid)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.told), nil
}

func (s *two) SaveNotices(ctx context.Context, jid string, list []account.Notice) error {
	if jid != bob {
		return s.world.SaveNotices(ctx, jid, list)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = slices.Clone(list)
	return nil
}

// pressingNobody is the same when nothing is due.
type pressingNobody struct{ *two }

func (pressingNobody) Pressing(context.Context, time.Time) ([]string, error) { return nil, nil }

// An account that cannot be read at a start stops no other, is named with the
// reason, and is taken up once it can be read.
func TestUnreadAccountStopsNobodyElse(t *testing.T) {
	for _, pressing := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			s := &two{world: w, unread: errors.New("password does not open")}
			w.store = s
			if !pressing {
				w.store = pressingNobody{s}
			}
			w.vacation("a", -time.Hour, time.Hour)
			defer w.run()()
			time.Sleep(time.Second)
			w.expect(plan.Reveal)
			health := func() string {
				synctest.Wait()
				list, err := w.engine.Status("")
				if err != nil || len(list) != 2 {
					t.Fatal(list, err)
				}
				i := slices.IndexFunc(list, func(s Status) bool { return s.JID == bob })
				return list[i].Health + " " + strings.Join(list[i].Problems, " ")
			}
			if got := health(); got != "error the account could not be taken up: password does not open" {
				t.Error(got)
			}
			w.change(func() { s.unread = nil })
			time.Sleep(2 * rebuildRetry)
			if got := health(); got != "ok " {
				t.Error(got)
			}
			if err := w.engine.Pause(t.Context(), bob); err != nil {
				t.Error(err)
			}
		})
	}
}

// An account that can never be read again can be forgotten, but not as if its
// message had been withdrawn.
func TestUnlinkUnreadAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := &two{world: w, unread: errors.New("password does not open")}
		w.store = s
		defer w.run()()
		time.Sleep(time.Second)
		var refused *UnlinkError
		if err := w.engine.Unlink(t.Context(), bob, false); !errors.As(err, &refused) || len(s.deleted) > 0 {
			t.Errorf("%v, deleted %q", err, s.deleted)
		}
		if err := w.engine.Unlink(t.Context(), bob, true); err != nil || !slices.Equal(s.deleted, []string{bob}) {
			t.Errorf("%v, deleted %q", err, s.deleted)
		}
		if _, err := w.engine.Status(bob); !errors.Is(err, ErrUnknownAccount) {
			t.Error(err)
		}
		if n := len(w.logged(account.KindUnlink)); n != 1 {
			t.Errorf("%d entries", n)
		}
	})
}

// That nothing is known of the calendars is told as any other trouble is: to who
// looks after the daemon, or else to the person, though nothing else calls for a
// login; it is in the log, and so is its end.
func TestUnreadAtStartIsTold(t *testing.T) {
	for _, notify := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.vacation("a", -time.Hour, 1000*time.Hour)
			if notify {
				w.notified = []string{}
			}
			stop := w.run()
			w.expect(plan.Reveal)
			stop = w.restartUnread(stop)
			defer func() { stop() }()
			want := func(when string, parts ...string) {
				t.Helper()
				var list [][]string
				if len(parts) > 0 {
					list = [][]string{parts}
				}
				if notify {
					w.wantNotified(when, list...)
				} else {
					w.wantMail(when, list...)
				}
			}
			time.Sleep(14 * time.Minute)
			want("at first")
			time.Sleep(6 * time.Minute)
			want("then", "What the calendars hold cannot be read from awayd's own state since Sat 1 Jan 00:00", "disk broken")
			time.Sleep(20 * time.Minute)
			want("once")
			stop()
			stop = w.run()
			time.Sleep(10 * time.Minute)
			want("after a restart")
			w.change(func() { w.loadErr = nil })
			time.Sleep(10 * time.Minute)
			want("in the end", "What the calendars hold can be read from awayd's own state again")
			var failed, well int
			for _, e := range w.logged(account.KindError) {
				switch {
				case e.Error == "":
					well++
				case strings.Contains(e.Error, "disk broken"):
					failed++
				}
			}
			if failed != 2 || well == 0 { // two starts
				t.Errorf("log: %+v", w.logged(account.KindError))
			}
			w.expect(plan.Reveal)
		})
	}
}

// That an account cannot be read is told once to who looks after the daemon, who
// alone can be told, and so is its end; what else was told of it is not forgotten.
func TestUnreadAccountIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.notified = []string{}
		other := account.Notice{Cause: "login of notify_jid/refused", Since: time.Now(), Told: time.Now(), Open: true}
		s := &two{world: w, unread: errors.New("password does not open"), told: []account.Notice{other}}
		w.store = s
		stop := w.run()
		defer func() { stop() }()
		time.Sleep(14 * time.Minute)
		w.wantNotified("at first")
		time.Sleep(6 * time.Minute)
		w.wantNotified("then", []string{bob + ": This account cannot be looked after since Sat 1 Jan 00:00", "password does not open", "awayd check"})
		w.change(func() {
			if !slices.Contains(s.told, other) {
				t.Errorf("noted %+v", s.told)
			}
		})
		time.Sleep(20 * time.Minute)
		w.wantNotified("once")
		stop()
		stop = w.run()
		time.Sleep(20 * time.Minute)
		w.wantNotified("after a restart")
		w.change(func() { s.unread = nil })
		if err := w.engine.Resume(t.Context(), bob); err == nil {
			t.Error("resumed an account that cannot be read")
		}
		time.Sleep(2 * time.Minute)
		if err := w.engine.Resume(t.Context(), bob); err != nil {
			t.Error(err)
		}
		time.Sleep(15 * time.Minute)
		w.wantNotified("in the end", []string{bob + ": This account is looked after again"})
	})
}
