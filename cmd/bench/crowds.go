package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"awayd/cmd/bench/crowd"
)

// crowds are how many accounts the parts about accounts have.
type crowds struct{ accounts, people, days int }

// restarts are enough to tell the noise.
const restarts = 8

// inCrowd builds the tests of package crowd and runs one of them. Each is a
// process of its own, so that nothing of this one is in its memory. What the
// test itself finds wrong fails a row.
func inCrowd(ctx context.Context, r *report, figures any, name string, args ...string) error {
	dir, err := os.MkdirTemp("", "awayd-crowd-")
	if err != nil {
		return fmt.Errorf("make a folder for the crowd: %w", err)
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "crowd.test")
	if _, err := command(ctx, "go", "test", "-c", "-o", program, "awayd/cmd/bench/crowd"); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program, append([]string{"-test.run", "^" + name + "$", "-test.timeout", "4h"}, args...)...)
	cmd.Dir = dir
	out, failed := cmd.Output()
	if err := crowd.Read(out, figures); err != nil {
		return errors.Join(fmt.Errorf("run %s: %w", name, err), failed)
	}
	if failed != nil {
		r.fact("what "+name+" itself checks", "failed", "no failure", false)
		r.verbatim = append(r.verbatim, string(out))
	}
	return nil
}

// started are the starts measured so far, as more than one part asks for them.
var started = make(map[string]crowd.Start)

// startOf starts n accounts some times, of whom live are away already.
func startOf(ctx context.Context, r *report, n, live int, settle bool) (f crowd.Start, err error) {
	args := []string{"-accounts", fmt.Sprint(n), "-live", fmt.Sprint(live), "-starts", fmt.Sprint(max(2, r.enough(restarts))), fmt.Sprintf("-settle=%t", settle)}
	key := fmt.Sprint(args)
	if f, ok := started[key]; ok {
		return f, nil
	}
	if err = inCrowd(ctx, r, &f, "TestStart", args...); err == nil {
		started[key] = f
	}
	return f, err
}

// idleMost is what an idle account may take beyond the fixed cost.
const idleMost = 20 << 10

// memory measures what an account costs while nothing is due for it.
func memory(ctx context.Context, r *report) error {
	r.title = "The memory of an account"
	r.intro = memoryIntro
	table := growthTable{head: []string{"accounts", "for each", "of that stacks", "all of them"}}
	var all []crowd.Start
	for _, n := range []int{r.crowds.accounts / 100, r.crowds.accounts / 10, r.crowds.accounts} {
		f, err := startOf(ctx, r, n, 1, n == r.crowds.accounts/10)
		if err != nil {
			return err
		}
		all = append(all, f)
		each := series(f.Each).median()
		table.rows = append(table.rows, []string{fmt.Sprint(n), kilobytes(f.Each), kilobytes(f.Stacks), fmt.Sprintf("%.1f MB", each*float64(n)/(1<<20))})
		limit := "< 20 KB"
		if len(all) == 1 {
			limit = "" // the fixed cost weighs too much
		}
		r.fact(fmt.Sprintf("an idle account, of %d", n), kilobytes(f.Each), limit, slices.Max(f.Each) < idleMost)
		if f.Settled > 0 {
			r.fact(fmt.Sprintf("the same, %d, once each was polled and looked at", n), kilobytes(series{f.Settled}), "< 20 KB", f.Settled < idleMost)
		}
	}
	few, many := all[0], all[len(all)-1]
	r.flat(fmt.Sprintf("an idle account: of %d beside of %d", many.Accounts, few.Accounts), few.Each, many.Each, kilobytes)
	r.growths = append(r.growths, table)

	idle := all[1]
	live, err := startOf(ctx, r, idle.Accounts, max(2, idle.Accounts/2), false)
	if err != nil {
		return err
	}
	extra := (series(live.Each).median() - series(idle.Each).median()) * float64(idle.Accounts) / float64(live.Live-idle.Live)
	r.fact("a live account: an idle one, and what half of the crowd being live adds", kilobytes(series{series(idle.Each).median() + extra}), "", true)
	return nil
}

const memoryIntro = `A crowd of people whose calendars and servers are in memory, and the real engine on the real state, in a process of its own. Each
calendar has ten absences. Counted is what lives on the heap and on the stacks after a collection, beyond what did before the state
was opened: so the fixed cost of engine and database is in it, divided among all. An idle account's objects are in the state, and its
timeline is in memory; it has no connection. A live account's connection is the crowd's own: TLS and the buffers of a real one come on
top of it. The figures are the median of some starts, with the smallest and the largest.`

