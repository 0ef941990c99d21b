package metrics

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"awayd/sync/engine"
	"awayd/sync/plan"
)

var instant = time.Date(2026, 7, 6, 12, 0, 0, 0, time.UTC)

// config tells of these accounts, at instant.
func config(list ...engine.Status) Config {
	return Config{
		Counters:  NewCounters(func(err error) string { return err.Error() }),
		Status:    func() ([]engine.Status, error) { return list, nil },
		Usage:     func(context.Context) (int64, int64, error) { return 42, 4096, nil },
		Now:       func() time.Time { return instant },
		Log:       slog.New(slog.NewTextHandler(io.Discard, nil)),
		Started:   instant.Add(-time.Hour),
		Version:   "1.2.3",
		GoVersion: "go1.26",
	}
}

// scrape returns the lines of awayd's own metrics, without comments.
func scrape(t *testing.T, c Config) []string {
	t.Helper()
	w := httptest.NewRecorder()
	handler(c).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Body)
	}
	var lines []string
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "awayd_") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// demand looks for lines, and for the absence of those that begin with "!".
func demand(t *testing.T, lines []string, want ...string) {
	t.Helper()
	all := "\n" + strings.Join(lines, "\n") + "\n"
	for _, w := range want {
		if not, ok := strings.CutPrefix(w, "!"); ok {
			if strings.Contains(all, not) {
				t.Errorf("%q is told", not)
			}
		} else if !strings.Contains(all, "\n"+w+"\n") {
			t.Errorf("%q is not told", w)
		}
	}
	if t.Failed() {
		t.Log(all)
	}
}

func ago(d time.Duration) *time.Time {
	t := instant.Add(-d)
	return &t
}

func TestHowThingsStand(t *testing.T) {
	flip := func(in time.Duration) *engine.Next { return &engine.Next{At: instant.Add(in), Action: plan.Reveal} }
	good := engine.CalendarStatus{Name: "Vacations of Ada", URL: "https://dav.example.org/…", LastPoll: ago(time.Minute), LastOK: ago(time.Minute)}
	bad := engine.CalendarStatus{LastPoll: ago(0), LastOK: ago(25 * time.Hour), Error: "no answer from dav.example.org", Failing: *ago(25 * time.Hour)}
	on := engine.XMPPStatus{Connected: true, Server: "Prosody"}
	tests := map[string]struct {
		list []engine.Status
		want []string
	}{
		"nobody": {nil, []string{
			`awayd_accounts{health="ok"} 0`, `awayd_accounts{health="paused"} 0`, "awayd_calendars 0", "awayd_flips_overdue 0",
			"awayd_flip_overdue_seconds 0", "awayd_calendar_failing_seconds 0", "!awayd_next_flip_seconds", "!awayd_last_successful_poll",
			`awayd_build_info{goversion="go1.26",version="1.2.3"} 1`, "awayd_sync_log_entries 42", "awayd_database_bytes 4096",
			"awayd_start_timestamp_seconds 1.7833356e+09",
		}},
		"each state": {[]engine.Status{
			{JID: "a@example.org", Mode: "auto", Health: "ok", XMPP: on, Flip: flip(90 * time.Minute), Calendars: []engine.CalendarStatus{good}},
			{JID: "b@example.org", Mode: "overridden", Health: "ok", XMPP: on, Flip: flip(time.Hour)},
			{JID: "c@example.org", Mode: "overridden", Health: "error", Problems: []string{"no answer"}, Calendars: []engine.CalendarStatus{bad, good}},
			{JID: "d@example.org", Mode: "auto", Health: "held", XMPP: engine.XMPPStatus{Resting: true}},
			{JID: "e@example.org", Mode: "paused", Health: "error"},
		}, []string{
			`awayd_accounts{health="ok"} 1`, `awayd_accounts{health="overridden"} 1`, `awayd_accounts{health="error"} 1`,
			`awayd_accounts{health="held"} 1`, `awayd_accounts{health="paused"} 1`, "awayd_xmpp_sessions 2", "awayd_xmpp_resting 1", "awayd_next_flip_seconds 3600",
			"awayd_calendars 3", "awayd_calendars_failing 1", "awayd_calendar_failing_seconds 90000", "awayd_flips_overdue 0",
			"awayd_last_successful_poll_timestamp_seconds 1.78333914e+09", "!example", "!Vacations", "!Prosody",
		}},
		"late": {[]engine.Status{
			{Mode: "auto", Health: "error", Late: *ago(2 * time.Minute), Flip: flip(-time.Second)},
			{Mode: "auto", Health: "ok", Flip: flip(time.Hour)},
		}, []string{"awayd_flips_overdue 1", "awayd_flip_overdue_seconds 120", "awayd_next_flip_seconds 0"}},
		"the owner hangs": {[]engine.Status{
			{Mode: "auto", Health: "ok", Flip: flip(-5 * time.Minute)},
		}, []string{"awayd_flips_overdue 1", "awayd_flip_overdue_seconds 300", "awayd_next_flip_seconds 0"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { demand(t, scrape(t, config(test.list...)), test.want...) })
	}
}

func TestCounters(t *testing.T) {
	c := config()
	demand(t, scrape(t, c), `awayd_poll_failures_total{reason="timeout"} 0`, `awayd_flip_lag_seconds_count{action="amend"} 0`,
		`awayd_actions_total{action="reveal",outcome="failed"} 0`, `awayd_xmpp_failures_total{reason="credentials"} 0`)
	c.Counters.Polled(80*time.Millisecond, nil)
	c.Counters.Polled(3*time.Second, errors.New(Timeout))
	c.Counters.Polled(time.Second, errors.New("no answer from dav.example.org"))
	c.Counters.Acted(plan.Reveal, nil)
	c.Counters.Acted(plan.Yield, nil)
	c.Counters.Flipped(plan.Reveal, 70*time.Millisecond)
	c.Counters.Stumbled(errors.New(Credentials))
	demand(t, scrape(t, c),
		`awayd_poll_duration_seconds_count{outcome="ok"} 1`, `awayd_poll_duration_seconds_count{outcome="failed"} 2`,
		`awayd_poll_failures_total{reason="timeout"} 1`, `awayd_poll_failures_total{reason="other"} 1`, "!example.org",
		`awayd_actions_total{action="reveal",outcome="ok"} 1`, `awayd_actions_total{action="override",outcome="ok"} 1`,
		`awayd_flip_lag_seconds_bucket{action="reveal",le="0.05"} 0`, `awayd_flip_lag_seconds_bucket{action="reveal",le="0.1"} 1`,
		`awayd_xmpp_failures_total{reason="credentials"} 1`)
}

// The example alerts ask for what there is.
func TestAlertsAskForWhatThereIs(t *testing.T) {
	rules, err := os.ReadFile(filepath.Join("..", "..", "..", "configs", "awayd.rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	told := strings.Join(scrape(t, config()), "\n")
	names := regexp.MustCompile(`awayd_\w+`).FindAllString(string(rules), -1)
	if len(names) == 0 {
		t.Fatal("the alerts name no metrics")
	}
	for _, name := range names {
		if !strings.Contains(told, name+"{") && !strings.Contains(told, name+" ") {
			t.Errorf("%s is in the alerts and nowhere else", name)
		}
	}
}

// A part that cannot be told keeps nothing else from being told.
func TestBrokenStateIsNoSilence(t *testing.T) {
	c := config()
	c.Usage = func(context.Context) (int64, int64, error) { return 0, 0, errors.New("disk I/O error") }
	demand(t, scrape(t, c), "awayd_calendars 0", "!awayd_sync_log_entries", "!awayd_database_bytes")
	c = config()
	c.Status = func() ([]engine.Status, error) { return nil, errors.New("stopping") }
	demand(t, scrape(t, c), "awayd_sync_log_entries 42", "!awayd_accounts")
}

func TestOnlyMetricsAreServed(t *testing.T) {
	for request, want := range map[string]int{
		"GET /metrics": 200, "HEAD /metrics": 200, "POST /metrics": 405, "GET /": 404, "GET /debug/pprof/": 404, "GET /metrics/x": 404,
	} {
		method, path, _ := strings.Cut(request, " ")
		w := httptest.NewRecorder()
		handler(config()).ServeHTTP(w, httptest.NewRequest(method, path, nil))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", request, w.Code, want)
		}
	}
}

// answers reports whether metrics are served at an address.
func answers(network, address string) bool {
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}}
	resp, err := client.Get("http://metrics/metrics")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK && strings.Contains(string(text), "awayd_build_info")
}

