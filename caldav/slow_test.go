package caldav

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/finding"
)

// A snail is a [model] that takes its time, on the clock of a synctest bubble.
type snail struct {
	*model
	script *script
	takes  map[string]time.Duration
	gets   bool // it hands out single objects only
	reads  int  // objects that it handed out
}

// Do answers as a server does that is far away.
func (s *snail) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	s.script.serve(w, r)
	kind := r.Method
	if n := len(s.script.asked); r.Method != http.MethodGet && n > 0 {
		kind = s.script.asked[n-1]
	}
	select {
	case <-time.After(s.takes[kind]):
		return w.Result(), nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

var hrefs = regexp.MustCompile(`<href>/c/([^<]*)</href>`)

func (s *snail) object(name string) string {
	s.reads++
	return event(name, fmt.Sprint(s.objects[name]))
}

func newSnail(t *testing.T, mode string, gets bool) (*snail, *Source) {
	s := &snail{
		model:  &model{mode: mode, objects: map[string]int{}},
		script: &script{t: t, answers: map[string]func(http.ResponseWriter, string){}},
		takes:  map[string]time.Duration{askMultiget: 25 * time.Second, "GET": 500 * time.Millisecond, askList: 10 * time.Second},
		gets:   gets,
	}
	s.serve(s.script)
	s.script.answers[askMultiget] = func(w http.ResponseWriter, body string) {
		if s.gets {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		var answer strings.Builder
		for _, m := range hrefs.FindAllStringSubmatch(body, -1) {
			if _, there := s.objects[m[1]]; there {
				answer.WriteString(data("/c/"+m[1], fmt.Sprint(s.objects[m[1]]), s.object(m[1])))
			}
		}
		w.WriteHeader(http.StatusMultiStatus)
		fmt.Fprint(w, multistatus(answer.String()))
	}
	src, err := Client{Version: "1.2"}.Open(account.Calendar{
		URL: account.NewSecret("https://dav.example.org/c/"), User: "ada", Password: account.NewSecret("hunter2"),
	})
	if err != nil {
		t.Fatal(err)
	}
	src.reader.(*collection).http = s
	return s, src
}

func (s *snail) put(names ...string) {
	for _, name := range names {
		s.version++
		s.objects[name] = s.version
		s.touch(name)
		s.script.answers["GET /c/"+name] = func(w http.ResponseWriter, _ string) { fmt.Fprint(w, s.object(name)) }
	}
}

func (s *snail) remove(name string) {
	delete(s.objects, name)
	s.touch(name)
}

func (s *snail) names() []string { return slices.Sorted(maps.Keys(s.objects)) }

// some are names of objects.
func some(prefix string, n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("%s%04d.ics", prefix, i))
	}
	return names
}

const pollLimit = 2 * time.Minute // the engine's

// A progress is what came of polling until a calendar was read to its end.
type progress struct {
	polls int
	early map[string]int // objects by the poll that brought them
}

// readOn polls until the calendar is read to its end. Before that, nothing is said
// to be gone.
func readOn(t *testing.T, src *Source, c *mirror) (r progress) {
	t.Helper()
	r.early = map[string]int{}
	for more := true; more; r.polls++ {
		if r.polls == 10 {
			t.Fatal("no end")
		}
		ctx, cancel := context.WithTimeout(t.Context(), pollLimit)
		d, next, err := src.Poll(ctx, c.cursor)
		cancel()
		if err != nil {
			t.Fatalf("poll %d: %v", r.polls, err)
		}
		if more = d.More; more && (d.Listing != nil || d.Removed != nil || d.Unchanged || len(d.Changed) == 0) {
			t.Fatalf("poll %d of more: %v, %v, %d changed", r.polls, d.Listing, d.Removed, len(d.Changed))
		}
		for _, o := range d.Changed {
			if _, twice := r.early[o.Href]; !twice {
				r.early[o.Href] = r.polls
			}
		}
		c.cursor = next
		c.apply(d)
	}
	return r
}

func (s *snail) held() map[string]string {
	held := map[string]string{}
	for name, v := range s.objects {
		held[name] = fmt.Sprint(v)
	}
	return held
}

