package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"awayd/cmd/bench/crowd"
)

// around makes a series that differs by at most two per cent from run to run.
func around(seconds float64) series {
	var s series
	for _, f := range []float64{1, 1.01, 0.99, 1.02, 1, 0.99, 1.01} {
		s = append(s, seconds*f)
	}
	return s
}

func TestJudge(t *testing.T) {
	wild := series{0.5, 3, 0.8, 2, 0.6, 2.5, 0.7}
	for name, c := range map[string]struct {
		ours, them series
		target     target
		want       verdict
	}{
		"clearly below":             {around(1), around(1), target{atMost: 2}, met},
		"clearly above":             {around(3), around(1), target{atMost: 2}, missed},
		"at the limit":              {around(2.01), around(1), target{atMost: 2}, unproven},
		"clearly faster":            {around(1), around(30), target{faster: 10}, met},
		"clearly not fast enough":   {around(1), around(5), target{faster: 10}, missed},
		"below, but noisy":          {wild, around(0.7), target{atMost: 2}, unproven},
		"too few runs":              {series{1}, series{1}, target{atMost: 2}, unproven},
		"no target, a difference":   {around(1), around(5), target{}, shown},
		"no target, no difference":  {around(1), around(1.005), target{}, unproven},
		"no target, within a noise": {wild, around(1), target{}, unproven},
	} {
		if got := judge(c.ours, c.them, c.target); got != c.want {
			t.Errorf("%s: judge = %q, want %q", name, got, c.want)
		}
	}
}

func TestMissedTargetsAreNamed(t *testing.T) {
	r := &report{title: "Rows"}
	r.fact("requests", "3", "2", false)
	r.fact("bytes", "3", "", false)
	r.compare(comparison{work: "slow", peer: "curl", ours: around(3), them: around(1), target: target{atMost: 2}})
	r.compare(comparison{work: "fast", peer: "curl", ours: around(1), them: around(1), target: target{atMost: 2}})
	r.flat("growing", around(1), around(2), series.String)
	r.flat("falling", around(2), around(1), series.String)
	r.flat("level", around(1), around(1), series.String)
	r.claim("guessed", "9 min", "≤ 10 min")
	if got := strings.Join(r.missed(), ","); got != "requests,slow,growing" {
		t.Errorf("missed = %s", got)
	}
	page := r.markdown()
	for _, want := range []string{"| slow | 3 s (2.97 s…3.06 s) | curl 1 s (990 ms…1.02 s) | 3.00 × (3.00…3.00) | 95 %: 3.00…3.00; a run ± 2 % | ≤ 2 × | **missed** |",
		"| level | 1 s (990 ms…1.02 s) | awayd with fewer 1 s (990 ms…1.02 s) | 1.00 × (1.00…1.00) | 95 %: 1.00…1.00; a run ± 2 % | ≤ 1 × | unproven |",
		"| guessed | 9 min |  |  |  | ≤ 10 min | unproven |"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}

// More runs of the same kind say more surely where the median is, too few say
// nothing. What is measured stays in the order of time.
func TestNoise(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var s series
	for range 60 {
		s = append(s, 1+r.Float64())
	}
	before := slices.Clone(s)
	for _, n := range []int{0, 1, 5} {
		if lo, hi := s[:n].within(); !math.IsInf(lo, 0) && !math.IsInf(hi, 0) {
			t.Errorf("the median of %d runs is within %v and %v", n, lo, hi)
		}
	}
	lo, hi := s.within()
	if fewLo, fewHi := s[:6].within(); lo >= hi || fewHi-fewLo <= hi-lo {
		t.Errorf("the median of 6 runs is within %v and %v, of 60 within %v and %v", fewLo, fewHi, lo, hi)
	}
	if got := (series{1, 1.2, 1, 1.2, 1.2}).apart(); math.Abs(got-0.2) > 1e-9 {
		t.Errorf("runs are %v apart", got)
	}
	differ(s, s)
	if !slices.Equal(s, before) {
		t.Error("judging sorts what was measured")
	}
}

func TestMostInASecond(t *testing.T) {
	for _, c := range []struct {
		counts []int
		want   int
	}{
		{nil, 0},
		{[]int{700, 800, 1000}, 800},
		{[]int{0, 10, 400, 900, 1000}, 890},
		{[]int{100, 50, 200}, 100}, // some were lost again
	} {
		if got := mostInASecond(c.counts); got != c.want {
			t.Errorf("%v: %d, want %d", c.counts, got, c.want)
		}
	}
}

func TestQuantile(t *testing.T) {
	s := series{4, 1, 3, 2}
	for q, want := range map[float64]float64{0: 1, 0.5: 2.5, 1: 4} {
		if got := s.quantile(q); got != want {
			t.Errorf("quantile(%v) = %v, want %v", q, got, want)
		}
	}
}

func TestYearIsJudged(t *testing.T) {
	good := crowd.Year{People: 1000, Days: 365, Took: 5 * time.Minute, LogMiddle: 100, LogEnd: 150, DatabaseMiddle: 100, DatabaseEnd: 150}
	for name, c := range map[string]struct {
		change func(*crowd.Year)
		missed int
		last   verdict
	}{
		"good":              {func(*crowd.Year) {}, 0, met},
		"too slow":          {func(y *crowd.Year) { y.Took = time.Hour }, 1, met},
		"early and late":    {func(y *crowd.Year) { y.Early, y.Late = 1, time.Second }, 2, met},
		"the log grows":     {func(y *crowd.Year) { y.LogEnd = 151 }, 1, met},
		"the database does": {func(y *crowd.Year) { y.DatabaseEnd = 151 }, 1, missed},
		"fewer people":      {func(y *crowd.Year) { y.People, y.Took = 10, time.Hour }, 0, met},
	} {
		y, r := good, &report{}
		c.change(&y)
		r.judgeYear(y)
		if got := r.missed(); len(got) != c.missed || r.rows[len(r.rows)-1].verdict != c.last {
			t.Errorf("%s: missed %v; the last row is %q", name, got, r.rows[len(r.rows)-1].verdict)
		}
	}
}
