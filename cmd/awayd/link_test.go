package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"awayd/cmd/awayd/control"
	"awayd/cmd/testbed"
	"awayd/sync/engine"
)

// A household is a person with an XMPP account and a calendar on real servers.
type household struct {
	t        *testing.T
	xmpp     *testbed.XMPP
	dav      *testbed.DAV
	ada      testbed.Person
	calendar string // URL
	state    string
	config   string            // a file; empty: none
	flags    map[string]string // of link
}

func newHousehold(t *testing.T) *household {
	h := newHouseholdOn(t, bed.XMPPFor(t, testbed.Prosody))
	h.put("trip", "Trip to Rome", 10*24*time.Hour, 12*24*time.Hour)
	return h
}

// newHouseholdOn has an empty calendar.
func newHouseholdOn(t *testing.T, x *testbed.XMPP) *household {
	h := &household{t: t, xmpp: x, dav: bed.DAVFor(t, testbed.Radicale), state: t.TempDir()}
	h.ada = h.xmpp.PersonFor(t, "ada")
	// A calendar of its own for each test, on a server that they share.
	var err error
	if h.calendar, err = h.dav.MakeCalendar(t.Context(), testbed.BedUser, strings.ReplaceAll(x.Addr, ":", "-")+"-"+h.ada.User); err != nil {
		t.Fatal(err)
	}
	h.flags = map[string]string{
		"--jid": h.ada.JID, "--jid-password-file": write(t, "jid-password", h.ada.Password+"\n"),
		"--xmpp-address": h.xmpp.Addr, "--tls-ca": h.xmpp.CA.File, "--zone": "Europe/Berlin",
		"--calendar-url": h.calendar, "--calendar-user": testbed.BedUser,
		"--calendar-password-file": write(t, "calendar-password", testbed.BedPassword),
	}
	return h
}

func (h *household) put(uid, title string, from, to time.Duration) {
	h.t.Helper()
	const form = "20060102T150405Z"
	ics := strings.Join([]string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", "BEGIN:VEVENT", "UID:" + uid, "DTSTAMP:20260101T000000Z",
		"DTSTART:" + now().Add(from).UTC().Format(form), "DTEND:" + now().Add(to).UTC().Format(form), "SUMMARY:" + title,
		"END:VEVENT", "END:VCALENDAR", "",
	}, "\r\n")
	if err := h.dav.Put(h.t.Context(), h.calendar+uid+".ics", ics); err != nil {
		h.t.Fatal(err)
	}
}

// link links with the household's flags, some of them changed.
func (h *household) link(changed ...string) result {
	h.t.Helper()
	args := []string{"link", "--yes", "--every-event"}
	for flag, value := range h.flags {
		if i := slices.Index(changed, flag); i >= 0 {
			value = changed[i+1]
		}
		args = append(args, flag, value)
	}
	return h.run(args...)
}

func (h *household) run(args ...string) result {
	h.t.Helper()
	return awayd(h.t, append(h.global(), args...)...)
}

// global are the flags of every command.
func (h *household) global() []string {
	if h.config == "" {
		return []string{"--state", h.state}
	}
	return []string{"--state", h.state, "--config", h.config}
}

func (h *household) must(args ...string) string {
	h.t.Helper()
	r := h.run(args...)
	if r.code != exitOK {
		h.t.Fatalf("awayd %s: %+v", strings.Join(args, " "), r)
	}
	return r.out
}

func (h *household) status() engine.Status {
	h.t.Helper()
	var doc struct{ Accounts []engine.Status }
	if err := json.Unmarshal([]byte(h.must("status", "--json")), &doc); err != nil {
		h.t.Fatal(err)
	}
	if len(doc.Accounts) != 1 {
		h.t.Fatalf("%d accounts", len(doc.Accounts))
	}
	return doc.Accounts[0]
}

// daemon runs the daemon in this process until the test ends or stop is
// called.
func (h *household) daemon() (stop func()) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(h.t.Context()))
	log, err := os.Create(filepath.Join(h.t.TempDir(), "log"))
	if err != nil {
		h.t.Fatal(err)
	}
	done := make(chan int, 1)
	go func() { done <- Main(ctx, append(h.global(), "run"), streams{os.Stdin, log, log}) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if code := <-done; code != exitOK {
			said, _ := os.ReadFile(log.Name())
			h.t.Errorf("the daemon ended with %d:\n%s", code, said)
		}
	}
	h.t.Cleanup(stop)
	a := &app{stateDir: h.state}
	for deadline := now().Add(10 * time.Second); ; {
		if c, _ := a.knock(ctx); c != nil {
			c.Client.Close()
			return stop
		}
		if now().After(deadline) {
			h.t.Fatal("the daemon does not answer")
		}
		_ = pause(ctx, 20*time.Millisecond)
	}
}

