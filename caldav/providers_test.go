package caldav

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"awayd/sync/absence"
	"awayd/sync/account"
)

// Answers of providers that cannot be run here, each written by hand after
// what the named source says.

// github.com/nextcloud/server/issues/48678: a limit on the first sync report
// is a 507; sabre-io/dav says 418 beside the 404 of what was deleted.
func TestNextcloud(t *testing.T) {
	s := newScript(t)
	s.calendar(token("http://sabre.io/ns/sync/7")+syncReports, "a", "b")
	src := s.source("/c/")
	_, cursor := mustPoll(t, src, "")
	for _, asked := range s.since() {
		if asked == askSync {
			t.Error("the first poll is a sync report")
		}
	}
	s.on(askSync, `<d:response><d:href>/c/a.ics</d:href><d:status>HTTP/1.1 404 Not Found</d:status>`+
		`<d:propstat><d:prop/><d:status>HTTP/1.1 418 I'm a teapot</d:status></d:propstat></d:response>`, token("http://sabre.io/ns/sync/8"))
	d, cursor := mustPoll(t, src, cursor)
	if want := (absence.Delta{Removed: []string{"a.ics"}}); !cmp.Equal(d, want) {
		t.Errorf("deleted: %+v", d)
	}
	s.fail(askSync, http.StatusInsufficientStorage)
	s.calendar(token("http://sabre.io/ns/sync/9")+syncReports, "b", "c")
	if d, _ = mustPoll(t, src, cursor); !cmp.Equal(summaries(d.Changed), []string{"c"}) || d.Removed != nil || len(d.Listing) != 2 {
		t.Errorf("after a 507: %+v", d)
	}
}

// developers.google.com/workspace/calendar/caldav/v2/guide: sync-collection
// after the first sync, a ctag as well, OAuth only, and the quota of the
// Calendar API, which is a 403 (…/calendar/api/guides/errors).
func TestGoogle(t *testing.T) {
	s := newScript(t)
	s.calendar(token("CAoQ-lo")+syncReports+ctag("63"), "a")
	src := s.source("/c/")
	_, cursor := mustPoll(t, src, "")
	if c := readCursor(cursor); c.Token == "" || c.CTag != "" {
		t.Errorf("%+v", c)
	}
	for _, key := range []string{askSync, askState, askList} {
		s.fail(key, http.StatusForbidden)
	}
	d, next, err := src.Poll(t.Context(), cursor)
	if e, ok := err.(*Error); !ok || e.Status != 403 || next != cursor || !cmp.Equal(d, absence.Delta{}) {
		t.Errorf("over quota: %+v, %v", d, err)
	}
}

// hosts answers for several hosts without a network.
type hosts struct {
	t     *testing.T
	sites map[string]http.Handler
	asked []string
}

