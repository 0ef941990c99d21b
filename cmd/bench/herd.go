package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"awayd/cmd/testbed"
)

// herd measures how long it takes until the last of many contacts is told who
// all leave at the same instant, and come back at the same instant.
func herd(ctx context.Context, r *report) error {
	r.title = "Everybody at once"
	if err := manyFiles(uint64(4*r.herd + 1000)); err != nil {
		return err
	}
	return inBed(func(bed *testbed.Bed) error {
		binary, err := testbed.Build(ctx, bed.Dir)
		if err != nil {
			return err
		}
		x, err := testbed.StartProsody(ctx, filepath.Join(bed.Dir, "prosody"), bed.CA, testbed.XMPPOptions{Extra: roomForAll})
		if err != nil {
			return err
		}
		defer x.Stop() //nolint:errcheck // nobody asks any more
		h, err := gather(ctx, x, binary, filepath.Join(bed.Dir, "herd"), r.herd, r.enough(10))
		if err != nil {
			return err
		}
		defer h.close()
		if err := h.run(ctx); err != nil {
			return h.explain(err)
		}
		h.report(r)
		if err := h.try(ctx); err != nil {
			return h.explain(err)
		}
		h.reportTrial(r)
		return nil
	})
}

// roomForAll has Prosody remember as many people's nodes as there are. Beyond
// 1,000, which is its default, it reads each again with nearly every request.
const roomForAll = "pep_service_cache_size = 10000\n"

// manyFiles lets this process, and the servers that it starts, have so many
// connections.
func manyFiles(n uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("read limit of open files: %w", err)
	}
	limit.Cur, limit.Max = max(limit.Cur, n), max(limit.Max, n)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("allow %d open files: %w", n, err)
	}
	return nil
}

// Leavers are many people of awayd's and as many bare clients, all logged in,
// with one contact.
type leavers struct {
	*company
	person  testbed.Person // the contact
	s       scripts
	ours    []string // bare JIDs
	theirs  []string
	clients []*bare
	daemon  *testbed.Daemon

	first  time.Time     // of the instants
	phase  time.Duration // from one to the next of the four that make a round
	rounds int

	start, end herdSeries
	stagedIn   time.Duration // from the start of the daemon until all were ready
	bareLogins time.Duration
	trial      trial
	awaydsOwn  series // processor time, from the instant until the last was told
	misses     int
}

// A herdSeries is one value for each round.
type herdSeries struct {
	last, bareLast     series // until the last was told
	median, bareMedian series // until half of them were
	earliest           series
	told               int
}

func gather(ctx context.Context, x *testbed.XMPP, binary, dir string, n, rounds int) (_ *leavers, err error) {
	h := &leavers{rounds: rounds, phase: (5*time.Second + time.Duration(n)*45*time.Millisecond).Truncate(time.Second)}
	var people []testbed.Person
	for i := range 2 * n {
		p, err := x.Person(ctx, []string{"away", "bare"}[i/n])
		if err != nil {
			return nil, err
		}
		people = append(people, p)
		if i < n {
			h.ours = append(h.ours, p.JID)
		} else {
			h.theirs = append(h.theirs, p.JID)
		}
	}
	if h.person, err = x.Person(ctx, "contact"); err != nil {
		return nil, err
	}
	if err := x.Acquaint(h.person, people); err != nil {
		return nil, err
	}
	login, err := x.Login(ctx, h.person, testbed.ContactOptions{Patience: bareTimeout}) // it is told of many
	if err != nil {
		return nil, err
	}
	h.company = &company{x: x, contact: login, binary: binary}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	if h.s, err = learn(ctx, h.company, dir); err != nil {
		return nil, err
	}
	began := time.Now()
	if h.clients, err = h.loginAll(ctx, h.s, people[n:]); err != nil {
		return nil, err
	}
	h.bareLogins = time.Since(began)
	return h, h.begin(ctx, dir, people[:n])
}

// begin starts awayd and waits until everybody is logged in and has staged the
// first absence.
func (h *leavers) begin(ctx context.Context, dir string, people []testbed.Person) (err error) {
	began := time.Now()
	// A daemon that starts looks at twenty accounts a second.
	h.first = began.Add(25*time.Second + time.Duration(len(people))*120*time.Millisecond).Truncate(time.Second)
	var all []absenceTime
	for i := range h.rounds {
		start := h.round(i)
		all = append(all, absenceTime{start, start.Add(h.phase)})
	}
	all = append(all, h.trialTime())
	if h.daemon, err = h.company.daemon(ctx, dir, h.x.Addr, people, func(int) []absenceTime { return all }); err != nil {
		return err
	}
	if err := staged(ctx, h.daemon, len(people), h.first.Add(-12*time.Second)); err != nil {
		return h.explain(err)
	}
	h.stagedIn = time.Since(began)
	return nil
}

// restBetween is how long nothing happens after the bare clients: awayd looks half a
// minute ahead, and neither is to be in the other's way.
const restBetween = 35 * time.Second

// round is when the i-th begins.
func (h *leavers) round(i int) time.Time {
	return h.first.Add(time.Duration(i) * (4*h.phase + restBetween))
}

// run has awayd's people leave and come back, then the bare clients, again and
// again.
func (h *leavers) run(ctx context.Context) error {
	for i := range h.rounds {
		at := h.round(i)
		for _, half := range []struct {
			instant time.Time
			what    telling
			into    *herdSeries
		}{{at, tellsStart, &h.start}, {at.Add(h.phase), tellsEnd, &h.end}} {
			if err := h.awayHerd(ctx, half.instant, half.what, half.into); err != nil {
				return err
			}
		}
		for _, half := range []struct {
			instant time.Time
			play    script
			then    script
			into    *herdSeries
		}{{at.Add(2 * h.phase), h.s.start, nil, &h.start}, {at.Add(3 * h.phase), h.s.end, h.s.stage, &h.end}} {
			if err := h.bareHerd(ctx, half.instant, half.play, half.then, half.into); err != nil {
				return err
			}
		}
	}
	return nil
}

