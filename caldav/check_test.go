package caldav

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"awayd/sync/account"
)

// due returns a cursor whose next poll checks the server's word with a listing.
func due(cursor string) string {
	c := readCursor(cursor)
	c.Polls = relistAfter
	return c.String()
}

// A server that takes too long to list a calendar, or has no time for it now,
// still tells what changed: no poll fails, the listing is tried again more and
// more rarely, and why is said once.
func TestCheckThatFailsFailsNoPoll(t *testing.T) {
	for mode, c := range map[string]struct {
		state, ask string
	}{
		"sync-token": {token("1") + syncReports, askSync},
		"ctag":       {ctag("1"), askCTag},
	} {
		for trouble, spoil := range map[string]func(http.ResponseWriter, string){
			"503":        func(w http.ResponseWriter, _ string) { w.WriteHeader(503) },
			"429":        func(w http.ResponseWriter, _ string) { w.WriteHeader(429) },
			"web page":   func(w http.ResponseWriter, _ string) { fmt.Fprint(w, "<html/>") },
			"broken off": half,
		} {
			t.Run(mode+", "+trouble, func(t *testing.T) {
				s := newScript(t)
				s.calendar(c.state, "a", "b")
				s.on(askSync, token("1"))
				src := s.source("/c/")
				_, cursor := mustPoll(t, src, "")
				list := s.answers[askList]
				s.answers[askList] = spoil
				s.since()

				cursor = due(cursor)
				var tried []int
				for i := range 40 {
					d, next := mustPoll(t, src, cursor)
					cursor = next
					asked := s.since()
					if slices.Contains(asked, askList) {
						tried = append(tried, i)
					}
					if !d.Unchanged || asked[len(asked)-1] != c.ask || (d.Unlisted != "") != (i == 0) {
						t.Fatalf("poll %d: %+v, %v", i, d, asked)
					}
				}
				if want := []int{0, 3, 8, 17, 34}; !cmp.Equal(tried, want) {
					t.Errorf("listed at %v, want %v", tried, want)
				}

				// One that works counts as ever, and the next trouble is told again.
				s.answers[askList] = list
				last := readCursor(cursor)
				last.Rest = 0
				d, cursor := mustPoll(t, src, last.String())
				now := readCursor(cursor)
				if len(d.Listing) != 2 || d.Unlisted != "" || now.Late != 0 || now.Rest != 0 || now.Polls != 0 {
					t.Errorf("listed: %+v, %+v", d, now)
				}
				s.answers[askList] = spoil
				if d, _ := mustPoll(t, src, due(cursor)); d.Unlisted == "" {
					t.Error("not told again")
				}
			})
		}
	}
}

// A server that asks to be left alone for longer when a listing is due is asked
// nothing more, and no listing by the polls after that, so that they read what
// changed. A listing is tried as rarely as one that fails otherwise.
func TestCheckThatIsToWait(t *testing.T) {
	for mode, c := range map[string]struct {
		state, ask string
	}{
		"sync-token": {token("1") + syncReports, askSync},
		"ctag":       {ctag("1"), askCTag},
	} {
		t.Run(mode, func(t *testing.T) {
			s := newScript(t)
			s.calendar(c.state, "a", "b")
			s.on(askSync, token("1"))
			src := s.source("/c/")
			_, cursor := mustPoll(t, src, "")
			list := s.answers[askList]
			s.answers[askList] = func(w http.ResponseWriter, _ string) {
				w.Header().Set("Retry-After", "3600")
				w.WriteHeader(http.StatusTooManyRequests)
			}
			s.since()

			cursor = due(cursor)
			var tried []int
			for i := range 40 {
				d, next, err := src.Poll(t.Context(), cursor)
				asked := s.since()
				if !slices.Contains(asked, askList) {
					if cursor = next; err != nil || !d.Unchanged || !cmp.Equal(asked, []string{c.ask}) {
						t.Fatalf("poll %d: %+v, %v, %v", i, d, err, asked)
					}
					continue
				}
				tried = append(tried, i)
				e, ok := errors.AsType[*Error](err)
				if !ok || e.RetryAfter() != time.Hour || next != cursor || asked[len(asked)-1] != askList {
					t.Fatalf("poll %d: %v, %v", i, err, asked)
				}
			}
			if want := []int{0, 3, 8, 17, 34}; !cmp.Equal(tried, want) {
				t.Errorf("listed at %v, want %v", tried, want)
			}

			// One that works counts as ever.
			s.answers[askList] = list
			last := readCursor(cursor)
			last.Rest = 0
			for _, at := range []string{last.String(), due(last.String())} {
				d, next := mustPoll(t, src, at)
				if now := readCursor(next); len(d.Listing) != 2 || now.Late != 0 || now.Rest != 0 {
					t.Errorf("listed: %+v, %+v", d, now)
				}
			}
		})
	}
}

