package caldav

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"awayd/sync/absence"
	"awayd/sync/account"
)

// A page is what a feed's server has at the one URL of the feed.
type page struct {
	*httptest.Server
	text     string
	status   int               // 0: 200
	header   map[string]string // of the answer
	promises bool              // it answers conditional requests
	broken   bool              // the connection breaks half-way
	asked    []http.Header
}

func newPage(t *testing.T, text string) *page {
	p := &page{text: text}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.asked = append(p.asked, r.Header)
	if r.URL.Path != "/secret/ada.ics" || r.URL.RawQuery != "key=hush" || r.Method != http.MethodGet {
		http.NotFound(w, r)
		return
	}
	for name, value := range p.header {
		w.Header().Set(name, value)
	}
	if p.promises {
		etag := `"` + textDigest([]byte(p.text)) + `"`
		w.Header().Set("ETag", etag)
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if p.broken {
		w.Header().Set("Content-Length", fmt.Sprint(len(p.text)+1))
	}
	if p.status != 0 {
		w.WriteHeader(p.status)
	}
	fmt.Fprint(w, p.text)
}

func (p *page) url() string { return p.URL + "/secret/ada.ics?key=hush" }

func (p *page) source(t *testing.T) *Source {
	t.Helper()
	src, err := Client{}.Open(account.Calendar{URL: account.NewSecret("webcal" + strings.TrimPrefix(p.url(), "http"))})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// feedOf is a feed of events named after their summaries.
func feedOf(stamp string, names ...string) string {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nX-WR-CALNAME:Ada\\, away\r\nX-WR-TIMEZONE:Europe/Berlin\r\n")
	for _, n := range names {
		b.WriteString("BEGIN:VEVENT\r\nUID:" + n + "\r\nDTSTAMP:" + stamp + "\r\nDTSTART;VALUE=DATE:20250707\r\nDTEND;VALUE=DATE:20250721\r\nSUMMARY:" + n + "\r\nEND:VEVENT\r\n")
	}
	return b.String() + "END:VCALENDAR\r\n"
}

const stamp = "20250101T000000Z"

func TestFeed(t *testing.T) {
	for _, promises := range []bool{true, false} {
		t.Run(fmt.Sprint("conditional ", promises), func(t *testing.T) {
			p := newPage(t, feedOf(stamp, "a", "b"))
			p.promises = promises
			src := p.source(t)
			wire := tap(src)
			d, cursor := mustPoll(t, src, "")
			if !cmp.Equal(summaries(d.Changed), []string{"a", "b"}) || len(d.Listing) != 2 || d.Name != "Ada, away" || d.Zone != "Europe/Berlin" {
				t.Errorf("first: %+v", d)
			}
			wire.since()
			d, cursor = mustPoll(t, src, cursor)
			requests, heard := wire.since()
			t.Logf("unchanged: %v, %d bytes", requests, heard)
			if !cmp.Equal(d, absence.Delta{Unchanged: true}) || len(requests) != 1 || (promises && heard > 0) {
				t.Errorf("unchanged: %+v %v", d, requests)
			}
			// A file written anew for each reader is not another calendar.
			p.text = feedOf("20250202T020202Z", "a", "b")
			if d, cursor = mustPoll(t, src, cursor); !cmp.Equal(d, absence.Delta{Unchanged: true}) {
				t.Errorf("another DTSTAMP: %+v", d)
			}
			p.text = strings.Replace(feedOf(stamp, "a", "b", "c"), "SUMMARY:b", "SUMMARY:bb", 1)
			d, cursor = mustPoll(t, src, cursor)
			if !cmp.Equal(summaries(d.Changed), []string{"bb", "c"}) || len(d.Listing) != 3 {
				t.Errorf("changed: %+v", d)
			}
			// What vanished is looked for twice, without a condition.
			p.text = feedOf(stamp, "a", "c")
			for i := range 2 {
				if d, cursor = mustPoll(t, src, cursor); d.Unchanged || len(d.Listing) != 2 || d.Changed != nil {
					t.Errorf("vanished, %d: %+v", i, d)
				}
			}
			if d, cursor = mustPoll(t, src, cursor); !d.Unchanged {
				t.Errorf("vanished, done: %+v", d)
			}
			p.text = feedOf(stamp)
			for i := range 3 {
				if d, cursor = mustPoll(t, src, cursor); d.Unchanged || d.Listing == nil || len(d.Listing) != 0 {
					t.Errorf("empty, %d: %+v", i, d)
				}
			}
			p.text = feedOf(stamp, "a")
			if d, _ = mustPoll(t, src, cursor); !cmp.Equal(summaries(d.Changed), []string{"a"}) {
				t.Errorf("filled again: %+v", d)
			}
		})
	}
}

// A server that says for ever that nothing changed is not believed for ever.
func TestFeedIsReadNowAndThen(t *testing.T) {
	p := newPage(t, feedOf(stamp, "a"))
	p.promises = true
	src := p.source(t)
	_, cursor := mustPoll(t, src, "")
	p.asked = nil
	for range relistAfter + 1 {
		_, cursor = mustPoll(t, src, cursor)
	}
	for i, h := range p.asked {
		if last := i == relistAfter; last != (h.Get("If-None-Match") == "") {
			t.Fatalf("request %d: %v", i, h)
		}
	}
}

// No answer of these is an empty calendar, and no error shows the URL.
func TestOddFeedsAreErrors(t *testing.T) {
	whole := feedOf(stamp, "a", "b")
	for name, spoil := range map[string]func(*page){
		"log-in page":    func(p *page) { p.text = "<!DOCTYPE html><html>BEGIN:VCALENDAR</html>" },
		"page of 200":    func(p *page) { p.text = "Service unavailable" },
		"nothing":        func(p *page) { p.text = "" },
		"blanks":         func(p *page) { p.text = "\ufeff\r\n  \r\n" },
		"cut in a line":  func(p *page) { p.text = whole[:len(whole)/2] },
		"cut at the end": func(p *page) { p.text = strings.TrimSuffix(whole, "END:VCALENDAR\r\n") },
		"cut in the end": func(p *page) { p.text = strings.TrimSuffix(whole, "DAR\r\n") },
		"not found":      func(p *page) { p.status = 404 },
		"gone":           func(p *page) { p.status = 410 },
		"forbidden":      func(p *page) { p.status = 403 },
		"too often":      func(p *page) { p.status = 429 },
		"unavailable":    func(p *page) { p.status = 503 },
		"no content":     func(p *page) { p.status, p.text = 204, "" },
		"a part":         func(p *page) { p.status = 206 },
		"not modified":   func(p *page) { p.status, p.text = 304, "" },
		"broken off":     func(p *page) { p.broken = true },
		"no gzip":        func(p *page) { p.header = map[string]string{"Content-Encoding": "gzip"} },
		"too large":      func(p *page) { p.text = "BEGIN:VCALENDAR\r\n" + strings.Repeat("X-A:b\r\n", maxFeed/7) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPage(t, whole)
			src := p.source(t)
			_, cursor := mustPoll(t, src, "")
			spoil(p)
			for _, from := range []string{"", cursor} {
				if name == "not modified" && from != "" {
					continue // that is an answer
				}
				d, next, err := src.Poll(t.Context(), from)
				e, ok := err.(*Error)
				if !ok || next != from || !cmp.Equal(d, absence.Delta{}) || e.Hint() == "" {
					t.Fatalf("%+v, %v", d, err)
				}
				if said := e.Error() + e.Hint(); strings.Contains(said, "secret") || strings.Contains(said, "hush") {
					t.Error(said)
				}
			}
		})
	}
}

// One broken event of a feed is an error about that event.
func TestFeedWithABrokenEvent(t *testing.T) {
	p := newPage(t, strings.Replace(feedOf(stamp, "a", "b"), "20250707", "2025-07-07", 1))
	d, _ := mustPoll(t, p.source(t), "")
	if got := summaries(d.Changed); len(got) != 2 || !strings.HasPrefix(got[0], "error: ") || got[1] != "b" {
		t.Errorf("%q", got)
	}
}

func TestDiscoverFeed(t *testing.T) {
	p := newPage(t, feedOf(stamp, "a"))
	for _, u := range []string{p.url(), "webcal" + strings.TrimPrefix(p.url(), "http"), strings.Replace(p.url(), "//", "//ada:hunter2@", 1)} {
		d, err := Client{}.Discover(t.Context(), Endpoint{URL: account.NewSecret(u)})
		if err != nil || len(d.Calendars) != 1 || !d.Named {
			t.Fatalf("%+v, %v", d, err)
		}
		want := Found{URL: "webcal" + strings.TrimPrefix(p.url(), "http"), Name: "Ada, away", Zone: "Europe/Berlin", Kind: Plain, Owned: true}
		if diff := cmp.Diff(want, d.Calendars[0]); diff != "" {
			t.Error(diff)
		}
		if strings.Contains(u, "hunter2") != (d.User == "ada" && d.Password.Reveal() == "hunter2") {
			t.Errorf("to be opened as %q", d.User)
		}
	}
	// A feed whose URL does not look like one.
	any := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		fmt.Fprint(w, feedOf(stamp, "a"))
	}))
	defer any.Close()
	d, err := Client{}.Discover(t.Context(), Endpoint{URL: account.NewSecret(any.URL + "/export?id=1")})
	if err != nil || len(d.Calendars) != 1 || !strings.HasPrefix(d.Calendars[0].URL, "webcal:") {
		t.Errorf("%+v, %v", d, err)
	}
	// Neither a feed nor a calendar.
	for _, path := range []string{"/x.ics", "/x"} {
		site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>Hello</html>") }))
		if d, err := (Client{}).Discover(t.Context(), Endpoint{URL: account.NewSecret(site.URL + path)}); err == nil || len(d.Calendars) > 0 {
			t.Errorf("%s: %+v", path, d)
		}
		site.Close()
	}
}

