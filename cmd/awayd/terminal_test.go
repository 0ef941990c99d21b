package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"awayd/cmd/awayd/control"
)

// asProgram makes the test binary be awayd: a conversation needs a process with
// a terminal of its own.
const asProgram = "AWAYD_TEST_AS_PROGRAM"

// patience is how long a test waits for something on a screen.
const patience = 60 * time.Second

// A screen is a pseudo-terminal with awayd on it, and a person in front.
type screen struct {
	t     *testing.T
	keys  *os.File
	cmd   *exec.Cmd
	ended chan struct{}

	mu     sync.Mutex
	raw    strings.Builder // all that was written to the terminal
	read   int             // of shown, what was waited for already
	change chan struct{}
}

// A look is what kind of terminal it is.
type look struct {
	cols uint16
	env  []string
}

var usual = look{80, []string{"TERM=xterm-256color"}}

func (h *household) sitDown(l look, args ...string) *screen {
	h.t.Helper()
	s := &screen{t: h.t, ended: make(chan struct{}), change: make(chan struct{}, 1)}
	s.cmd = exec.Command(os.Args[0], append([]string{"--state", h.state}, args...)...)
	s.cmd.Env = append(append(os.Environ(), asProgram+"=1", "TZ=UTC"), l.env...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var err error
	if s.keys, err = pty.StartWithSize(s.cmd, &pty.Winsize{Rows: 24, Cols: l.cols}); err != nil {
		h.t.Fatal(err)
	}
	go s.watch()
	h.t.Cleanup(func() {
		_ = s.cmd.Process.Kill() // if it still runs
		<-s.ended
		_ = s.keys.Close()
		h.t.Logf("the screen:\n%s", escapes.ReplaceAllString(s.all(), "")) // go test -v shows how it looks
	})
	return s
}

// watch keeps what is written until the terminal's other side is closed.
func (s *screen) watch() {
	defer close(s.ended)
	buffer := make([]byte, 4096)
	for {
		n, err := s.keys.Read(buffer)
		s.mu.Lock()
		s.raw.Write(buffer[:n])
		s.mu.Unlock()
		select {
		case s.change <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

var escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)

// shown is what was written, as text whose lines are joined: where they are
// broken depends on the terminal's width.
func (s *screen) shown() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(strings.Fields(escapes.ReplaceAllString(s.raw.String(), "")), " ")
}

// all is what was written, with its lines.
func (s *screen) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.raw.String()
}

// sees waits until a text is shown after what was seen before.
func (s *screen) sees(text string) {
	s.t.Helper()
	limit := time.After(patience)
	for {
		shown := s.shown()
		if i := strings.Index(shown[min(s.read, len(shown)):], text); i >= 0 {
			s.read += i + len(text)
			return
		}
		select {
		case <-s.change:
		case <-s.ended:
			if !strings.Contains(s.shown()[min(s.read, len(s.shown())):], text) {
				s.t.Fatalf("it ended without %q:\n%s", text, s.all())
			}
		case <-limit:
			s.t.Fatalf("no %q:\n%s", text, s.all())
		}
	}
}

// presses sends keys.
func (s *screen) presses(keys string) {
	s.t.Helper()
	if _, err := s.keys.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// answers waits for a question, and for the prompt after it, and types.
func (s *screen) answers(question, answer string) {
	s.t.Helper()
	s.sees(question)
	s.sees(">")
	s.presses(answer + "\r")
}

// ends waits for the end and demands an exit code, and a terminal as it was.
func (s *screen) ends(code int) {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(patience):
		s.t.Fatalf("it does not end:\n%s", s.all())
	}
	_ = s.cmd.Wait() // the code says it
	if got := s.cmd.ProcessState.ExitCode(); got != code {
		s.t.Errorf("exit code %d, want %d:\n%s", got, code, s.all())
	}
	control, err := s.keys.SyscallConn()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := control.Control(func(fd uintptr) {
		mode, err := unix.IoctlGetTermios(int(fd), unix.TCGETS)
		if err != nil || mode.Lflag&unix.ECHO == 0 || mode.Lflag&unix.ICANON == 0 || mode.Lflag&unix.ISIG == 0 {
			s.t.Errorf("the terminal is not as it was: %+v, %v", mode, err)
		}
	}); err != nil {
		s.t.Error(err)
	}
}

// hides demands that a secret was never shown.
func (s *screen) hides(secrets ...string) {
	s.t.Helper()
	for _, x := range secrets {
		if strings.Contains(s.all(), x) {
			s.t.Errorf("%q is on the screen:\n%s", x, s.all())
		}
	}
}

// atPrompt is what a conversation writes to; it does something when a prompt
// comes.
type atPrompt func()

func (f atPrompt) Write(b []byte) (int, error) {
	if string(b) == prompt {
		f()
	}
	return len(b), nil
}

// A password from the standard input is asked for if that is a terminal, and not
// shown.
func TestPasswordFileAtATerminal(t *testing.T) {
	t.Setenv("TERM", "dumb")
	keys, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	defer tty.Close()
	var q control.LinkRequest
	a := &app{streams: streams{in: tty, err: atPrompt(func() {
		if mode, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS); err != nil || mode.Lflag&unix.ECHO != 0 {
			t.Errorf("the terminal echoes: %v", err)
		}
		_, _ = keys.WriteString("secret\r")
	})}}
	ctx, leave := context.WithTimeout(t.Context(), patience)
	defer leave()
	if err := a.readSecrets(ctx, &q, linkFlags{passwordFile: "-", calendarPasswordFile: "-"}); err != nil || q.Password != "secret" || q.CalendarPassword != "secret" {
		t.Errorf("read %q and %q, %v", q.Password, q.CalendarPassword, err)
	}
}

// TestSecretNeverEchoes has a person type, or leave, in the very moment in which
// a terminal without a line editor asks for a password: what is typed is not
// shown, and who left has a terminal as it was.
func TestSecretNeverEchoes(t *testing.T) {
	t.Setenv("TERM", "dumb")
	keys, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	defer tty.Close()
	echoes := func() bool {
		mode, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
		if err != nil {
			t.Error(err)
		}
		return mode.Lflag&unix.ECHO != 0
	}
	ctx, leave := context.WithTimeout(t.Context(), patience)
	defer leave()
	prompts := 0
	k := newAsker(ctx, tty, atPrompt(func() {
		if prompts++; echoes() {
			t.Error("the prompt of a password is shown while the terminal still echoes")
		}
		switch prompts {
		case 1:
			_, _ = keys.WriteString("secret\r")
		case 2:
			_, _ = keys.WriteString("sec\x03")
		case 3:
			leave() // as a signal does
		}
	}))
	for _, want := range []struct {
		answer string
		err    error
	}{{"secret", nil}, {"", errLeft}, {"", errLeft}} {
		if answer, err := k.secret("The password"); answer != want.answer || !errors.Is(err, want.err) {
			t.Errorf("answer %q, %v, want %q, %v", answer, err, want.answer, want.err)
		}
		if !echoes() {
			t.Error("the terminal is left without echo")
		}
	}
	time.Sleep(50 * time.Millisecond) // for what stayed behind to reach its read
	if !echoes() {
		t.Error("echo was turned off after the person had left")
	}
}
