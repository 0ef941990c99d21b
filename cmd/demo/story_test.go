package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"awayd/cmd/testbed"
)

// The stories wait for the clock most of the time, so many fit side by side on
// few cores.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// crashes are moments around the start, in the middle and around the end of
// the vacation at which the daemon is killed; AWAYD_LONG adds more of them.
func crashes() [][]time.Duration {
	list := [][]time.Duration{nil, {-2 * time.Second, length / 2, length + afterwards - time.Second}}
	step, last := 25*time.Millisecond, 50*time.Millisecond
	if os.Getenv("AWAYD_LONG") != "" {
		step, last = 5*time.Millisecond, 300*time.Millisecond
	}
	for d := time.Duration(0); d <= last; d += step {
		list = append(list, []time.Duration{d, length + d})
	}
	return list
}

// A crash and the watchdog's SIGABRT must not end with exit code 2, which means
// wrong configuration and is not restarted.
func TestCrashEndsByASignal(t *testing.T) {
	binary, err := testbed.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p, err := testbed.NewDaemon(binary, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended, err := p.End(syscall.SIGABRT)
	if err != nil {
		t.Fatal(err)
	}
	if status := ended.Sys().(syscall.WaitStatus); !status.Signaled() {
		t.Errorf("ended with exit code %d", status.ExitStatus())
	}
}

// newBed returns a bed for one test, and awayd.
func newBed(t *testing.T) (bed *testbed.Bed, binary string) {
	t.Helper()
	bed, err := testbed.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := bed.Close(); err != nil {
			t.Error(err)
		}
	})
	if binary, err = testbed.Build(t.Context(), bed.Dir); err != nil {
		t.Fatal(err)
	}
	return bed, binary
}

// The whole story on each server, undisturbed and with the daemon killed.
func TestStory(t *testing.T) {
	for _, kind := range []string{testbed.Prosody, testbed.Ejabberd} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			bed, binary := newBed(t)
			for _, c := range crashes() {
				t.Run(fmt.Sprint("killed at ", c), func(t *testing.T) {
					t.Parallel()
					s := &story{
						Cast: testbed.Cast{Kind: kind, Bed: bed, Dir: t.TempDir(), Binary: binary},
						say:  t.Logf, crashes: c,
					}
					ctx, cancel := context.WithTimeout(t.Context(), limit)
					defer cancel()
					if err := s.tell(ctx); err != nil {
						t.Fatal(err)
					}
				})
			}
		})
	}
}
