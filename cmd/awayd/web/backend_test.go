package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"awayd/cmd/awayd/control"
	"awayd/sync/engine"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// A backend answers as the control socket does, and counts what it is told to
// do.
type backend struct {
	accounts []engine.Status
	preview  control.Preview
	entries  []control.LogEntry
	fail     *control.Error // what an action answers

	mu   sync.Mutex
	did  []string // actions with their account
	asks []string // queries of the log
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	answer := func(v any) { _ = json.NewEncoder(w).Encode(v) }
	refused := func(e *control.Error) { w.WriteHeader(http.StatusBadRequest); answer(e) }
	switch {
	case r.Method == http.MethodPost:
		body, _ := io.ReadAll(r.Body)
		b.did = append(b.did, r.URL.Path+" "+strings.TrimSpace(string(body)))
		switch {
		case b.fail != nil:
			refused(b.fail)
		case r.URL.Path == "/sync":
			answer([]engine.SyncResult{{JID: "ada@example.org"}})
		default:
			answer(nil)
		}
	case r.URL.Path == "/status":
		jid := r.FormValue("jid")
		found := []engine.Status{}
		for _, s := range b.accounts {
			if jid == "" || s.JID == jid {
				found = append(found, s)
			}
		}
		if jid != "" && len(found) == 0 {
			refused(&control.Error{Message: jid + ": no such account is linked", Advice: "awayd accounts lists those that are", Usage: true})
			return
		}
		answer(found)
	case r.URL.Path == "/preview":
		answer(b.preview)
	case r.URL.Path == "/log":
		b.asks = append(b.asks, r.URL.RawQuery)
		for _, e := range b.entries {
			answer(e)
		}
	}
}

// actions are what was done so far.
func (b *backend) actions() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.did...)
}

func at(day, hour int) time.Time { return time.Date(2026, 7, day, hour, 0, 0, 0, time.UTC) }

func momentAt(day int) *time.Time { t := at(day, 0); return &t }

// family is a backend with one person, who is away and has problems, and whose
// texts are hostile.
func family() *backend {
	const hostile = `<script>alert("x")</script>`
	return &backend{
		accounts: []engine.Status{{
			JID: "ada@example.org", Mode: "auto", Zone: "Europe/Berlin", Health: engine.HealthHeld, Problems: []string{"calendar: " + hostile},
			Visible:   &engine.Message{Start: momentAt(1), End: momentAt(4), Message: "Away. " + hostile},
			Next:      &engine.Next{At: at(4, 0), Action: "withdraw"},
			Calendars: []engine.CalendarStatus{{Name: "Trips " + hostile, URL: "https://dav.example.org/…", LastOK: momentAt(1), Hold: "it is empty"}},
		}},
		preview: control.Preview{
			Zone: "Europe/Berlin",
			Absences: []control.PreviewAbsence{
				{UID: "now", Start: at(1, 0), End: at(4, 0), Summary: "Rome " + hostile, Calendar: "Other", Matched: "word"},
				{UID: "held", Start: at(20, 0), End: at(22, 0), Summary: "", Calendar: "Trips " + hostile, Matched: "word"},
			},
			Periods: []control.PreviewPeriod{
				{Start: at(1, 0), End: at(4, 0), Message: "Away. " + hostile, Absences: []string{"now"}},
				{Start: at(20, 0), End: at(22, 0), Message: "Away.", Absences: []string{"held"}, Joins: []control.PreviewJoin{{From: at(20, 12), To: at(20, 14), Why: "night"}}},
			},
			Ignored: []control.PreviewIgnored{{UID: "x", Start: at(9, 9), End: at(9, 10), Summary: hostile, Reason: "no-rule", Detail: "no rule " + hostile}},
			Actions: []control.PreviewAction{{At: at(4, 0), Action: "withdraw", Reason: "it ended " + hostile}},
			Errors:  []control.PreviewError{{Source: "a.ics", Error: hostile}},
		},
		entries: []control.LogEntry{
			{ID: 7, Time: at(1, 0), Account: "ada@example.org", Kind: "reveal", Outcome: "ok", Reason: "it began " + hostile},
			{ID: 8, Time: at(1, 1), Account: "ada@example.org", Kind: "poll", Outcome: "failed", Error: "no answer"},
		},
	}
}

