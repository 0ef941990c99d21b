package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// A Profanity is somebody in front of profanity, the XMPP client for terminals,
// as Debian packages it.
type Profanity struct{ *Terminal }

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
	for file, t := range map[string]*template.Template{"config/profanity/profrc": profanitySettings, "data/profanity/accounts": profanityAccount} {
		file = filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return nil, fmt.Errorf("configure profanity: %w", err)
		}
		if err := render(t, file, map[string]any{"JID": p.JID, "Password": p.Password, "Port": x.ports[0]}); err != nil {
			return nil, err
		}
	}
	terminal, err := StartTerminal(ctx, dir, TerminalOptions{
		Columns: profanityColumns, Rows: profanityRows, Program: []string{"profanity"},
		Env: []string{
			"XDG_CONFIG_HOME=" + filepath.Join(dir, "config"), "XDG_DATA_HOME=" + filepath.Join(dir, "data"),
			"SSL_CERT_FILE=" + x.CA.File, // which alone verifies the server's certificate
		},
	})
	if err != nil {
		return nil, err
	}
	c := &Profanity{terminal}
	if err := errors.Join(c.Shows(ctx, "logged in successfully"), c.Type(ctx, "/clear")); err != nil {
		screen, _ := c.Screen(ctx)
		return nil, fmt.Errorf("start profanity: %w\n%s", errors.Join(err, c.Close()), screen)
	}
	return c, nil
}

// Screen returns what stands on the terminal between the title bar and the
// status bar, which has a clock: without empty lines, and without trailing
// blanks.
func (c *Profanity) Screen(ctx context.Context) (string, error) {
	text, err := c.Text(ctx)
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
