package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"awayd/cmd/testbed"
	"awayd/state"
)

var bed *testbed.Bed

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main() // started by a test, on a terminal of its own
	}
	// What the tests find must not depend on the machine's own configuration.
	os.Unsetenv("STATE_DIRECTORY")
	os.Unsetenv("CREDENTIALS_DIRECTORY")
	// Tests on real servers wait most of the time.
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(testbed.Main(m, &bed))
}

// A result is what one command line printed and how it ended.
type result struct {
	code     int
	out, err string
}

// awayd runs a command line in this process.
func awayd(t *testing.T, args ...string) result {
	t.Helper()
	in, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var out, errs bytes.Buffer
	code := Main(t.Context(), args, streams{in, &out, &errs})
	return result{code, out.String(), errs.String()}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// expectError demands an exit code, and what standard error holds.
func expectError(t *testing.T, r result, code int, want ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d; it said: %s", r.code, code, r.err)
	}
	if !strings.HasPrefix(r.err, "awayd: ") {
		t.Errorf("the error does not begin with awayd: %q", r.err)
	}
	for _, w := range want {
		if !strings.Contains(r.err, w) {
			t.Errorf("%q is not in the error:\n%s", w, r.err)
		}
	}
}

func TestUsageErrors(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"frobnicate"}, "awayd: there is no command \"frobnicate\"\nTry: awayd --help lists the commands\n"},
		{[]string{"status", "--frob"}, "awayd: unknown flag: --frob\nTry: awayd status --help\n"},
		{[]string{"pause"}, "awayd: awayd pause takes other arguments\nTry: awayd pause JID [flags]\n"},
		{[]string{"preview"}, "awayd: nothing to preview\nTry: awayd preview JID, or awayd preview --ics FILE\n"},
		{[]string{"preview", "--ics", "x", "ada@example.org"}, "awayd: preview takes a linked account or --ics, not both\nTry: one of them\n"},
		{[]string{"set", "ada@example.org"}, "awayd: nothing to set\nTry: awayd set --help lists the settings\n"},
		{[]string{"link", "--yes"}, "awayd: no XMPP address given\nTry: awayd link --jid ada@example.org --calendar-url https://dav.example.org/\n"},
		{[]string{"link"}, "awayd: link asks before it saves, but there is no terminal to ask on\nTry: --yes links without asking\n"},
		{[]string{"link", "--jid", "ada@example.org"}, "awayd: link asks before it saves, but there is no terminal to ask on\nTry: --yes links without asking\n"},
		{[]string{"link", "--yes", "--jid", "ada", "--calendar-url", "https://dav.example.org"}, "awayd: \"ada\" is not the address of an XMPP account\nTry: give it as user@example.org\n"},
		{[]string{"link", "--yes", "--jid", "ada@example.org", "--calendar-url", "https://dav.example.org"}, "awayd: no password for ada@example.org\nTry: --jid-password-file FILE\n"},
		{[]string{"withdraw", "ada@example.org"}, "awayd: ada@example.org: no such account is linked\nTry: awayd accounts lists those that are\n"},
		{[]string{"log", "--since", "yesterday"}, "awayd: \"yesterday\" is neither a date nor a time of RFC 3339\nTry: 2026-07-01, 2026-07-01T09:00:00Z, or an age such as 24h\n"},
		{[]string{"log", "--follow"}, "awayd: no daemon is running, so there is nothing to follow\nTry: systemctl start awayd\n"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			r := awayd(t, append([]string{"--state", dir}, test.args...)...)
			if r.err != test.want || r.code != exitUsage {
				t.Errorf("exit code %d, got:\n%swant:\n%s", r.code, r.err, test.want)
			}
		})
	}
}

func TestBrokenConfiguration(t *testing.T) {
	file := write(t, "awayd.toml", "pol = \"@every 5m\"\nlang = 3\nwork_days = \"Mon-Blursday\"\n")
	for _, command := range [][]string{{"run"}, {"check"}, {"preview", "--ics", "x.ics"}} {
		r := awayd(t, append([]string{"--config", file, "--state", t.TempDir()}, command...)...)
		said := r.out + r.err
		for _, want := range []string{file + ":1:", "poll", file + ":2:", "lang", file + ":3:", "work_days"} {
			if !strings.Contains(said, want) {
				t.Errorf("%s: %q is not in:\n%s", command[0], want, said)
			}
		}
		if r.code != exitUsage {
			t.Errorf("%s: exit code %d, want %d", command[0], r.code, exitUsage)
		}
	}
	r := awayd(t, "--config", filepath.Join(t.TempDir(), "none.toml"), "run")
	expectError(t, r, exitUsage, "none.toml", "Try: --config FILE")
}

