package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"awayd/cmd/testbed"
)

// What is typed for the picture of a terminal.
var typed = []string{
	"awayd status ada@example.org",
	"awayd preview ben@example.org",
	"awayd log --account ada@example.org -n 2",
}

const (
	columns = 102
	rows    = 70
)

// record types the commands into a shell on a real terminal and writes what
// stands there at the end.
func (s *studio) record(ctx context.Context, file string) error {
	t, err := testbed.StartTerminal(ctx, filepath.Join(s.bed.Dir, "terminal"), testbed.TerminalOptions{
		Columns: columns, Rows: rows, Program: []string{"sh"},
		Env: []string{"-C", s.bed.Dir, "PS1=$ ", "PATH=" + s.bed.Dir + ":" + os.Getenv("PATH"), "STATE_DIRECTORY=" + s.daemon.State, "TZ=Europe/Berlin"},
	})
	if err != nil {
		return err
	}
	defer t.Close()
	for i, line := range typed {
		if err := waitForPrompt(ctx, t, i); err != nil {
			return err
		}
		if err := t.Type(ctx, line); err != nil {
			return err
		}
	}
	if err := waitForPrompt(ctx, t, len(typed)); err != nil {
		return err
	}
	screen, err := t.Coloured(ctx)
	if err != nil {
		return err
	}
	screen = strings.TrimSuffix(strings.TrimRight(screen, "\n"), "$")
	return os.WriteFile(file, []byte(drawTerminal(screen, columns)), 0o644)
}

// waitForPrompt waits until the shell has carried out so many commands.
func waitForPrompt(ctx context.Context, t *testbed.Terminal, commands int) error {
	return testbed.Until(ctx, "the shell asks for the next command", func() (bool, error) {
		screen, err := t.Text(ctx)
		lines := strings.Split(strings.TrimRight(screen, "\n"), "\n")
		prompts := 0
		for _, line := range lines {
			if strings.HasPrefix(line, "$") {
				prompts++
			}
		}
		if prompts > commands+1 {
			return false, fmt.Errorf("more prompts than commands on the screen:\n%s", screen)
		}
		return prompts == commands+1 && lines[len(lines)-1] == "$", err
	})
}
