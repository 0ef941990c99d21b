package xmppout

import (
	"context"
	"time"

	"awayd/sync/gate"
)

const (
	// maxInFlight bounds the requests that one server has yet to answer: enough to
	// keep it busy over a slow line, and few enough that the last of them is
	// answered long before its time limit. When a thousand people looked at their
	// nodes in the same moment, each request waited behind all others in the
	// server, every session took it for gone, and all logged in anew.
	maxInFlight = 32
	// turnMost is how long a request that is not answered keeps others waiting:
	// what is wrong may be its own connection.
	turnMost = time.Second
)

// Turns let requests to one server take turns across sessions: those of hurried
// sessions first. Of these, all that one asks until contacts are told goes before
// what is asked by who began to hurry later, and all that it asks afterwards
// behind that: when many leave at the same moment, the contacts of the first are
// told at once, and those of the last as soon as can be. The others take turns in
// the order they come. A request's time begins when it is sent.
type Turns struct{ servers *gate.Gate }

// NewTurns returns turns at any number of servers.
func NewTurns() *Turns { return &Turns{gate.New(maxInFlight, maxInFlight, 0)} }

// takeTurn waits for a place. The returned function gives it back, which
// happens by itself after a while.
func (s *Session) takeTurn(ctx context.Context) (leave func(), err error) {
	if s.turns == nil {
		return func() {}, nil
	}
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	give, err := s.enter(waiting)
	switch {
	case err == nil:
	case s.ctx.Err() != nil:
		return nil, s.Err()
	default:
		return nil, s.end.explain("ask server of", context.Cause(ctx))
	}
	late := time.AfterFunc(turnMost, give)
	return func() {
		late.Stop()
		give()
	}, nil
}

// yield lets who began to hurry later go first from now on.
func (s *Session) yield() { s.ticket.Store(0) }

// enter waits behind those in a hurry, until the session is in a hurry itself.
func (s *Session) enter(ctx context.Context) (leave func(), err error) {
	server := s.jid.Domain().String()
	if hurried := s.hurried.Load(); hurried != nil && time.Now().Before(*hurried) {
		calm, cancel := context.WithDeadline(ctx, *hurried)
		defer cancel()
		if leave, err = s.turns.servers.Enter(calm, server, false); err == nil || ctx.Err() != nil {
			return leave, err
		}
	}
	t := s.ticket.Load()
	if t == 0 {
		t = int64(s.turns.servers.Draw())
		s.ticket.Store(t)
	}
	return s.turns.servers.EnterWith(ctx, server, gate.Ticket(t))
}
