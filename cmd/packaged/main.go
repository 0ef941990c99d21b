// Command packaged leads the Debian package through its whole life, in a Debian
// with a real systemd of its own: installed, linked, a vacation carried through
// while it is killed and upgraded, backed up and restored, removed and purged.
// A contact on a real server watches all the time.
//
// With -newcomer, it does what README tells a newcomer to, at a terminal of such
// a Debian, and says how long that took.
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

// limit bounds the whole life.
const limit = 5 * time.Minute

func main() {
	root := flag.String("root", "", "`folder` with a minimal Debian 12, which is made if it is missing")
	newcomer := flag.Bool("newcomer", false, "do instead what a newcomer does with one package, with a stop-watch")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: packaged -root FOLDER OLD.deb NEW.deb\n       packaged -root FOLDER -newcomer NEW.deb")
		flag.PrintDefaults()
	}
	flag.Parse()
	do, packages := live, 2
	if *newcomer {
		do, packages = welcome, 1
	}
	if *root == "" || flag.NArg() != packages {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := do(ctx, *root, flag.Args()); err != nil {
		fmt.Fprintf(os.Stderr, "packaged: %v\n", err)
		os.Exit(1)
	}
}

func live(ctx context.Context, root string, packages []string) (err error) {
	if err := debian(ctx, root); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	bed, err := testbed.New()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bed.Close()) }()
	began := time.Now()
	l := &life{bed: bed, say: func(format string, args ...any) {
		fmt.Printf("%5.1f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}}
	if err := l.prepare(ctx, packages[0], packages[1]); err != nil {
		return err
	}
	if l.machine, err = boot(ctx, root, bed.Dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.machine.close()) }()
	l.say("a Debian has booted")
	for _, chapter := range []func(context.Context) error{
		l.install, l.link, l.staged, l.killed, l.live, l.upgraded, l.over, l.restored, l.removed,
	} {
		if err := chapter(ctx); err != nil {
			journal, _ := l.machine.run(ctx, "journalctl", "--no-pager", "-o", "short-precise", "-u", "awayd", "-n", "60")
			return fmt.Errorf("%w\nThe journal of awayd:\n%s", err, journal)
		}
	}
	return nil
}
