package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"awayd/cmd/testbed"
)

// crashesAtOnce is how many cases run side by side: they wait for the clock
// most of the time.
const crashesAtOnce = 6

// A crashRun kills the daemon at the steps of each action on each server.
type crashRun struct {
	bed    *testbed.Bed
	binary string
	// every of them takes one point out of so many.
	every int

	mu    sync.Mutex
	count int // of cases
}

// A crashTally is one row of the table.
type crashTally struct {
	action crashAction
	server string
	all    []crashPoint // at which the daemon could be killed

	points, converged, again       int
	early, stale, late, twice, odd int
	slowest                        time.Duration
	slow                           int // cases that were repeated alone
	missed                         []crashPoint
	errs                           []error
}

// proveCrashes is the part of the page.
func proveCrashes(ctx context.Context) (table, error) {
	tallies, err := runCrashes(ctx, 1)
	return crashTable(tallies), err
}

// runCrashes kills the daemon at one out of every so many points.
func runCrashes(ctx context.Context, every int) (tallies []*crashTally, err error) {
	bed, err := testbed.New()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, bed.Close()) }()
	binary, err := testbed.Build(ctx, bed.Dir)
	if err != nil {
		return nil, err
	}
	r := &crashRun{bed: bed, binary: binary, every: every}
	return r.run(ctx)
}

// run kills the daemon at each step of each action.
func (r *crashRun) run(ctx context.Context) ([]*crashTally, error) {
	tallies, err := r.learn(ctx)
	if err != nil {
		return tallies, err
	}
	var group errgroup.Group
	group.SetLimit(crashesAtOnce)
	var slow []func() // what is to be repeated alone
	chosen := 0
	for _, t := range tallies {
		for _, p := range t.all {
			if chosen++; chosen%r.every != 0 {
				continue
			}
			group.Go(func() error {
				if !r.kill(ctx, t, p, false) {
					r.mu.Lock()
					defer r.mu.Unlock()
					slow = append(slow, func() { r.kill(ctx, t, p, true) })
				}
				return nil
			})
		}
	}
	_ = group.Wait() // what went wrong is in the tallies
	for _, again := range slow {
		again()
	}
	var errs []error
	for _, t := range tallies {
		errs = append(errs, t.errs...)
	}
	return tallies, errors.Join(errs...)
}

// learn lets each action happen undisturbed on each server, to learn its steps.
func (r *crashRun) learn(ctx context.Context) ([]*crashTally, error) {
	var tallies []*crashTally
	var group errgroup.Group
	group.SetLimit(crashesAtOnce)
	for _, server := range []string{testbed.Prosody, testbed.Ejabberd} {
		for _, a := range crashActions {
			t := &crashTally{action: a, server: server}
			tallies = append(tallies, t)
			group.Go(func() error {
				result, err := r.one(ctx, t, nil)
				if err != nil && !result.slow {
					return fmt.Errorf("%s on %s, undisturbed: %w", a.name, server, err)
				}
				t.all = crashPoints(result.steps)
				return nil
			})
		}
	}
	return tallies, group.Wait()
}

