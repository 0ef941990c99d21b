package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"awayd/cmd/testbed"
)

const (
	lead   = 35 * time.Second // from the link to the start: time to be killed once
	length = 35 * time.Second // time to be upgraded and killed again
	title  = "Nobody's business"
)

// A life is that of one installation.
type life struct {
	bed     *testbed.Bed
	say     func(format string, args ...any)
	machine *machine

	older, newer string // the packages, where the machine sees them
	cast         testbed.Cast
	watch        *testbed.Watch
	stopWatching func()
	start, end   time.Time
}

// prepare starts the servers, makes two people who know each other, and puts
// what the machine needs where it sees it.
func (l *life) prepare(ctx context.Context, older, newer string) (err error) {
	if l.older, err = share(l.bed, older, "older.deb"); err != nil {
		return err
	}
	if l.newer, err = share(l.bed, newer, "newer.deb"); err != nil {
		return err
	}
	l.cast = testbed.Cast{Bed: l.bed, Kind: testbed.Prosody, Dir: l.bed.Dir, Alone: true}
	if err := l.cast.Prepare(ctx); err != nil {
		return err
	}
	bob, err := l.cast.Acquaint(ctx)
	if err != nil {
		return err
	}
	l.watch = &testbed.Watch{Contact: bob, Of: l.cast.Ada.JID, Secrets: []string{title}, Patience: 2 * time.Second}
	return os.Chmod(l.bed.Dir, 0o755)
}

// share copies a file into the folder that the machine sees too.
func share(bed *testbed.Bed, file, name string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	shared := filepath.Join(bed.Dir, name)
	return shared, os.WriteFile(shared, b, 0o644)
}

// install puts the package into the machine and looks at the service.
func (l *life) install(ctx context.Context) error {
	if _, err := l.machine.run(ctx, "dpkg", "--install", l.older); err != nil {
		return err
	}
	if err := l.service(ctx, "ActiveState=active", "SubState=running", "User=awayd", "Group=awayd", "UnitFileState=enabled", "NRestarts=0"); err != nil {
		return err
	}
	for _, file := range []string{
		"bash-completion/completions/awayd", "zsh/vendor-completions/_awayd", "fish/vendor_completions.d/awayd.fish",
		"man/man1/awayd.1.gz", "man/man5/awayd.toml.5.gz", "doc/awayd/examples/awayd.rules.yml",
	} {
		if _, err := l.machine.run(ctx, "test", "-s", "/usr/share/"+file); err != nil {
			return fmt.Errorf("the package lacks %s: %w", file, err)
		}
	}
	// The key leaves the state directory, as the unit's comment says.
	if _, err := l.machine.run(ctx, "mv", "/var/lib/awayd/key", "/etc/awayd/key"); err != nil {
		return err
	}
	if err := l.machine.write(ctx, "/etc/systemd/system/awayd.service.d/key.conf", "[Service]\nLoadCredential=awayd.key:/etc/awayd/key\n"); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"chmod", "600", "/etc/awayd/key"}, {"systemctl", "daemon-reload"}, {"systemctl", "restart", "awayd"},
		{"useradd", "--groups", "awayd", "member"}, {"useradd", "stranger"},
	} {
		if _, err := l.machine.run(ctx, args...); err != nil {
			return err
		}
	}
	l.say("installed: the service runs as user awayd, with its key from a systemd credential")
	return nil
}

// service demands properties of the unit.
func (l *life) service(ctx context.Context, want ...string) error {
	return testbed.Until(ctx, "the service has "+strings.Join(want, " "), func() (bool, error) {
		out, err := l.machine.run(ctx, "systemctl", "show", "awayd")
		if err != nil {
			return false, err
		}
		have := strings.Split(out, "\n")
		for _, w := range want {
			if !slices.Contains(have, w) {
				return false, nil
			}
		}
		return true, nil
	})
}