func TestLinkRefusesWhatDoesNotWork(t *testing.T) {
	h := newHousehold(t)
	for _, test := range []struct {
		name    string
		changed []string
		want    []string
		usage   bool
	}{
		{"wrong password", []string{"--jid-password-file", write(t, "p", "wrong")}, []string{h.ada.JID, "password", "Try: "}, false},
		{"unknown host", []string{"--jid", "ada@no-such-host.invalid", "--xmpp-address", ""}, []string{"no-such-host.invalid", "Try: "}, false},
		{"nobody listens", []string{"--xmpp-address", "127.0.0.1:1"}, []string{"127.0.0.1:1", "Try: "}, false},
		{"certificate not trusted", []string{"--tls-ca", write(t, "ca.pem", string(otherCA(t)))}, []string{"certificate", "--tls-ca"}, false},
		{"wrong calendar password", []string{"--calendar-password-file", write(t, "c", "wrong")}, []string{"password", "Try: "}, false},
		{"calendar gone", []string{"--calendar-url", h.calendar + "gone/"}, []string{"Try: "}, false},
		{"no calendar server", []string{"--calendar-url", "http://127.0.0.1:1/"}, []string{"127.0.0.1:1", "Try: "}, false},
		{"no URL", []string{"--calendar-url", "calendar"}, []string{"Try: "}, true},
		{"no HOST:PORT", []string{"--xmpp-address", "nonsense"}, []string{"HOST:PORT", "Try: "}, true},
		{"calendar in clear", []string{"--calendar-url", "http://dav.example.org/"}, []string{"https", "Try: "}, true},
		{"no such zone", []string{"--zone", "Europe/Berlitz"}, []string{"Europe/Berlitz", "Try: --zone"}, true},
		{"everything right", nil, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := h.link(test.changed...)
			if test.want == nil {
				if r.code != exitOK {
					t.Errorf("%+v", r)
				}
				return
			}
			if r.code == exitOK {
				t.Fatalf("linked: %s", r.out)
			}
			code := exitFailed
			if test.usage {
				code = exitUsage
			}
			expectError(t, r, code, test.want...)
			for _, secret := range []string{h.ada.Password, testbed.BedPassword} {
				if strings.Contains(r.err, secret) {
					t.Errorf("the error shows a password: %s", r.err)
				}
			}
			if r := h.run("accounts", "--json"); !strings.Contains(r.out, `"accounts": []`) {
				t.Errorf("something was saved: %s", r.out)
			}
		})
	}
}

