package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// No more than allowed are let in, those with something due before the others,
// and another host's trouble is not theirs.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(2, 3, time.Second)
		var mu sync.Mutex
		var order []string
		visit := func(name, host string, urgent bool) {
			go func() {
				leave, err := g.Enter(t.Context(), host, urgent)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				order = append(order, name)
				mu.Unlock()
				time.Sleep(time.Minute)
				leave()
				leave() // twice is once
			}()
			synctest.Wait()
		}
		want := func(list ...string) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			// Who is let in at the same moment may say so in any order.
			if got := slices.Sorted(slices.Values(order)); !slices.Equal(got, slices.Sorted(slices.Values(list))) {
				t.Fatalf("let in %v, want %v", order, list)
			}
		}
		for i := range 4 {
			visit(fmt.Sprint("calm", i), "a", false)
		}
		want("calm0", "calm1")
		visit("urgent0", "a", true)
		visit("urgent1", "a", true)
		visit("other", "b", false)
		want("calm0", "calm1", "urgent0", "other")
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := g.Enter(impatient, "a", false); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who gave up: %v", err)
		}
		time.Sleep(time.Minute)
		want("calm0", "calm1", "urgent0", "other", "urgent1", "calm2")
		time.Sleep(10 * time.Minute)
		want("calm0", "calm1", "urgent0", "other", "urgent1", "calm2", "calm3")
		g.mu.Lock()
		defer g.mu.Unlock()
		if len(g.lanes) != 0 {
			t.Errorf("%d lanes are kept", len(g.lanes))
		}
	})
}

// A host that fails is approached at a bounded rate, and at once when it is well.
func TestGateBeforeAHostThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(100, 100, time.Second)
		herd := func(n int, well bool) time.Duration {
			begin := time.Now()
			var all sync.WaitGroup
			for range n {
				all.Go(func() {
					leave, err := g.Enter(t.Context(), "a", true)
					if err != nil {
						t.Error(err)
						return
					}
					g.Judge("a", well)
					leave()
				})
			}
			all.Wait()
			return time.Since(begin)
		}
		herd(1, false)
		if took := herd(10, false); took < 9*time.Second || took > 11*time.Second {
			t.Errorf("ten attempts took %s", took)
		}
		time.Sleep(time.Minute)
		herd(1, true)
		if took := herd(10, true); took != 0 {
			t.Errorf("once it is well, ten took %s", took)
		}
	})
}
