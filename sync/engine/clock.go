package engine

import (
	"context"
	"time"
)

// Timers run on the monotonic clock, which stops in suspend and ignores steps
// of the wall clock. Flips follow the wall clock, so somebody has to compare.
const (
	clockPeriod = 5 * time.Second
	clockJump   = 250 * time.Millisecond
)

// wall leaves out the monotonic reading, by which times are compared that have
// one: what is due, an instant or the time of the next attempt, is due by the wall
// clock. How long something took is a matter of the other one, of time.Since.
func wall(t time.Time) time.Time { return t.Round(0) }

// watchClock calls jumped whenever the wall clock moved otherwise than the
// monotonic one, at most clockPeriod after it did.
func watchClock(ctx context.Context, now func() time.Time, jumped func(by time.Duration)) {
	tick := time.NewTicker(clockPeriod)
	defer tick.Stop()
	last, mono := now(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		w, m := now(), time.Now()
		if by := w.Sub(last) - m.Sub(mono); by > clockJump || by < -clockJump {
			jumped(by)
		}
		last, mono = w, m
	}
}

// follow looks at everything anew by a clock that was changed. What was to wait
// for a while waits for no longer if the clock was set back. If it was put
// forward, or the machine slept, what became due meanwhile is due.
func (a *actor) follow(back time.Duration) {
	a.keeper.Hurry()
	a.clock.over = 0
	waits := []*time.Time{&a.begin, &a.duty.look, &a.duty.until, &a.duty.queued, &a.clock.at, &a.letters.retry}
	now := a.e.now()
	for _, c := range a.calendars {
		waits = append(waits, &c.quiet, &c.rest)
		if next := c.schedule.Next(now); next.Before(c.due) {
			c.due = next
		}
	}
	for _, t := range waits {
		if !t.IsZero() {
			*t = t.Add(-back)
		}
	}
}