// awayHerd waits for an instant of awayd's people.
func (h *leavers) awayHerd(ctx context.Context, instant time.Time, what telling, into *herdSeries) error {
	if err := sleepUntil(ctx, instant.Add(-time.Second)); err != nil {
		return err
	}
	h.contact.Forget()
	used := h.daemonTime()
	at, err := h.told(ctx, h.ours, what, instant.Add(h.phase-2*time.Second))
	if err != nil {
		return err
	}
	lags := lagsOf(at, instant)
	if len(lags) == 0 {
		return errors.New("nobody was told of an instant")
	}
	into.told += len(lags)
	h.misses += len(h.ours) - len(lags)
	h.awaydsOwn = append(h.awaydsOwn, (h.daemonTime() - used).Seconds())
	into.last = append(into.last, lags.quantile(1))
	into.median = append(into.median, lags.median())
	into.earliest = append(into.earliest, lags.quantile(0))
	return nil
}

// bareHerd has all bare clients play a script, and then another one that is not
// timed.
func (h *leavers) bareHerd(ctx context.Context, instant time.Time, play, then script, into *herdSeries) error {
	if err := sleepUntil(ctx, instant); err != nil {
		return err
	}
	h.contact.Forget()
	errs := make([]error, len(h.clients))
	began := time.Now()
	var all sync.WaitGroup
	for i, b := range h.clients {
		all.Go(func() { errs[i] = b.play(ctx, play) })
	}
	at, err := h.told(ctx, h.theirs, anyItem, began.Add(2*h.phase))
	if err != nil {
		return err
	}
	all.Wait()
	lags := lagsOf(at, began)
	if len(lags) < len(h.theirs) {
		return errors.Join(append(errs, fmt.Errorf("the contact was told of %d bare clients of %d", len(lags), len(h.theirs)))...)
	}
	into.bareLast = append(into.bareLast, lags.quantile(1))
	into.bareMedian = append(into.bareMedian, lags.median())
	for i, b := range h.clients {
		if then != nil {
			all.Go(func() { errs[i] = errors.Join(errs[i], b.play(ctx, then)) })
		}
	}
	all.Wait()
	return errors.Join(errs...)
}

func lagsOf(at map[string]time.Time, instant time.Time) series {
	var lags series
	for _, t := range at {
		lags = append(lags, t.Sub(instant).Seconds())
	}
	return lags
}

// daemonTime is the processor time that the daemon has used (proc(5)); 0 if
// that cannot be told.
func (h *leavers) daemonTime() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", h.daemon.Process().Pid))
	if err != nil {
		return 0
	}
	// The name before the ) may hold anything; utime and stime are fields 14 and 15.
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / 100
}

func (h *leavers) close() {
	if h.daemon != nil {
		h.daemon.Close()
	}
	closeAll(h.clients)
	_ = h.contact.Close()
}

func (h *leavers) report(r *report) {
	n := len(h.ours)
	r.intro = fmt.Sprintf(herdIntro, n, n, n, h.rounds)
	connection := fmt.Sprintf("%d sessions on each side, all open before; no login is in the time", n)
	for _, half := range []struct {
		what string
		of   herdSeries
		s    script
	}{{"starts", h.start, h.s.start}, {"ends", h.end, h.s.end}} {
		name := fmt.Sprintf("%d %s in the same second (%d requests each)", n, half.what, half.s.requests())
		t := target{atMost: 1.2}
		r.compare(comparison{work: name + ": until the last is told", peer: "same stanzas, bare",
			ours: half.of.last, them: half.of.bareLast, target: t, connection: connection})
		r.compare(comparison{work: name + ": until half are told", peer: "same stanzas, bare",
			ours: half.of.median, them: half.of.bareMedian, connection: connection})
		r.fact(half.what+": told in their round", fmt.Sprintf("%d of %d", half.of.told, n*h.rounds), "all", half.of.told == n*h.rounds)
		early := half.of.earliest.quantile(0)
		r.fact(half.what+": the earliest", seconds(early)+" after its instant", "never before", early >= 0)
	}
	r.notes = append(r.notes, fmt.Sprintf("awayd used %s of processor time from an instant until the last was told. Its %d logins, with the "+
		"look at each account and the staging of each message, were spread over %s after its start; the bare clients' over %s, eight at a time.",
		h.awaydsOwn, n, h.stagedIn.Round(time.Second), h.bareLogins.Round(time.Second)))
}

const herdIntro = `%d accounts of one Prosody, each with a session of its own, the same absences and the same single contact, in whose roster they all
are: a server can hold that, and one connection of a contact costs the same on both sides. From the instant to the moment in which the contact is told
of the last one. Beside them, %d bare clients send what awayd was seen to send for such a flip, over as many sessions with the same server,
all beginning at once. %d sessions of each are open all the time; the two take turns, %d rounds. Prosody's configuration is that of the other tests: no
mod_limits, so that no rate is limited; but it has room for the nodes of all these people (pep_service_cache_size = 10000), and the
number of open files is raised. awayd polls its calendars, files here, as it always does, and each poll
looks at the node, too. At last there is one more absence, of awayd's people alone: as it begins, awayd is told to poll every calendar at once (SIGHUP),
and before it ends, the server is stopped and started again.`

func (h *leavers) explain(err error) error {
	return fmt.Errorf("%w; the end of the daemon's log:\n%s", err, lastLines(h.daemon.Said(), 20))
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