// kill runs one case and counts what it showed. A step that depends on how fast
// the server was may not come; then it is tried once more. A case that only took
// too long, while others were running, is not counted: it is worth another
// attempt alone.
func (r *crashRun) kill(ctx context.Context, t *crashTally, p crashPoint, alone bool) (counted bool) {
	result, err := r.one(ctx, t, &p)
	if err == nil && result.missed {
		result, err = r.one(ctx, t, &p)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if result.slow && !alone {
		t.slow++
		return false
	}
	t.add(p, result, err)
	return true
}

// one runs one case, with more time ahead of the instant if that was too short.
func (r *crashRun) one(ctx context.Context, t *crashTally, p *crashPoint) (result crashResult, err error) {
	x, err := r.bed.XMPP(ctx, t.server)
	if err != nil {
		return result, err
	}
	for lead := crashLead; lead <= crashLeadMost; lead *= 2 {
		if err := ctx.Err(); err != nil {
			return result, err
		}
		r.mu.Lock()
		r.count++
		dir := filepath.Join(r.bed.Dir, "crash-"+strconv.Itoa(r.count))
		r.mu.Unlock()
		if err := os.Mkdir(dir, 0o700); err != nil {
			return result, err
		}
		c := &crashCase{action: t.action, point: p, lead: lead, server: x, binary: r.binary, dir: dir}
		if result, err = c.run(ctx); !errors.Is(err, errCrashLead) {
			break
		}
	}
	return result, err
}

func (t *crashTally) add(p crashPoint, r crashResult, err error) {
	if err != nil {
		t.errs = append(t.errs, fmt.Errorf("%s on %s, killed %s: %w", t.action.name, t.server, p, err))
	} else if r.missed {
		t.missed = append(t.missed, p)
		return
	}
	t.points++
	if err == nil {
		t.converged++
	}
	v := r.verdict
	if v.again {
		t.again++
	}
	for _, n := range []struct {
		list  []string
		count *int
	}{{v.early, &t.early}, {v.stale, &t.stale}, {v.late, &t.late}, {v.twice, &t.twice}, {v.odd, &t.odd}} {
		if len(n.list) > 0 {
			*n.count++
		}
	}
	t.slowest = max(t.slowest, r.took)
}

func crashTable(tallies []*crashTally) table {
	t := table{
		intro: crashIntro,
		head:  []string{"action", "server", "crash points", "converged", "slowest", "early", "stale", "late", "told twice", "told again, as it should be"},
	}
	var sum crashTally
	for _, c := range tallies {
		t.rows = append(t.rows, c.row(c.action.name, c.server))
		sum.points, sum.converged, sum.again = sum.points+c.points, sum.converged+c.converged, sum.again+c.again
		sum.early, sum.stale, sum.late, sum.twice = sum.early+c.early, sum.stale+c.stale, sum.late+c.late, sum.twice+c.twice
		sum.slowest = max(sum.slowest, c.slowest)
		sum.missed, sum.slow = slices.Concat(sum.missed, c.missed), sum.slow+c.slow
	}
	t.rows = append(t.rows, sum.row("all", ""))
	t.notes = []string{crashNotes}
	if sum.slow > 0 {
		t.notes = append(t.notes, fmt.Sprintf("Cases that took more than 2 s beside others on a busy machine, and were repeated alone: %d.", sum.slow))
	}
	if len(sum.missed) > 0 {
		t.notes = append(t.notes, fmt.Sprintf("Points that depend on how fast the server was, and did not come in two attempts: %d.", len(sum.missed)))
	}
	return t
}

func (t *crashTally) row(action, server string) []string {
	return []string{
		action, server, strconv.Itoa(t.points), strconv.Itoa(t.converged), fmt.Sprintf("%.1f s", t.slowest.Seconds()),
		strconv.Itoa(t.early), strconv.Itoa(t.stale), strconv.Itoa(t.late), strconv.Itoa(t.twice), strconv.Itoa(t.again),
	}
}

const crashIntro = `The daemon, unmodified, is killed with SIGKILL at each stanza of each action: once before the server hears of it and, if
it changes something, once when the server has carried it out and the daemon has not heard so. Then it is started again. A
proxy that ends the encryption on both sides knows the moment. A contact listens, asks ten times a second, and subscribes
to the node as soon as it may. The person had set an activity of their own, which is to be there again at the end.

Before a stanza everything that the journal has to say of it is written; before its answer nothing that follows from it.
So these are the states that a crash can leave between journal and server, except those between two writes of the journal
that no stanza separates; these the model explores.`

const crashNotes = `Converged: the node, read by its owner, and what the contact can read and was told, are as they should be; ` + "`status`" + ` is
ok; one more look at the node changes nothing. Slowest: from the moment at which the restarted daemon answers, or the
instant of the action if that is later, to its last change of anything; more than 2 s would be late. Told twice: the
contact was told the same again although the sync log already said that it was done. As it should be is telling again
what awayd cannot know to have been told: an action that was begun and is not known to be finished.`
