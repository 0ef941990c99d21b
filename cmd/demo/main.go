// Command demo tells the story of one vacation on real servers: it puts a
// vacation that starts in seconds into a calendar, links the calendar to an
// XMPP account, runs awayd, and shows what a contact of that person could see
// before, during and after. It fails when the story is not the right one.
//
// Its tests tell the same story on every server that awayd knows.
package main

import (
	"context"
	"errors"
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

func tell(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	bed, err := testbed.New()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bed.Close()) }()
	binary, err := testbed.Build(ctx, bed.Dir)
	if err != nil {
		return err
	}
	began := time.Now()
	s := &story{
		Cast: testbed.Cast{Kind: testbed.Prosody, Bed: bed, Dir: bed.Dir, Binary: binary},
		say: func(format string, args ...any) {
			fmt.Printf("%5.1f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
		},
	}
	if err := s.tell(ctx); err != nil {
		return err
	}
	fmt.Printf("\nThe sync log, as `awayd log` shows it:\n\n%s", s.log)
	return nil
}
