package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// A report is what one part has to say.
type report struct {
	rounds int // that were asked for; 0: as many as the part likes
	herd   int // how many leave at once, for the part that is about that
	crowds crowds

	title    string
	intro    string // a paragraph before the table
	rows     []row
	growths  []growthTable
	notes    []string // paragraphs after the tables
	verbatim []string // output of other programs, as it is
}

// enough returns how often a contender is to run.
func (r *report) enough(rounds int) int {
	if r.rounds > 0 {
		return r.rounds
	}
	return rounds
}

// A verdict is what a row says about its target.
type verdict string

const (
	met      verdict = "met"
	missed   verdict = "**missed**"
	unproven verdict = "unproven" // the difference is within the noise
	shown    verdict = ""         // there is no target
)

// A row is one line of the table.
type row struct {
	work, ours, peer, ratio, noise, target string
	verdict                                verdict
	connection                             string
}

// A target is what a comparison has to reach; the zero value is none.
type target struct {
	atMost float64 // times what the peer takes
	faster float64 // times faster than the peer
}

// limit returns what ours over peer's may be at most; 0 if there is no target.
func (t target) limit() float64 {
	if t.faster > 0 {
		return 1 / t.faster
	}
	return t.atMost
}

func (t target) String() string {
	switch {
	case t.faster > 0:
		return fmt.Sprintf("≥ %g × faster", t.faster)
	case t.atMost > 0:
		return fmt.Sprintf("≤ %g ×", t.atMost)
	}
	return ""
}

// A comparison is two contenders at the same work.
type comparison struct {
	work       string
	peer       string // its name
	ours, them series // in the same rounds
	target     target
	// connection is what of connecting and logging in is in the times.
	connection string
}

// compare adds the row of a comparison.
func (r *report) compare(c comparison) {
	r.rows = append(r.rows, row{
		work: c.work, ours: c.ours.String(), peer: c.peer + " " + c.them.String(), ratio: c.ours.over(c.them).ratio(),
		noise: noise(c.ours, c.them), target: c.target.String(),
		verdict: judge(c.ours, c.them, c.target), connection: c.connection,
	})
}

// judge says whether a target is met: where the median of the ratios surely lies,
// and if chance would not make such a difference either.
func judge(ours, them series, t target) verdict {
	limit := t.limit()
	against := limit
	if limit == 0 {
		against = 1
	}
	lo, hi := ours.over(them).within()
	switch {
	case lo <= against && against <= hi, math.IsInf(lo, 0), math.IsInf(hi, 0), !differ(ours, them.times(against)):
		return unproven
	case limit == 0:
		return shown
	case lo > limit:
		return missed
	}
	return met
}

// fact adds a row of what was counted rather than timed.
func (r *report) fact(work, got, target string, holds bool) {
	v := met
	switch {
	case target == "":
		v = shown
	case !holds:
		v = missed
	}
	r.rows = append(r.rows, row{work: work, ours: got, target: target, verdict: v})
}

// claim adds a row of what was not measured, but follows from what was if
// nothing is overlooked.
func (r *report) claim(work, got, target string) {
	r.rows = append(r.rows, row{work: work, ours: got, target: target, verdict: unproven})
}

// flat adds the row of a cost for each unit that is to stay or to fall as there
// are more of them.
func (r *report) flat(work string, few, many series, in func(series) string) {
	t := target{atMost: 1}
	r.rows = append(r.rows, row{
		work: work, ours: in(many), peer: "awayd with fewer " + in(few), ratio: many.over(few).ratio(),
		noise: noise(many, few), target: t.String(), verdict: judge(many, few, t),
	})
}

// noise says where the median of the ratios surely lies, and how far the runs of
// the noisier of the two are apart.
func noise(ours, them series) string {
	ratios := ours.over(them)
	lo, hi := ratios.within()
	if math.IsInf(lo, 0) || math.IsInf(hi, 0) {
		return "too few runs"
	}
	between := fmt.Sprintf("%.2f…%.2f", lo, hi)
	if ratios.median() < faster {
		between = fmt.Sprintf("%.3g…%.3g", 1/hi, 1/lo)
	}
	return fmt.Sprintf("95 %%: %s; a run ± %.0f %%", between, 100*max(ours.apart(), them.apart()))
}

// A growthTable shows how a cost grows with the amount of work.
type growthTable struct {
	head []string
	rows [][]string
}

// missed returns the work of the rows that missed their target.
func (r *report) missed() []string {
	var list []string
	for _, w := range r.rows {
		if w.verdict == missed {
			list = append(list, w.work)
		}
	}
	return list
}

// markdown is the section, without its title.
func (r *report) markdown() string {
	w := new(strings.Builder)
	fmt.Fprintln(w, r.intro)
	if len(r.rows) > 0 {
		table(w, []string{"work", "awayd", "beside it", "ratio", "noise", "target", "", "connection"}, r.lines())
	}
	for _, g := range r.growths {
		table(w, g.head, g.rows)
	}
	for _, v := range r.verbatim {
		fmt.Fprintf(w, "\n```\n%s\n```\n", strings.TrimRight(v, "\n"))
	}
	for _, n := range r.notes {
		fmt.Fprintf(w, "\n%s\n", n)
	}
	return w.String()
}

func (r *report) lines() [][]string {
	var lines [][]string
	for _, w := range r.rows {
		lines = append(lines, []string{w.work, w.ours, w.peer, w.ratio, w.noise, w.target, string(w.verdict), w.connection})
	}
	return lines
}

func table(w io.Writer, head []string, rows [][]string) {
	fmt.Fprintf(w, "\n| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, row := range rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
	}
}

// String is the median with the smallest and the largest value.
func (s series) String() string {
	return fmt.Sprintf("%s (%s…%s)", seconds(s.median()), seconds(s.quantile(0)), seconds(s.quantile(1)))
}

// faster is the ratio below which people say how many times faster it is.
const faster = 0.5

// ratio writes ours over peer's as people say it.
func (s series) ratio() string {
	if m := s.median(); m < faster {
		return fmt.Sprintf("%.3g × faster (%.3g…%.3g)", 1/m, 1/s.quantile(1), 1/s.quantile(0))
	}
	return fmt.Sprintf("%.2f × (%.2f…%.2f)", s.median(), s.quantile(0), s.quantile(1))
}

// seconds writes a time with three digits that count.
func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.3g s", s)
	case d >= time.Millisecond:
		return fmt.Sprintf("%.3g ms", s*1e3)
	}
	return fmt.Sprintf("%.3g µs", s*1e6)
}