// A password is one line, and the standard input can be read once.
func TestSecretsFromFiles(t *testing.T) {
	whole := write(t, "entry", "hush\nuser: ada\n")
	link := []string{"--state", t.TempDir(), "link", "--yes", "--jid", "ada@example.org", "--calendar-url", "https://dav.example.org"}
	for want, flags := range map[string][]string{
		"--jid-password-file: " + whole + " has more than one line":                     {"--jid-password-file", whole},
		"--calendar-password-file: " + whole + " has more than one line":                {"--calendar-password-file", whole},
		"--jid-password-file and --calendar-password-file both read the standard input": {"--jid-password-file", "-", "--calendar-password-file", "-"},
		"--jid-password-file: - is empty":                                               {"--jid-password-file", "-"},
		"--tls-ca: open /nowhere: no such file or directory":                            {"--jid-password-file", write(t, "p", "hush"), "--tls-ca", "/nowhere"},
	} {
		in, err := os.Open(write(t, "in", map[bool]string{true: "hush\n"}[len(flags) == 4]))
		if err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		code := Main(t.Context(), append(slices.Clone(link), flags...), streams{in, &out, &errs})
		expectError(t, result{code, out.String(), errs.String()}, exitUsage, want, "Try: ")
		if strings.Contains(errs.String(), "hush") {
			t.Errorf("the error tells the password: %s", errs.String())
		}
		_ = in.Close()
	}
}

func TestUnusableState(t *testing.T) {
	t.Run("not a directory", func(t *testing.T) {
		r := awayd(t, "--state", write(t, "file", "x"), "run")
		expectError(t, r, exitUsage, "file", "Try: ")
	})
	t.Run("wrong key", func(t *testing.T) {
		dir, other := t.TempDir(), t.TempDir()
		for _, d := range []string{dir, other} {
			db, err := state.Open(t.Context(), d, state.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}
		key, err := os.ReadFile(filepath.Join(other, "key"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "key"), key, 0o600); err != nil {
			t.Fatal(err)
		}
		expectError(t, awayd(t, "--state", dir, "run"), exitUsage, "key", "Try: ")
	})
	t.Run("no state at all", func(t *testing.T) {
		r := awayd(t, "--state", filepath.Join(t.TempDir(), "none"), "status")
		expectError(t, r, exitUsage, "there is no state in", "Try: ")
	})
}

func TestEmptyState(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct{ command, want string }{
		{"status", nobody},
		{"accounts", nobody},
		{"log", "The log is empty: nothing has happened yet. Try: awayd link\n"},
		{"log --kind error", "No entry matches. Try: awayd log, without filters\n"},
		{"log --json", ""},
		{"sync", nobody},
	} {
		if r := awayd(t, append([]string{"--state", dir}, strings.Fields(test.command)...)...); r.code != exitOK || r.out != test.want || r.err != "" {
			t.Errorf("%s: %+v", test.command, r)
		}
	}
	if r := awayd(t, "--state", dir, "status", "--json"); !strings.Contains(r.out, `"accounts": []`) {
		t.Errorf("status --json: %+v", r)
	}
	if r := awayd(t, "--state", dir, "check"); r.code != exitFailed || !strings.Contains(r.out, "Try: systemctl start awayd") {
		t.Errorf("check: %+v", r)
	}
}

func TestCompletionAndVersion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if r := awayd(t, "completion", shell); r.code != exitOK || !strings.Contains(r.out, "awayd") {
			t.Errorf("completion %s: %+v", shell, r)
		}
	}
	if r := awayd(t, "version"); r.code != exitOK || !strings.HasPrefix(r.out, "awayd ") {
		t.Errorf("version: %+v", r)
	}
}

const vacations = `BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
BEGIN:VEVENT
UID:italy
DTSTAMP:20260101T000000Z
DTSTART;VALUE=DATE:20260706
DTEND;VALUE=DATE:20260718
SUMMARY:Urlaub
END:VEVENT
BEGIN:VEVENT
UID:standup
DTSTAMP:20260101T000000Z
DTSTART:20260720T090000Z
DTEND:20260720T091500Z
SUMMARY:Standup
END:VEVENT
BEGIN:VEVENT
UID:broken
DTSTAMP:20260101T000000Z
DTSTART:tomorrow
SUMMARY:Urlaub
END:VEVENT
END:VCALENDAR
`

func TestPreviewOfAFile(t *testing.T) {
	file := write(t, "vacations.ics", strings.ReplaceAll(vacations, "\n", "\r\n"))
	args := []string{"preview", "--ics", file, "--from", "2026-07-01", "--to", "2026-08-01", "--zone", "Europe/Berlin"}
	r := awayd(t, append(args, "--json")...)
	if r.code != exitOK {
		t.Fatal(r)
	}
	for _, want := range []string{
		`"zone": "Europe/Berlin"`, `"from": "2026-07-01T00:00:00+02:00"`,
		`"uid": "italy"`, `"start": "2026-07-06T00:00:00+02:00"`, `"all_day": true`, `"matched": "word"`,
		`"uid": "standup"`, `"reason": "no-rule"`,
		`"action": "stage"`, `"action": "reveal"`, `"action": "withdraw"`,
		`vacations.ics`, `broken`,
	} {
		if !strings.Contains(r.out, want) {
			t.Errorf("%s is not in:\n%s", want, r.out)
		}
	}
	if r := awayd(t, args...); r.code != exitOK || !strings.Contains(r.out, "Urlaub") {
		t.Errorf("%+v", r)
	}
	expectError(t, awayd(t, "preview", "--ics", "no-such.ics"), exitUsage, "no-such.ics", "Try: ")
	expectError(t, awayd(t, "preview", "--ics", file, "--zone", "Mars/Olympus"), exitUsage, "Mars/Olympus")
	expectError(t, awayd(t, "preview", "--ics", file, "--from", "2026-07-02", "--to", "2026-07-01"), exitUsage, "ends before")
}