// link puts a vacation into the calendar and links it, as a member of the group.
func (l *life) link(ctx context.Context) error {
	l.start = time.Now().Add(lead).Truncate(time.Second)
	l.end = l.start.Add(length)
	if err := l.cast.Put(ctx, "vacation", title, l.start, l.end); err != nil {
		return err
	}
	l.watch.Contact.Forget()
	l.stopWatching = l.watch.Begin(ctx)
	for name, secret := range map[string]string{"/run/jid-password": l.cast.Ada.Password, "/run/dav-password": testbed.CalendarPassword} {
		if err := l.machine.write(ctx, name, secret); err != nil {
			return err
		}
		if _, err := l.machine.run(ctx, "chown", "member", name); err != nil {
			return err
		}
	}
	args := []string{
		"awayd", "link", "--yes", "--jid", l.cast.Ada.JID, "--jid-password-file", "/run/jid-password", "--xmpp-address", l.cast.XMPP.Addr,
		"--calendar-url", l.cast.DAV.URL, "--calendar-user", "ada", "--calendar-password-file", "/run/dav-password",
		"--every-event", "--zone", "Europe/Berlin", "--tls-ca", l.bed.CA.File,
	}
	if out, err := l.machine.as(ctx, "stranger", "awayd", "status"); err == nil {
		return fmt.Errorf("a stranger may use the control socket: %s", out)
	}
	if _, err := l.machine.as(ctx, "member", args...); err != nil {
		return err
	}
	l.say("a member of the group has linked Ada's account; a stranger is refused")
	return nil
}

// until waits for a status of the one account.
func (l *life) until(ctx context.Context, what string, ok func(testbed.Status) bool) error {
	return testbed.Until(ctx, what, func() (bool, error) {
		out, err := l.machine.run(ctx, "awayd", "status", "--json")
		if err != nil {
			return false, err
		}
		var st struct{ Accounts []testbed.Status }
		if err := json.Unmarshal([]byte(out), &st); err != nil {
			return false, err
		}
		return len(st.Accounts) == 1 && ok(st.Accounts[0]), nil
	})
}

func (l *life) staged(ctx context.Context) error {
	if err := l.until(ctx, "the message is staged", func(s testbed.Status) bool { return s.Staged != nil }); err != nil {
		return err
	}
	l.say("the message is staged; it is to show at %s", l.start.Format(time.TimeOnly))
	return nil
}

// killed kills the daemon, and has systemd start it again.
func (l *life) killed(ctx context.Context) error {
	before, err := l.restarts(ctx)
	if err != nil {
		return err
	}
	if _, err := l.machine.run(ctx, "systemctl", "kill", "--signal=KILL", "awayd"); err != nil {
		return err
	}
	if err := l.service(ctx, "ActiveState=active", "SubState=running", fmt.Sprintf("NRestarts=%d", before+1)); err != nil {
		return err
	}
	l.say("awayd was killed, and systemd has started it again")
	return nil
}

func (l *life) restarts(ctx context.Context) (n int, err error) {
	out, err := l.machine.run(ctx, "systemctl", "show", "--value", "--property=NRestarts", "awayd")
	if err != nil {
		return 0, err
	}
	_, err = fmt.Sscan(out, &n)
	return n, err
}

// live waits for the start.
func (l *life) live(ctx context.Context) error {
	time.Sleep(time.Until(l.start.Add(500 * time.Millisecond)))
	if err := l.until(ctx, "the message shows", func(s testbed.Status) bool { return s.Visible != nil }); err != nil {
		return err
	}
	l.say("the message shows")
	return nil
}

// upgraded installs the newer package over a configuration that was edited, and
// kills that too.
func (l *life) upgraded(ctx context.Context) error {
	const edited = "# by the administrator\nlog_level = \"debug\"\n"
	if err := l.machine.write(ctx, "/etc/awayd/awayd.toml", edited); err != nil {
		return err
	}
	if _, err := l.machine.run(ctx, "systemctl", "reload", "awayd"); err != nil {
		return err
	}
	was, err := l.machine.run(ctx, "awayd", "version")
	if err != nil {
		return err
	}
	if err := l.installUnready(ctx); err != nil {
		return err
	}
	if err := l.machine.write(ctx, "/etc/awayd/awayd.toml", edited); err != nil {
		return err
	}
	if _, err := l.machine.run(ctx, "systemctl", "restart", "awayd"); err != nil {
		return err
	}
	is, err := l.machine.run(ctx, "awayd", "version")
	if err != nil {
		return err
	}
	if is == was {
		return fmt.Errorf("the upgrade changed nothing: still %s", is)
	}
	kept, err := l.machine.run(ctx, "cat", "/etc/awayd/awayd.toml")
	if err != nil {
		return err
	}
	if kept != edited {
		return fmt.Errorf("the upgrade did not keep the configuration: %q", kept)
	}
	if err := l.until(ctx, "the message still shows", func(s testbed.Status) bool { return s.Visible != nil }); err != nil {
		return err
	}
	l.say("reloaded, and upgraded while the message shows; state and configuration were kept")
	return l.killed(ctx)
}

