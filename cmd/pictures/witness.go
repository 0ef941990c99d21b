package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"awayd/cmd/testbed"
)

// pages are those with excerpts.
var pages = []string{"docs/why.md", "docs/operators.md"}

// A witness lets things happen to the people of a studio and keeps what the
// program says.
type witness struct {
	*studio
	seen map[string]string
}

// witnessed lets all of it happen.
func (s *studio) witnessed(ctx context.Context) (map[string]string, error) {
	w := &witness{s, map[string]string{}}
	for _, happen := range []func(context.Context) error{
		w.lonely, w.befriend, w.calm, w.otherZone, w.calendarRefuses, w.removedElsewhere, w.withdrawn, w.emptyGroup, w.cannotHide, w.wrongLogins,
		w.serverDown, w.broken,
	} {
		if err := happen(ctx); err != nil {
			return nil, fmt.Errorf("%w\nWhat awayd said:\n%s", err, s.daemon.Said())
		}
	}
	return w.seen, nil
}

// see carries out a command line without quotes, whatever comes of it, and adds
// what stands on the terminal then to an excerpt.
func (w *witness) see(ctx context.Context, name, line string) error {
	return w.seeAs(ctx, name, line, strings.Fields(line)...)
}

// seeAs is see for a command whose arguments nobody wants to read.
func (w *witness) seeAs(ctx context.Context, name, line string, args ...string) error {
	cmd := w.daemon.Command(ctx, args...)
	cmd.Dir = w.bed.Dir
	cmd.Env = append(cmd.Env, "TZ=Europe/Berlin")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		return fmt.Errorf("awayd %s: %w", args[0], err)
	}
	// The folder is where the package has it.
	text := strings.ReplaceAll(string(out), w.daemon.State, "/var/lib/awayd")
	text = strings.ReplaceAll(text, w.daemon.Config, "/etc/awayd/awayd.toml")
	w.seen[name] += "$ awayd " + line + "\n" + text
	return nil
}

// do carries out a command that nobody needs to see.
func (w *witness) do(ctx context.Context, args ...string) error {
	_, err := w.daemon.Run(ctx, args...)
	return err
}

// lonely is somebody whom no contact can see.
func (w *witness) lonely(ctx context.Context) error {
	if err := w.xmpp.Register(ctx, "eve", password); err != nil {
		return err
	}
	return errors.Join(
		w.tryLink(ctx, "lonely", "eve@example.org"),
		w.do(ctx, "unlink", "eve@example.org"),
	)
}

// befriend makes contacts of those who are seen.
func (w *witness) befriend(ctx context.Context) error {
	for i := 0; i+1 < len(people); i += 2 {
		if err := w.acquaint(ctx, people[i].name, people[i+1].name); err != nil {
			return err
		}
	}
	return nil
}

func (w *witness) acquaint(ctx context.Context, one, other string) error {
	a, err := w.xmpp.Login(ctx, testbed.Person{User: one, Password: password}, testbed.ContactOptions{})
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := w.xmpp.Login(ctx, testbed.Person{User: other, Password: password}, testbed.ContactOptions{})
	if err != nil {
		return err
	}
	defer b.Close()
	return testbed.Befriend(ctx, a, b)
}

// calm is how the studio is furnished.
func (w *witness) calm(ctx context.Context) error {
	day := func(n int) string { return time.Now().AddDate(0, 0, n).Format(time.DateOnly) }
	return errors.Join(
		w.see(ctx, "live", "status ada@example.org"),
		w.see(ctx, "live", "log --account ada@example.org --kind reveal"),
		w.see(ctx, "staged", "status ben@example.org"),
		w.see(ctx, "staged", "log --account ben@example.org --kind stage"),
		w.see(ctx, "ignored", "preview ben@example.org --to "+day(140)),
		w.see(ctx, "held", "status chen@example.org"),
		w.see(ctx, "paused", "status dora@example.org"),
		w.see(ctx, "check", "check"),
		w.see(ctx, "backup", "backup awayd.backup"),
	)
}

func (w *witness) otherZone(ctx context.Context) error {
	return errors.Join(
		w.see(ctx, "zone", "set ben@example.org --zone America/New_York"),
		w.see(ctx, "zone", "status ben@example.org"),
		w.do(ctx, "set", "ben@example.org", "--zone", "Europe/Berlin"),
	)
}

func (w *witness) calendarRefuses(ctx context.Context) error {
	if err := w.dav.SetPassword("ben", "another one"); err != nil {
		return err
	}
	return errors.Join(
		w.see(ctx, "refused", "sync ben@example.org"),
		w.see(ctx, "refused", "log --account ben@example.org --kind hold -n 1"),
		w.dav.SetPassword("ben", password),
		w.do(ctx, "sync", "ben@example.org"),
	)
}