// What the report names is read although the listing hangs, and a listing that
// is to find again what could not be fetched waits as well.
func TestCheckThatHangsHidesNoChange(t *testing.T) {
	s := newScript(t)
	s.calendar(token("1")+syncReports, "a", "b")
	quick := s.source("/c/")
	_, cursor := mustPoll(t, quick, "")

	s.on(askSync, found("/c/a.ics", "a2"), found("/c/new.ics", "new"), token("2"))
	s.on(askMultiget, data("/c/a.ics", "a2", event("a", "a2")))
	stop := make(chan struct{})
	s.answers[askList] = func(w http.ResponseWriter, _ string) {
		w.WriteHeader(http.StatusProcessing) // it is at it
		<-stop
	}
	defer close(stop)
	patient := Client{Version: "1.2", Timeout: time.Second}
	src, err := patient.Open(account.Calendar{URL: account.NewSecret(s.server.URL + "/c/"), User: "ada", Password: account.NewSecret("hunter2")})
	if err != nil {
		t.Fatal(err)
	}
	d, cursor := mustPoll(t, src, due(cursor))
	if got := summaries(d.Changed); len(got) != 2 || got[0] != "a2" || d.Listing != nil || d.Unlisted == "" {
		t.Errorf("%+v", d)
	}
	// The new one is gone again, which only a listing can tell.
	if c := readCursor(cursor); !c.Relist || c.Rest == 0 || c.Token != "2" {
		t.Errorf("%+v", c)
	}
	s.since()
	s.on(askSync, failed("/c/b.ics", 404), token("3"))
	d, cursor = mustPoll(t, src, cursor)
	if c := readCursor(cursor); !cmp.Equal(d.Removed, []string{"b.ics"}) || !c.Relist || !cmp.Equal(s.since(), []string{askSync}) {
		t.Errorf("%+v, %+v", d, c)
	}
	// A token that is refused leaves nothing but the listing.
	s.calendar(token("9")+syncReports, "a")
	s.fail(askSync, 403)
	d, cursor = mustPoll(t, src, cursor)
	if c := readCursor(cursor); !cmp.Equal(d.Listing, []string{"a.ics"}) || c.Token != "9" || c.Rest != 0 {
		t.Errorf("%+v, %+v", d, c)
	}
}

// What is wrong with the calendar, or with the one way to read it, is no matter
// of patience.
func TestCheckThatCannotWait(t *testing.T) {
	for name, spoil := range map[string]func(*script){
		"refused":           func(s *script) { s.fail(askList, 401) },
		"forbidden":         func(s *script) { s.fail(askList, 403) },
		"gone":              func(s *script) { s.fail(askList, 404) },
		"gone, state":       func(s *script) { s.on(askState, failed("/c/", 404)) },
		"no calendar":       func(s *script) { s.on(askList, props("/c/", "<d:resourcetype><d:collection/></d:resourcetype>")) },
		"objects not read":  func(s *script) { s.fail(askMultiget, 503) },
		"token refused too": func(s *script) { s.fail(askList, 503); s.fail(askSync, 403) },
		"report fails too":  func(s *script) { s.fail(askList, 503); s.fail(askSync, 503) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			s.calendar(token("1")+syncReports, "a", "b")
			src := s.source("/c/")
			_, cursor := mustPoll(t, src, "")
			s.calendar(token("1")+syncReports, "a", "b", "new")
			s.on(askSync, token("1"))
			spoil(s)
			cursor = due(cursor)
			_, next, err := src.Poll(t.Context(), cursor)
			if _, ok := errors.AsType[*Error](err); !ok || next != cursor {
				t.Errorf("%v, %q", err, next)
			}
		})
	}
}
