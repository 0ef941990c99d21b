package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"awayd/cmd/awayd/control"
	"awayd/cmd/testbed"
	"awayd/sync/account"
)

// onTerminal runs do with both ends of a terminal and returns what was written to
// it.
func onTerminal(t *testing.T, columns uint16, do func(tty *os.File)) string {
	t.Helper()
	screen, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	if err := pty.Setsize(tty, &pty.Winsize{Rows: 24, Cols: columns}); err != nil {
		t.Fatal(err)
	}
	text := make(chan string)
	go func() {
		b, _ := io.ReadAll(screen) // ends with an error when nobody writes any more
		text <- string(b)
	}()
	do(tty)
	if err := tty.Close(); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(<-text, "\r\n", "\n")
}

// Colours and widths are those of the terminal, and nothing of the kind reaches
// scripts and those who want none.
func TestOutputOnATerminal(t *testing.T) {
	preview := []string{"preview", "--ics", "testdata/work.ics", "--zone", "Europe/Berlin", "--from", "2025-07-01", "--to", "2026-07-01"}
	for _, test := range []struct {
		name, noColor, term string
		flags               []string
		columns             uint16
		colour              bool
	}{
		{"80 columns", "", "xterm-256color", nil, 80, true},
		{"120 columns", "", "xterm-256color", nil, 120, true},
		{"40 columns", "", "xterm-256color", nil, 40, true},
		{"a size nobody told", "", "xterm-256color", nil, 0, true},
		{"NO_COLOR", "1", "xterm-256color", nil, 80, false},
		{"dumb", "", "dumb", nil, 80, false},
		{"JSON", "", "xterm-256color", []string{"--json"}, 80, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("NO_COLOR", test.noColor)
			t.Setenv("TERM", test.term)
			out := onTerminal(t, test.columns, func(tty *os.File) {
				if code := Main(t.Context(), append(preview, test.flags...), streams{tty, tty, tty}); code != exitOK {
					t.Errorf("exit code %d", code)
				}
			})
			if got := strings.Contains(out, "\x1b["); got != test.colour {
				t.Errorf("colours: %v, want %v:\n%s", got, test.colour, out)
			}
			if test.flags != nil {
				if !json.Valid([]byte(out)) {
					t.Errorf("no JSON: %s", out)
				}
				return
			}
			columns := int(test.columns)
			if columns == 0 {
				columns = usualWidth
			}
			for line := range strings.Lines(out) {
				if widthOf(strings.TrimRight(line, "\n")) > columns {
					t.Errorf("wider than %d: %q", columns, line)
				}
			}
		})
	}
}

func TestProgress(t *testing.T) {
	t.Setenv("TERM", "xterm-256color")
	wait := func(columns uint16, d time.Duration) string {
		return onTerminal(t, columns, func(tty *os.File) {
			done := (&app{streams: streams{err: tty}}).progress("polling calendars")
			time.Sleep(d)
			done()
			done()
		})
	}
	if out := wait(80, 10*time.Millisecond); out != "" {
		t.Errorf("said at once: %q", out)
	}
	const long = progressAfter + 2*progressEvery
	const erased = "\r" + eraseRight
	if out := wait(80, long); !strings.Contains(out, "polling calendars, 1 s") || !strings.HasSuffix(out, erased) {
		t.Errorf("%q", out)
	}
	for frame := range strings.SplitSeq(strings.ReplaceAll(wait(20, long), eraseRight, ""), "\r") {
		if widthOf(frame) >= 20 {
			t.Errorf("it would wrap: %q", frame)
		}
	}
	t.Setenv("TERM", "dumb")
	if out := wait(80, long); out != "" {
		t.Errorf("on a dumb terminal: %q", out)
	}
	var out bytes.Buffer
	done := (&app{streams: streams{err: &out}}).progress("polling calendars")
	time.Sleep(long)
	done()
	if out.Len() > 0 {
		t.Errorf("without a terminal: %q", out.String())
	}
}