// What a poll had no time for the next one reads, so that a calendar is read to
// its end however slow its server: at first, after every object was changed, and
// after as many came in the place of others. Nothing is said to be gone before.
func TestPollGoesOn(t *testing.T) {
	for _, mode := range []string{"sync", "ctag", "etag"} {
		for _, gets := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, one by one %v", mode, gets), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s, src := newSnail(t, mode, gets)
					c := mirror{objects: map[string]string{}}
					expect := func(when string, polls, reads int) progress {
						t.Helper()
						s.reads = 0
						r := readOn(t, src, &c)
						if r.polls > polls || s.reads > reads {
							t.Errorf("%s: %d polls, %d objects read", when, r.polls, s.reads)
						}
						if d := cmp.Diff(s.held(), c.objects); d != "" {
							t.Fatalf("%s: %s", when, d)
						}
						return r
					}
					s.put(some("a", 300)...)
					if r := expect("first", 3, 350); r.polls < 2 {
						t.Error("the server is not slow")
					}
					if r := expect("unchanged", 1, 0); r.polls > 1 {
						t.Error("read again")
					}
					s.put(s.names()...)
					expect("all changed", 3, 350)
					s.epoch++
					s.put(s.names()...)
					expect("all changed, no token known", 3, 350)

					// One event is now another object: it is known twice rather than not
					// at all.
					s.put(some("a", 299)...)
					s.remove("a0299.ics")
					s.put("z.ics")
					s.reads = 0
					if r := readOn(t, src, &c); r.early["z.ics"] != 0 || r.polls < 2 {
						t.Errorf("what is new is read in poll %d of %d", r.early["z.ics"], r.polls)
					}
					expect("agreed", 1, 0) // where only listings tell what is gone
					if mode == "sync" && readCursor(c.cursor).Token != s.token() || mode == "ctag" && readCursor(c.cursor).CTag != s.token() {
						t.Errorf("%+v is not what the server says", readCursor(c.cursor))
					}
				})
			})
		}
	}
}

// A token that a poll could not follow to its end is followed again, though the
// listing that checks it cannot be had.
func TestPollGoesOnWithoutListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, src := newSnail(t, "sync", false)
		c := mirror{objects: map[string]string{}}
		s.put(some("a", 100)...)
		readOn(t, src, &c)
		s.put(some("b", 350)...)
		s.remove("a0000.ics")
		s.script.fail(askList, http.StatusServiceUnavailable)
		c.cursor = due(c.cursor)
		readOn(t, src, &c)
		if d := cmp.Diff(s.held(), c.objects); d != "" {
			t.Error(d)
		}
	})
}

// What a server that bounds its answers did not hand out the next poll reads, and
// it is left alone for as long as it asked.
func TestPollGoesOnAfterARefusal(t *testing.T) {
	for _, gets := range []bool{false, true} {
		t.Run(fmt.Sprintf("one by one %v", gets), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, src := newSnail(t, "sync", gets)
				s.takes = nil
				names := some("a", 300)
				s.put(names...)
				bounded := func(answer func(http.ResponseWriter, string)) func(http.ResponseWriter, string) {
					return func(w http.ResponseWriter, body string) {
						if s.reads >= 100 {
							w.Header().Set("Retry-After", "600")
							w.WriteHeader(http.StatusTooManyRequests)
							return
						}
						answer(w, body)
					}
				}
				s.script.answers[askMultiget] = bounded(s.script.answers[askMultiget])
				for _, name := range names {
					s.script.answers["GET /c/"+name] = bounded(s.script.answers["GET /c/"+name])
				}
				c, more := mirror{objects: map[string]string{}}, 0
				for again := true; again; s.reads = 0 {
					d, next, err := src.Poll(t.Context(), c.cursor)
					if err != nil {
						t.Fatal(err)
					}
					if again = d.More; again {
						more++
						refusal, ok := errors.AsType[*Error](d.Halted)
						if !ok || refusal.RetryAfter() != 10*time.Minute || !strings.HasPrefix(refusal.Error(), reading) {
							t.Errorf("%+v", d.Halted)
						}
					}
					c.cursor = next
					c.apply(d)
				}
				if more != 2 {
					t.Errorf("%d polls in part", more)
				}
				if d := cmp.Diff(s.held(), c.objects); d != "" {
					t.Error(d)
				}
			})
		})
	}
}