// free is an address that nobody listens on.
func free(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestServerMoves(t *testing.T) {
	dir := t.TempDir()
	s := New(config())
	t.Cleanup(s.Close)
	configure := func(network, address string) {
		t.Helper()
		if err := s.Configure(network, address); err != nil {
			t.Fatal(err)
		}
	}
	configure("", "")
	tcp, socket := free(t), filepath.Join(dir, "metrics.sock")
	configure("tcp", tcp)
	configure("tcp", tcp) // again changes nothing
	if !answers("tcp", tcp) {
		t.Fatal("no answer on TCP")
	}

	// What cannot be opened changes nothing.
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for network, address := range map[string]string{"tcp": taken.Addr().String(), "unix": file} {
		if err := s.Configure(network, address); err == nil || !strings.HasPrefix(err.Error(), "open the metrics: ") {
			t.Errorf("%s: %v", address, err)
		}
	}
	if !answers("tcp", tcp) {
		t.Error("a move that failed ended the metrics")
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "precious" {
		t.Error("a file was taken for a socket")
	}

	// A socket that was left behind is replaced, one in use is not.
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	if err := s.Configure("unix", socket); err == nil || !strings.Contains(err.Error(), "somebody listens") {
		t.Errorf("a socket in use: %v", err)
	}
	if err := stale.Close(); err != nil {
		t.Fatal(err)
	}
	configure("unix", socket)
	if !answers("unix", socket) || answers("tcp", tcp) {
		t.Error("the metrics did not move to the socket")
	}
	configure("", "")
	if _, err := os.Stat(socket); !os.IsNotExist(err) || answers("unix", socket) {
		t.Errorf("the metrics are still there: %v", err)
	}
}
