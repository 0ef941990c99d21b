package testbed

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A Terminal is a program in front of a person: a screen of so many characters,
// as tmux keeps it, and a keyboard.
type Terminal struct {
	dir  string
	proc *process // tmux; the program ends with it
}

// TerminalOptions say what runs in a terminal.
type TerminalOptions struct {
	Columns, Rows int
	Env           []string // added to a bare environment
	Program       []string
}

// StartTerminal runs a program with its files in dir. ctx bounds the start only.
func StartTerminal(ctx context.Context, dir string, o TerminalOptions) (*Terminal, error) {
	for _, program := range []string{"tmux", o.Program[0]} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, &MissingError{Program: program}
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("start terminal: %w", err)
	}
	t := &Terminal{dir: dir}
	// Not as a daemon (-D): tmux, and with it the program, ends with this process.
	var err error
	if t.proc, err = run(command{args: t.tmux("-f", "/dev/null", "-D"), dir: dir}, filepath.Join(dir, "tmux.log")); err != nil {
		return nil, err
	}
	if err := t.begin(ctx, o); err != nil {
		_ = t.Close()
		return nil, fmt.Errorf("start terminal: %w\n%s", err, tail(filepath.Join(dir, "tmux.log")))
	}
	return t, nil
}

func (t *Terminal) begin(ctx context.Context, o TerminalOptions) error {
	if err := Until(ctx, "tmux answers", func() (bool, error) {
		_, err := os.Stat(filepath.Join(t.dir, "tmux"))
		return err == nil, nil
	}); err != nil {
		return err
	}
	args := append([]string{"new-session", "-d", "-x", fmt.Sprint(o.Columns), "-y", fmt.Sprint(o.Rows), "env"}, o.Env...)
	_, err := t.ask(ctx, append(args, o.Program...)...)
	return err
}

// Type types a line.
func (t *Terminal) Type(ctx context.Context, line string) error {
	if _, err := t.ask(ctx, "send-keys", "-l", line); err != nil {
		return err
	}
	_, err := t.ask(ctx, "send-keys", "Enter")
	return err
}

// Text returns all lines of the screen as characters alone.
func (t *Terminal) Text(ctx context.Context) (string, error) { return t.ask(ctx, "capture-pane", "-p") }

// Coloured returns all lines of the screen, with colours as a terminal is told
// them (ECMA-48 §8.3.117, SGR).
func (t *Terminal) Coloured(ctx context.Context) (string, error) {
	return t.ask(ctx, "capture-pane", "-p", "-e")
}

// Shows waits until text stands on the terminal. A text that may be wrapped, or
// stand beside another, is not for this.
func (t *Terminal) Shows(ctx context.Context, text string) error {
	return Until(ctx, fmt.Sprintf("the terminal shows %q", text), func() (bool, error) {
		screen, err := t.Text(ctx)
		return strings.Contains(screen, text), err
	})
}

// Close closes the terminal.
func (t *Terminal) Close() error { return t.proc.kill() }

func (t *Terminal) tmux(args ...string) []string {
	return append([]string{"tmux", "-S", filepath.Join(t.dir, "tmux")}, args...)
}

func (t *Terminal) ask(ctx context.Context, args ...string) (string, error) {
	argv := t.tmux(args...)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("tmux %s: %w: %s", args[0], err, out)
	}
	return string(out), nil
}