// A poll that got nothing for good in its time is an error, and so is one that
// was broken off, or refused in a way that is no matter of time.
func TestPollThatCannotGoOn(t *testing.T) {
	for name, spoil := range map[string]func(*snail, context.CancelFunc){
		"nothing in time": func(s *snail, _ context.CancelFunc) { s.takes[askMultiget] = time.Hour },
		"stopped": func(s *snail, stop context.CancelFunc) {
			time.AfterFunc(time.Minute, stop)
		},
		"refused": func(s *snail, _ context.CancelFunc) { s.script.fail(askMultiget, http.StatusServiceUnavailable) },
		"refused for good": func(s *snail, _ context.CancelFunc) {
			answer := s.script.answers[askMultiget]
			s.script.answers[askMultiget] = func(w http.ResponseWriter, body string) {
				if s.reads > 0 {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				answer(w, body)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, src := newSnail(t, "sync", false)
				s.put(some("a", 300)...)
				ctx, cancel := context.WithTimeout(t.Context(), pollLimit)
				defer cancel()
				spoil(s, cancel)
				d, next, err := src.Poll(ctx, "")
				if _, ok := errors.AsType[*Error](err); !ok || d.More || d.Changed != nil || next != "" {
					t.Errorf("%v, %d changed, %q", err, len(d.Changed), next)
				}
			})
		})
	}
}

// A server that names no versions hands out everything each time; once all of it
// is known, there is nothing to go on with.
func TestPollWithoutVersionsEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, src := newSnail(t, "etag", false)
		names := some("a", 300)
		s.put(names...)
		list := []string{props("/c/", calendarType)}
		for _, name := range names {
			list = append(list, props("/c/"+name, `<d:getcontenttype>text/calendar</d:getcontenttype>`))
		}
		s.script.on(askList, list...)
		known, cursor := map[string]bool{}, ""
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), pollLimit)
			d, next, err := src.Poll(ctx, cursor)
			cancel()
			for _, o := range d.Changed {
				known[o.Href] = true
			}
			if cursor = next; len(known) == len(names) && (err != nil || !d.More) {
				return
			}
		}
		t.Errorf("%d of %d are known", len(known), len(names))
	})
}

// What a server can make awayd remember is bounded, though no poll comes to its
// end.
func TestPauseIsBounded(t *testing.T) {
	at, err := url.Parse("https://dav.example.org/c/")
	if err != nil {
		t.Fatal(err)
	}
	known := seen{}
	for i := range 2 * maxMembers {
		known.put(fmt.Sprint(i), "1")
	}
	for href, fits := range map[string]bool{"0": true, "new": false} {
		p := poll{collection: &collection{server: &server{origin: at}}, was: cursor{Version: parserVersion, Seen: known}}
		p.begin()
		p.members = map[string]member{href: {id: href, etag: "2"}}
		p.got(p.members[href], absence.Object{})
		if err := p.pause(); (err == nil) != fits {
			t.Errorf("%s: %v", href, err)
		}
	}
}

// check tells that it had no time for all of a calendar, which is no fault of it.
func TestExamineTellsOfMore(t *testing.T) {
	d := absence.Delta{More: true, Changed: make([]absence.Object, 7)}
	if f := unread(d); len(f) != 1 || f[0].Severity != finding.Warning || f[0].Hint == "" {
		t.Errorf("%+v", f)
	}
	d.Halted = errors.New("the server answered 429")
	if f := unread(d); len(f) != 1 || !strings.Contains(f[0].Detail, "429") {
		t.Errorf("%+v", f)
	}
	if f := unread(absence.Delta{Unchanged: true}); f != nil {
		t.Errorf("%+v", f)
	}
}
