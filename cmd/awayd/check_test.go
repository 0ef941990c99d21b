package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"awayd/cmd/awayd/control"
	"awayd/cmd/testbed"
	"awayd/sync/finding"
)

// normal takes out of a check what differs from one run and one machine to the
// next.
func (h *household) normal(text string) string {
	replace := strings.NewReplacer(h.state, "STATE", h.ada.JID, "ada@example.org", h.xmpp.Addr, "SERVER",
		strings.TrimPrefix(strings.TrimSuffix(h.dav.URL, "/"), "http://"), "CALENDARS",
		filepath.Base(strings.TrimSuffix(h.calendar, "/")), "Work")
	text = replace.Replace(text)
	for _, r := range []struct{ is, becomes string }{
		{`process \d+`, "process PID"}, {`key [0-9a-f]+`, "key KEY"}, {`\d+ [kMG]B`, "N MB"}, {`\d+ entries`, "N entries"},
		{`expires in \d+ days`, "expires in N days"}, {`\d{4}-\d\d-\d\dT[0-9:]+Z`, "NOW"}, {`\d{4}-\d\d-\d\d`, "DAY"}, {`system zone \S+`, "system zone ZONE"},
		{`Prosody \S+`, "Prosody"}, {`ejabberd \S+`, "ejabberd"}, {`calendar "Work" of ada@example.org +`, `calendar "Work" of ada@example.org  `},
		{`(?m)^(\S+ +)(configuration|daemon|state|clock|account ada@example.org) {2,}`, "$1$2  "},
	} {
		text = regexp.MustCompile(r.is).ReplaceAllString(text, r.becomes)
	}
	return text
}

// The whole text, short and long, as people see it.
func TestCheckAsPeopleSeeIt(t *testing.T) {
	for _, kind := range []string{testbed.Prosody, testbed.Ejabberd} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			h := newHouseholdOn(t, bed.XMPPFor(t, kind))
			if err := os.Chmod(h.state, 0o750); err != nil {
				t.Fatal(err)
			}
			h.put("trip", "Trip to Rome", 10*24*time.Hour, 12*24*time.Hour)
			if kind == testbed.Prosody { // where all is well
				own := h.xmpp.LoginFor(t, h.ada, testbed.ContactOptions{})
				bob := h.xmpp.LoginFor(t, h.xmpp.PersonFor(t, "bob"), testbed.ContactOptions{})
				if err := testbed.Befriend(t.Context(), own, bob); err != nil {
					t.Fatal(err)
				}
			} else {
				const broken = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:broken\r\nDTSTAMP:20260101T000000Z\r\n" +
					"DTSTART;TZID=Mars/Olympus:20300101T000000\r\nSUMMARY:Moon\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
				if err := h.dav.Put(t.Context(), h.calendar+"broken.ics", broken); err != nil {
					t.Fatal(err)
				}
			}
			h.daemon()
			if r := h.link(); r.code != exitOK {
				t.Fatalf("%+v", r)
			}
			expectGolden(t, "check-"+kind+".txt", h.normal(h.must("check")+"\n"+h.must("check", "--verbose")))
		})
	}
}

func (h *household) findings() (found []control.Finding, code int) {
	h.t.Helper()
	r := h.run("check", "--json")
	var doc struct{ Findings []control.Finding }
	if err := json.Unmarshal([]byte(r.out), &doc); err != nil {
		h.t.Fatalf("%v: %+v", err, r)
	}
	return doc.Findings, r.code
}

