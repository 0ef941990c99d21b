package xmppout

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"awayd/sync/gate"
)

// TestTurns has a request wait for its turn: until the one before is answered,
// or has taken too long, and no longer than it may.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alive, end := context.WithCancelCause(t.Context())
		s := &Session{options: options{turns: &Turns{gate.New(1, 1, 0)}}, ctx: alive}
		take := func() func() {
			t.Helper()
			leave, err := s.takeTurn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return leave
		}
		began := time.Now()
		first := take()
		time.AfterFunc(turnMost/2, first)
		second := take()
		if waited := time.Since(began); waited != turnMost/2 {
			t.Errorf("waited %s for who was answered after %s", waited, turnMost/2)
		}
		third := take()
		if waited := time.Since(began); waited != turnMost/2+turnMost {
			t.Errorf("waited %s for who was not answered", waited)
		}
		second() // late, and gives back nothing that is not its own
		short, cancel := context.WithTimeout(t.Context(), turnMost/2)
		defer cancel()
		if _, err := s.takeTurn(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who waited too long: %v", err)
		}
		third()
		fourth := take()
		var order []string
		for _, who := range []struct {
			name string
			calm time.Duration
		}{{"calm", time.Hour}, {"hurried later", turnMost / 4}, {"hurried", 0}} {
			other := &Session{options: s.options, ctx: alive}
			hurried := time.Now().Add(who.calm)
			other.hurried.Store(&hurried)
			go func() {
				leave, err := other.takeTurn(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				order = append(order, who.name)
				leave()
			}()
			synctest.Wait()
		}
		time.Sleep(turnMost / 2)
		fourth()
		synctest.Wait()
		if !slices.Equal(order, []string{"hurried", "hurried later", "calm"}) {
			t.Errorf("turns were %v", order)
		}
		take()()

		// Two that began to hurry one after the other: what the first asks next
		// goes before what the second asked already, until it is calm, or has told
		// contacts.
		one, other := &Session{options: s.options, ctx: alive}, &Session{options: s.options, ctx: alive}
		one.pinger, order = time.NewTimer(time.Hour), nil
		ask := func(who *Session, name string) {
			go func() {
				leave, err := who.takeTurn(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				order = append(order, name)
				leave()
			}()
			synctest.Wait()
		}
		ask(one, "one's first")
		for _, calm := range []time.Duration{0, time.Hour, 0} {
			one.Pace(time.Hour, time.Hour, calm)
			busy := take()
			ask(other, "other's")
			ask(one, "one's")
			busy()
			synctest.Wait()
		}
		other.yield()
		busy := take()
		ask(other, "other's")
		ask(one, "one's")
		busy()
		synctest.Wait()
		if want := []string{"one's first", "one's", "other's", "other's", "one's", "other's", "one's", "one's", "other's"}; !slices.Equal(order, want) {
			t.Errorf("turns were %v, want %v", order, want)
		}
		take()
		gone := errors.New("gone")
		end(gone)
		if _, err := s.takeTurn(t.Context()); !errors.Is(err, gone) {
			t.Errorf("whose session ended: %v", err)
		}
	})
}
