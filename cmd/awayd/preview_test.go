package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// TestPreview holds what preview prints, in golden files: a page for people and
// a document for scripts.
func TestPreview(t *testing.T) {
	config := write(t, "awayd.toml", "message_from_event = true\n\n"+
		"[[rule]]\nname = \"customers\"\nsummary = \"^visit:\"\nverdict = \"absence\"\n\n"+
		"[[rule]]\nname = \"sport\"\nsummary = \"gym\"\nverdict = \"ignore\"\n")
	args := []string{
		"--config", config, "preview", "--ics", "testdata/work.ics", "--holidays", "testdata/holidays.ics", "--zone", "Europe/Berlin",
		"--from", "2025-07-01", "--to", "2026-07-01",
	}
	for golden, flags := range map[string][]string{"preview.txt": nil, "preview.json": {"--json"}} {
		r := awayd(t, append(args, flags...)...)
		if r.code != exitOK || r.err != "" {
			t.Fatalf("%s: %+v", golden, r)
		}
		expectGolden(t, golden, r.out)
	}
}

// expectGolden compares with a file of testdata, which -update writes anew.
func expectGolden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s: -want +got. Try: go test ./cmd/awayd -run %s -update\n%s", name, t.Name(), d)
	}
}

func TestPreviewOfNothing(t *testing.T) {
	file := write(t, "empty.ics", "BEGIN:VCALENDAR\nEND:VCALENDAR\n")
	r := awayd(t, "preview", "--ics", file, "--zone", "UTC", "--from", "2025-07-01", "--to", "2025-07-02")
	want := "Tue 2025-07-01 to Wed 2025-07-02, times in UTC. Nothing is published.\n\nAway\n  never: no event in these calendars is an absence\n"
	if r.out != want || r.code != exitOK {
		t.Errorf("%+v", r)
	}
}

// A stranger's texts do not steer the terminal.
func TestPreviewIsPlainText(t *testing.T) {
	file := write(t, "hostile.ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u\nDTSTART:20250707\nSUMMARY:Vacation \\n\u009b31m x\nDESCRIPTION:OOO: a\\n\u009b31mb\n"+
		"END:VEVENT\nBEGIN:VEVENT\nUID:v\nDTSTART:20250708\nSUMMARY:a\\nb \u009b31m\nEND:VEVENT\nEND:VCALENDAR\n")
	config := write(t, "awayd.toml", "message_from_event = true\n")
	r := awayd(t, "--config", config, "preview", "--ics", file, "--zone", "UTC", "--from", "2025-07-01", "--to", "2025-08-01")
	if r.code != exitOK || strings.ContainsFunc(r.out, func(c rune) bool { return c != '\n' && c < ' ' || c >= 0x7f && c < 0xa0 }) {
		t.Errorf("%+v", r)
	}
}

func TestRuleNamesAreOwn(t *testing.T) {
	config := write(t, "awayd.toml", "lang = 'de'\n[[rule]]\nname = 'word'\ncategory = 'x'\nverdict = 'absence'\n")
	r := awayd(t, "--config", config, "preview", "--ics", "testdata/work.ics")
	expectError(t, r, exitUsage, config+":2: rule: \"word\" is the name of a built-in rule")
}

// The days of --from and --to are the person's, not the machine's.
func TestPreviewInThePersonsZone(t *testing.T) {
	h := newHousehold(t)
	defer h.daemon()()
	if r := h.link("--zone", "Pacific/Kiritimati"); r.code != exitOK { // 14 hours ahead
		t.Fatalf("%+v", r)
	}
	out := h.must("preview", h.ada.JID, "--from", "2026-12-24", "--to", "2026-12-25", "--json")
	for _, want := range []string{`"from": "2026-12-24T00:00:00+14:00"`, `"to": "2026-12-25T00:00:00+14:00"`} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is not in:\n%s", want, out)
		}
	}
}
