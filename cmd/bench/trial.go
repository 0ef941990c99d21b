package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"awayd/cmd/testbed"
)

// outage is how long the server of a trial is down.
const outage = 5 * time.Second

// A trial is one more absence of everybody's, which is made hard: all calendars
// are polled at the moment it begins, and the server is down for a while before
// it ends.
type trial struct {
	polled      series        // lags of the starts
	after       series        // lags of the ends
	resident    int           // bytes of memory of the daemon while all are away, with their connections
	returned    time.Time     // of the server
	backIn      time.Duration // from then until all were logged in
	inOneMoment int           // the most who logged in within a second
}

func (h *leavers) try(ctx context.Context) error {
	at := h.trialTime()
	closeAll(h.clients)
	h.clients = nil
	if err := sleepUntil(ctx, at.start.Add(-300*time.Millisecond)); err != nil {
		return err
	}
	h.contact.Forget()
	if err := h.daemon.Process().Signal(syscall.SIGHUP); err != nil {
		return fmt.Errorf("have everything polled: %w", err)
	}
	told, err := h.told(ctx, h.ours, tellsStart, at.start.Add(h.phase-2*time.Second))
	if err != nil {
		return err
	}
	if h.trial.polled = lagsOf(told, at.start); len(told) == 0 {
		return errors.New("nobody was told of the start while all calendars were polled")
	}
	if err := sleepUntil(ctx, at.start.Add(h.phase)); err != nil {
		return err
	}
	if h.trial.resident, err = resident(h.daemon.Process().Pid); err != nil {
		return err
	}
	if err := h.breakServer(ctx, at.end.Add(-2*time.Second)); err != nil {
		return err
	}
	if told, err = h.told(ctx, h.ours, tellsEnd, at.end.Add(h.phase)); err != nil {
		return err
	}
	if h.trial.after = lagsOf(told, at.end); len(told) == 0 {
		return errors.New("nobody was told of the end after the server was down")
	}
	return nil
}

// trialTime comes after all rounds.
func (h *leavers) trialTime() absenceTime {
	start := h.round(h.rounds)
	return absenceTime{start, start.Add(4 * h.phase)}
}

// breakServer has the server be away for a while, and the contact log in again
// once everybody else has.
func (h *leavers) breakServer(ctx context.Context, deadline time.Time) error {
	_ = h.contact.Close() // its connection goes with the server
	if err := h.x.Stop(); err != nil {
		return err
	}
	if err := sleepUntil(ctx, time.Now().Add(outage)); err != nil {
		return err
	}
	if err := h.x.Restart(ctx); err != nil {
		return err
	}
	h.trial.returned = time.Now()
	if err := h.waitForLogins(ctx, deadline); err != nil {
		return err
	}
	contact, err := h.x.Login(ctx, h.person, testbed.ContactOptions{Patience: bareTimeout})
	if err != nil {
		return err
	}
	h.contact = contact
	return nil
}

// waitForLogins counts who is logged in, twice a second, until all are.
func (h *leavers) waitForLogins(ctx context.Context, deadline time.Time) error {
	const pause = 500 * time.Millisecond
	var counts []int
	for {
		n, err := loggedInNow(ctx, h.daemon)
		if err != nil {
			return err
		}
		counts = append(counts, n)
		switch {
		case n == len(h.ours):
			h.trial.backIn, h.trial.inOneMoment = time.Since(h.trial.returned), mostInASecond(counts)
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("%d of %d were logged in again before the end", n, len(h.ours))
		}
		if err := sleepUntil(ctx, time.Now().Add(pause)); err != nil {
			return err
		}
	}
}

// resident is the memory of a process that is its own (proc(5)).
func resident(pid int) (bytes int, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read memory of daemon: %w", err)
	}
	_, rest, _ := strings.Cut(string(text), "RssAnon:")
	if _, err := fmt.Sscanf(rest, "%d kB", &bytes); err != nil {
		return 0, fmt.Errorf("read memory of daemon: %w", err)
	}
	return bytes << 10, nil
}

// mostInASecond returns the most by which a count grew within a second, from one
// that was 0 before it was taken twice a second.
func mostInASecond(counts []int) (most int) {
	for i, n := range counts {
		if i >= 2 {
			n -= counts[i-2]
		}
		most = max(most, n)
	}
	return most
}

func loggedInNow(ctx context.Context, d *testbed.Daemon) (n int, err error) {
	out, err := d.Run(ctx, "status", "--json")
	var doc struct{ Accounts []testbed.Status }
	if err := errors.Join(err, json.Unmarshal([]byte(out), &doc)); err != nil {
		return 0, fmt.Errorf("read status: %w", err)
	}
	for _, s := range doc.Accounts {
		if s.XMPP.Connected {
			n++
		}
	}
	return n, nil
}

func (h *leavers) reportTrial(r *report) {
	n, t := len(h.ours), h.trial
	of := func(s series) string { return fmt.Sprintf("%d of %d", len(s), n) }
	most := time.Duration(1.2 * h.start.bareLast.median() * float64(time.Second))
	last := time.Duration(t.polled.quantile(1) * float64(time.Second))
	r.fact("starts while all calendars are polled: until the last is told", seconds(last.Seconds()), "≤ 1.2 × the bare clients' median, "+seconds(most.Seconds()), last <= most)
	r.fact("the same: told", of(t.polled), "all", len(t.polled) == n)
	r.fact("memory of the process while all are away, with its garbage: for each, its TLS connection included", kilobytes(series{float64(t.resident) / float64(n)}), "", true)
	r.fact(fmt.Sprintf("after the server was down for %s: until all are logged in again", outage), seconds(t.backIn.Seconds()), "", true)
	r.fact("the most who logged in within a second", fmt.Sprint(t.inOneMoment), "", true)
	r.fact("ends after that: told", of(t.after), "all", len(t.after) == n)
	r.fact("the last of them", seconds(t.after.quantile(1))+" after its instant", "", true)
}
