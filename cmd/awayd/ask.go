package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/peterh/liner"
	"golang.org/x/term"
)

const (
	prompt = "> "
	// narrow is the width below which lines are not edited in place.
	narrow = 20
	// waitMark is how often a wait shows that it goes on.
	waitMark = time.Second
)

// errLeft ends a conversation that the person left: Ctrl-C, the end of input,
// or a signal.
var errLeft = errors.New("interrupted")

// An asker asks questions on a terminal. Each question is a line of its own
// above a short prompt, so that it can be read at any width and by a screen
// reader; nothing that was printed is ever drawn over.
type asker struct {
	ctx   context.Context
	in    *os.File
	out   io.Writer
	lines *bufio.Reader // of a terminal on which lines are not edited
}

func newAsker(ctx context.Context, in *os.File, out io.Writer) *asker {
	return &asker{ctx: ctx, in: in, out: out, lines: bufio.NewReader(in)}
}

// interactive reports whether there is a terminal to ask on.
func (a *app) interactive() bool {
	out, ok := a.out.(*os.File)
	return ok && term.IsTerminal(int(a.in.Fd())) && term.IsTerminal(int(out.Fd()))
}

// width is that of the terminal, in columns; 0 if it does not tell.
func (k *asker) width() int {
	w, _, err := term.GetSize(int(k.in.Fd()))
	if err != nil {
		return 0
	}
	return w
}

// plain reports whether the terminal is too simple for a line editor.
func (k *asker) plain() bool { return !liner.TerminalSupported() || k.width() < narrow }

// say prints a paragraph, wrapped to the terminal. Lines after the first are
// indented as the first one is, and by more.
func (k *asker) say(more int, format string, args ...any) {
	text := printable(fmt.Sprintf(format, args...))
	indent := len(text) - len(strings.TrimLeft(text, " "))
	for _, line := range hung(text, k.width(), indent+more) {
		fmt.Fprintln(k.out, line)
	}
}

// hung breaks a paragraph for a terminal of so many columns, of which the last
// stays free: some terminals add an empty line after a full one. Lines after the
// first are indented.
func hung(text string, width, indent int) []string {
	if width == 0 {
		width = usualWidth
	}
	text, first := strings.TrimLeft(text, " "), len(text)-len(strings.TrimLeft(text, " "))
	indent = min(indent, width/2)
	lines := wrap(text, max(1, width-1-first), indent-first)
	for i := range lines {
		lines[i] = strings.Repeat(" ", first) + lines[i]
		first = indent
	}
	return lines
}

// ask asks for a line. What is known already stands there to be corrected.
func (k *asker) ask(question, known string) (string, error) {
	if k.plain() && known != "" {
		question += " [" + known + "]"
	}
	fmt.Fprintln(k.out)
	k.say(0, "%s", question)
	answer, err := k.read(false, func(l *liner.State) (string, error) { return l.PromptWithSuggestion(prompt, known, -1) }, k.readLine)
	if answer = strings.TrimSpace(answer); answer == "" && k.plain() {
		answer = known
	}
	return answer, err
}

// need asks until there is an answer.
func (k *asker) need(question, known string) (string, error) {
	for {
		answer, err := k.ask(question, known)
		if answer != "" || err != nil {
			return answer, err
		}
		k.say(0, "Nothing goes on without an answer here. Ctrl-C leaves.")
	}
}

// secret asks for what must not be seen.
func (k *asker) secret(question string) (string, error) {
	fmt.Fprintln(k.out)
	k.say(0, "%s (it is not shown)", question)
	return k.read(true, func(l *liner.State) (string, error) { return l.PasswordPrompt(prompt) }, k.readPassword)
}

// agree asks for yes or no. There is no default, so that a line too many in what
// was pasted decides nothing.
func (k *asker) agree(question string) (bool, error) {
	for {
		answer, err := k.ask(question+" (y or n)", "")
		if err != nil {
			return false, err
		}
		switch strings.ToLower(answer) {
		case "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		}
	}
}

// read reads one answer: with the line editor, or in plain. The editor is a new
// one for each question: in between the terminal is as it was, so that Ctrl-C
// ends a wait, and lines pasted after the one that was asked for answer nothing.
// The terminal shows nothing of a hidden answer from before the prompt on.
func (k *asker) read(hidden bool, edit func(*liner.State) (string, error), plain func() (string, error)) (string, error) {
	if !k.plain() {
		l := liner.NewLiner()
		l.SetCtrlCAborts(true)
		l.SetBeep(false)
		defer l.Close() // an error is the person's own to mend
		plain = func() (string, error) { return edit(l) }
	} else if hidden {
		// Not in the read that stays behind, which could do it after who left.
		before, err := term.MakeRaw(int(k.in.Fd()))
		if err != nil {
			return "", fmt.Errorf("the terminal would show a password: %w", err)
		}
		defer term.Restore(int(k.in.Fd()), before) // likewise
	}
	type answer struct {
		text string
		err  error
	}
	// A read from a terminal cannot be interrupted. When the person leaves, it
	// stays behind until the process ends.
	given := make(chan answer, 1)
	go func() {
		text, err := plain()
		given <- answer{text, err}
	}()
	select {
	case <-k.ctx.Done():
		return "", errLeft
	case a := <-given:
		if a.err != nil { // Ctrl-C, the end of input, or the terminal is gone
			return "", errLeft
		}
		return a.text, nil
	}
}

func (k *asker) readLine() (string, error) {
	fmt.Fprint(k.out, prompt)
	line, err := k.lines.ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}

// readPassword reads from a terminal in raw mode, where Ctrl-C is a key.
func (k *asker) readPassword() (string, error) {
	return term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{k.in, k.out}, "").ReadPassword(prompt)
}

// waiting says what is being waited for, and with a dot every second that it
// still is. The caller calls done, before anything else is printed.
func (k *asker) waiting(format string, args ...any) (done func()) {
	fmt.Fprintln(k.out)
	text := hung(printable(fmt.Sprintf(format, args...))+" ...", k.width(), 0)
	fmt.Fprint(k.out, strings.Join(text, "\n"))
	over := make(chan struct{})
	var dots sync.WaitGroup
	dots.Go(func() {
		tick := time.NewTicker(waitMark)
		defer tick.Stop()
		for {
			select {
			case <-over:
				return
			case <-tick.C:
				fmt.Fprint(k.out, ".")
			}
		}
	})
	return func() {
		close(over)
		dots.Wait()
		fmt.Fprintln(k.out)
	}
}
