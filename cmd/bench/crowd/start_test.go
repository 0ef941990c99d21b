package crowd

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
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
	starts   = flag.Int("starts", 2, "how often they are started")
	live     = flag.Int("live", 1, "how many of them are away already")
	settle   = flag.Bool("settle", false, "measure after each of them was polled and looked at, too (the last time)")
)

// appointments are in each calendar.
const appointments = 10

// After a start the flip that is overdue waits for nobody else, and an account
// for which nothing is due costs little. With more of them:
//
//	go test -run TestStart -v ./cmd/bench/crowd -accounts 10000
func TestStart(t *testing.T) {
	dir := t.TempDir()
	c, err := New(*accounts, 1, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	due := prepare(t, c, dir)
	f := Start{Accounts: *accounts, Live: len(due)}
	for i := range *starts {
		start(t, c, dir, due, i == *starts-1, &f)
	}
	if worst := slices.Max(f.Flips); worst > 2*time.Second {
		t.Errorf("an overdue flip took %s", worst)
	}
	// The first start pays for what all of them share, too.
	each, ofStacks := f.Each[*starts-1], f.Stacks[*starts-1]
	if *accounts >= 100 && *live == 1 && (each-ofStacks > 14<<10 || each > 20<<10 && !largerStacks) {
		t.Errorf("an account takes %.1f KB, %.1f of it stacks", each/1024, ofStacks/1024)
	}
	if err := tell(f); err != nil {
		t.Error(err)
	}
}

// prepare links the crowd, plans its absences and has the state know of them.
// It returns the people who are away already.
func prepare(t *testing.T, c *Crowd, dir string) (due []int) {
	store := open(t, dir)
	defer store.Close()
	if err := c.Link(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for i := range *accounts {
		for n := range appointments {
			c.Plan(i, now.AddDate(0, 0, 3+30*n), 2)
		}
	}
	for n := range *live {
		i := (*accounts*2/3 + n) % *accounts
		c.Plan(i, now.Add(-24*time.Hour), 3)
		due = append(due, i)
	}
	if err := c.Remember(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	for i := range *accounts {
		if err := c.Stage(t.Context(), store, i); err != nil {
			t.Fatal(err)
		}
	}
	return due
}

func open(t *testing.T, dir string) *state.DB {
	t.Helper()
	store, err := state.Open(t.Context(), dir, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// start starts an engine on the state and measures it. Those who are due are
// staged anew, as the start before has revealed theirs.
func start(t *testing.T, c *Crowd, dir string, due []int, last bool, f *Start) {
	store := open(t, dir)
	for _, i := range due {
		if err := c.Stage(t.Context(), store, i); err != nil {
			t.Fatal(err)
		}
	}
	store.Close()
	before := c.Counts().Logins
	heapBefore, stacksBefore := footprint()
	began := time.Now()
	store = open(t, dir)
	defer store.Close()
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
	f.Flips = append(f.Flips, time.Since(began))
	<-ready
	f.All = append(f.All, time.Since(began))
	for c.Visible() < len(due) {
		time.Sleep(time.Millisecond)
	}
	measure := func() (each, ofStacks float64) {
		heap, stacks := footprint()
		ofStacks = (float64(stacks) - float64(stacksBefore)) / float64(*accounts)
		return (float64(heap)-float64(heapBefore))/float64(*accounts) + ofStacks, ofStacks
	}
	each, ofStacks := measure()
	f.Each, f.Stacks = append(f.Each, each), append(f.Stacks, ofStacks)
	t.Logf("%d accounts: the overdue flip after %s, all started after %s; %.1f KB each, %.1f of it stacks; %d goroutines", *accounts,
		f.Flips[len(f.Flips)-1].Round(time.Millisecond), f.All[len(f.All)-1].Round(time.Millisecond), each/1024, ofStacks/1024, runtime.NumGoroutine())
	if last && *profile != "" {
		writeProfile(t)
	}
	if last && *settle {
		for c.Counts().Logins < before+*accounts {
			time.Sleep(time.Second)
		}
		time.Sleep(engine.DefaultSessions.Linger + time.Second)
		f.Settled, _ = measure()
		t.Logf("settled: %.1f KB each", f.Settled/1024)
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
