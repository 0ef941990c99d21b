package engine

import (
	"fmt"
	"hash/fnv"
	"time"

	"github.com/robfig/cron/v3"
)

// ParseSchedule reads a robfig/cron spec: five fields, or a descriptor such as
// "@every 5m" or "@hourly".
func ParseSchedule(spec string) (cron.Schedule, error) {
	s, err := cron.ParseStandard(spec)
	if err != nil {
		return nil, fmt.Errorf("poll schedule %q: %w", spec, err)
	}
	return s, nil
}

// jittered spreads one schedule over many calendars: each has a stable place
// of its own between two turns, the same after every restart.
type jittered struct {
	inner  cron.Schedule
	offset time.Duration
}

// jitter returns s moved by an offset that depends on key alone and is shorter
// than the distance between two turns.
func jitter(s cron.Schedule, key string, now time.Time) cron.Schedule {
	turn := s.Next(now)
	period := s.Next(turn).Sub(turn)
	if period <= 0 {
		return s
	}
	return jittered{s, spread(key, period)}
}

// spread is a duration below limit, if that is positive, that depends on key
// alone.
func spread(key string, limit time.Duration) time.Duration {
	if limit <= 0 {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte(key))
	return time.Duration(h.Sum64() % uint64(limit))
}

// Next implements cron.Schedule.
func (j jittered) Next(t time.Time) time.Time {
	if every, ok := j.inner.(cron.ConstantDelaySchedule); ok {
		// Anchored to the epoch instead of to the last turn, so that a restart
		// keeps the place.
		return t.Add(-j.offset).Truncate(every.Delay).Add(every.Delay + j.offset)
	}
	return j.inner.Next(t.Add(-j.offset)).Add(j.offset)
}