func (h *hosts) Do(r *http.Request) (*http.Response, error) {
	h.asked = append(h.asked, r.Method+" "+r.URL.Host)
	site, ok := h.sites[r.URL.Host]
	if !ok {
		h.t.Errorf("%s was asked", r.URL.Host)
		site = http.NotFoundHandler()
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	if _, _, ok := r.BasicAuth(); !ok {
		w.Header().Set("WWW-Authenticate", `X-MobileMe-AuthToken realm="MMCalDav", Basic realm="MMCalDav"`)
		w.WriteHeader(http.StatusUnauthorized)
		return w.Result(), nil
	}
	site.ServeHTTP(w, r)
	return w.Result(), nil
}

// github.com/emersion/go-webdav/issues/61: the principal is on one host, the
// home on another of the same domain, with its port written out.
func TestICloud(t *testing.T) {
	const front, home = "caldav.icloud.com", "p42-caldav.icloud.com:443"
	h := &hosts{t: t, sites: map[string]http.Handler{
		front: tree{
			"0 /":              props("/", collectionType+href("d:current-user-principal", "/17/principal/")),
			"0 /17/principal/": props("/17/principal/", href("c:calendar-home-set", "https://"+home+"/17/calendars/")),
		},
		home: tree{
			"1 /17/calendars/": props("/17/calendars/", collectionType) +
				props("/17/calendars/work/", calendarType+href("d:owner", "/17/principal/")) +
				props("/17/calendars/inbox/", `<d:resourcetype><d:collection/><c:schedule-inbox/></d:resourcetype>`),
		},
	}}
	s, err := Client{}.connect(account.NewSecret("https://"+front+"/"), "ada", account.NewSecret("hunter2"), "")
	if err != nil {
		t.Fatal(err)
	}
	s.http = h
	d, err := (&finder{server: s, seen: map[string]bool{}}).find(t.Context())
	if err != nil || len(d.Calendars) != 1 || d.Calendars[0].URL != "https://"+home+"/17/calendars/work/" || !d.Calendars[0].Owned {
		t.Errorf("%+v, %v", d, err)
	}

	// Its multigets miss what is there.
	script := newScript(t)
	script.calendar("", "a", "b")
	script.on(askMultiget, data("/c/a.ics", "a", event("a", "a")), failed("/c/b.ics", 404))
	script.answers["GET /c/b.ics"] = func(w http.ResponseWriter, _ string) { fmt.Fprint(w, event("b", "b")) }
	if d, _ := mustPoll(t, script.source("/c/"), ""); !cmp.Equal(summaries(d.Changed), []string{"a", "b"}) {
		t.Errorf("%+v", d)
	}
}

// github.com/thunderbird/appointment/issues/343: without its trailing slash a
// calendar is a 401.
func TestFastmail(t *testing.T) {
	const user = "/dav/calendars/user/ada@fastmail.com/"
	dav := tree{
		"0 /.well-known/caldav":                    "/dav/calendars",
		"0 /dav/calendars":                         props("/dav/calendars/", collectionType+href("d:current-user-principal", "/dav/principals/user/ada@fastmail.com/")),
		"0 /dav/principals/user/ada@fastmail.com/": props("/dav/principals/user/ada@fastmail.com/", href("c:calendar-home-set", user)),
		"1 " + user:                                props(user, collectionType) + props(user+"Default/", calendarType),
		"0 " + user + "Default":                    "401",
	}
	d, err := dav.discover(t, "/")
	if err != nil || len(d.Calendars) != 1 || d.Calendars[0].URL != user+"Default/" {
		t.Fatalf("%+v, %v", d, err)
	}
	s := newScript(t)
	s.calendar(token("1")+syncReports, "a")
	mustPoll(t, s.source("/c/"), "")
	for _, u := range []string{"/c/", "/c"} {
		src, err := Client{}.open(account.Calendar{URL: account.NewSecret("https://example.org" + u)})
		if err != nil || src.(*collection).origin.Path != u {
			t.Errorf("%s became %v", u, src)
		}
	}
}

// github.com/pimutils/vdirsyncer/issues/246: hrefs in another case and
// encoding than they are asked for in, times for ETags, without quotes.
func TestDavMail(t *testing.T) {
	const asked, said = "/users/Ada.L%40example.org/calendar/", "/users/ada.l@example.org/calendar/"
	s := newScript(t)
	list := []string{props(said, calendarType), found(said+"AAMk%3D.EML", "2015-07-22T00:43:35Z")}
	s.on(askState, props(said, calendarType))
	s.on(askList, list...)
	s.on(askMultiget, data(said+"AAMk=.EML", "2015-07-22T00:43:35Z", event("a", "a")))
	src := s.source(asked)
	d, cursor := mustPoll(t, src, "")
	if !cmp.Equal(summaries(d.Changed), []string{"a"}) || len(d.Listing) != 1 {
		t.Errorf("first: %+v", d)
	}
	s.since()
	if d, _ = mustPoll(t, src, cursor); !d.Unchanged || !cmp.Equal(s.since(), []string{askList}) {
		t.Errorf("unchanged: %+v", d)
	}
}

// github.com/AvengeMedia/dankcalendar/issues/81: ETags without quotes.
// github.com/pimutils/vdirsyncer/issues/733: 429 with Retry-After: 300.
func TestMailboxOrg(t *testing.T) {
	s := newScript(t)
	s.calendar(ctag("1"), "1681-1754680000000", "1681-1754680000001")
	src := s.source("/c/")
	_, cursor := mustPoll(t, src, "")
	s.answers[askCTag] = func(w http.ResponseWriter, _ string) {
		w.Header().Set("Retry-After", "300")
		w.Header().Set("Content-Type", "text/html;charset=UTF-8")
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, "<!DOCTYPE html><html>")
	}
	s.since()
	_, next, err := src.Poll(t.Context(), cursor)
	if e, ok := err.(*Error); !ok || e.RetryAfter() != 5*time.Minute || !e.Temporary() || next != cursor || len(s.asked) != 1 {
		t.Errorf("%v, %v", err, s.asked)
	}
	// In the middle of a poll as well.
	s.calendar(ctag("2"), "1681-1754680000000", "1681-1754680000002")
	s.answers[askMultiget] = func(w http.ResponseWriter, _ string) {
		w.Header().Set("Retry-After", "300")
		w.WriteHeader(http.StatusTooManyRequests)
	}
	if _, next, err = src.Poll(t.Context(), cursor); next != cursor || err == nil || err.(*Error).RetryAfter() != 5*time.Minute {
		t.Errorf("%v", err)
	}
}
