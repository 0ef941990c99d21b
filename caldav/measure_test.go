package caldav

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// measure returns what f costs: processor time, which does not depend on what
// else the machine has to do, and all bytes that it allocates, which is more
// than it ever holds.
func measure(t *testing.T, f func()) (time.Duration, uint64) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cpu := func() time.Duration {
		var u unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
			t.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := cpu()
	f()
	took := cpu() - start
	runtime.ReadMemStats(&after)
	return took, after.TotalAlloc - before.TotalAlloc
}