func TestWebcal(t *testing.T) {
	for from, want := range map[string]string{
		"webcal://example.org/a?b": "https://example.org/a?b", "WEBCALS://example.org/a": "https://example.org/a",
		"webcal://127.0.0.1:80/a": "http://127.0.0.1:80/a", "webcals://localhost/a": "https://localhost/a", "webcal:": "https:",
	} {
		if got := fromWebcal(account.NewSecret(from)).Reveal(); got != want {
			t.Errorf("%s: %s", from, got)
		}
	}
}

// UTC is what generators write that know of no zone: nobody lives there, so it
// is not the calendar's zone, but its floating times are in it all the same.
func TestCalendarInUTC(t *testing.T) {
	for says, want := range map[string]string{
		"UTC": "", "utc": "", "Etc/UTC": "", "Etc/UCT": "", "UCT": "", "Universal": "", "Zulu": "", "GMT": "", "Etc/GMT": "", "GMT0": "",
		"Etc/GMT-0": "", "Etc/Greenwich": "", "/freeassociation.sourceforge.net/UTC": "",
		"Europe/London": "Europe/London", "GMT Standard Time": "Europe/London", "Africa/Abidjan": "Africa/Abidjan", "Etc/GMT-1": "Etc/GMT-1",
	} {
		text := "BEGIN:VCALENDAR\r\nX-WR-TIMEZONE:" + says + "\r\nBEGIN:VEVENT\r\nUID:u\r\nDTSTART:20250707T090000\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
		w, err := readWhole([]byte(text))
		if err != nil || w.zone != want {
			t.Errorf("X-WR-TIMEZONE:%s is %q, want %q, %v", says, w.zone, want, err)
			continue
		}
		if start := w.objects[0].Events[0].Start; start.Floating() {
			t.Errorf("X-WR-TIMEZONE:%s: %v is in no zone", says, start)
		}
		zone := `<c:calendar-timezone>BEGIN:VCALENDAR&#13;
BEGIN:VTIMEZONE&#13;
TZID:` + says + `&#13;
END:VTIMEZONE&#13;
END:VCALENDAR</c:calendar-timezone>`
		for _, inner := range []string{zone, `<c:calendar-timezone-id>` + says + `</c:calendar-timezone-id>`} {
			s := newScript(t)
			s.calendar(inner, "a")
			if d, _ := mustPoll(t, s.source("/c/"), ""); d.Zone != want {
				t.Errorf("%s is %q, want %q", inner, d.Zone, want)
			}
		}
	}
}
