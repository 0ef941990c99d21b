package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"awayd/cmd/testbed"
)

const (
	// promise is how long a newcomer may take for package and first account.
	promise = 5 * time.Minute
	// Adults read some 240 words of English a minute, and type some 40.
	readingPace = time.Minute / 240
	typingPace  = time.Minute / (40 * 5)
	// front is where the machine believes the XMPP server of the newcomer to be,
	// at the port where clients look for it.
	front = "127.0.109.1"
	// patience is how long one command may take.
	patience = 2 * time.Minute
	// shell is what the newcomer's prompt ends with.
	shell = "#"
)

// A newcomer is somebody with an account and a calendar who reads README and
// sits at a terminal, as root of a Debian that nobody has used.
type newcomer struct {
	cast     testbed.Cast
	machine  *machine
	terminal *testbed.Terminal

	began time.Time
	typed int // keys
	read  int // words of README and on the terminal
}

// welcome has a newcomer come to each kind of XMPP server.
func welcome(ctx context.Context, root string, packages []string) error {
	if err := debian(ctx, root); err != nil {
		return err
	}
	for _, kind := range []string{testbed.Prosody, testbed.Ejabberd} {
		ctx, cancel := context.WithTimeout(ctx, limit)
		err := arrive(ctx, kind, root, packages[0])
		cancel()
		if err != nil {
			return fmt.Errorf("a newcomer with %s: %w", kind, err)
		}
	}
	return nil
}

// arrive puts everything in its place that is there before a newcomer comes,
// and has one come.
func arrive(ctx context.Context, kind, root, file string) (err error) {
	bed, err := testbed.New()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bed.Close()) }()
	n := &newcomer{cast: testbed.Cast{Bed: bed, Kind: kind, Dir: bed.Dir, Alone: true}}
	defer func() { err = errors.Join(err, n.cast.Close()) }()
	if err := n.cast.Prepare(ctx); err != nil {
		return err
	}
	bob, err := n.cast.Acquaint(ctx)
	if err != nil {
		return err
	}
	defer bob.Close()
	in := time.Now().AddDate(0, 0, 21).Truncate(time.Hour)
	if err := n.cast.Put(ctx, "vacation", "Vacation in Italy", in, in.AddDate(0, 0, 10)); err != nil {
		return err
	}
	proxy, err := testbed.NewProxyAt(front+":5222", n.cast.XMPP.Addr)
	if err != nil {
		return err
	}
	defer proxy.Close()
	deb, err := share(bed, file, "awayd.deb")
	if err != nil {
		return err
	}
	if err := os.Chmod(bed.Dir, 0o755); err != nil {
		return err
	}
	if n.machine, err = boot(ctx, root, bed.Dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.machine.close()) }()
	if err := n.furnish(ctx, deb); err != nil {
		return err
	}
	if n.terminal, err = n.sitDown(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.terminal.Close()) }()
	return n.follow(ctx, kind)
}

// furnish is what the world has for everybody: names, authorities that are
// trusted, and lists of packages. The package lies where README has it built.
func (n *newcomer) furnish(ctx context.Context, deb string) error {
	script := fmt.Sprintf(`set -e
echo %s %s >>/etc/hosts
mkdir -p /usr/local/share/ca-certificates /root/dist
cp %s /usr/local/share/ca-certificates/authority.crt
cp %s /root/dist/awayd_1_all.deb
apt-get -qq update`, front, n.cast.XMPP.Domain, n.cast.Bed.CA.File, deb)
	_, err := n.machine.run(ctx, "sh", "-c", script)
	return err
}