func (w *witness) removedElsewhere(ctx context.Context) error {
	ada, err := w.xmpp.Login(ctx, testbed.Person{User: "ada", Password: password}, testbed.ContactOptions{Quiet: true})
	if err != nil {
		return err
	}
	defer ada.Close()
	if err := ada.Retract(ctx, testbed.NodeOOO, "current", true); err != nil {
		return err
	}
	return errors.Join(
		w.do(ctx, "sync", "ada@example.org"),
		w.see(ctx, "override", "log --account ada@example.org --kind override"),
	)
}

// withdrawn: an event that is changed takes part again, until it is withdrawn.
func (w *witness) withdrawn(ctx context.Context) error {
	event := event{"Vacation in Rome", -4, 11, false}
	if err := w.dav.Put(ctx, w.dav.Home("ada")+"Personal/0.ics", event.ics("ada-0")); err != nil {
		return err
	}
	return errors.Join(
		w.do(ctx, "sync", "ada@example.org"),
		w.see(ctx, "withdrawn", "withdraw ada@example.org"),
		w.see(ctx, "withdrawn", "log --account ada@example.org -n 2"),
	)
}

func (w *witness) emptyGroup(ctx context.Context) error {
	return errors.Join(
		w.see(ctx, "group", "set ben@example.org --audience group:Family"),
		w.see(ctx, "group", "status ben@example.org"),
		w.do(ctx, "set", "ben@example.org", "--audience", "presence"),
	)
}

// cannotHide is a server whose PEP is that of long ago.
func (w *witness) cannotHide(ctx context.Context) error {
	old, err := testbed.StartProsody(ctx, filepath.Join(w.bed.Dir, "old"), w.bed.CA, testbed.XMPPOptions{
		Domain: "old.example.org", Extra: `modules_disabled = { "pep" } modules_enabled = { "pep_simple" }`,
	})
	if err != nil {
		return err
	}
	defer func() { _ = old.Stop() }()
	if err := old.Register(ctx, "ben", password); err != nil {
		return err
	}
	return w.tryLink(ctx, "unhideable", "ben@old.example.org", "--xmpp-address", old.Addr)
}

// tryLink tries to link a person's account with ben's calendar.
func (w *witness) tryLink(ctx context.Context, name, jid string, extra ...string) error {
	secret := filepath.Join(w.bed.Dir, "password")
	return w.seeAs(ctx, name, "link --yes --jid "+jid+" …", append([]string{
		"link", "--yes", "--jid", jid, "--jid-password-file", secret, "--xmpp-address", w.xmpp.Addr, "--tls-ca", w.bed.CA.File,
		"--calendar-url", w.dav.URL, "--calendar-user", "ben", "--calendar-password-file", secret, "--zone", "Europe/Berlin",
	}, extra...)...)
}

func (w *witness) wrongLogins(ctx context.Context) error {
	wrong, err := testbed.SecretFile(w.bed.Dir, "wrong", "wrong")
	if err != nil {
		return err
	}
	return errors.Join(
		w.tryLink(ctx, "wrong-password", "ben@example.org", "--jid-password-file", wrong),
		w.tryLink(ctx, "wrong-calendar-password", "ben@example.org", "--calendar-password-file", wrong),
	)
}

func (w *witness) serverDown(ctx context.Context) error {
	if err := w.xmpp.Stop(); err != nil {
		return err
	}
	if err := testbed.Until(ctx, "awayd notices", func() (bool, error) {
		out, err := w.daemon.Run(ctx, "status", "ben@example.org")
		return strings.Contains(out, "log in as"), err
	}); err != nil {
		return err
	}
	return errors.Join(
		w.see(ctx, "down", "status ben@example.org"),
		w.see(ctx, "down", "log --account ben@example.org --kind error -n 1"),
	)
}

// broken is what operators meet.
func (w *witness) broken(ctx context.Context) error {
	if err := w.daemon.Stop(); err != nil {
		return err
	}
	err := errors.Join(
		w.see(ctx, "no-daemon", "status ben@example.org"),
		w.see(ctx, "no-follow", "log --follow"),
		os.WriteFile(w.daemon.Config, []byte("poll = \"every 5m\"\naudiance = \"open\"\n"), 0o600),
		w.see(ctx, "misconfigured", "run"),
		os.WriteFile(w.daemon.Config, nil, 0o600),
	)
	if err != nil {
		return err
	}
	// Half of a restore: the key is missing.
	if err := os.Remove(filepath.Join(w.daemon.State, "key")); err != nil {
		return err
	}
	return w.see(ctx, "key", "run")
}