// What was well when it was linked breaks later.
func TestCheckFindsWhatBroke(t *testing.T) {
	t.Parallel()
	h := newHousehold(t)
	h.daemon()
	if r := h.link(); r.code != exitOK || !strings.Contains(r.out, "Note      contacts: nobody will be told") {
		t.Fatalf("%+v", r)
	}
	found, code := h.findings()
	if code != exitOK {
		t.Errorf("exit code %d: %+v", code, found)
	}
	for _, f := range found {
		if f.Subject == "" || f.Topic == "" || f.Detail == "" || f.OK != (f.Severity != finding.Error) {
			t.Errorf("%+v", f)
		}
		if f.Severity != finding.OK && f.Hint == "" {
			t.Errorf("no advice: %+v", f)
		}
		if about := strings.Contains(f.Subject, h.ada.JID); about != (f.Account == h.ada.JID) {
			t.Errorf("whose is it: %+v", f)
		}
	}
	if err := h.xmpp.Register(t.Context(), h.ada.User, "another password"); err != nil {
		t.Fatal(err)
	}
	if err := h.dav.Delete(t.Context(), h.calendar+"trip.ics"); err != nil {
		t.Fatal(err)
	}
	h.must("pause", h.ada.JID)
	found, code = h.findings()
	if code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	h.expect(found, "account "+h.ada.JID, "login", finding.Error, "refused the password", "check the password")
	h.expect(found, "account "+h.ada.JID, "mode", finding.Warning, "paused", "awayd resume "+h.ada.JID)
	if err := h.dav.Delete(t.Context(), h.calendar); err != nil {
		t.Fatal(err)
	}
	found, _ = h.findings()
	calendar := `calendar "` + filepath.Base(strings.TrimSuffix(h.calendar, "/")) + `" of ` + h.ada.JID
	h.expect(found, calendar, "address", finding.Error, "404", "check the calendar's URL")
	if err := os.Chmod(filepath.Join(h.state, "key"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := h.run("check")
	for _, want := range []string{"FAIL  state", "key has mode 644", "Try: chmod 600 "} {
		if !strings.Contains(r.out, want) {
			t.Errorf("%q is not in:\n%s", want, r.out)
		}
	}
	for _, secret := range []string{h.ada.Password, testbed.BedPassword} {
		if strings.Contains(r.out+r.err, secret) {
			t.Errorf("it shows a password:\n%s", r.out+r.err)
		}
	}
	expectError(t, r, exitFailed, "something needs mending")
}

func (h *household) expect(found []control.Finding, subject, topic string, s finding.Severity, want ...string) {
	h.t.Helper()
	for _, f := range found {
		if f.Subject != subject || f.Topic != topic {
			continue
		}
		if f.Severity != s {
			h.t.Errorf("%+v, want %s", f, s)
		}
		for _, w := range want {
			if !strings.Contains(f.Detail+" Try: "+f.Hint, w) {
				h.t.Errorf("%q is not in %+v", w, f)
			}
		}
		return
	}
	h.t.Errorf("nothing about %s of %s in %+v", topic, subject, found)
}

// A calendar that suddenly holds nothing is not believed at once, and check
// says so; one whose zone nobody knows is told as well.
func TestCheckOfAHeldCalendar(t *testing.T) {
	t.Parallel()
	h := newHousehold(t)
	folder := t.TempDir()
	event := strings.ReplaceAll(vacations, "\n", "\r\n")
	for _, name := range []string{"a.ics", "b.ics"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(event), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	h.daemon()
	if r := h.link("--calendar-url", "file:"+folder, "--calendar-user", "", "--calendar-password-file", ""); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	calendar := `calendar "` + filepath.Base(folder) + `" of ` + h.ada.JID
	found, _ := h.findings()
	h.expect(found, calendar, "address", finding.OK, "a folder at file://"+folder)
	h.expect(found, calendar, "objects", finding.Warning, "2 in all", "not read in full", "broken", "line")
	remove := func(name string) {
		t.Helper()
		if err := os.Remove(filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
		found, _ = h.findings()
	}
	remove("a.ics")
	h.expect(found, calendar, "hold", finding.OK, "1 of 2")
	remove("b.ics")
	h.expect(found, calendar, "hold", finding.Warning, "suddenly holds nothing", "awayd sync --accept "+h.ada.JID)
}

// A server on which nothing can be published is not linked, and the person
// learns what its administrator has to do.
func TestLinkRefusesAServerWithoutPEP(t *testing.T) {
	t.Parallel()
	x := testbed.XMPPFor(t, testbed.Prosody, testbed.XMPPOptions{Extra: `modules_disabled = { "pep" }`})
	h := newHouseholdOn(t, x)
	h.put("trip", "Trip to Rome", 10*24*time.Hour, 12*24*time.Hour)
	expectError(t, h.link(), exitFailed, h.ada.JID, "cannot be linked", "PEP", "Try: ", "modules_enabled")
	if r := h.run("accounts", "--json"); !strings.Contains(r.out, `"accounts": []`) {
		t.Errorf("something was saved: %s", r.out)
	}
}

func TestCheckTellsEachProblemOfTheConfiguration(t *testing.T) {
	file := write(t, "awayd.toml", "pol = \"@every 5m\"\nlang = 3\n")
	r := awayd(t, "--config", file, "--state", t.TempDir(), "check", "--json")
	var doc struct{ Findings []control.Finding }
	if err := json.Unmarshal([]byte(r.out), &doc); err != nil || r.code != exitUsage {
		t.Fatalf("%v: %+v", err, r)
	}
	if len(doc.Findings) != 2 || !strings.Contains(doc.Findings[0].Detail, file+":1:") || !strings.Contains(doc.Findings[1].Detail, file+":2:") {
		t.Errorf("%+v", doc.Findings)
	}
}

// Subjects and topics are aligned, and what is not well is told first and in full.
func TestPrintFindings(t *testing.T) {
	found := []control.Finding{
		control.NewFinding("state", "", finding.Good("lock", "held")),
		control.NewFinding("state", "", finding.Good("space", "1 GB free")),
		control.NewFinding("account ada@example.org", "ada@example.org", finding.Good("address", "there")),
		control.NewFinding("account ada@example.org", "ada@example.org", finding.Doubt("certificate", "renew it", "expires\x1b soon")),
		control.NewFinding("account ada@example.org", "ada@example.org", finding.Bad("PEP", "", "none")),
	}
	for _, test := range []struct {
		verbose bool
		want    string
	}{
		{false, `FAIL  account ada@example.org  address
      warn  certificate: expires  soon
            Try: renew it
      FAIL  PEP: none
ok    state                    lock, space
1 to mend, 1 warning.
`},
		{true, `FAIL  account ada@example.org
      ok    address      there
      warn  certificate  expires  soon
            Try: renew it
      FAIL  PEP          none
ok    state
      ok    lock   held
      ok    space  1 GB free
1 to mend, 1 warning.
`},
	} {
		var out bytes.Buffer
		a := &app{streams: streams{out: &out}}
		if err := a.printFindings(found, false, test.verbose); err != nil || out.String() != test.want {
			t.Errorf("%v, got\n%swant\n%s", err, out.String(), test.want)
		}
	}
}