func (n *newcomer) sitDown(ctx context.Context) (*testbed.Terminal, error) {
	t, err := testbed.StartTerminal(ctx, filepath.Join(n.cast.Dir, "terminal"), testbed.TerminalOptions{
		Columns: 100, Rows: 300,
		Env:     []string{"-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "TERM=screen-256color", "HOME=/root"},
		Program: []string{"nsenter", "--target", n.machine.leader, "--all", "--", "sh", "-c", "cd && exec bash --norc"},
	})
	if err != nil {
		return nil, err
	}
	n.terminal = t
	_, err = n.until(ctx, "", shell)
	return t, err
}

// until waits for a text on the screen, and for a prompt at its end. A download
// may take its time.
func (n *newcomer) until(ctx context.Context, text, prompt string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var screen string
	for {
		out, err := n.terminal.Text(ctx)
		if err == nil {
			screen = strings.TrimSpace(out)
		}
		if strings.Contains(screen, text) && strings.HasSuffix(screen, prompt) {
			return screen, nil
		}
		select {
		case <-ctx.Done():
			return screen, errors.Join(fmt.Errorf("the terminal does not show %q: %w\nIt shows:\n%s", text, ctx.Err(), screen), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// does types a command on an empty screen, answers what it asks, waits until it
// is over and demands a text on the screen.
func (n *newcomer) does(ctx context.Context, command, want string, answers ...[2]string) error {
	if err := n.terminal.Type(ctx, "clear"); err != nil {
		return err
	}
	if err := testbed.Until(ctx, "an empty screen", func() (bool, error) {
		out, err := n.terminal.Text(ctx)
		out = strings.TrimSpace(out)
		return !strings.Contains(out, "\n") && strings.HasSuffix(out, shell), err
	}); err != nil {
		return err
	}
	if err := n.types(ctx, command); err != nil {
		return err
	}
	for _, a := range answers {
		if _, err := n.until(ctx, a[0], ">"); err != nil {
			return err
		}
		if err := n.types(ctx, a[1]); err != nil {
			return err
		}
	}
	screen, err := n.until(ctx, want, shell)
	n.read += words(screen)
	return err
}

func (n *newcomer) types(ctx context.Context, line string) error {
	n.typed += len(line) + 1
	return n.terminal.Type(ctx, line)
}

func words(text string) int { return len(strings.Fields(text)) }

// say tells what was done, when by the clock, and when had a person read and
// typed all of it.
func (n *newcomer) say(what string) time.Duration {
	waited := time.Since(n.began)
	person := waited + time.Duration(n.read)*readingPace + time.Duration(n.typed)*typingPace
	fmt.Printf("%5.1f s waited  %4d words read  %4d keys typed  %3.0f s in all  %s\n", waited.Seconds(), n.read, n.typed, person.Seconds(), what)
	return person
}

// markup is what of README nobody reads.
var markup = regexp.MustCompile(`<[^>]*>|\]\([^)]*\)`)

// led counts the words of README that lead somebody who has Debian and a
// terminal: to where it turns to other systems, and then to scripts.
func led(readme string) (int, error) {
	install, rest, first := strings.Cut(readme, "On other systems")
	_, rest, second := strings.Cut(rest, "\n## Link an account\n")
	link, _, third := strings.Cut(rest, "\nFlags answer beforehand.")
	if !first || !second || !third {
		return 0, errors.New("README.md does not have the parts that were expected")
	}
	return words(markup.ReplaceAllString(install+link, "")), nil
}

// follow is what README tells a newcomer to do.
func (n *newcomer) follow(ctx context.Context, kind string) error {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		return err
	}
	if n.read, err = led(string(readme)); err != nil {
		return err
	}
	n.began = time.Now()
	n.say(kind + ": README read, as far as it leads somebody with Debian and a terminal")
	// README's own words, but for sudo: the newcomer is root.
	// What apt says scrolls by: of it one reads the last line.
	read := n.read
	if err := n.does(ctx, "apt install -y ./dist/awayd_*.deb", "To link an account with a calendar: awayd link"); err != nil {
		return err
	}
	n.read = read + 12
	n.say("installed")
	if err := n.does(ctx, "awayd link", "is linked.",
		[2]string{"Your XMPP address", n.cast.Ada.JID},
		[2]string{"The XMPP password", n.cast.Ada.Password},
		[2]string{"Your calendar:", n.cast.DAV.URL},
		[2]string{"Your user name", "ada"},
		[2]string{"The calendar password", testbed.CalendarPassword},
		[2]string{"Your time zone", "Europe/Berlin"},
		[2]string{"Enter if that is good", ""},
		[2]string{"(y or n)", "y"},
	); err != nil {
		return err
	}
	if took := n.say("linked"); took > promise {
		return fmt.Errorf("that takes a newcomer %s", took.Round(time.Second))
	}
	return n.look(ctx)
}

// look is what a newcomer does next, with the account that is linked.
func (n *newcomer) look(ctx context.Context) error {
	for _, c := range [][2]string{
		{"awayd status", "staged"},
		{"awayd preview " + n.cast.Ada.JID, "Vacation in Italy"},
		{"awayd check", "All is well"},
		{"awayd web", `web = "127.0.0.1:8109" in /etc/awayd/awayd.toml, then systemctl reload awayd`},
	} {
		if err := n.does(ctx, c[0], c[1]); err != nil {
			return err
		}
	}
	n.say("looked")
	if err := n.does(ctx, `echo 'web = "127.0.0.1:8109"' >>/etc/awayd/awayd.toml; systemctl reload awayd`, ""); err != nil {
		return err
	}
	if err := n.visit(ctx); err != nil {
		return err
	}
	n.say("came into the web page")
	return n.restore(ctx)
}

// visit opens the link that awayd web prints.
func (n *newcomer) visit(ctx context.Context) error {
	if err := n.does(ctx, "awayd web", "This opens the web page once"); err != nil {
		return err
	}
	screen, err := n.terminal.Text(ctx)
	if err != nil {
		return err
	}
	link := regexp.MustCompile(`http://\S+/enter\?token=\S+`).FindString(screen)
	browser, err := testbed.StartBrowser(ctx, filepath.Join(n.cast.Dir, "browser"))
	if err != nil {
		return err
	}
	defer func() { _ = browser.Stop() }()
	if err := errors.Join(browser.Open(ctx, link), browser.Click(ctx, "main button")); err != nil {
		return err
	}
	return testbed.Until(ctx, "the page shows the account", func() (bool, error) {
		text, err := browser.Text(ctx, "main")
		return strings.Contains(text, n.cast.Ada.JID), err
	})
}

// restore loses the state and does what the page for operators says, to the
// letter.
func (n *newcomer) restore(ctx context.Context) error {
	page, err := os.ReadFile(filepath.Join("docs", "operators.md"))
	if err != nil {
		return err
	}
	_, rest, found := strings.Cut(string(page), "To restore:\n\n")
	steps, _, ends := strings.Cut(rest, "\n\n")
	if !found || !ends {
		return errors.New("docs/operators.md does not say how to restore")
	}
	steps = strings.NewReplacer("BACKUP", "/root/awayd.backup", "KEY", "/root/key").Replace(steps)
	if _, err := n.machine.run(ctx, "sh", "-c", "set -e; cd /root; awayd backup awayd.backup; cp /var/lib/awayd/key key; systemctl kill --signal=KILL awayd; rm -f /var/lib/awayd/*; "+steps); err != nil {
		return err
	}
	if err := n.does(ctx, "awayd status", "staged"); err != nil {
		return err
	}
	n.say("the state was lost, and restored as the page for operators says")
	return nil
}
