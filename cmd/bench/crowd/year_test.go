package crowd

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"awayd/state"
	"awayd/sync/account"
	"awayd/sync/engine"
	"awayd/sync/plan"
)

var (
	people = flag.Int("people", 20, "how many live the simulated year")
	days   = flag.Int("days", 60, "how long it is")
	every  = flag.String("poll", "@every 6h", "how often calendars are polled in it")
)

// retention is how long the sync log is kept meanwhile.
const retention = 20 * 24 * time.Hour

// calmGC is how much garbage there may be beside what lives, in percent.
const calmGC = 800

// A year in simulated time, with the real state: nobody is told early or late,
// sessions are few, and what is kept does not grow for ever. More of it:
//
//	go test -run TestYear -v ./cmd/bench/crowd -people 1000 -days 365 -timeout 1h
func TestYear(t *testing.T) {
	dir, real := t.TempDir(), stopwatch()
	// A year of garbage in minutes, on a heap so small that it would be collected
	// hundreds of times a second, and each time all stacks shrink to grow again.
	defer debug.SetGCPercent(debug.SetGCPercent(calmGC))
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		store, err := state.Open(t.Context(), dir, state.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		c, err := New(*people, 1, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Link(t.Context(), store); err != nil {
			t.Fatal(err)
		}
		for range *people {
			c.PlanAtRandom(begin.AddDate(0, 0, 3), begin.AddDate(0, 0, 33))
		}
		stop := run(t, c.Config(store, *every))
		var sizes []state.Usage
		for day := range *days {
			time.Sleep(24 * time.Hour)
			now := time.Now()
			// Each person takes some seven absences in a year, planned a month ahead.
			for range 1 + *people/50 {
				c.PlanAtRandom(now.AddDate(0, 0, 3), now.AddDate(0, 0, 33))
			}
			if err := store.PruneLog(t.Context(), now.Add(-retention)); err != nil {
				t.Fatal(err)
			}
			if err := store.PruneSuppressions(t.Context(), now); err != nil {
				t.Fatal(err)
			}
			if day%30 == 29 {
				u, err := store.Usage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				sizes = append(sizes, u)
				t.Logf("day %3d: log %d entries, database %d KB, real %s, heap %d KB", day+1, u.LogEntries, u.Bytes>>10, real(), heap()>>10)
			}
		}
		stop()
		n := c.Counts()
		t.Logf("%d people, %d days: %d polls, %d logins, %d looks, %v, at most %d sessions at once, at most %s late; real %s", *people, *days,
			n.Polls, n.Logins, n.Looks, n.Actions, n.Sessions, n.Late, real())
		if n.Early > 0 || n.Late > 100*time.Millisecond {
			t.Errorf("%d messages were early, and one %s late", n.Early, n.Late)
		}
		if n.Actions[plan.Reveal] < *days**people/100 || n.Actions[plan.Reveal]-n.Actions[plan.Withdraw] > *people {
			t.Errorf("too little happened: %v", n.Actions)
		}
		// A login for each day's look, and three for an absence: it is staged, it
		// begins and ends.
		if most := *people*(*days+*days/12+2) + 3*n.Actions[plan.Reveal]; n.Logins > most {
			t.Errorf("%d logins, want at most %d", n.Logins, most)
		}
		f := Year{
			People: *people, Days: *days, Poll: *every, Took: real(), Polls: n.Polls, Logins: n.Logins,
			Flips: n.Actions[plan.Reveal] + n.Actions[plan.Withdraw], Early: n.Early, Late: n.Late,
		}
		if len(sizes) > 1 {
			middle, end := sizes[(len(sizes)-1)/2], sizes[len(sizes)-1]
			f.LogMiddle, f.LogEnd, f.DatabaseMiddle, f.DatabaseEnd = middle.LogEntries, end.LogEntries, middle.Bytes, end.Bytes
		}
		if err := tell(f); err != nil {
			t.Error(err)
		}
		checkLog(t, store, time.Now().Add(-retention-24*time.Hour))
		if len(sizes) > 3 {
			if was, is := sizes[1], sizes[len(sizes)-1]; is.LogEntries > was.LogEntries*3/2 {
				t.Errorf("the log grew from %d to %d entries", was.LogEntries, is.LogEntries)
			}
		}
	})
}

// checkLog finds nothing older than what is kept, and no chatter.
func checkLog(t *testing.T, s *state.DB, oldest time.Time) {
	t.Helper()
	list, err := s.Log(t.Context(), account.LogFilter{})
	if err != nil {
		t.Fatal(err)
	}
	kinds := make(map[account.Kind]int)
	for _, e := range list {
		kinds[e.Kind]++
		if e.Time.Before(oldest) {
			t.Fatalf("kept too long: %+v", e)
		}
		if e.Outcome != account.OK {
			t.Errorf("failed: %+v", e)
		}
	}
	t.Logf("the log has %v", kinds)
	if kinds[account.KindPoll]+kinds[account.KindError] > 0 {
		t.Errorf("the log of calm days has %v", kinds)
	}
}

// run starts an engine; the returned function stops it.
func run(tb testing.TB, cfg engine.Config) (stop func()) {
	tb.Helper()
	e, err := engine.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx, nil) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// stopwatch tells how much real time has passed, in simulated time too, by
// touching a file.
func stopwatch() func() time.Duration {
	stamp := func() time.Time {
		dir, err := os.MkdirTemp("", "stopwatch")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		file := filepath.Join(dir, "stamp")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			panic(err)
		}
		info, err := os.Stat(file)
		if err != nil {
			panic(err)
		}
		return info.ModTime()
	}
	began := stamp()
	return func() time.Duration { return stamp().Sub(began).Round(time.Millisecond) }
}
