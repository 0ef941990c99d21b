package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"awayd/caldav"
	"awayd/cmd/awayd/metrics"
	"awayd/cmd/testbed"
	"awayd/state"
	"awayd/sync/account"
	"awayd/xmppout"
)

// A collector asks a daemon of one household for metrics.
type collector struct {
	*household
	socket string
	client *http.Client
}

func newCollector(h *household) *collector {
	c := &collector{household: h, socket: filepath.Join(h.t.TempDir(), "m.sock")}
	c.client = &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", c.socket)
		},
	}}
	return c
}

// scrape returns everything that Prometheus would be told.
func (c *collector) scrape() (string, error) {
	resp, err := c.client.Get("http://awayd/metrics")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, text)
	}
	return string(text), err
}

// value returns one series, -1 if it is not there.
func (c *collector) value(series string) float64 {
	c.t.Helper()
	text, err := c.scrape()
	if err != nil {
		c.t.Fatal(err)
	}
	found := regexp.MustCompile("(?m)^" + regexp.QuoteMeta(series) + " (.+)$").FindStringSubmatch(text)
	if found == nil {
		return -1
	}
	v, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		c.t.Fatal(err)
	}
	return v
}

func (c *collector) until(series string, ok func(float64) bool) {
	c.t.Helper()
	if err := testbed.Until(c.t.Context(), series, func() (bool, error) { return ok(c.value(series)), nil }); err != nil {
		c.t.Fatalf("%v: it is %v", err, c.value(series))
	}
}

// hangUp reloads the configuration of every daemon of this process.
func hangUp(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

func TestMetrics(t *testing.T) {
	hup := make(chan os.Signal, 1) // so that the signal never ends this process
	signal.Notify(hup, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(hup) })
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Fatal("promtool is missing. Try: make servers")
	}
	h := newHouseholdOn(t, bed.XMPPFor(t, testbed.Prosody))
	feed := &site{text: absent("now"), status: http.StatusOK}
	srv := httptest.NewServer(feed)
	t.Cleanup(srv.Close)
	h.config = write(t, "awayd.toml", "")
	c := newCollector(h)
	h.daemon()
	if _, err := c.scrape(); err == nil {
		t.Fatal("metrics are served without having been asked for")
	}
	rewrite(t, h.config, fmt.Sprintf("metrics = %q\n", "unix:"+c.socket))
	hangUp(t)
	if err := testbed.Until(t.Context(), "metrics are served", func() (bool, error) {
		_, err := c.scrape()
		return err == nil, nil
	}); err != nil {
		t.Fatal(err)
	}

	// A flip is seen, and how late it was.
	h.put("trip", "Hush trip", 4*time.Second, 1000*time.Hour)
	if r := h.link(); r.code != exitOK {
		t.Fatal(r)
	}
	c.until("awayd_next_flip_seconds", func(v float64) bool { return v > 0 && v < 4 })
	c.until(`awayd_flip_lag_seconds_count{action="reveal"}`, func(v float64) bool { return v == 1 })
	if late := c.value(`awayd_flip_lag_seconds_sum{action="reveal"}`); late <= 0 || late > 2 {
		t.Errorf("the start was %v s late", late)
	}
	c.until("awayd_flips_overdue", func(v float64) bool { return v == 0 })
	for series, want := range map[string]float64{
		`awayd_accounts{health="ok"}`: 1, "awayd_xmpp_sessions": 1, "awayd_calendars": 1, "awayd_calendars_failing": 0,
		`awayd_actions_total{action="reveal",outcome="ok"}`: 1, `awayd_poll_failures_total{reason="server"}`: 0,
	} {
		if got := c.value(series); got != want {
			t.Errorf("%s is %v, want %v", series, got, want)
		}
	}
	if next := c.value("awayd_next_flip_seconds"); next < 999*3600 || next > 1000*3600 {
		t.Errorf("the end is %v s ahead", next)
	}

	// A calendar fails.
	secret := srv.URL + "/private-hush/ada.ics?token=hushhush"
	if r := h.run("link", "--yes", "--every-event", "--jid", h.ada.JID, "--calendar-url", secret); r.code != exitOK {
		t.Fatal(r)
	}
	feed.set(http.StatusServiceUnavailable, "hushhush")
	expectError(t, h.run("sync"), exitFailed, "503")
	for series, want := range map[string]float64{
		"awayd_calendars": 2, "awayd_calendars_failing": 1, `awayd_accounts{health="error"}`: 1, `awayd_poll_failures_total{reason="server"}`: 1,
	} {
		if got := c.value(series); got != want {
			t.Errorf("%s is %v, want %v", series, got, want)
		}
	}
	if s := c.value("awayd_calendar_failing_seconds"); s <= 0 || s > 60 {
		t.Errorf("it has been failing for %v s", s)
	}
	for _, series := range []string{"awayd_sync_log_entries", "awayd_database_bytes", "awayd_last_successful_poll_timestamp_seconds"} {
		if c.value(series) < 1 {
			t.Errorf("%s is %v", series, c.value(series))
		}
	}
	c.scrutinise(h.ada.Password, testbed.BedPassword, testbed.BedUser, h.ada.User, h.xmpp.Domain, "hush", "Hush", "Vacation", "127.0.0.1", "://")

	// And it ends.
	rewrite(t, h.config, "")
	hangUp(t)
	if err := testbed.Until(t.Context(), "metrics are no longer served", func() (bool, error) {
		_, err := c.scrape()
		return err != nil, nil
	}); err != nil {
		t.Error(err)
	}
}

