// Command pictures makes the pictures of the web page that the documentation
// shows: it links a few people on real servers, opens the page in Chromium and
// writes what is seen.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"awayd/cmd/testbed"
)

// limit bounds the whole.
const limit = 3 * time.Minute

func main() {
	dir := flag.String("dir", "docs/pictures", "`folder` of the pictures")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := take(ctx, *dir); err != nil {
		fmt.Fprintf(os.Stderr, "pictures: %v\n", err)
		os.Exit(1)
	}
}

// A shot is one picture.
type shot struct {
	file          string
	path          string
	width, height int // of the window; height 0: the whole page
	dark          bool
}

var shots = []shot{
	{"page.png", "", 1040, 1240, false},
	{"page-dark.png", "account?jid=ada@example.org", 1040, 1300, true},
	{"page-phone.png", "account?jid=ada@example.org", 360, 1000, false},
	{"page-log.png", "log", 1040, 640, false},
}

func take(ctx context.Context, dir string) (err error) {
	bed, err := testbed.New()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bed.Close()) }()
	s := &studio{bed: bed}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.furnish(ctx); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := s.record(ctx, filepath.Join(dir, "terminal.svg")); err != nil {
		return err
	}
	browser, err := testbed.StartBrowser(ctx, filepath.Join(bed.Dir, "browser"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, browser.Stop()) }()
	out, err := s.daemon.Run(ctx, "web")
	if err != nil {
		return err
	}
	link, _, _ := strings.Cut(out, "\n")
	root, _, _ := strings.Cut(link, "enter?")
	if err := errors.Join(browser.Open(ctx, link), browser.Click(ctx, "main button")); err != nil {
		return err
	}
	for _, x := range shots {
		if err := errors.Join(
			browser.View(ctx, x.width, max(x.height, 900), x.dark),
			browser.Open(ctx, root+x.path),
			browser.Picture(ctx, filepath.Join(dir, x.file), x.width, x.height),
		); err != nil {
			return fmt.Errorf("%s: %w", x.file, err)
		}
	}
	return nil
}
