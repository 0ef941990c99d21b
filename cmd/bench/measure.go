package main

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"

	"golang.org/x/perf/benchmath"
)

// A contender is one who does the work that a row is about.
type contender struct {
	name string
	// before prepares one run and is not timed; nil: nothing is to be prepared.
	before func(context.Context) error
	// run does the work once and returns how long that took, so that it can
	// leave out what belongs to no one.
	run func(context.Context) (time.Duration, error)
}

// A series is how long each run took, in seconds and in order of time.
type series []float64

// interleave runs the contenders in turn, round after round, so that whatever
// else the machine does hits all of them alike. One round before those is not
// counted: it fills the caches of files, servers and interpreters. A single
// round, whose times prove nothing, goes without.
func interleave(ctx context.Context, rounds int, contenders ...contender) ([]series, error) {
	all := make([]series, len(contenders))
	warm := 0
	if rounds > 1 {
		warm = 1
	}
	for round := range warm + rounds {
		for i, c := range contenders {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if c.before != nil {
				if err := c.before(ctx); err != nil {
					return nil, fmt.Errorf("prepare %s: %w", c.name, err)
				}
			}
			runtime.GC() // nobody pays for the rubbish of the one before
			took, err := c.run(ctx)
			if err != nil {
				return nil, fmt.Errorf("run %s: %w", c.name, err)
			}
			if round >= warm {
				all[i] = append(all[i], took.Seconds())
			}
		}
	}
	return all, nil
}

// timed makes a run of what is timed from its beginning to its end.
func timed(f func(context.Context) error) func(context.Context) (time.Duration, error) {
	return func(ctx context.Context) (time.Duration, error) {
		began := time.Now()
		err := f(ctx)
		return time.Since(began), err
	}
}

// quantile returns the value below which a share q of the series lies.
func (s series) quantile(q float64) float64 {
	sorted := slices.Sorted(slices.Values(s))
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

func (s series) median() float64 { return s.quantile(0.5) }

// times returns the series, each value multiplied.
func (s series) times(factor float64) series {
	m := slices.Clone(s)
	for i := range m {
		m[i] *= factor
	}
	return m
}

// over returns the ratios of what ran in the same round.
func (s series) over(peer series) series {
	ratios := make(series, len(s))
	for i := range s {
		ratios[i] = s[i] / peer[i]
	}
	return ratios
}

// apart is how far two runs of the same thing, one after the other, are apart:
// the median of these distances, as a share.
func (s series) apart() float64 {
	if len(s) < 2 {
		return math.Inf(1)
	}
	distances := s[1:].over(s)
	for i, ratio := range distances {
		distances[i] = max(ratio, 1/ratio) - 1
	}
	return distances.median()
}

// within returns between what the median lies that a series of any length would
// have, surely enough, by order statistics. Of too few runs it says nothing: one
// of the two is infinite.
func (s series) within() (lo, hi float64) {
	ci := benchmath.AssumeNothing.Summary(s.sample(), confidence)
	return ci.Lo, ci.Hi
}

const (
	// confidence is how surely a median is where it is said to be.
	confidence = 0.95
	// alpha is how often chance alone may be taken for a difference.
	alpha = 0.05
)

// differ reports whether two series come from different distributions (the test
// of Mann and Whitney, as benchstat has it).
func differ(a, b series) bool {
	return benchmath.AssumeNothing.Compare(a.sample(), b.sample()).P < alpha
}

// sample is a copy of the series, which benchmath sorts.
func (s series) sample() *benchmath.Sample {
	thresholds := benchmath.DefaultThresholds
	return benchmath.NewSample(slices.Clone(s), &thresholds)
}

// plus adds what belongs together.
func (s series) plus(other series) series {
	sum := slices.Clone(s)
	for i := range sum {
		sum[i] += other[i]
	}
	return sum
}