// scrutinise demands of a scrape that promtool finds nothing to complain of, and
// that it tells nothing of anybody.
func (c *collector) scrutinise(hidden ...string) {
	c.t.Helper()
	text, err := c.scrape()
	if err != nil {
		c.t.Fatal(err)
	}
	check := exec.Command("promtool", "check", "metrics")
	check.Stdin = strings.NewReader(text)
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		c.t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue // of the program, not of what it does
		}
		for _, h := range hidden {
			if h != "" && strings.Contains(line, h) {
				c.t.Errorf("%q is told: %s", h, line)
			}
		}
	}
}

// An address that is taken keeps nobody's absence from being told.
func TestMetricsThatCannotBeServed(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	h := newHousehold(t)
	h.config = write(t, "awayd.toml", fmt.Sprintf("metrics = %q\n", taken.Addr()))
	h.daemon()
	if r := h.link(); r.code != exitOK {
		t.Error(r)
	}
}

// Each sort of failure counts as what it is.
func TestReasons(t *testing.T) {
	answer := func(status int, header ...string) string {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if len(header) > 0 {
				w.Header().Set(header[0], header[1])
			}
			w.WriteHeader(status)
			fmt.Fprint(w, "<html>Log in</html>")
		}))
		t.Cleanup(srv.Close)
		return strings.Replace(srv.URL, "http", "webcal", 1) + "/ada.ics"
	}
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	file := write(t, "half.ics", "BEGIN:VCALENDAR\r\n")
	for url, want := range map[string]string{
		answer(http.StatusUnauthorized, "WWW-Authenticate", "Basic"): metrics.Credentials,
		answer(http.StatusForbidden):                                 metrics.Credentials,
		answer(http.StatusNotFound):                                  metrics.Gone,
		answer(http.StatusServiceUnavailable):                        metrics.Fault,
		answer(http.StatusServiceUnavailable, "Retry-After", "60"):   metrics.Busy,
		answer(http.StatusTooManyRequests):                           metrics.Busy,
		answer(http.StatusMethodNotAllowed):                          metrics.Refused,
		answer(http.StatusOK):                                        metrics.Answer,
		"webcals" + strings.TrimPrefix(secure.URL, "https") + "/x":   metrics.TLS,
		"webcals" + strings.TrimPrefix(gone.URL, "http") + "/x":      metrics.Unreachable,
		"file://" + file:                                             metrics.Answer,
		"file://" + file + ".gone":                                   metrics.Gone,
	} {
		client := caldav.Client{Version: version}
		source, err := client.Open(account.Calendar{URL: account.NewSecret(url)})
		if err == nil {
			_, _, err = source.Poll(t.Context(), "")
		}
		if got := reasonOf(err); got != want || err == nil {
			t.Errorf("%s: %s, want %s: %v", url, got, want, err)
		}
	}
	for _, test := range []struct {
		err  error
		want string
	}{
		{&xmppout.Error{Kind: xmppout.Credentials}, metrics.Credentials},
		{&xmppout.Error{Kind: xmppout.Unreachable}, metrics.Unreachable},
		{&xmppout.Error{Kind: xmppout.NoAnswer}, metrics.Timeout},
		{&xmppout.Error{Kind: xmppout.Untrusted}, metrics.TLS},
		{fmt.Errorf("reveal: %w", &xmppout.Error{Kind: xmppout.Stanza}), metrics.Refused},
		{&xmppout.Error{Kind: xmppout.Stream}, metrics.Fault},
		{&xmppout.Error{Kind: xmppout.Unfit}, metrics.Other},
		{errors.Join(errors.New("x"), &state.Error{Kind: state.ErrBroken}), metrics.State},
		{context.DeadlineExceeded, metrics.Timeout},
		{&tls.CertificateVerificationError{Err: fs.ErrInvalid}, metrics.Other},
	} {
		if got := reasonOf(test.err); got != test.want {
			t.Errorf("%v: %s, want %s", test.err, got, test.want)
		}
	}
}
