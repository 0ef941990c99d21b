package state

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"awayd/state/statetest"
	"awayd/sync/plan"
)

// crashDir names the state that a copy of the test binary writes to until it
// is killed.
const crashDir = "AWAYD_TEST_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		fmt.Fprintln(os.Stderr, writeForever(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForever saves a counter in the journal and prints it once it is saved.
func writeForever(dir string) error {
	ctx := context.Background()
	db, err := Open(ctx, dir, Options{})
	if err != nil {
		return err
	}
	a, err := db.SaveAccount(ctx, statetest.Anna())
	if err != nil {
		return err
	}
	for n := 1; ; n++ {
		j := plan.Journal{Sent: map[string]time.Time{strconv.Itoa(n): time.UnixMicro(int64(n))}, Begun: &plan.Action{Reason: strconv.Itoa(n)}}
		if err := db.SaveJournal(ctx, a.JID, j); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// TestKill kills a writer with SIGKILL: what it said was saved is there, whole,
// and the next process takes over without being told.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, after := range []int{1, 7, 50} {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), crashDir+"="+dir)
		var complaint strings.Builder
		child.Stderr = &complaint
		out, err := child.StdoutPipe()
		must(t, err)
		must(t, child.Start())
		said := 0
		for lines := bufio.NewScanner(out); lines.Scan(); {
			said, err = strconv.Atoi(lines.Text())
			must(t, err)
			if said == after {
				must(t, child.Process.Kill())
			}
		}
		child.Wait() // it was killed
		if said < after {
			t.Fatalf("the writer ended by itself: %s", complaint.String())
		}

		db, err := Open(t.Context(), dir, Options{})
		must(t, err)
		j, err := db.Journal(t.Context(), statetest.Anna().JID)
		must(t, err)
		must(t, db.Close())
		saved, err := strconv.Atoi(j.Begun.Reason)
		must(t, err)
		if _, whole := j.Sent[j.Begun.Reason]; saved < said || len(j.Sent) != 1 || !whole {
			t.Errorf("said %d, found %+v", said, j)
		}
	}
}