func kilobytes(s series) string {
	kb := s.times(1.0 / (1 << 10))
	if len(s) == 1 {
		return fmt.Sprintf("%.1f KB", kb[0])
	}
	return fmt.Sprintf("%.1f KB (%.1f…%.1f)", kb.median(), kb.quantile(0), kb.quantile(1))
}

// start measures how soon a flip goes out that is overdue when awayd starts.
func start(ctx context.Context, r *report) error {
	r.title = "A start with many accounts"
	r.intro = startIntro
	table := growthTable{head: []string{"accounts", "the overdue flip", "every account looked after", "for each"}}
	for _, n := range []int{r.crowds.accounts / 100, r.crowds.accounts / 10, r.crowds.accounts} {
		f, err := startOf(ctx, r, n, 1, n == r.crowds.accounts/10)
		if err != nil {
			return err
		}
		flips, all := inSeconds(f.Flips), inSeconds(f.All)
		r.fact(fmt.Sprintf("%d accounts: the overdue flip", n), flips.String(), "≤ 2 s, each", slices.Max(flips) <= 2)
		table.rows = append(table.rows, []string{fmt.Sprint(n), flips.String(), all.String(), seconds(all.median() / float64(n))})
	}
	r.growths = append(r.growths, table)
	return nil
}

const startIntro = `The same crowds. One message, staged already, became due while awayd was down. The time runs from opening the state to the server
having shown it, in a process that runs already; the crowd's server answers at once.`

func inSeconds(list []time.Duration) (s series) {
	for _, d := range list {
		s = append(s, d.Seconds())
	}
	return s
}

// year lives through a year in simulated time.
func year(ctx context.Context, r *report) error {
	r.title = "A simulated year"
	r.intro = yearIntro
	var f crowd.Year
	if err := inCrowd(ctx, r, &f, "TestYear", "-people", fmt.Sprint(r.crowds.people), "-days", fmt.Sprint(r.crowds.days)); err != nil {
		return err
	}
	r.judgeYear(f)
	return nil
}

// yearLimit is what "minutes at most" is taken to mean.
const yearLimit = 10 * time.Minute

// judgeYear adds the rows of a year. What a longer or larger one would take is
// no more than a guess.
func (r *report) judgeYear(f crowd.Year) {
	const target = "≤ 10 min"
	run := fmt.Sprintf("%d people, %d days, polled %s: real time", f.People, f.Days, f.Poll)
	if f.People >= 1000 && f.Days >= 365 {
		r.fact(run, seconds(f.Took.Seconds()), target, f.Took <= yearLimit)
	} else {
		r.fact(run, seconds(f.Took.Seconds()), "", true)
		whole := time.Duration(float64(f.Took) * 1000 * 365 / float64(f.People*f.Days))
		r.claim("1,000 people, 365 days: if each day of each costs the same", fmt.Sprintf("%.0f min", whole.Minutes()), target)
	}
	r.fact("polls, logins, starts and ends", fmt.Sprintf("%d, %d, %d", f.Polls, f.Logins, f.Flips), "", true)
	r.fact("messages that could be seen early", fmt.Sprint(f.Early), "0", f.Early == 0)
	r.fact("the latest start or end", f.Late.String(), "≤ 100 ms", f.Late <= 100*time.Millisecond)
	if f.LogEnd == 0 {
		return // too short to say what grows
	}
	// Between the middle and the end the crowd does the same again; what is kept
	// for 20 days stays as large.
	r.fact("entries in the log, in the middle and at the end", fmt.Sprintf("%d, %d", f.LogMiddle, f.LogEnd), "≤ 1.5 ×", 2*f.LogEnd <= 3*f.LogMiddle)
	r.fact("database, in the middle and at the end", fmt.Sprintf("%.1f MB, %.1f MB", float64(f.DatabaseMiddle)/(1<<20), float64(f.DatabaseEnd)/(1<<20)),
		"≤ 1.5 ×", 2*f.DatabaseEnd <= 3*f.DatabaseMiddle)
}

const yearIntro = `The same crowd lives through a year in simulated time, in one process, with the real state. Everybody takes some seven absences, and
the sync log is kept for 20 days. The crowd judges each start and end.`
