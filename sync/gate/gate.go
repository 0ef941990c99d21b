// Package gate bounds how many do something with one host at once, and lets the
// urgent ones in first. A host that fails is approached at a bounded rate until
// it answers, however many wait for it.
package gate

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// A Gate is for any number of hosts and goroutines.
type Gate struct {
	calm   int           // at once, if none of them is urgent
	urgent int           // and in all
	pace   time.Duration // from one attempt to the next with a host that fails

	mu    sync.Mutex
	lanes map[string]*lane
	drawn Ticket
}

// A Ticket is a place among the urgent: who drew first is let in first.
type Ticket int64

// A lane is what happens with one host. It is forgotten when nobody is in it
// and the host is well.
type lane struct {
	busy   int
	calm   []waiter // in the order they came
	urgent []waiter // in the order of their tickets
	sick   bool
	next   time.Time // when the next attempt may be made, if it is
}

// A waiter is somebody before the gate.
type waiter struct {
	ticket Ticket
	turn   chan struct{} // closed when let in
}

// New returns a gate that lets in so many at once for each host: calm, if none of
// them is urgent, and urgent in all. While the host fails, pace parts the
// attempts.
func New(calm, urgent int, pace time.Duration) *Gate {
	return &Gate{calm: calm, urgent: urgent, pace: pace, lanes: make(map[string]*lane)}
}

// Enter waits until there is room with a host. The returned function gives it
// back; a second call does nothing. The error is that of ctx.
func (g *Gate) Enter(ctx context.Context, host string, urgent bool) (leave func(), err error) {
	var t Ticket
	if urgent {
		t = g.Draw()
	}
	return g.EnterWith(ctx, host, t)
}

// Draw returns a place behind all that were drawn before, with any host. Who
// enters several times with one is done with all of that before who drew later,
// so that not everybody is done at the end only.
func (g *Gate) Draw() Ticket {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.drawn++
	return g.drawn
}

// EnterWith is Enter for somebody with a ticket, and for somebody calm if t is
// zero.
func (g *Gate) EnterWith(ctx context.Context, host string, t Ticket) (leave func(), err error) {
	turn := make(chan struct{})
	g.mu.Lock()
	l := g.lanes[host]
	if l == nil {
		l = new(lane)
		g.lanes[host] = l
	}
	if t != 0 {
		i, _ := slices.BinarySearchFunc(l.urgent, t, func(w waiter, t Ticket) int { return cmp.Compare(w.ticket, t) })
		l.urgent = slices.Insert(l.urgent, i, waiter{t, turn})
	} else {
		l.calm = append(l.calm, waiter{turn: turn})
	}
	g.admit(l)
	g.mu.Unlock()
	leave = sync.OnceFunc(func() { g.leave(host, turn) })
	select {
	case <-turn:
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
	if wait := g.patience(host); wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			leave()
			return nil, ctx.Err()
		}
	}
	return leave, nil
}

// admit lets in who may.
func (g *Gate) admit(l *lane) {
	for {
		line, room := &l.urgent, g.urgent
		if len(l.urgent) == 0 {
			line, room = &l.calm, g.calm
		}
		if len(*line) == 0 || l.busy >= room {
			return
		}
		close((*line)[0].turn)
		*line = slices.Delete(*line, 0, 1)
		l.busy++
	}
}

// leave gives up a place, in the lane or before it.
func (g *Gate) leave(host string, turn chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.lanes[host]
	select {
	case <-turn:
		l.busy--
		g.admit(l)
	default:
		other := func(w waiter) bool { return w.turn == turn }
		l.urgent, l.calm = slices.DeleteFunc(l.urgent, other), slices.DeleteFunc(l.calm, other)
	}
	if l.busy == 0 && len(l.urgent)+len(l.calm) == 0 && !l.sick {
		delete(g.lanes, host)
	}
}

// patience is how long who was let in has to wait because the host fails.
func (g *Gate) patience(host string) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.lanes[host]
	now := time.Now()
	if !l.sick || l.next.Before(now) {
		l.next = now
	}
	wait := l.next.Sub(now)
	l.next = l.next.Add(g.pace)
	return wait
}

// Judge notes whether the host answered somebody who is in.
func (g *Gate) Judge(host string, well bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l := g.lanes[host]; l != nil {
		l.sick = !well
	}
}
