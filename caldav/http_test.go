package caldav

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"awayd/sync/account"
)

func TestRedirects(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s came to another origin with %q", r.Method, r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := newScript(t)
		s.calendar("", "a")
		answers := s.answers
		s.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/old") {
				http.Redirect(w, r, "/c/", status)
				return
			}
			if u, p, ok := r.BasicAuth(); ok && (u != "ada" || p != "hunter2") {
				t.Errorf("%s with another password", r.Method)
			}
			s.answers = answers
			s.serve(w, r)
		})
		if d, _ := mustPoll(t, s.source("/old/"), ""); !cmp.Equal(summaries(d.Changed), []string{"a"}) {
			t.Errorf("%d: %+v", status, d)
		}
	}
	for name, to := range map[string]string{
		"another port": elsewhere.URL + "/secret", "another host": "https://elsewhere.example/secret?token=x",
		"cleartext": "http://elsewhere.example/secret", "another scheme": "ftp://elsewhere.example/secret",
		"nowhere": "", "in a circle": "/loop/", "no URL": "http://[::1",
	} {
		s := newScript(t)
		s.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusMovedPermanently)
		})
		_, _, err := s.source("/loop/").Poll(t.Context(), "")
		e, ok := err.(*Error)
		if !ok || e.Hint() == "" || strings.Contains(e.Error()+e.Hint(), "secret") || strings.Contains(e.Error(), "loop") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStatusErrors(t *testing.T) {
	for status, want := range map[int]string{
		400: "", 401: "credentials", 403: "credentials", 404: "gone", 405: "", 410: "gone", 429: "temporary",
		500: "temporary", 501: "", 502: "temporary", 503: "temporary", 599: "temporary", 418: "",
	} {
		s := newScript(t)
		s.fail(askState, status)
		_, _, err := s.source("/c/").Poll(t.Context(), "")
		e, ok := errors.AsType[*Error](err)
		if !ok {
			t.Fatal(err)
		}
		got := map[bool]string{true: "temporary"}[e.Temporary()] + map[bool]string{true: "credentials"}[e.Credentials()] + map[bool]string{true: "gone"}[e.Gone()]
		if got != want || e.Status != status || !strings.Contains(e.Error(), fmt.Sprint(status)) {
			t.Errorf("%d: %q, %v", status, got, e)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	const date = "Sun, 06 Nov 1994 08:49:37 GMT"
	for value, want := range map[string]time.Duration{
		"300": 5 * time.Minute, "0": 0, "-5": 0, "soon": 0, "9999999": maxRetryAfter, "99999999999999999999": 0,
		"Sun, 06 Nov 1994 08:50:37 GMT": time.Minute, "Sun, 06 Nov 1994 07:49:37 GMT": 0, "Sun, 06 Nov 2094 07:49:37 GMT": maxRetryAfter,
	} {
		if got := retryAfter(http.Header{"Retry-After": {value}, "Date": {date}}); got != want {
			t.Errorf("%s: %v, want %v", value, got, want)
		}
	}
	if got := retryAfter(http.Header{"Retry-After": {"Sun, 06 Nov 1994 08:50:37 GMT"}}); got != 0 {
		t.Errorf("without a date to compare with: %v", got)
	}
}

func TestSlowServer(t *testing.T) {
	stop := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	}))
	defer srv.Close()
	defer close(stop)
	src, err := Client{Timeout: 50 * time.Millisecond}.Open(account.Calendar{URL: account.NewSecret(srv.URL)})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = src.Poll(t.Context(), "")
	if e, ok := err.(*Error); !ok || !e.Temporary() || !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("got %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for u, want := range map[string]string{
		"http://dav.example.org/cal":                 "cleartext",
		"http://user:hunter2@dav.example.org/secret": "cleartext",
		"http://127.0.0.1.example.org/":              "cleartext",
		"ftp://dav.example.org/secret":               "not calendars",
		"file://elsewhere/etc/passwd":                "another machine",
		"file:secret.ics":                            "no absolute path",
		"file:///%00secret":                          "no absolute path",
		"webcal://user:hunter2@/secret":              "names no host",
		"mailto:ada@example.org":                     "cannot be read",
		"dav.example.org/secret":                     "names no host",
		"https:///secret":                            "names no host",
		"https://dav.example.org/%zz secret":         "cannot be read",
		"":                                           "names no host",
	} {
		_, err := Client{}.Open(account.Calendar{URL: account.NewSecret(u)})
		e, ok := err.(*Error)
		if !ok || e.Temporary() || e.Hint() == "" || !strings.Contains(e.Error(), want) || strings.Contains(e.Error(), "secret") || strings.Contains(e.Error(), "hunter2") {
			t.Errorf("%s: %v", u, err)
		}
	}
	if _, err := (Client{}).Open(account.Calendar{URL: account.NewSecret("https://example.org"), TLSCA: "no PEM"}); err == nil {
		t.Error("a CA that is no PEM was accepted")
	}
	for _, u := range []string{"http://localhost:5232/", "http://127.0.0.1/", "http://[::1]:80", "https://example.org", " https://example.org/a "} {
		if _, err := (Client{}).Open(account.Calendar{URL: account.NewSecret(u)}); err != nil {
			t.Errorf("%s: %v", u, err)
		}
	}
}

// A password in the URL is used as such and shown nowhere.
func TestUserinfo(t *testing.T) {
	logins := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, ok := r.BasicAuth(); ok && (u != "ada" || p != "hun/ter2") {
			t.Errorf("got %q, %q", u, p)
		} else if ok {
			logins++
		}
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer srv.Close()
	src, err := Client{}.Open(account.Calendar{URL: account.NewSecret(strings.Replace(srv.URL, "//", "//ada:hun%2Fter2@", 1))})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err = src.Poll(t.Context(), ""); err == nil || strings.Contains(err.Error(), "hun") || strings.Contains(err.Error(), "ada") || logins != 1 {
		t.Errorf("got %v after %d tries", err, logins)
	}
}

// The port at this end is another one each time; in an error it would make the
// same trouble look like a new one, again and again.
func TestErrorsNameNoPortOfTheMoment(t *testing.T) {
	here := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 54321}
	reset := &net.OpError{Op: "read", Net: "tcp", Source: here, Addr: here, Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	text := networkError("dav.example.org", &url.Error{Op: "Get", URL: "https://dav.example.org/secret", Err: reset}).Error()
	if strings.Contains(text, "54321") || strings.Contains(text, "secret") || !strings.Contains(text, "connection reset by peer") {
		t.Error(text)
	}
}
