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

// watchClock calls jumped whenever the wall clock moved otherwise than the
// monotonic one, at most clockPeriod after it did.
func watchClock(ctx context.Context, now func() time.Time, jumped func(by time.Duration)) {
	tick := time.NewTicker(clockPeriod)
	defer tick.Stop()
	wall, mono := now().Round(0), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		w, m := now().Round(0), time.Now()
		if by := w.Sub(wall) - m.Sub(mono); by > clockJump || by < -clockJump {
			jumped(by)
		}
		wall, mono = w, m
	}
}
