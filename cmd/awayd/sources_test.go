package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"awayd/sync/engine"
)

// absent is an iCalendar file with one absence that has begun.
func absent(uid string) string {
	const form = "20060102T150405Z"
	return strings.Join([]string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", "BEGIN:VEVENT", "UID:" + uid, "DTSTAMP:20260101T000000Z",
		"DTSTART:" + now().Add(-time.Hour).UTC().Format(form), "DTEND:" + now().Add(48*time.Hour).UTC().Format(form), "SUMMARY:Trip",
		"END:VEVENT", "END:VCALENDAR", "",
	}, "\r\n")
}

const nothing = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nEND:VCALENDAR\r\n"

// A kind is one kind of source, and the ways in which it can fail and become
// empty.
type kind struct {
	url   string
	fail  map[string]func()
	empty func()
	heal  func()
}

// site serves a feed, whatever it is at the moment.
type site struct {
	mu     sync.Mutex
	text   string
	status int
}

func (s *site) set(status int, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.text = status, text
}

func (s *site) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.WriteHeader(s.status)
	fmt.Fprint(w, s.text)
}

func (h *household) kinds() map[string]kind {
	good := absent("now")
	feed := &site{text: good, status: 200}
	srv := httptest.NewServer(feed)
	h.t.Cleanup(srv.Close)

	disk := h.t.TempDir()
	put := func(name, text string) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(disk, name)), 0o700); err != nil {
			h.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(disk, name), []byte(text), 0o600); err != nil {
			h.t.Fatal(err)
		}
	}
	remove := func(name string) {
		if err := os.RemoveAll(filepath.Join(disk, name)); err != nil {
			h.t.Fatal(err)
		}
	}
	put("ada.ics", good)
	put("vdir/now.ics", good)

	object := h.calendar + "now.ics"
	dav := func(method, at, body string) {
		resp, _, err := h.dav.Do(h.t.Context(), method, at, http.Header{"Content-Type": {"text/calendar"}}, body)
		if err != nil || resp.StatusCode/100 != 2 {
			h.t.Fatal(resp, err)
		}
	}
	if err := h.dav.Delete(h.t.Context(), h.calendar+"trip.ics"); err != nil {
		h.t.Fatal(err)
	}
	dav(http.MethodPut, object, good)
	gate := &gate{}
	front := httptest.NewServer(gate.before(h.t, h.dav.URL))
	h.t.Cleanup(front.Close)

	return map[string]kind{
		"caldav": {
			url:   front.URL + strings.TrimPrefix(h.calendar, strings.TrimSuffix(h.dav.URL, "/")),
			fail:  map[string]func(){"down": func() { gate.set(503) }, "gone": func() { gate.set(404) }, "html": func() { gate.set(200) }},
			heal:  func() { gate.set(0) },
			empty: nil, // what a server names as removed is gone
		},
		"feed": {
			url: srv.URL + "/private-hush/ada.ics",
			fail: map[string]func(){
				"down": func() { feed.set(503, "") }, "gone": func() { feed.set(404, "") },
				"html": func() { feed.set(200, "<html>Log in</html>") }, "half": func() { feed.set(200, good[:len(good)/2]) },
			},
			heal: func() { feed.set(200, good) }, empty: func() { feed.set(200, nothing) },
		},
		"file": {
			url:  "file://" + disk + "/ada.ics",
			fail: map[string]func(){"gone": func() { remove("ada.ics") }, "half": func() { put("ada.ics", good[:len(good)/2]) }},
			heal: func() { put("ada.ics", good) }, empty: func() { put("ada.ics", nothing) },
		},
		"folder": {
			url:  "file://" + disk + "/vdir",
			fail: map[string]func(){"gone": func() { remove("vdir") }},
			heal: func() { put("vdir/now.ics", good) }, empty: func() { remove("vdir/now.ics") },
		},
	}
}

// A gate stands before a calendar server, counts what comes through and can
// be closed.
type gate struct {
	mu     sync.Mutex
	status int // 0: open
	log    []string
}

func (g *gate) set(status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status = status
}

func (g *gate) since() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	log := g.log
	g.log = nil
	return log
}

