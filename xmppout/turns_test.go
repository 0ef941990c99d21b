package xmppout

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestTurns has a request wait for its turn: until the one before is answered,
// or has taken too long, and no longer than it may.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alive, end := context.WithCancelCause(t.Context())
		s := &Session{options: options{places: make(chan struct{}, 1)}, ctx: alive}
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
		if len(s.places) != 1 {
			t.Errorf("%d places are taken", len(s.places))
		}
		short, cancel := context.WithTimeout(t.Context(), turnMost/2)
		defer cancel()
		if _, err := s.takeTurn(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who waited too long: %v", err)
		}
		gone := errors.New("gone")
		end(gone)
		if _, err := s.takeTurn(t.Context()); !errors.Is(err, gone) {
			t.Errorf("whose session ended: %v", err)
		}
		third()
	})
	var none *Turns
	turns := new(Turns)
	of, again := turns.at("a"), turns.at("a")
	if none.at("a") != nil || of != again || of == turns.at("b") {
		t.Error("places are not those of a server")
	}
}