// A command that has to wait says so, and takes it back.
func TestProgressOfACommand(t *testing.T) {
	t.Setenv("TERM", "xterm-256color")
	slow := &app{stateDir: t.TempDir()}
	out := onTerminal(t, 80, func(tty *os.File) {
		slow.err = tty
		err := slow.request(t.Context(), reading, "examining", func(context.Context, *connection) error {
			time.Sleep(progressAfter + 2*progressEvery)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	if !strings.Contains(out, "examining, 1 s") || !strings.HasSuffix(out, "\r"+eraseRight) {
		t.Errorf("%q", out)
	}
}

// Who follows the log goes on when the daemon is started again, misses nothing
// that it wrote meanwhile, and sees nothing twice.
func TestLogFollowsThroughARestart(t *testing.T) {
	t.Parallel()
	h := newHousehold(t)
	stop := h.daemon()
	if r := h.link(); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var said bytes.Buffer
	code := make(chan int)
	go func() {
		c := Main(ctx, append(h.global(), "log", "--follow", "--json"), streams{os.Stdin, w, &said})
		w.Close()
		code <- c
	}()
	seen := make(map[int64]bool)
	lines := bufio.NewScanner(r)
	until := func(kind account.Kind) {
		t.Helper()
		for lines.Scan() {
			var e control.LogEntry
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				t.Fatal(err)
			}
			if seen[e.ID] {
				t.Errorf("twice: %+v", e)
			}
			seen[e.ID] = true
			if e.Kind == string(kind) {
				return
			}
		}
		t.Fatalf("it ended before %s", kind)
	}
	until(account.KindStage)
	stop()
	h.must("pause", h.ada.JID) // with no daemon running
	h.daemon()
	until(account.KindPause)
	h.must("resume", h.ada.JID)
	until(account.KindResume)
	cancel()
	for lines.Scan() {
	}
	if c := <-code; c != exitOK {
		t.Errorf("exit code %d", c)
	}
	if want := "The daemon has ended; waiting for it to come back.\nThe daemon is back.\n"; said.String() != want {
		t.Errorf("it said %q", said.String())
	}
}

// Who follows the log does not wade through a year of it first.
func TestLogFollowsFromTheEnd(t *testing.T) {
	t.Parallel()
	h := newHousehold(t)
	defer h.daemon()()
	if r := h.link(); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	for range followed {
		h.must("pause", h.ada.JID)
		h.must("resume", h.ada.JID)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int)
	go func() {
		c := Main(ctx, append(h.global(), "log", "-f", h.ada.JID), streams{os.Stdin, w, io.Discard})
		w.Close()
		code <- c
	}()
	lines := bufio.NewScanner(r)
	for i := range followed + 1 {
		if !lines.Scan() {
			t.Fatal("it ended")
		}
		if !strings.Contains(lines.Text(), "resume") && !strings.Contains(lines.Text(), "pause") {
			t.Errorf("line %d: %s", i, lines.Text())
		}
		if i == followed-1 {
			h.must("pause", h.ada.JID)
		}
	}
	if !strings.Contains(lines.Text(), "pause") {
		t.Errorf("the last is: %s", lines.Text())
	}
	cancel()
	for lines.Scan() {
	}
	if c := <-code; c != exitOK {
		t.Errorf("exit code %d", c)
	}
}

// Linking by flags waits for servers, and says so.
func TestProgressOfLinking(t *testing.T) {
	t.Setenv("TERM", "xterm-256color")
	h := newHousehold(t)
	slow, err := testbed.NewProxy(h.xmpp.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = slow.Close() })
	h.flags["--xmpp-address"] = slow.Addr
	args := append(h.global(), "link", "--yes", "--every-event")
	for flag, value := range h.flags {
		args = append(args, flag, value)
	}
	slow.Pause()
	time.AfterFunc(progressAfter+3*progressEvery, slow.Resume)
	out := onTerminal(t, 80, func(tty *os.File) {
		if code := Main(t.Context(), args, streams{tty, tty, tty}); code != exitOK {
			t.Errorf("exit code %d", code)
		}
	})
	if !strings.Contains(out, "trying the account and its calendars, 1 s") || !strings.Contains(out, "1 absence in the coming year") {
		t.Errorf("%q", out)
	}
}