// A house is a page that is open, with its backend and its clock.
type house struct {
	t       *testing.T
	backend *backend
	site    *site
	addr    string

	mu  sync.Mutex
	now time.Time
}

func open(t *testing.T, b *backend, address string) *house {
	h := &house{t: t, backend: b, now: noon}
	behind := httptest.NewServer(b)
	t.Cleanup(behind.Close)
	client := control.NewClient(func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", behind.Listener.Addr().String())
	})
	t.Cleanup(client.Close)
	server := httptest.NewUnstartedServer(nil)
	h.addr = server.Listener.Addr().String()
	p := Place{Network: "tcp", Address: h.addr}
	if address != "" {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		p.URL = u
	}
	h.site = newSite(config(client, h.clock), p)
	server.Config = serverOf(h.site, slog.New(slog.DiscardHandler))
	server.Start()
	t.Cleanup(server.Close)
	return h
}

func config(client *control.Client, now func() time.Time) Config {
	return Config{
		Client: client, Now: now, Log: slog.New(slog.DiscardHandler), Version: "test",
		Phrases: Phrases{
			During: func(start, end time.Time, _ bool) string {
				return start.Format("2 Jan 15:04") + " to " + end.Format("2 Jan 15:04")
			},
			Long:     func(start, end time.Time) string { return end.Sub(start).String() },
			Relative: func(t, now time.Time) string { return "in " + t.Sub(now).String() },
			Because:  func(rule string) string { return "by " + rule },
		},
	}
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) later(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// An answer is what came back for a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// send sends a request to the byte; lines are its first line and headers.
func (h *house) send(body string, lines ...string) answer {
	h.t.Helper()
	conn, err := net.Dial("tcp", h.addr)
	if err != nil {
		h.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	lines = append(lines, "Connection: close")
	if body != "" {
		lines = append(lines, "Content-Type: application/x-www-form-urlencoded", fmt.Sprintf("Content-Length: %d", len(body)))
	}
	fmt.Fprintf(conn, "%s\r\n\r\n%s", strings.Join(lines, "\r\n"), body)
	method, _, _ := strings.Cut(lines[0], " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		h.t.Fatalf("%s: %v", lines[0], err)
	}
	defer resp.Body.Close()
	var text bytes.Buffer
	_, _ = text.ReadFrom(resp.Body)
	return answer{resp.StatusCode, resp.Header, text.String()}
}

// get and post send what a browser would.
func (h *house) get(path string, headers ...string) answer {
	h.t.Helper()
	return h.send("", append([]string{"GET " + path + " HTTP/1.1", "Host: " + h.addr}, headers...)...)
}

func (h *house) post(path string, form url.Values, headers ...string) answer {
	h.t.Helper()
	return h.send(form.Encode(), append([]string{"POST " + path + " HTTP/1.1", "Host: " + h.addr}, headers...)...)
}

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// enter comes in, and returns the Cookie header and the token of its forms.
func (h *house) enter() (cookie, csrf string) {
	h.t.Helper()
	token, _ := h.site.doors.link()
	a := h.post(h.site.root.Path+"enter", url.Values{"token": {token}})
	if a.status != http.StatusSeeOther {
		h.t.Fatalf("not let in: %d %s", a.status, a.body)
	}
	pair, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
	cookie = "Cookie: " + pair
	found := csrfField.FindStringSubmatch(h.get(h.site.root.Path, cookie).body)
	if found == nil {
		h.t.Fatal("no token on the page")
	}
	return cookie, found[1]
}
