// Command demo tells the story of one vacation on real servers: it puts a
// vacation that starts in seconds into a calendar, links the calendar to an
// XMPP account, runs awayd, and shows what a contact of that person could see
// before, during and after. It fails when the story is not the right one.
//
// With -bad-day it tells of another one, in which everything goes wrong.
//
// Its tests tell the same story on every server that awayd knows.
package main

import (
	"context"
	"errors"
	"flag"
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
	bad := flag.Bool("bad-day", false, "tell of a vacation in which everything goes wrong")
	write := flag.String("write", "", "with -bad-day: write the page to this `file`; else it is printed")
	flag.Parse()
	tell := tellStory
	if *bad {
		tell = func(ctx context.Context, cast testbed.Cast) error { return tellBadDay(ctx, cast, *write) }
	}
	if err := on(ctx, tell); err != nil {
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		os.Exit(1)
	}
}

// on sets up what a story is told on, and takes it down afterwards.
func on(ctx context.Context, tell func(context.Context, testbed.Cast) error) (err error) {
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
	return tell(ctx, testbed.Cast{Kind: testbed.Prosody, Bed: bed, Dir: bed.Dir, Binary: binary})
}

func tellStory(ctx context.Context, cast testbed.Cast) error {
	began := time.Now()
	s := &story{Cast: cast, say: func(format string, args ...any) {
		fmt.Printf("%5.1f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}}
	if err := s.tell(ctx); err != nil {
		return err
	}
	fmt.Printf("\nThe sync log, as `awayd log` shows it:\n\n%s", s.log)
	return nil
}

// tellBadDay writes the story to a file, or prints it.
func tellBadDay(ctx context.Context, cast testbed.Cast, file string) error {
	cast.Alone = true
	d := &badDay{Cast: cast, say: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }}
	if err := d.tell(ctx); err != nil {
		return err
	}
	if file != "" {
		return os.WriteFile(file, []byte(d.page()), 0o644)
	}
	fmt.Print(d.page())
	return nil
}
