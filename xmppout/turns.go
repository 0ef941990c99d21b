package xmppout

import (
	"context"
	"sync"
	"time"
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

// Turns let requests to one server take turns, in the order they come, across
// sessions. A request's time begins when it is sent.
type Turns struct {
	mu     sync.Mutex
	places map[string]chan struct{} // by domain
}

// at returns the places of a server; nil, which bounds nothing, if t is.
func (t *Turns) at(domain string) chan struct{} {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.places == nil {
		t.places = make(map[string]chan struct{})
	}
	if t.places[domain] == nil {
		t.places[domain] = make(chan struct{}, maxInFlight)
	}
	return t.places[domain]
}

// takeTurn waits for a place. The returned function gives it back, which
// happens by itself after a while.
func (s *Session) takeTurn(ctx context.Context) (leave func(), err error) {
	if s.places == nil {
		return func() {}, nil
	}
	select {
	case s.places <- struct{}{}:
	case <-ctx.Done():
		return nil, s.end.explain("ask server of", context.Cause(ctx))
	case <-s.ctx.Done():
		return nil, s.Err()
	}
	give := sync.OnceFunc(func() { <-s.places })
	late := time.AfterFunc(turnMost, give)
	return func() { late.Stop(); give() }, nil
}
