package caldav

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"awayd/sync/absence"
	"awayd/sync/account"
)

// A script is a server that answers as servers do that we do not have here: each
// request is looked up by method, path and what its body asks for.
type script struct {
	t       *testing.T
	server  *httptest.Server
	answers map[string]func(w http.ResponseWriter, body string)
	asked   []string
}

// Names of what a poll asks for.
const (
	askState    = "PROPFIND state"
	askCTag     = "PROPFIND ctag"
	askList     = "PROPFIND list"
	askQuery    = "REPORT query"
	askSync     = "REPORT sync"
	askMultiget = "REPORT multiget"
)

func newScript(t *testing.T) *script {
	s := &script{t: t, answers: map[string]func(http.ResponseWriter, string){}}
	s.server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.server.Close)
	return s
}

func (s *script) serve(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") == "" {
		w.Header().Set("WWW-Authenticate", `Basic realm="calendars"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	body := string(b)
	key := r.Method + " " + r.URL.EscapedPath()
	depth := ""
	switch {
	case r.Method == "GET":
	case strings.Contains(body, "<sync-collection"):
		key, depth = askSync, "0"
	case strings.Contains(body, "calendar-multiget"):
		key, depth = askMultiget, "1"
	case strings.Contains(body, "calendar-query"):
		key, depth = askQuery, "1"
	case strings.Contains(body, "supported-report-set"):
		key, depth = askState, "0"
	case strings.Contains(body, "getctag"):
		key, depth = askCTag, "0"
	case strings.Contains(body, "getetag"):
		key, depth = askList, "1"
	}
	s.asked = append(s.asked, key)
	if depth != "" && r.Header.Get("Depth") != depth {
		s.t.Errorf("%s with Depth %q", key, r.Header.Get("Depth"))
	}
	if r.Header.Get("User-Agent") != "awayd/1.2" {
		s.t.Errorf("User-Agent %q", r.Header.Get("User-Agent"))
	}
	answer, ok := s.answers[key]
	if !ok {
		http.NotFound(w, r)
		return
	}
	answer(w, body)
}

// on answers with a 207.
func (s *script) on(key string, responses ...string) {
	s.answers[key] = func(w http.ResponseWriter, _ string) {
		w.WriteHeader(http.StatusMultiStatus)
		fmt.Fprint(w, multistatus(strings.Join(responses, "\n")))
	}
}

// fail answers with a status.
func (s *script) fail(key string, status int) {
	s.answers[key] = func(w http.ResponseWriter, _ string) { w.WriteHeader(status) }
}

func (s *script) since() []string {
	asked := s.asked
	s.asked = nil
	return asked
}

func (s *script) source(path string) *Source {
	s.t.Helper()
	src, err := Client{Version: "1.2", Timeout: time.Minute}.Open(account.Calendar{
		URL: account.NewSecret(s.server.URL + path), User: "ada", Password: account.NewSecret("hunter2"),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return src
}

const (
	calendarType = `<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>`
	syncReports  = `<d:supported-report-set><d:supported-report><d:report><d:sync-collection/></d:report></d:supported-report></d:supported-report-set>`
)

func props(href, inner string) string {
	return `<d:response><d:href>` + href + `</d:href><d:propstat><d:prop>` + inner + `</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>`
}

func failed(href string, status int) string {
	return fmt.Sprintf(`<d:response><d:href>%s</d:href><d:status>HTTP/1.1 %d x</d:status></d:response>`, href, status)
}

func token(s string) string { return `<d:sync-token>` + s + `</d:sync-token>` }

func ctag(s string) string {
	return `<x:getctag xmlns:x="http://calendarserver.org/ns/">` + s + `</x:getctag>`
}

func data(href, etag, ics string) string {
	return props(href, `<d:getetag>`+etag+`</d:getetag><c:calendar-data>`+escape(ics)+`</c:calendar-data>`)
}

// calendar sets up a calendar at /c/ with objects named after their summaries,
// which stand for their versions as well.
func (s *script) calendar(state string, names ...string) {
	s.on(askState, props("/c/", calendarType+state))
	s.on(askCTag, props("/c/", calendarType+state))
	list := []string{props("/c/", calendarType)}
	var all []string
	for _, n := range names {
		list = append(list, found("/c/"+n+".ics", n))
		all = append(all, data("/c/"+n+".ics", n, event(n, n)))
	}
	s.on(askList, list...)
	s.on(askMultiget, all...)
}

func TestPollWithoutTokens(t *testing.T) {
	for name, c := range map[string]struct {
		state     func(version string) string
		unchanged []string
		changed   []string
	}{
		"ctag":  {ctag, []string{askCTag}, []string{askCTag, askState, askList, askMultiget}},
		"etags": {func(string) string { return "" }, []string{askList}, []string{askList, askMultiget}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			src := s.source("/c/")
			s.calendar(c.state("1"), "a", "b")
			d, cursor := mustPoll(t, src, "")
			if !cmp.Equal(summaries(d.Changed), []string{"a", "b"}) || !cmp.Equal(s.since(), []string{askState, askQuery, askList, askMultiget}) {
				t.Errorf("first: %+v", d)
			}
			d, cursor = mustPoll(t, src, cursor)
			if asked := s.since(); !d.Unchanged || !cmp.Equal(asked, c.unchanged) {
				t.Errorf("unchanged: %+v, %v", d, asked)
			}
			s.calendar(c.state("2"), "a", "b", "new")
			d, cursor = mustPoll(t, src, cursor)
			if asked := s.since(); !cmp.Equal(summaries(d.Changed), []string{"new"}) || len(d.Listing) != 3 || !cmp.Equal(asked, c.changed) {
				t.Errorf("changed: %+v, %v", d, asked)
			}
			// What vanished without a word is looked for twice.
			s.calendar(c.state("3"), "b", "new")
			d, cursor = mustPoll(t, src, cursor)
			if want := (absence.Delta{Listing: []string{"b.ics", "new.ics"}}); !cmp.Equal(d, want) {
				t.Errorf("vanished: %+v", d)
			}
			d, cursor = mustPoll(t, src, cursor)
			if len(d.Listing) != 2 || d.Unchanged {
				t.Errorf("vanished, again: %+v", d)
			}
			s.since()
			d, cursor = mustPoll(t, src, cursor)
			if asked := s.since(); !d.Unchanged || !cmp.Equal(asked, c.unchanged) {
				t.Errorf("vanished, done: %+v, %v", d, asked)
			}
			// An empty calendar is listed every time, and says so.
			s.calendar(c.state("4"))
			for range 3 {
				d, cursor = mustPoll(t, src, cursor)
				if d.Unchanged || d.Listing == nil || len(d.Listing) != 0 {
					t.Errorf("empty: %+v", d)
				}
			}
		})
	}
}

// What looks like nothing is not an empty calendar.
func TestOddAnswersAreErrors(t *testing.T) {
	for name, spoil := range map[string]func(*script){
		"empty 207":            func(s *script) { s.on(askList) },
		"list without itself":  func(s *script) { s.on(askList, found("/c/a.ics", "a")) },
		"no calendar any more": func(s *script) { s.on(askList, props("/c/", "<d:resourcetype><d:collection/></d:resourcetype>")) },
		"no calendar, state":   func(s *script) { s.on(askState, props("/c/", "<d:resourcetype><d:collection/></d:resourcetype>")) },
		"404 in the 207":       func(s *script) { s.on(askState, failed("/c/", 404)) },
		"404":                  func(s *script) { s.fail(askState, 404) },
		"200":                  func(s *script) { s.fail(askList, 200) },
		"500":                  func(s *script) { s.fail(askList, 500) },
		"cut short":            func(s *script) { s.on(askList, props("/c/", calendarType), failed("/c/", 507), found("/c/a.ics", "a")) },
		"log-in page": func(s *script) {
			s.answers[askList] = func(w http.ResponseWriter, _ string) { fmt.Fprint(w, "<html/>") }
		},
		"connection lost half-way": func(s *script) { s.answers[askList] = half },
		"multiget refused for now": func(s *script) { s.fail(askMultiget, 503) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			s.calendar("", "a", "b")
			spoil(s)
			d, next, err := s.source("/c/").Poll(t.Context(), "")
			e, ok := err.(*Error)
			if !ok || next != "" || !cmp.Equal(d, absence.Delta{}) {
				t.Fatalf("%+v, %v", d, err)
			}
			if e.Hint() == "" || strings.Contains(e.Error(), "/c/") || strings.Contains(e.Error(), "hunter2") {
				t.Errorf("%v (Try: %s)", e, e.Hint())
			}
		})
	}
}

func half(w http.ResponseWriter, _ string) {
	w.Header().Set("Content-Length", "10000")
	w.WriteHeader(http.StatusMultiStatus)
	fmt.Fprint(w, multistatus(found("/c/a.ics", "a"))[:200])
}

// TestEverythingInOneAnswer reads a new calendar with one report, and in pieces
// wherever that report is not what it should be.
func TestEverythingInOneAnswer(t *testing.T) {
	a, b := data("/c/a.ics", "a", event("a", "a")), data("/c/b.ics", "b", event("b", "b"))
	pieces := []string{askState, askQuery, askList, askMultiget}
	for name, c := range map[string]struct {
		answer func(*script)
		asked  []string
	}{
		"everything":           {func(s *script) { s.on(askQuery, a, b) }, []string{askState, askQuery}},
		"refused":              {func(s *script) { s.fail(askQuery, 403) }, pieces},
		"not known":            {func(s *script) { s.fail(askQuery, 501) }, pieces},
		"cut off":              {func(s *script) { s.on(askQuery, a, failed("/c/", 507)) }, pieces},
		"nothing":              {func(s *script) { s.on(askQuery) }, pieces},
		"without the objects":  {func(s *script) { s.on(askQuery, found("/c/a.ics", "a"), found("/c/b.ics", "b")) }, pieces},
		"without a version":    {func(s *script) { s.on(askQuery, data("/c/a.ics", "", event("a", "a")), b) }, pieces},
		"one that fails":       {func(s *script) { s.on(askQuery, a, failed("/c/b.ics", 500)) }, pieces},
		"elsewhere":            {func(s *script) { s.on(askQuery, a, b, found("https://elsewhere.example/c.ics", "c")) }, pieces},
		"connection lost":      {func(s *script) { s.answers[askQuery] = half }, pieces},
		"one that is too much": {func(s *script) { s.on(askQuery, a, data("/c/b.ics", "b", strings.Repeat("x", maxXMLText+1))) }, pieces},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			s.calendar(token("1")+syncReports, "a", "b")
			c.answer(s)
			s.on(askSync, token("1"))
			src := s.source("/c/")
			d, cursor := mustPoll(t, src, "")
			if !cmp.Equal(summaries(d.Changed), []string{"a", "b"}) || !cmp.Equal(d.Listing, []string{"a.ics", "b.ics"}) || !cmp.Equal(s.since(), c.asked) {
				t.Errorf("%+v", d)
			}
			// Both ways lead to the same place.
			if d, _ = mustPoll(t, src, cursor); !d.Unchanged || !cmp.Equal(s.since(), []string{askSync}) {
				t.Errorf("unchanged: %+v", d)
			}
			// A calendar that is to be read anew: not again what was too much.
			mustPoll(t, src, "")
			want := c.asked
			if len(want) > 2 {
				want = []string{askState, askList, askMultiget}
			}
			if asked := s.since(); !cmp.Equal(asked, want) {
				t.Errorf("the next time: %v", asked)
			}
		})
	}
	for _, status := range []int{429, 503} {
		t.Run(fmt.Sprint(status, " ends the poll"), func(t *testing.T) {
			s := newScript(t)
			s.calendar(token("1")+syncReports, "a", "b")
			s.fail(askQuery, status)
			_, _, err := s.source("/c/").Poll(t.Context(), "")
			if e, ok := err.(*Error); !ok || e.Status != status || !cmp.Equal(s.since(), []string{askState, askQuery}) {
				t.Error(err)
			}
		})
	}
}

// One broken member is an error about that member.
func TestBrokenMembers(t *testing.T) {
	s := newScript(t)
	src := s.source("/c/")
	s.calendar("", "a", "b")
	_, cursor := mustPoll(t, src, "")

	s.on(askList, props("/c/", calendarType), found("/c/a.ics", "a2"), failed("/c/b.ics", 500), failed("/c/new.ics", 403),
		found("https://elsewhere.example/c.ics", "c"), found("/c/%61.ics", "a2"), props("/c/sub/", "<d:resourcetype><d:collection/></d:resourcetype>"))
	s.on(askMultiget, data("/c/%61.ics", "a2", event("a", "a2")))
	d, cursor := mustPoll(t, src, cursor)
	want := []string{"a2", "error: it is on another host", "error: the server answers 403 Forbidden for this object"}
	if !cmp.Equal(summaries(d.Changed), want) {
		t.Errorf("changed: %q", summaries(d.Changed))
	}
	if want := []string{"a.ics", "b.ics", "https://elsewhere.example/c.ics", "new.ics"}; !cmp.Equal(d.Listing, want) {
		t.Errorf("listing: %q", d.Listing)
	}

	// A response that cannot even be named leaves the listing unproven.
	s.on(askList, props("/c/", calendarType), found("/c/a.ics", "a2"), `<d:response/>`)
	if d, cursor = mustPoll(t, src, cursor); d.Listing != nil || d.Unchanged {
		t.Errorf("a nameless response: %+v", d)
	}
	s.calendar("", "a", "b")
	if d, _ = mustPoll(t, src, cursor); len(d.Listing) != 2 {
		t.Errorf("healed: %+v", d)
	}
}

// What a multiget does not bring is asked for alone.
func TestMultigetLeavesOut(t *testing.T) {
	for name, spoil := range map[string]func(*script){
		"omits":      func(s *script) { s.on(askMultiget, data("/c/a.ics", "a", event("a", "a"))) },
		"404":        func(s *script) { s.on(askMultiget, data("/c/a.ics", "a", event("a", "a")), failed("/c/b.ics", 404)) },
		"no data":    func(s *script) { s.on(askMultiget, data("/c/a.ics", "a", event("a", "a")), found("/c/b.ics", "b")) },
		"not known":  func(s *script) { s.fail(askMultiget, 501) },
		"bad XML":    func(s *script) { s.on(askMultiget, data("/c/a.ics", "a", event("a", "a")), "</x>") },
		"huge piece": func(s *script) { s.on(askMultiget, data("/c/a.ics", "a", strings.Repeat("x", 3<<20))) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			s.calendar("", "a", "b", "c")
			spoil(s)
			get := func(text string) func(http.ResponseWriter, string) {
				return func(w http.ResponseWriter, _ string) { fmt.Fprint(w, text) }
			}
			s.answers["GET /c/a.ics"], s.answers["GET /c/b.ics"] = get(event("a", "a")), get(event("b", "b"))
			s.answers["GET /c/c.ics"] = get(strings.Repeat("x", maxObject+1))
			src := s.source("/c/")
			d, cursor := mustPoll(t, src, "")
			if got := summaries(d.Changed); !cmp.Equal(got, []string{"a", "b", "error: " + errObjectTooLarge}) {
				t.Errorf("changed: %q", got)
			}
			if d, _ = mustPoll(t, src, cursor); !d.Unchanged {
				t.Errorf("again: %+v", d)
			}
		})
	}
	t.Run("neither way", func(t *testing.T) {
		s := newScript(t)
		s.calendar("", "a", "b")
		s.on(askMultiget, data("/c/a.ics", "a", event("a", "a")))
		src := s.source("/c/")
		d, cursor := mustPoll(t, src, "")
		if got := summaries(d.Changed); !cmp.Equal(got, []string{"a", "error: the server answers 404 Not Found for this object"}) {
			t.Errorf("changed: %q", got)
		}
		s.calendar("", "a", "b")
		if d, _ = mustPoll(t, src, cursor); !cmp.Equal(summaries(d.Changed), []string{"b"}) {
			t.Errorf("healed: %+v", d)
		}
	})
}

func TestSyncReport(t *testing.T) {
	state := token("1") + syncReports
	begin := func(t *testing.T) (*script, *Source, string) {
		s := newScript(t)
		s.calendar(state, "a", "b")
		src := s.source("/c/")
		_, cursor := mustPoll(t, src, "")
		s.since()
		return s, src, cursor
	}
	t.Run("changes and removals", func(t *testing.T) {
		s, src, cursor := begin(t)
		s.on(askSync, props("/c/", ""), found("/c/a.ics", "a2"), failed("/c/b.ics", 404), failed("/c/b.ics", 404), token("2"))
		s.on(askMultiget, data("/c/a.ics", "a2", event("a", "a2")))
		d, cursor := mustPoll(t, src, cursor)
		if !cmp.Equal(summaries(d.Changed), []string{"a2"}) || !cmp.Equal(d.Removed, []string{"b.ics"}) || d.Listing != nil {
			t.Errorf("%+v", d)
		}
		// The same report again brings nothing new to fetch.
		s.since()
		s.on(askSync, found("/c/a.ics", "a2"), token("3"))
		if d, _ = mustPoll(t, src, cursor); !d.Unchanged || !cmp.Equal(s.since(), []string{askSync}) {
			t.Errorf("repeated: %+v", d)
		}
	})
	t.Run("in pages", func(t *testing.T) {
		s, src, cursor := begin(t)
		page := 1
		s.answers[askSync] = func(w http.ResponseWriter, body string) {
			if want := fmt.Sprintf("<sync-token>%d</sync-token>", page); !strings.Contains(body, want) {
				t.Errorf("asked %s, not %s", body, want)
			}
			page++
			more := failed("/c/", 507)
			if page == 4 {
				more = ""
			}
			w.WriteHeader(http.StatusMultiStatus)
			fmt.Fprint(w, multistatus(failed(fmt.Sprintf("/c/%d.ics", page), 404)+more+token(fmt.Sprint(page))))
		}
		if d, next := mustPoll(t, src, cursor); len(d.Removed) != 3 || readCursor(next).Token != "4" {
			t.Errorf("%+v %s", d, next)
		}
	})
	for name, spoil := range map[string]func(*script){
		"403": func(s *script) { s.fail(askSync, 403) }, "409": func(s *script) { s.fail(askSync, 409) },
		"412": func(s *script) { s.fail(askSync, 412) }, "500": func(s *script) { s.fail(askSync, 500) },
		"507": func(s *script) { s.fail(askSync, 507) }, "400": func(s *script) { s.fail(askSync, 400) },
		"no token":           func(s *script) { s.on(askSync, found("/c/a.ics", "a")) },
		"pages without end":  func(s *script) { s.on(askSync, failed("/c/", 507), token("1")) },
		"nameless":           func(s *script) { s.on(askSync, `<d:response/>`, token("2")) },
		"relist is due":      func(s *script) { s.fail(askSync, 418) },
		"a part of the list": func(s *script) { s.on(askSync, failed("https://elsewhere.example/a", 404), token("2")) },
	} {
		t.Run("resync after "+name, func(t *testing.T) {
			s, src, cursor := begin(t)
			spoil(s)
			s.calendar(token("9")+syncReports, "a", "c")
			d, next := mustPoll(t, src, cursor)
			if !cmp.Equal(summaries(d.Changed), []string{"c"}) || len(d.Listing) != 2 || d.Removed != nil || readCursor(next).Token != "9" {
				t.Errorf("%+v", d)
			}
		})
	}
	for _, status := range []int{401, 429, 503} {
		t.Run(fmt.Sprint("no resync after ", status), func(t *testing.T) {
			s, src, cursor := begin(t)
			s.answers[askSync] = func(w http.ResponseWriter, _ string) {
				w.Header().Set("Retry-After", "300")
				w.WriteHeader(status)
			}
			_, next, err := src.Poll(t.Context(), cursor)
			e, ok := err.(*Error)
			if !ok || e.Status != status || e.RetryAfter() != 5*time.Minute || next != cursor || len(s.asked) != 1 {
				t.Errorf("%v, %v", err, s.asked)
			}
		})
	}
	t.Run("a token is checked now and then", func(t *testing.T) {
		s, src, cursor := begin(t)
		s.on(askSync, token("1")) // for ever, as after a restore
		s.calendar(state, "a", "b", "c")
		for i := range relistAfter + 1 {
			var d absence.Delta
			d, cursor = mustPoll(t, src, cursor)
			if last := i == relistAfter; last != (len(d.Changed) == 1) {
				t.Fatalf("poll %d: %+v", i, d)
			}
		}
	})
}
