package state

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
)

// A Lock is the ownership of a state directory by one process. The kernel
// gives it back when the process ends, however it ends.
type Lock struct{ file *flock.Flock }

// TakeLock takes the lock of dir, and makes the directory if there is none.
// When another process has it, the error is [ErrLocked] and names its id.
func TakeLock(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, unusable(dir, "make state directory", err)
	}
	path := filepath.Join(dir, lockName)
	file := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o640))
	ok, err := file.TryLock()
	if err != nil {
		return nil, unusable(dir, "lock state directory", err)
	}
	if !ok {
		return nil, lockedError(dir, path)
	}
	// Only a help for people: what holds is the lock, not the number. A full disk
	// is no reason not to start, since withdrawing must still work on it.
	_ = os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o640)
	return &Lock{file}, nil
}

// Release gives the lock back. The file stays: removing it would let two
// processes lock two files of one name.
func (l *Lock) Release() error {
	if err := l.file.Unlock(); err != nil {
		return fmt.Errorf("unlock state directory: %w", err)
	}
	return nil
}

func lockedError(dir, path string) error {
	e := &Error{
		Kind:   ErrLocked,
		Text:   fmt.Sprintf("the state in %s is in use by another process", dir),
		Advice: "wait until it has finished, or name another state with --state",
	}
	text, err := os.ReadFile(path)
	if pid, convErr := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && convErr == nil {
		e.Text = fmt.Sprintf("the state in %s is in use by process %d", dir, pid)
		e.Advice = fmt.Sprintf("stop process %d, or name another state with --state", pid)
	}
	return e
}
