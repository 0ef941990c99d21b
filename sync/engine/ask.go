package engine

import (
	"context"
	"errors"
	"time"
)

const (
	// pollLimit bounds one poll; a calendar that never answers is then an error.
	pollLimit = 2 * time.Minute
	// pollGrace is how long after that its source may take to say so itself.
	pollGrace = 5 * time.Second
)

// errHangs is what is wrong with a calendar whose source knows no limit, such as a
// file on a server that is gone: nothing can end the system call.
var errHangs = errors.New("a poll has not come back; there is no other one before it does")

// ask reads a calendar when its host has room, and hands the outcome to the owner.
func (a *actor) ask(c *calendar, cursor string, accept, urgent bool) {
	leave, err := a.e.polls.Enter(a.ctx, c.host, urgent)
	if err != nil {
		return // stopping
	}
	p := a.read(c, cursor)
	p.accept = accept
	a.e.polls.Judge(c.host, p.err == nil || !temporary(p.err))
	leave() // before the owner, who may be busy, takes it
	select {
	case a.polled <- p:
	case <-a.ctx.Done():
	}
}

// read polls a calendar. One that does not come back in time is given up: what it
// brings in the end is not looked at.
func (a *actor) read(c *calendar, cursor string) polled {
	at, began := a.e.now(), time.Now()
	answer, back := make(chan polled, 1), make(chan struct{})
	go func() {
		defer close(back)
		ctx, cancel := context.WithTimeout(a.ctx, pollLimit)
		defer cancel()
		delta, next, err := c.source.Poll(ctx, cursor)
		answer <- polled{c: c, delta: delta, cursor: next, err: err}
	}()
	patience := time.NewTimer(pollLimit + pollGrace)
	defer patience.Stop()
	var p polled
	select {
	case p = <-answer:
	case <-patience.C:
		p = polled{c: c, err: errHangs, lost: back}
	case <-a.ctx.Done():
		p = polled{c: c, err: a.ctx.Err()}
	}
	p.at, p.took = at, time.Since(began)
	return p
}

// hangs reports whether a poll that was given up has yet to come back.
func (c *calendar) hangs() bool {
	select {
	case <-c.lost:
		c.lost = nil
	default:
	}
	return c.lost != nil
}
