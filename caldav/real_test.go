package caldav

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/emersion/go-webdav"
	"github.com/google/go-cmp/cmp"

	"awayd/cmd/testbed"
	"awayd/sync/absence"
	"awayd/sync/account"
)

var bed *testbed.Bed

func TestMain(m *testing.M) { os.Exit(testbed.Main(m, &bed)) }

// wire records what a source says and hears.
type wire struct {
	next     webdav.HTTPClient
	requests []string // method and status
	heard    int      // bytes of the bodies of answers
}

func (w *wire) Do(r *http.Request) (*http.Response, error) {
	resp, err := w.next.Do(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	w.requests = append(w.requests, fmt.Sprint(r.Method, " ", resp.StatusCode))
	w.heard += len(body)
	resp.Body = io.NopCloser(strings.NewReader(string(body)))
	return resp, nil
}

// since forgets what was recorded and returns it.
func (w *wire) since() (requests []string, heard int) {
	requests, heard = w.requests, w.heard
	w.requests, w.heard = nil, 0
	return requests, heard
}

// open opens a source whose traffic is recorded.
func open(t *testing.T, cal account.Calendar) (*Source, *wire) {
	t.Helper()
	s, err := Client{Version: "test"}.Open(cal)
	if err != nil {
		t.Fatal(err)
	}
	return s, tap(s)
}

// tap records the traffic of a source.
func tap(s *Source) *wire {
	var to *server
	switch r := s.reader.(type) {
	case *collection:
		to = r.server
	case *feed:
		to = r.server
	}
	w := &wire{next: to.http}
	to.http = w
	return w
}

// poll is a poll that must succeed.
func mustPoll(t *testing.T, s *Source, cursor string) (absence.Delta, string) {
	t.Helper()
	d, next, err := s.Poll(t.Context(), cursor)
	if err != nil {
		t.Fatalf("poll: %v", err)
	}
	return d, next
}

func event(uid, summary string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//awayd//test//EN\r\nBEGIN:VEVENT\r\nUID:" + uid +
		"\r\nDTSTAMP:20250101T000000Z\r\nDTSTART;VALUE=DATE:20250707\r\nDTEND;VALUE=DATE:20250721\r\nSUMMARY:" + summary +
		"\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
}

func summaries(objects []absence.Object) []string {
	all := []string{}
	for _, o := range objects {
		for _, e := range o.Events {
			all = append(all, e.Summary)
		}
		for _, e := range o.Errors {
			all = append(all, "error: "+e.Reason)
		}
	}
	return all
}

// A realServer is a real server with one person on it.
type realServer struct {
	*testbed.DAV
	user, password string
}

// calendar makes a calendar of a test's own.
func (r realServer) calendar(t *testing.T, name string) account.Calendar {
	t.Helper()
	u, err := r.MakeCalendar(t.Context(), r.user, name)
	if err != nil {
		t.Fatal(err)
	}
	// The server outlives the test; the calendar may not, nor a server of its own.
	t.Cleanup(func() { _, _, _ = r.Do(context.Background(), http.MethodDelete, u, nil, "") })
	return r.link(u)
}

func (r realServer) link(u string) account.Calendar {
	return account.Calendar{URL: account.NewSecret(u), User: r.user, Password: account.NewSecret(r.password), TLSCA: r.ca()}
}

func (r realServer) ca() string {
	if r.CA == nil {
		return ""
	}
	return string(r.CA.PEM)
}

func onRealServers(t *testing.T, test func(t *testing.T, r realServer)) {
	for _, kind := range []string{testbed.Radicale, testbed.Xandikos} {
		t.Run(kind, func(t *testing.T) {
			test(t, realServer{bed.DAVFor(t, kind), testbed.BedUser, testbed.BedPassword})
		})
	}
}

func TestDiscoverOnRealServers(t *testing.T) {
	onRealServers(t, func(t *testing.T, r realServer) {
		at := r.calendar(t, "vacation").URL.Reveal()
		for name, from := range map[string]string{
			"root": r.URL, "no slash": strings.TrimSuffix(r.URL, "/"),
			"principal": r.URL + r.user + "/", "home": r.Home(r.user), "calendar": at,
		} {
			t.Run(name, func(t *testing.T) {
				cal := r.link(from)
				d, err := Client{}.Discover(t.Context(), Endpoint{URL: cal.URL, User: cal.User, Password: cal.Password, TLSCA: cal.TLSCA})
				if err != nil {
					t.Fatal(err)
				}
				if d.Named != (name == "calendar") {
					t.Errorf("Named = %v", d.Named)
				}
				var found *Found
				for i := range d.Calendars {
					if d.Calendars[i].Name == "vacation" {
						found = &d.Calendars[i]
					}
				}
				if found == nil {
					t.Fatalf("not found: %+v", d)
				}
				if found.URL != at || !found.Owned || found.Kind != Plain || !found.HoldsEvents() {
					t.Errorf("found %+v, want %s, owned", *found, at)
				}
			})
		}
	})
}

// A peer is a server with one calendar that a test may change.
type peer struct {
	calendar account.Calendar
	put      func(name, ics string)
	remove   func(name string) // "" is the calendar itself
	name     string            // of the calendar
	// report says that changes are asked for with sync-collection, so that
	// deletions are named; else the members are listed.
	report bool
}

func TestPollOnRealServers(t *testing.T) {
	onRealServers(t, func(t *testing.T, r realServer) {
		cal := r.calendar(t, "polled")
		at := cal.URL.Reveal()
		pollSuite(t, peer{
			calendar: cal, name: "polled", report: true,
			put: func(name, ics string) {
				if err := r.Put(t.Context(), at+name, ics); err != nil {
					t.Fatal(err)
				}
			},
			remove: func(name string) {
				if err := r.Delete(t.Context(), at+name); err != nil {
					t.Fatal(err)
				}
			},
		})
	})
}

// pollSuite is what a source has to do on every CalDAV server.
func pollSuite(t *testing.T, p peer) {
	for i := range 3 {
		p.put(fmt.Sprintf("e%d.ics", i), event(fmt.Sprint("e", i), fmt.Sprint("v", i)))
	}
	s, w := open(t, p.calendar)
	look := map[bool]string{true: "REPORT", false: "PROPFIND"}[p.report]

	d, cursor := mustPoll(t, s, "")
	if got, want := summaries(d.Changed), []string{"v0", "v1", "v2"}; !cmp.Equal(got, want) || len(d.Listing) != 3 || d.Name != p.name {
		t.Errorf("first poll: %v %v %q", got, d.Listing, d.Name)
	}
	requests, heard := w.since()
	t.Logf("first: %v, %d bytes", requests, heard)

	// One small request, whatever the calendar holds, where the server can.
	d, cursor = mustPoll(t, s, cursor)
	requests, heard = w.since()
	t.Logf("unchanged: %v, %d bytes", requests, heard)
	if !cmp.Equal(d, absence.Delta{Unchanged: true}) {
		t.Errorf("unchanged poll: %+v", d)
	}
	if !cmp.Equal(requests, []string{look + " 207"}) || p.report && heard > 1000 {
		t.Errorf("unchanged poll cost %v, %d bytes", requests, heard)
	}

	// One request more, and one object.
	p.put("e1.ics", event("e1", "changed"))
	d, cursor = mustPoll(t, s, cursor)
	requests, heard = w.since()
	t.Logf("one change: %v, %d bytes", requests, heard)
	if !cmp.Equal(summaries(d.Changed), []string{"changed"}) || d.Removed != nil || p.report != (d.Listing == nil) || d.Unchanged {
		t.Errorf("one change: %+v", d)
	}
	if !cmp.Equal(requests, []string{look + " 207", "REPORT 207"}) {
		t.Errorf("one change cost %v", requests)
	}

	// After a restart nothing is downloaded again.
	s, w = open(t, p.calendar)
	if d, cursor = mustPoll(t, s, cursor); !d.Unchanged {
		t.Errorf("after a restart: %+v", d)
	}
	requests, heard = w.since()
	t.Logf("after a restart: %v, %d bytes", requests, heard)

	p.remove("e2.ics")
	d, cursor = mustPoll(t, s, cursor)
	t.Logf("one deletion: %+v", d)
	named := len(d.Removed) == 1 && d.Removed[0] == "e2.ics" && d.Listing == nil
	if p.report != named || !named && len(d.Listing) != 2 || d.Changed != nil {
		t.Errorf("one deletion: %+v", d)
	}
	if !named {
		if d, cursor = mustPoll(t, s, cursor); len(d.Listing) != 2 {
			t.Errorf("one deletion, agreed: %+v", d)
		}
	}

	w.since()
	bad := readCursor(cursor)
	bad.Token = "http://example.org/ns/sync/no-such-token"
	d, cursor = mustPoll(t, s, bad.String())
	requests, heard = w.since()
	t.Logf("invalid token: %v, %d bytes", requests, heard)
	if !d.Unchanged {
		t.Errorf("invalid token: %+v", d)
	}
	if d, cursor = mustPoll(t, s, cursor); !d.Unchanged || !cmp.Equal(w.requests, []string{look + " 207"}) {
		t.Errorf("after an invalid token: %+v, %v", d, w.requests)
	}

	p.put("todo.ics", strings.ReplaceAll(strings.ReplaceAll(event("todo", "a task"), "VEVENT", "VTODO"), "DTEND", "DUE"))
	d, cursor = mustPoll(t, s, cursor)
	if len(d.Changed) != 1 || len(d.Changed[0].Events)+len(d.Changed[0].Errors) != 0 {
		t.Errorf("a task: %+v", d)
	}

	p.remove("")
	_, next, err := s.Poll(t.Context(), cursor)
	e, ok := err.(*Error)
	if !ok || !e.Gone() || e.Hint() == "" || next != cursor {
		t.Errorf("a calendar that is gone: %v", err)
	}
	t.Log(err)
}

func TestRealServerRefuses(t *testing.T) {
	d := testbed.RadicaleFor(t, testbed.RadicaleOptions{Users: map[string]string{"ada": "right"}, TLS: bed.CA})
	r := realServer{d, "ada", "right"}
	cal := r.calendar(t, "closed")
	s, _ := open(t, cal)
	if d, _ := mustPoll(t, s, ""); d.Listing == nil || len(d.Listing) != 0 {
		t.Errorf("over TLS: %+v", d)
	}

	wrong := cal
	wrong.Password = account.NewSecret("wrong-password")
	s, _ = open(t, wrong)
	_, _, err := s.Poll(t.Context(), "")
	if e, ok := err.(*Error); !ok || !e.Credentials() || e.Temporary() || e.Hint() == "" || strings.Contains(err.Error(), "wrong-password") {
		t.Errorf("wrong password: %v", err)
	}
	_, err = Client{}.Discover(t.Context(), Endpoint{URL: account.NewSecret(d.URL), User: "ada", Password: wrong.Password, TLSCA: wrong.TLSCA})
	if e, ok := err.(*Error); !ok || !e.Credentials() {
		t.Errorf("wrong password while linking: %v", err)
	}

	untrusted := cal
	untrusted.TLSCA = ""
	s, _ = open(t, untrusted)
	_, _, err = s.Poll(t.Context(), "")
	if e, ok := err.(*Error); !ok || e.Temporary() || !strings.Contains(e.Hint(), "--tls-ca") {
		t.Errorf("certificate of an unknown CA: %v", err)
	}
	t.Log(err)

	if err := d.Kill(); err != nil {
		t.Fatal(err)
	}
	s, _ = open(t, cal)
	_, _, err = s.Poll(t.Context(), "")
	if e, ok := err.(*Error); !ok || !e.Temporary() || e.Hint() == "" {
		t.Errorf("server that is down: %v", err)
	}
	t.Log(err)
}
