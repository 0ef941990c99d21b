package crowd

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"testing"
	"time"

	"awayd/state"
	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/engine"
	"awayd/sync/plan"
)

var (
	accounts = flag.Int("accounts", 100, "how many are started and measured")
	profile  = flag.String("heap", "", "a file for a profile of the heap at that time")
	settle   = flag.Bool("settle", false, "measure after each of them was polled and looked at, too")
)

// appointments are in each calendar.
const appointments = 10

// After a start the flip that is overdue waits for nobody else, and an account
// for which nothing is due costs little. With more of them:
//
//	go test -run TestStart -v ./cmd/bench/crowd -accounts 10000
func TestStart(t *testing.T) {
	store, err := state.Open(t.Context(), t.TempDir(), state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	c, err := New(*accounts, 1, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Link(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for i := range *accounts {
		for n := range appointments {
			c.Plan(i, now.AddDate(0, 0, 3+30*n), 2)
		}
	}
	due := *accounts * 2 / 3
	c.Plan(due, now.Add(-24*time.Hour), 3)
	if err := c.Remember(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	for i := range *accounts {
		if err := c.Stage(t.Context(), store, i); err != nil {
			t.Fatal(err)
		}
	}
	heapBefore, stacksBefore := footprint()
	began := time.Now()
	e, err := engine.New(c.Config(store, "@every 1h"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done, ready := make(chan error, 1), make(chan struct{})
	go func() { done <- e.Run(ctx, func() { close(ready) }) }()
	for c.Visible() == 0 {
		time.Sleep(time.Millisecond)
	}
	flip := time.Since(began)
	<-ready
	t.Logf("%d accounts: the overdue flip after %s, all started after %s", *accounts, flip.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
	if flip > 2*time.Second {
		t.Errorf("the overdue flip took %s", flip)
	}
	measure := func(when string) {
		heap, stacks := footprint()
		kb := func(n uint64) float64 { return float64(n) / float64(*accounts) / 1024 }
		per := kb(heap-heapBefore) + kb(stacks-stacksBefore)
		t.Logf("%s: %.1f KB an account, %.1f of it stacks; %d goroutines", when, per, kb(stacks-stacksBefore), runtime.NumGoroutine())
		if *profile != "" {
			writeProfile(t)
		}
		if *accounts >= 100 && per > 20 {
			t.Errorf("%s, an account takes %.1f KB", when, per)
		}
	}
	measure("started")
	if *settle {
		for c.Counts().Logins < *accounts {
			time.Sleep(time.Second)
		}
		time.Sleep(engine.DefaultSessions.Linger + time.Second)
		measure("settled")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// writeProfile writes what is on the heap now.
func writeProfile(t *testing.T) {
	t.Helper()
	f, err := os.Create(*profile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := pprof.WriteHeapProfile(f); err != nil {
		t.Fatal(err)
	}
}

// footprint is what lives on the heap and on the stacks.
func footprint() (heap, stacks uint64) {
	debug.FreeOSMemory() // collects, twice
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc, m.StackInuse
}

// Remember has the state hold what the calendars hold, as after a poll.
func (c *Crowd) Remember(ctx context.Context, s Store) error {
	list, err := s.Accounts(ctx)
	if err != nil {
		return err
	}
	for _, a := range list {
		p := c.people[a.JID]
		if err := s.SavePoll(ctx, a.Calendars[0].ID, account.Poll{At: c.now(), Cursor: fmt.Sprint(p.changes), Changed: p.objects}); err != nil {
			return err
		}
	}
	return nil
}

// Stage has person i's first message be staged already, whether or not its time
// has come: as after a stop some time ago.
func (c *Crowd) Stage(ctx context.Context, s Store, i int) error {
	p := c.people[name(i)]
	rules := absence.Defaults()
	rules.Zone = c.zone
	now := c.now()
	built := absence.Build([]absence.Calendar{{Name: "Vacations", EveryEvent: true, Objects: p.objects}}, rules, now.AddDate(0, -1, 0), now.AddDate(1, 0, 0))
	period, ok := built.Timeline.At(now)
	if !ok {
		period, ok = built.Timeline.After(now)
	}
	if !ok {
		return fmt.Errorf("%s has no absence to stage", p.jid)
	}
	item := plan.Item{ID: plan.ItemArchive, Payload: plan.NewPayload(period.Start, period.End, period.Message(period.Start))}
	p.node = plan.Observed{Exists: true, Access: plan.Whitelist, Items: []plan.Item{item}}
	if err := s.SaveObserved(ctx, p.jid, p.node, now); err != nil {
		return err
	}
	return s.SaveJournal(ctx, p.jid, plan.Journal{Clean: true, Seen: &item, Sent: map[string]time.Time{item.Payload.Hash(): now}})
}