func (g *gate) before(t *testing.T, server string) http.Handler {
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.Transport = g
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		status := g.status
		g.mu.Unlock()
		if status != 0 {
			w.WriteHeader(status)
			fmt.Fprint(w, "<html>not now</html>")
			return
		}
		proxy.ServeHTTP(w, r)
	})
}

// RoundTrip implements http.RoundTripper.
func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(strings.NewReader(string(body)))
	g.mu.Lock()
	defer g.mu.Unlock()
	g.log = append(g.log, fmt.Sprintf("%s %d, %d bytes", r.Method, resp.StatusCode, len(body)))
	return resp, nil
}

// Whatever a source of any kind does, a message that is live stays so, until
// its emptiness is accepted.
func TestEveryKindOfSourceHolds(t *testing.T) {
	for _, name := range []string{"caldav", "feed", "file", "folder"} {
		t.Run(name, func(t *testing.T) {
			h := newHousehold(t)
			k := h.kinds()[name]
			stop := h.daemon()
			if name != "caldav" {
				delete(h.flags, "--calendar-user")
				delete(h.flags, "--calendar-password-file")
			}
			if r := h.link("--calendar-url", k.url); r.code != exitOK {
				t.Fatalf("%+v", r)
			}
			live := func(when, health string) {
				t.Helper()
				s := h.status()
				if s.Visible == nil || s.Health != health || health != engine.HealthOK && len(s.Problems) == 0 {
					t.Errorf("%s: %+v", when, s)
				}
			}
			live("linked", engine.HealthOK)
			for fault, fail := range k.fail {
				fail()
				r := h.run("sync")
				expectError(t, r, exitFailed, "calendar")
				if strings.Contains(r.err, "hush") {
					t.Errorf("the error shows the URL: %s", r.err)
				}
				live(fault, engine.HealthError)
				k.heal()
				h.must("sync")
				live(fault+", healed", engine.HealthOK)
			}
			if k.empty == nil {
				return
			}
			k.empty()
			for range 3 {
				h.must("sync")
				live("empty", engine.HealthHeld)
			}
			h.must("sync", "--accept")
			if s := h.status(); s.Visible != nil || s.Health != engine.HealthOK {
				t.Errorf("accepted: %+v", s)
			}
			if out := h.must("status", "--json") + h.must("accounts", "--json") + h.must("log", "--json"); strings.Contains(out, "hush") {
				t.Errorf("the URL of a feed is shown: %s", out)
			}
			stop()
			h.grep("hush")
		})
	}
}

// What was downloaded is kept: the daemon that comes back asks for what
// changed meanwhile, and for no more.
func TestRestartCostsNoDownload(t *testing.T) {
	h := newHousehold(t)
	for i := range 20 {
		h.put(fmt.Sprint("e", i), "Trip", time.Duration(100+i*50)*time.Hour, time.Duration(110+i*50)*time.Hour)
	}
	g := &gate{}
	front := httptest.NewServer(g.before(t, h.dav.URL))
	defer front.Close()
	stop := h.daemon()
	if r := h.link("--calendar-url", front.URL+strings.TrimPrefix(h.calendar, strings.TrimSuffix(h.dav.URL, "/"))); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	t.Logf("link: %q", g.since())
	h.must("sync")
	t.Logf("unchanged: %q", g.since())
	stop()
	h.put("e7", "Another trip", 450*time.Hour, 470*time.Hour)
	defer h.daemon()()
	h.must("sync")
	asked := g.since()
	t.Logf("after a restart and one change: %q", asked)
	reports := 0
	for _, line := range asked {
		var method string
		var status, bytes int
		if _, err := fmt.Sscanf(line, "%s %d, %d bytes", &method, &status, &bytes); err != nil || bytes > 2_000 || method == "PROPFIND" {
			t.Errorf("the restart cost %s", line)
		}
		if method == "REPORT" && status == 207 {
			reports++
		}
	}
	// The first poll with its download, and the sync, which may have been one
	// with it.
	if reports < 2 || reports > 3 {
		t.Errorf("%d reports", reports)
	}
	if out := h.must("preview", h.ada.JID); !strings.Contains(out, "Another trip") {
		t.Errorf("preview: %s", out)
	}
}
