package xmppout

import (
	"errors"
	"testing"

	"awayd/sync/plan"
)

// A ledger records the calls it gets, and can refuse one.
type ledger struct {
	calls []string
	fail  func(call string) error
}

func (l *ledger) Sending(p plan.Payload) error { return l.note("sending " + p.Message) }
func (l *ledger) Making() error                { return l.note("making") }
func (l *ledger) Opening() error               { return l.note("opening") }
func (l *ledger) Deleted() error               { return l.note("deleted") }

func (l *ledger) note(call string) error {
	if l.fail != nil {
		if err := l.fail(call); err != nil {
			return err
		}
	}
	l.calls = append(l.calls, call)
	return nil
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error is %v, want %v", err, want)
	}
}

func wantKind(t *testing.T, err error, want Kind) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Kind != want {
		t.Errorf("error is %#v (%v), want one of kind %d", e, err, want)
		return &Error{}
	}
	return e
}
