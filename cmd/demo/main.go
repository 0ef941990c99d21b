// Command demo tells the story of one vacation on real servers: it puts a
// vacation that starts in seconds into a calendar, links the calendar to an
// XMPP account, runs awayd, and shows what a contact of that person could see
// before, during and after. It fails when the story is not the right one.
//
// Its tests tell the same story on every server that awayd knows.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"awayd/cmd/testbed"
)

// limit bounds the whole story.
const limit = 2 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := tell(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		os.Exit(1)
	}
}

func tell(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := time.Now()
	s := &story{
		kind: testbed.Prosody,
		say: func(format string, args ...any) {
			fmt.Printf("%5.1f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
		},
	}
	if err := s.tell(ctx); err != nil {
		return err
	}
	fmt.Println("\nThe sync log, as `awayd log` shows it:")
	fmt.Println(s.log)
	return nil
}
