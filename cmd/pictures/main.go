// Command pictures makes what the documentation shows: it links a few people on
// real servers, opens the page in Chromium and a terminal, writes what is seen,
// and fills what commands print into pages that name it.
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
	root := flag.String("root", ".", "`folder` of the repository")
	text := flag.Bool("text", false, "fill the pages only")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := produce(ctx, *root, *text); err != nil {
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

// produce does all of it; text says that the pictures stay as they are.
func produce(ctx context.Context, root string, text bool) (err error) {
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
	if !text {
		if err := s.take(ctx, filepath.Join(root, "docs", "pictures")); err != nil {
			return err
		}
	}
	seen, err := s.witnessed(ctx)
	if err != nil {
		return err
	}
	return fill(root, seen)
}

// take takes the pictures.
func (s *studio) take(ctx context.Context, dir string) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := s.record(ctx, filepath.Join(dir, "terminal.svg")); err != nil {
		return err
	}
	browser, err := testbed.StartBrowser(ctx, filepath.Join(s.bed.Dir, "browser"))
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
