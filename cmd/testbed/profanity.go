package testbed

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
)

// A Profanity is somebody in front of profanity, the XMPP client for terminals,
// as Debian packages it. What they see is what tmux keeps of the terminal.
type Profanity struct {
	dir  string
	proc *process // tmux; profanity ends with it
}

// The terminal, in characters: wide enough for a message to stand in the roster
// panel in few lines.
const (
	profanityColumns = 110
	profanityRows    = 40
)

// The settings make the screens of two runs alike (no clock, no splash), and
// the roster panel tell all it knows. Everything else is as packaged.
var profanitySettings = template.Must(template.New("profrc").Parse(`[connection]
account=me
reconnect=0
[ui]
splash=false
time.console=off
statuses.console=all
roster=true
roster.size=45
roster.presence=true
roster.status=true
roster.resource=true
roster.priority=true
roster.offline=true
roster.wrap=true
roster.rooms=false
`))

var profanityAccount = template.Must(template.New("accounts").Parse(`[me]
enabled=true
jid={{.JID}}
password={{.Password}}
server=127.0.0.1
port={{.Port}}
resource=profanity
tls.policy=force
presence.last=online
presence.login=online
`))

// StartProfanity runs profanity with its files in dir, logged in as p. ctx
// bounds the start only.
func StartProfanity(ctx context.Context, dir string, x *XMPP, p Person) (*Profanity, error) {
	for _, program := range []string{"tmux", "profanity"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, &MissingError{Program: program}
		}
	}
	for file, t := range map[string]*template.Template{"config/profanity/profrc": profanitySettings, "data/profanity/accounts": profanityAccount} {
		file = filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return nil, fmt.Errorf("configure profanity: %w", err)
		}
		if err := render(t, file, map[string]any{"JID": p.JID, "Password": p.Password, "Port": x.ports[0]}); err != nil {
			return nil, err
		}
	}
	c := &Profanity{dir: dir}
	// Not as a daemon (-D): tmux, and with it profanity, ends with this process.
	var err error
	if c.proc, err = run(command{args: c.tmux("-f", "/dev/null", "-D"), dir: dir}, filepath.Join(dir, "tmux.log")); err != nil {
		return nil, err
	}
	if err := c.begin(ctx, x); err != nil {
		screen, _ := c.Screen(ctx)
		return nil, fmt.Errorf("start profanity: %w\n%s\n%s", err, screen, tail(filepath.Join(dir, "tmux.log")))
	}
	return c, nil
}

// begin opens the terminal and waits for the login, which verifies the server's
// certificate against the CA alone.
func (c *Profanity) begin(ctx context.Context, x *XMPP) error {
	if err := Until(ctx, "tmux answers", func() (bool, error) {
		_, err := os.Stat(filepath.Join(c.dir, "tmux"))
		return err == nil, nil
	}); err != nil {
		return err
	}
	if _, err := c.ask(ctx, "new-session", "-d", "-x", fmt.Sprint(profanityColumns), "-y", fmt.Sprint(profanityRows), "env",
		"XDG_CONFIG_HOME="+filepath.Join(c.dir, "config"), "XDG_DATA_HOME="+filepath.Join(c.dir, "data"),
		"SSL_CERT_FILE="+x.CA.File, "profanity"); err != nil {
		return err
	}
	if err := c.Shows(ctx, "logged in successfully"); err != nil {
		return err
	}
	return c.Type(ctx, "/clear")
}

// Type types a line.
func (c *Profanity) Type(ctx context.Context, line string) error {
	if _, err := c.ask(ctx, "send-keys", "-l", line); err != nil {
		return err
	}
	_, err := c.ask(ctx, "send-keys", "Enter")
	return err
}

// Screen returns what stands on the terminal between the title bar and the
// status bar, which has a clock: without empty lines, and without trailing
// blanks.
func (c *Profanity) Screen(ctx context.Context) (string, error) {
	text, err := c.ask(ctx, "capture-pane", "-p")
	if err != nil {
		return "", err
	}
	lines := strings.Split(text, "\n")
	var b strings.Builder
	for _, line := range lines[1:max(1, min(len(lines), profanityRows-2))] {
		if line = strings.TrimRight(line, " "); line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String(), nil
}

// Shows waits until text stands on the terminal. A text that may be wrapped, or
// stand beside the roster panel, is not for this.
func (c *Profanity) Shows(ctx context.Context, text string) error {
	return Until(ctx, fmt.Sprintf("profanity shows %q", text), func() (bool, error) {
		screen, err := c.Screen(ctx)
		return strings.Contains(screen, text), err
	})
}

// Close closes the terminal.
func (c *Profanity) Close() error { return c.proc.kill() }

func (c *Profanity) tmux(args ...string) []string {
	return append([]string{"tmux", "-S", filepath.Join(c.dir, "tmux")}, args...)
}

func (c *Profanity) ask(ctx context.Context, args ...string) (string, error) {
	argv := c.tmux(args...)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("tmux %s: %w: %s", args[0], err, out)
	}
	return string(out), nil
}
