package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"
)

const (
	// progressAfter is how long a command is silent before it says what it
	// waits for.
	progressAfter = time.Second
	progressEvery = 100 * time.Millisecond
)

// eraseRight erases the rest of the line (ECMA-48 §8.3.41).
const eraseRight = "\x1b[K"

// progress says on the terminal what takes longer than a second, with the
// seconds, until the returned function is called, which erases it. It is on
// standard error, and nowhere but on a terminal. The function may be called more
// than once, and must be before anything else is printed.
func (a *app) progress(doing string) (done func()) {
	fd, ok := terminal(a.err)
	if !ok || !smart() {
		return func() {}
	}
	width := usualWidth
	if w, _, err := term.GetSize(fd); err == nil && w > 0 {
		width = w
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		spin(a.err.(*os.File), doing, width, stop)
	}()
	return sync.OnceFunc(func() {
		close(stop)
		<-stopped
	})
}

var frames = [...]string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}

func spin(f *os.File, doing string, width int, stop <-chan struct{}) {
	began := time.Now()
	wait := time.NewTimer(progressAfter)
	defer wait.Stop()
	select {
	case <-stop:
		return
	case <-wait.C:
	}
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for i := 0; ; i++ {
		line := fmt.Sprintf("%s %s, %d s", frames[i%len(frames)], doing, int(time.Since(began).Seconds()))
		// A line that wraps could not be erased.
		fmt.Fprint(f, "\r", runewidth.Truncate(line, width-1, "…"), eraseRight)
		select {
		case <-stop:
			fmt.Fprint(f, "\r", eraseRight)
			return
		case <-tick.C:
		}
	}
}