// installUnready installs the newer package over a configuration that keeps the
// service from starting. That is the service's trouble, not dpkg's.
func (l *life) installUnready(ctx context.Context) error {
	if err := l.machine.write(ctx, "/etc/awayd/awayd.toml", "poll = \"sometimes\"\n"); err != nil {
		return err
	}
	if _, err := l.machine.run(ctx, "dpkg", "--install", l.newer); err != nil {
		return err
	}
	state, err := l.machine.run(ctx, "dpkg-query", "--show", "--showformat=${Status}", "awayd")
	if err != nil {
		return err
	}
	if state != "install ok installed" {
		return fmt.Errorf("with a configuration that is wrong, the package is %q", state)
	}
	l.say("upgraded with a configuration that is wrong: the package is whole")
	return nil
}

// over waits for the end, and holds what the contact saw against what was to be
// seen.
func (l *life) over(ctx context.Context) error {
	time.Sleep(time.Until(l.end.Add(6 * time.Second)))
	l.stopWatching()
	if err := l.watch.Verify(l.start, l.end, l.end.AddDate(100, 0, 0)); err != nil {
		return err
	}
	l.say("the vacation is over; the contact was told of its start and its end, and of nothing else")
	return nil
}

// restored backs the state up, loses it, and gets it back as the manual says.
func (l *life) restored(ctx context.Context) error {
	script := `set -e
awayd backup /var/lib/awayd/backup && mv /var/lib/awayd/backup /root/backup
systemctl stop awayd
rm -f /var/lib/awayd/awayd.db*
install -o awayd -g awayd -m 600 /root/backup /var/lib/awayd/awayd.db
systemctl start awayd`
	if _, err := l.machine.run(ctx, "sh", "-c", script); err != nil {
		return err
	}
	if err := l.until(ctx, "the account is back", func(s testbed.Status) bool { return s.JID == l.cast.Ada.JID && s.Health == "ok" }); err != nil {
		return err
	}
	l.say("backed up, lost and restored: the account is back and in good health")
	return nil
}

// removed takes the package away, first so that the state stays.
func (l *life) removed(ctx context.Context) error {
	if _, err := l.machine.run(ctx, "dpkg", "--remove", "awayd"); err != nil {
		return err
	}
	if _, err := l.machine.run(ctx, "test", "-e", "/var/lib/awayd/awayd.db", "-a", "-e", "/etc/awayd/awayd.toml"); err != nil {
		return fmt.Errorf("a removal takes the state or the configuration away: %w", err)
	}
	if out, err := l.machine.run(ctx, "systemctl", "is-active", "awayd"); err == nil {
		return fmt.Errorf("the service still runs: %s", out)
	}
	// What the administrator put there is theirs to remove.
	if _, err := l.machine.run(ctx, "rm", "-r", "/etc/awayd/key", "/etc/systemd/system/awayd.service.d"); err != nil {
		return err
	}
	if _, err := l.machine.run(ctx, "dpkg", "--purge", "awayd"); err != nil {
		return err
	}
	left, err := l.machine.run(ctx, "find", "/var", "/etc", "/usr", "/lib/systemd", "-name", "*awayd*", "-not", "-path", "/var/log/*")
	if err != nil {
		return err
	}
	if left != "" {
		return fmt.Errorf("a purge leaves behind: %s", left)
	}
	l.say("removed, then purged: nothing is left but the user")
	return nil
}
