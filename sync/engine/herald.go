package engine

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// gather is how long a herald waits for what others have to say too: a
	// server that is gone is the trouble of all its accounts.
	gather = 10 * time.Second
	// heraldPause is the least time between two messages.
	heraldPause = 10 * time.Minute
	// heraldLimit bounds one attempt, from the login on.
	heraldLimit = time.Minute
	// heraldLines bounds a message.
	heraldLines = 10
)

// A herald tells notify_jid what persons cannot be told. It belongs to no
// account, and keeps none waiting.
type herald struct {
	notifier Notifier // nil: nobody is told
	log      *slog.Logger

	mu      sync.Mutex
	reports map[string]report // by account: what is to be told now
	busy    map[string]bool   // told, but its account has not noted that yet
	trouble string            // why the last attempt failed
	news    chan struct{}
}

// A report is what one account has to say.
type report struct {
	lines []string
	// told is called, on a goroutine of its own, when it was delivered, and
	// returns when that was noted.
	told func()
}

func newHerald(n Notifier, log *slog.Logger) *herald {
	return &herald{
		notifier: n, log: log, reports: make(map[string]report), busy: make(map[string]bool),
		news: make(chan struct{}, 1),
	}
}

// ready reports whether anybody is there to be told.
func (h *herald) ready() bool { return h.notifier != nil && h.notifier.Ready() }

// report sets what an account has to say, which may be nothing.
func (h *herald) report(jid string, r report) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(r.lines) == 0 || h.busy[jid] {
		delete(h.reports, jid)
		return
	}
	h.reports[jid] = r
	select {
	case h.news <- struct{}{}:
	default:
	}
}

// failing returns why nothing can be told, if something is to be.
func (h *herald) failing(jid string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, waiting := h.reports[jid]; !waiting {
		return ""
	}
	return h.trouble
}

// run tells what is reported until ctx ends.
func (h *herald) run(ctx context.Context) {
	retry := backoff.NewExponentialBackOff()
	retry.InitialInterval, retry.MaxInterval = 30*time.Second, 30*time.Minute
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.news:
		}
		wait := gather
		for said := false; !said; {
			if !sleep(ctx, wait) {
				return
			}
			var err error
			if said, err = h.tell(ctx); err != nil {
				wait = retry.NextBackOff()
				h.log.Warn("notify_jid not told", "error", err)
			}
		}
		retry.Reset()
		if !sleep(ctx, heraldPause-gather) {
			return
		}
	}
}

// sleep reports whether it was not cut short.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// tell delivers what is reported now, in one message. It reports whether
// nothing is left to say.
func (h *herald) tell(ctx context.Context) (bool, error) {
	h.mu.Lock()
	now := maps.Clone(h.reports)
	h.mu.Unlock()
	if len(now) == 0 || !h.ready() {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, heraldLimit)
	defer cancel()
	err := h.notifier.Notify(ctx, proclaim(now))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.trouble = ""
	if err != nil {
		h.trouble = err.Error()
		return false, err
	}
	for jid, r := range now {
		h.busy[jid] = true
		delete(h.reports, jid)
		go func() {
			r.told()
			h.mu.Lock()
			defer h.mu.Unlock()
			delete(h.busy, jid)
		}()
	}
	return true, nil
}

// proclaim writes what accounts have to say: what several say the same, once.
func proclaim(reports map[string]report) string {
	who := make(map[string][]string)
	var lines []string
	for _, jid := range slices.Sorted(maps.Keys(reports)) {
		for _, line := range reports[jid].lines {
			if who[line] == nil {
				lines = append(lines, line)
			}
			who[line] = append(who[line], jid)
		}
	}
	var b strings.Builder
	b.WriteString("awayd:")
	for i, line := range lines {
		if i == heraldLines {
			fmt.Fprintf(&b, "\n\nAnd more, %d in all: see awayd status.", len(lines))
			break
		}
		b.WriteString("\n\n" + some(who[line]) + ": " + line)
	}
	return b.String()
}

// some names the first few of a list.
func some(list []string) string {
	const few = 5
	if len(list) <= few {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:few], ", "), len(list)-few)
}
