package configs

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write awayd.toml.example from the table of directives")

var comparers = cmp.Options{
	cmpopts.IgnoreUnexported(Config{}),
	cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() }),
}

func TestDefault(t *testing.T) {
	want := Config{
		Poll: "@every 5m", LogLevel: slog.LevelInfo, LogFormat: "text", LogRetention: 365 * 24 * time.Hour,
		Lang: "en", WorkDays: [7]bool{1: true, 2: true, 3: true, 4: true, 5: true}, WorkStart: 480, WorkEnd: 1080,
		Bridge: true, MinDuration: 4 * time.Hour, Words: []string{}, Categories: []string{},
		Audience: "presence", Presence: true, Activity: true, Messages: true,
	}
	got := Default()
	if got.Zone != nil {
		t.Errorf("default zone: %v", got.Zone)
	}
	if diff := cmp.Diff(want, got, comparers); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	empty, err := Parse("awayd.toml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, empty, comparers); diff != "" {
		t.Errorf("an empty file is not the default:\n%s", diff)
	}
}

func TestExample(t *testing.T) {
	generated := generateExample()
	if *update {
		if err := os.WriteFile("awayd.toml.example", []byte(generated), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile("awayd.toml.example")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(generated, string(file)); diff != "" {
		t.Fatalf("awayd.toml.example is not what the table of directives says. Try: go test ./configs -run Example -update\n%s", diff)
	}
	if !*update && Example() != generated {
		t.Error("the embedded example is another one")
	}
	active := regexp.MustCompile(`(?m)^#([a-z])`).ReplaceAllString(generated, "$1")
	for name, text := range map[string]string{"as it is": generated, "with all directives": active} {
		c, err := Parse(name, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(Default(), c, comparers); diff != "" {
			t.Errorf("the example %s is not the default:\n%s", name, diff)
		}
		if name != "as it is" && len(c.lines) != len(Directives()) {
			t.Errorf("the example has %d of %d directives", len(c.lines), len(Directives()))
		}
	}
	for line := range strings.Lines(generated) {
		if len(line) > 90 {
			t.Errorf("long line: %s", line)
		}
	}
}

func TestParse(t *testing.T) {
	got, err := Parse("awayd.toml", []byte(`
# everything, otherwise than by default
poll = "*/10 6-20 * * Mon-Fri"
zone = 'Europe/Berlin'
lang = "de"
message = """
Bis {{.Until}}
"""
message_from_event = true
work_days = "Sat-Tue, Thursday"
work_hours = "22:00-06:30"
bridge = false
min_duration = "1d30m"
words = [
	"sabbatical", # with a comment
	"Kur",
]
categories = ["Away"]
audience = "open"
presence = false
activity = false
messages = false
notify_jid = "Admin@example.org"
notify_from = "awayd@example.org"
notify_password_file = "/etc/awayd/notify-password"
notify_address = "[::1]:5222"
notify_tls_ca = "/etc/awayd/ca.pem"
log_level = "debug"
"log_format" = "json"
log_retention = "0"
`))
	if err != nil {
		t.Fatal(err)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Poll: "*/10 6-20 * * Mon-Fri", LogLevel: slog.LevelDebug, LogFormat: "json", LogRetention: 0,
		Zone: berlin, Lang: "de", Message: "Bis {{.Until}}\n",
		WorkDays: [7]bool{0: true, 1: true, 2: true, 4: true, 6: true}, WorkStart: 22 * 60, WorkEnd: 6*60 + 30,
		MinDuration: 24*time.Hour + 30*time.Minute, Words: []string{"sabbatical", "Kur"}, Categories: []string{"Away"},
		Audience: "open", MessageFromEvent: true,
		Notify: Notify{
			JID: "admin@example.org", From: "awayd@example.org", PasswordFile: "/etc/awayd/notify-password",
			Address: "[::1]:5222", TLSCA: "/etc/awayd/ca.pem",
		},
	}
	if diff := cmp.Diff(want, got, comparers); diff != "" {
		t.Errorf("parsed (-want +got):\n%s", diff)
	}
	if got := got.Problem("lang", errors.New("nobody speaks it")).Error(); got != "awayd.toml:5: lang: nobody speaks it" {
		t.Errorf("problem found elsewhere: %s", got)
	}
	if got := Default().Problem("lang", errors.New("odd")).Error(); got != "built-in configuration: lang: odd" {
		t.Errorf("problem of the default: %s", got)
	}
}

func TestProblems(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"all at once", "pol = \"@every 5m\"\n\nlog-level = \"info\"\nbridge = \"yes\"\nzone = \"Europe/Berlni\"\n",
			"f:1: pol: no such directive; did you mean poll?\n" +
				"f:3: log-level: no such directive; did you mean log_level?\n" +
				"f:4: bridge: want true or false, got a string in quotes\n" +
				"f:5: zone: \"Europe/Berlni\" is no time zone: write one like Europe/Berlin"},
		{"far off", "postgres = 1", "f:1: postgres: no such directive"},
		{"dotted", "log.level = 'info'", "f:1: log.level: no such directive; did you mean log_level?"},
		{"swapped letters", "wrods = []", "f:1: wrods: no such directive; did you mean words?"},
		{"other case", "Lang = 'de'", "f:1: Lang: no such directive; did you mean lang?"},
		{"twice", "lang = 'de'\nlang = 'fr'", "f:2: lang: given twice, first in line 1"},
		{"table", "lang = 'de'\n[daemon]\npoll = 5\n[[x.y]]\nz = 1", "f:2: there are no tables but [[rule]]: write the directives without [daemon]\n" +
			"f:4: there are no tables but [[rule]]: write the directives without [x.y]"},
		{"number", "poll = 5", "f:1: poll: want a string in quotes, got a number"},
		{"float", "poll = 5.5", "f:1: poll: want a string in quotes, got a number"},
		{"date", "poll = 2025-07-01", "f:1: poll: want a string in quotes, got a date or time"},
		{"inline table", "poll = {}", "f:1: poll: want a string in quotes, got a table"},
		{"list", "poll = []", "f:1: poll: want a string in quotes, got a list of strings"},
		{"no list", "words = 'x'", "f:1: words: want a list of strings, got a string in quotes"},
		{"list of numbers", "words = ['x', 1]", "f:1: words: want strings in the list only"},
		{"empty word", "words = ['x', ' ']", "f:1: words: an entry is empty"},
		{"long word", "words = ['" + strings.Repeat("x", 101) + "']", "f:1: words: an entry is longer than 100 characters"},
		{"many words", "words = [" + strings.Repeat("'x',", 1001) + "]", "f:1: words: more than 1000 entries"},
		{"syntax, and what stands before", "pol = 1\nlang = \"de\nzone = ''", "f:1: pol: no such directive; did you mean poll?\n" +
			"f:2: not TOML: basic strings cannot have new lines"},
		{"no value", "lang", "f:1: not TOML: expected '=' after key"},
		{"poll", "poll = 'often'", "f:1: poll: \"often\" is no schedule: expected exactly 5 fields, found 1: [often]"},
		{"poll every", "poll = '@every x'", "f:1: poll: \"@every x\" is no schedule: failed to parse duration @every x: time: invalid duration \"x\""},
		{"poll zone", "poll = 'CRON_TZ=UTC'", "f:1: poll: \"CRON_TZ=UTC\" is no schedule: nothing follows the zone"},
		{"poll never", "poll = '0 0 30 2 *'", "f:1: poll: \"0 0 30 2 *\" never comes"},
		{"zone Local", "zone = 'Local'", "f:1: zone: \"Local\" is no time zone: write one like Europe/Berlin"},
		{"work_days", "work_days = 'Mon-Fry'", "f:1: work_days: \"Fry\" is no day: write Mon, Tue, Wed, Thu, Fri, Sat or Sun"},
		{"no work_days", "work_days = ''", "f:1: work_days: \"\" is no day: write Mon, Tue, Wed, Thu, Fri, Sat or Sun"},
		{"work_hours", "work_hours = '8-18'", "f:1: work_hours: \"8\" is no time of day: write it like 08:00"},
		{"no work_hours", "work_hours = '08:00'", "f:1: work_hours: \"08:00\" is no range of hours: write it like 08:00-18:00"},
		{"empty work_hours", "work_hours = '08:00-08:00'", "f:1: work_hours: \"08:00-08:00\" has no hours in it; the whole day is 00:00-24:00"},
		{"from 24:00", "work_hours = '24:00-08:00'", "f:1: work_hours: 24:00 can only be the end"},
		{"min_duration", "min_duration = '-4h'", "f:1: min_duration: \"-4h\" is no duration: write it like 90m, 4h or 365d"},
		{"audience", "audience = 'all'", "f:1: audience: \"all\" is unknown: write presence, open or group:NAME"},
		{"no JID", "notify_jid = 'admin'", "f:1: notify_jid: \"admin\" is no address of an account: write one like admin@example.org"},
		{"full JID", "notify_jid = 'admin@example.org/desk'", "f:1: notify_jid: \"admin@example.org/desk\" is no address of an account: write one like admin@example.org"},
		{"nobody to notify", "notify_from = 'awayd@example.org'\nnotify_tls_ca = '/ca.pem'", "f:1: notify_from: it is for notify_jid, which is not given\n" +
			"f:2: notify_tls_ca: it is for notify_jid, which is not given"},
		{"relative file", "notify_jid = 'a@b'\nnotify_password_file = 'password'", "f:2: notify_password_file: \"password\" does not begin with a slash"},
		{"no port", "notify_jid = 'a@b'\nnotify_address = 'example.org'", "f:2: notify_address: \"example.org\" is no address: write it like xmpp.example.org:5222"},
		{"port 0", "notify_jid = 'a@b'\nnotify_address = 'example.org:0'", "f:2: notify_address: \"example.org:0\" is no address: write it like xmpp.example.org:5222"},
		{"log_level", "log_level = 'INFO+1'", "f:1: log_level: \"INFO+1\" is unknown: write debug, info, warn or error"},
		{"log_format", "log_format = 'xml'", "f:1: log_format: \"xml\" is unknown: write text or json"},
		{"log_retention", "log_retention = '1y'", "f:1: log_retention: \"1y\" is no duration: write it like 90m, 4h or 365d"},
		{"large", strings.Repeat("#\n", maxFile), "f: larger than 65536 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("f", []byte(test.text))
			var problems Problems
			if !errors.As(err, &problems) || problems.Hint() == "" {
				t.Fatalf("got %v, want Problems", err)
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "awayd.toml")
	if _, err := Load(file); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), file) {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(file, []byte("lang = 'de'\n\nzoen = ''\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file); err == nil || err.Error() != file+":3: zoen: no such directive; did you mean zone?" {
		t.Errorf("a problem: %v", err)
	}
	if err := os.WriteFile(file, []byte(Example()), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file); err != nil {
		t.Error(err)
	}
	if _, err := Load(filepath.Dir(file)); err == nil {
		t.Error("a directory was read")
	}
}

func TestValues(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"0": 0, "0d": 0, "4h": 4 * time.Hour, "365d": 365 * 24 * time.Hour, "1d12h": 36 * time.Hour, "106751d": 106751 * 24 * time.Hour,
	} {
		if got, err := ParseDuration(in); err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "d", "-1d", "1d-1h", "1h2d", "106752d", "106751d24h", "99999999999d", "5"} {
		if got, err := ParseDuration(in); err == nil {
			t.Errorf("ParseDuration(%q) = %v", in, got)
		}
	}
	for in, want := range map[string][2]int{
		"08:00-18:00": {480, 1080}, "8:05 - 24:00": {485, 1440}, "00:00-24:00": {0, 1440}, "22:00-06:00": {1320, 360},
	} {
		if start, end, err := ParseWorkHours(in); err != nil || start != want[0] || end != want[1] {
			t.Errorf("ParseWorkHours(%q) = %d, %d, %v", in, start, end, err)
		}
	}
}

// Who is told is who tells, unless another account is named.
func TestNotifyFrom(t *testing.T) {
	c, err := Parse("f", []byte("notify_jid = 'admin@example.org'"))
	if want := (Notify{JID: "admin@example.org", From: "admin@example.org"}); err != nil || c.Notify != want {
		t.Errorf("%+v, %v", c.Notify, err)
	}
}

// TestWorkDays reads back every set of days.
func TestWorkDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want [7]bool
		var names []string
		for _, day := range rapid.SliceOfN(rapid.IntRange(0, 6), 1, 10).Draw(t, "days") {
			length := rapid.IntRange(0, 6).Draw(t, "length")
			for i := range length + 1 {
				want[(day+i)%7] = true
			}
			name := time.Weekday(day).String()[:3]
			if length > 0 {
				name = fmt.Sprintf("%s - %s", strings.ToUpper(name), time.Weekday((day+length)%7))
			}
			names = append(names, name)
		}
		got, err := ParseWorkDays(strings.Join(names, ","))
		if err != nil || got != want {
			t.Fatalf("%v: %v, %v", names, got, err)
		}
	})
}

// FuzzParse holds that no file makes Parse panic, and that every problem names
// the file and a line of it.
func FuzzParse(f *testing.F) {
	f.Add([]byte(Example()))
	f.Add([]byte(regexp.MustCompile(`(?m)^#([a-z])`).ReplaceAllString(Example(), "$1")))
	f.Add([]byte("a.b = {x = [1, 2979-01-01]}\n[t]\n\"\" = '''\n'''"))
	f.Add([]byte("poll = 'TZ='\nwords = [[], {}]\n= \n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, err := Parse("f", text)
		if err == nil {
			return
		}
		var problems Problems
		if !errors.As(err, &problems) || len(problems) == 0 {
			t.Fatalf("%T: %v", err, err)
		}
		lines := 1 + strings.Count(string(text), "\n")
		for _, p := range problems {
			if p.File != "f" || p.Text == "" || p.Line > lines || (p.Line < 1 && len(text) <= maxFile) {
				t.Errorf("problem %+v of %d lines", p, lines)
			}
		}
	})
}