func otherCA(t *testing.T) []byte {
	ca, err := testbed.NewCA(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return ca.PEM
}

func TestLifeWithoutADaemon(t *testing.T) {
	h := newHousehold(t)
	if r := h.link(); r.code != exitOK || !strings.Contains(r.out, "is linked") || !strings.Contains(r.err, "no daemon is running") {
		t.Fatalf("%+v", r)
	}
	s := h.status()
	if s.Staged == nil || s.Visible != nil || s.Next == nil || s.Next.Action != "reveal" || s.Health != engine.HealthError {
		t.Errorf("status: %+v", s)
	}
	h.must("sync")
	h.must("set", h.ada.JID, "--message", "Back on {{.Return}}", "--lang", "de")
	if s := h.status(); !strings.HasPrefix(s.Staged.Message, "Back on ") {
		t.Errorf("the new message is not staged: %q", s.Staged.Message)
	}
	expectError(t, h.run("set", h.ada.JID, "--message", "{{.Nonsense}}"), exitUsage, "Nonsense")
	expectError(t, h.run("set", h.ada.JID, "--audience", "everybody"), exitUsage, "everybody")
	expectError(t, h.run("withdraw", h.ada.JID), exitFailed, "no out-of-office", "Try: ")
	h.must("set", h.ada.JID, "--delegate", "bob@example.org")
	h.must("set", h.ada.JID, "--delegate", "")
	if out := h.must("accounts", "--json"); strings.Contains(out, "bob@example.org") {
		t.Errorf("the delegate was not unset: %s", out)
	}
	expectError(t, h.run("set", h.ada.JID, "--address", "nonsense"), exitUsage, "nonsense", "Try: ")
	expectError(t, h.run("link", "--yes", "--jid", h.ada.JID, "--calendar-user", "x"), exitUsage, "--calendar-url")
	h.must("pause", strings.ToUpper(h.ada.JID[:1])+h.ada.JID[1:])
	if s := h.status(); s.Mode != "paused" || s.Next != nil {
		t.Errorf("paused: %+v", s)
	}
	h.must("resume", h.ada.JID)
	if out := h.must("preview", h.ada.JID); !strings.Contains(out, "Trip to Rome") {
		t.Errorf("preview: %s", out)
	}
	h.must("unlink", h.ada.JID)
	if out := h.must("accounts"); !strings.Contains(out, "No account") {
		t.Errorf("accounts: %s", out)
	}
	var kinds []string
	for line := range strings.Lines(h.must("log", "--json")) {
		var e control.LogEntry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Reason == "" || e.Time.IsZero() {
			t.Errorf("an entry without reason or time: %s", line)
		}
		kinds = append(kinds, e.Kind)
	}
	for _, k := range []string{"link", "poll", "change", "stage", "pause", "resume", "unlink"} {
		if !slices.Contains(kinds, k) {
			t.Errorf("no %s in the log: %v", k, kinds)
		}
	}
}

func TestLifeWithADaemon(t *testing.T) {
	h := newHousehold(t)
	stop := h.daemon()
	expectError(t, h.run("run"), exitFailed, "Try: ")
	if r := h.link(); r.code != exitOK || r.err != "" {
		t.Fatalf("%+v", r)
	}
	if s := h.status(); s.Staged == nil || s.Health != engine.HealthOK || !s.XMPP.Connected || !strings.HasPrefix(s.XMPP.Server, "Prosody") {
		t.Errorf("status: %+v", s)
	}
	if out := h.must("check"); strings.Contains(out, "FAIL") {
		t.Errorf("check: %s", out)
	}
	// Linking again changes what the flags name and nothing else.
	h.must("set", h.ada.JID, "--lang", "de")
	h.must("link", "--yes", "--jid", h.ada.JID, "--jid-password-file", h.flags["--jid-password-file"])
	if out := h.must("accounts", "--json"); strings.Count(out, `"every_event": true`) != 1 || !strings.Contains(out, `"lang": "de"`) {
		t.Errorf("after linking again: %s", out)
	}
	copied := filepath.Join(t.TempDir(), "copy")
	h.must("backup", copied)
	expectError(t, h.run("backup", copied), exitUsage, "exists already")
	if text, err := os.ReadFile(copied); err != nil || !strings.HasPrefix(string(text), "SQLite format 3") || strings.Contains(string(text), h.ada.Password) {
		t.Errorf("the backup is none: %v", err)
	}
	// An absence that began already is revealed by the sync that finds it, and
	// withdrawn for good.
	h.put("now", "Dentist", -time.Hour, time.Hour)
	h.must("sync", h.ada.JID)
	if s := h.status(); s.Visible == nil {
		t.Fatalf("not revealed: %+v", s)
	}
	h.must("withdraw", h.ada.JID)
	if s := h.status(); s.Visible != nil || s.Staged == nil {
		t.Errorf("not withdrawn: %+v", s)
	}
	h.must("sync")
	if s := h.status(); s.Visible != nil {
		t.Errorf("it came back: %+v", s)
	}
	// A calendar that is gone changes nothing that is staged.
	if err := h.dav.Delete(t.Context(), h.calendar); err != nil {
		t.Fatal(err)
	}
	expectError(t, h.run("sync"), exitFailed, "calendar")
	if s := h.status(); s.Staged == nil || s.Health != engine.HealthError || len(s.Problems) == 0 {
		t.Errorf("calendar gone: %+v", s)
	}
	stop()
	if _, err := os.Stat(filepath.Join(h.state, control.Socket)); !os.IsNotExist(err) {
		t.Errorf("the control socket is still there: %v", err)
	}
	h.grep(h.ada.Password, testbed.BedPassword, h.calendar, h.calendar[strings.Index(h.calendar, "/"+testbed.BedUser):])
}

// grep demands that no file of the state holds a secret in clear.
func (h *household) grep(secrets ...string) {
	files, err := os.ReadDir(h.state)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(h.state, f.Name()))
		if err != nil {
			h.t.Fatal(err)
		}
		for _, s := range secrets {
			if strings.Contains(string(text), s) {
				h.t.Errorf("%s holds %q in clear", f.Name(), s)
			}
		}
	}
}
