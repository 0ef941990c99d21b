package xmppout

import (
	"context"
	"encoding/xml"
	"strings"
	"sync/atomic"
	"time"

	"awayd/xmppout/pep"
)

// Some servers notify a contact through the person's own connection, and only
// once the contact's presence (with what their client wants to be told of,
// XEP-0115) has come to that connection, which it does some moments after the
// person became available. Until no more of them have come for quiet, or for at
// most patient, a notification may have missed somebody.
const (
	quiet   = 200 * time.Millisecond
	patient = 3 * time.Second
)

// looksState is how the person looks to contacts through this session.
type looksState struct {
	shown *string   // the status text that contacts were last sent; nil: unavailable
	ever  bool      // whether the person was ever available
	since time.Time // when the person became available

	seen atomic.Int64  // presences of contacts that came since
	news chan struct{} // holds one value after another has come
}

// Show makes the person available as away with this status text, unless that is
// what contacts were last sent, or [Dialer.NoPresence] forbids it.
func (s *Session) Show(ctx context.Context, status string) error {
	if s.noPresence {
		return nil
	}
	return s.appear(ctx, status)
}

func (s *Session) appear(ctx context.Context, status string) error {
	if s.looks.shown != nil && *s.looks.shown == status {
		return nil
	}
	if s.looks.shown == nil {
		s.looks.seen.Store(0)
		s.looks.since = time.Now()
	}
	s.looks.ever = true // it may arrive whatever comes of sending it
	if err := s.send(ctx, available(status)); err != nil {
		return err
	}
	s.looks.shown = &status
	return nil
}

// A stage is the session as a choreography sees it.
type stage struct{ *Session }

var _ pep.Looks = stage{}

// Attend makes the person available, without a text, unless they are already.
func (s stage) Attend(ctx context.Context) error {
	if s.looks.shown != nil {
		return nil
	}
	return s.appear(ctx, "")
}

// Hide makes the person unavailable, if this session ever made them available.
func (s *Session) Hide(ctx context.Context) error {
	if s.looks.shown == nil {
		return nil
	}
	if err := s.send(ctx, unavailable()); err != nil {
		return err
	}
	s.looks.shown = nil
	s.told.forget() // who is not available is told nothing
	return nil
}

// notice counts the presence of contacts. It runs on the goroutine that reads.
func (s *Session) notice(start *xml.StartElement) {
	if start.Name.Local != "presence" {
		return
	}
	for _, a := range start.Attr {
		switch {
		case a.Name.Local == "type", // nobody who is online
			a.Name.Local == "from" && strings.HasPrefix(a.Value, s.node.owner.String()+"/"):
			return
		}
	}
	s.looks.seen.Add(1)
	select {
	case s.looks.news <- struct{}{}:
	default:
	}
}

// Contacts returns how many presences of contacts have come.
func (s stage) Contacts() int64 { return s.looks.seen.Load() }

// Gather waits for the presence of the contacts who are online. It returns at
// once if the person has been available for a while.
func (s stage) Gather(ctx context.Context) error {
	most := time.NewTimer(patient - time.Since(s.looks.since))
	defer most.Stop()
	pause := time.NewTimer(min(quiet, patient-time.Since(s.looks.since)))
	defer pause.Stop()
	for {
		select {
		case <-s.looks.news:
			pause.Reset(quiet)
		case <-pause.C:
			return nil
		case <-most.C:
			return nil
		case <-s.ctx.Done():
			return s.Err()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
