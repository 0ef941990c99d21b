package caldav

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"awayd/sync/absence"
)

// A model is a calendar on a server that forgets, fails and leaves out.
type model struct {
	mode    string // sync, ctag or etag
	epoch   int    // tokens of another epoch are not known any more
	history []string
	objects map[string]int // name to version
	version int

	queries bool   // hands out everything at once
	fail    int    // status of the next answer, if not 0
	broken  string // a member that cannot be read
	omitted string // a member that multigets leave out
}

func (m *model) touch(name string) { m.history = append(m.history, name) }

func (m *model) token() string { return fmt.Sprintf("%d-%d", m.epoch, len(m.history)) }

func (m *model) props() string {
	switch m.mode {
	case "sync":
		return props("/c/", calendarType+syncReports+token(m.token()))
	case "ctag":
		return props("/c/", calendarType+ctag(m.token()))
	}
	return props("/c/", calendarType)
}

func (m *model) member(name string) string {
	if name == m.broken {
		return failed("/c/"+name, 500)
	}
	return found("/c/"+name, fmt.Sprint(m.objects[name]))
}

func (m *model) list() string {
	all := []string{props("/c/", calendarType)}
	for _, name := range slices.Sorted(maps.Keys(m.objects)) {
		all = append(all, m.member(name))
	}
	return strings.Join(all, "")
}

// changes answers a sync report; ok is false for a token it does not know.
func (m *model) changes(body string) (answer string, ok bool) {
	_, from, _ := strings.Cut(body, "<sync-token>")
	var epoch, since int
	if _, err := fmt.Sscanf(from, "%d-%d<", &epoch, &since); err != nil || epoch != m.epoch || since > len(m.history) {
		return "", false
	}
	touched := map[string]bool{}
	for _, name := range m.history[since:] {
		touched[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(touched)) {
		if _, there := m.objects[name]; there {
			answer += m.member(name)
		} else {
			answer += failed("/c/"+name, 404)
		}
	}
	return answer + token(m.token()), true
}

func (m *model) multiget(body string) (answer string) {
	for name, v := range m.objects {
		if strings.Contains(body, "/c/"+name+"<") && name != m.omitted {
			answer += data("/c/"+name, fmt.Sprint(v), event(name, fmt.Sprint(v)))
		}
	}
	return answer
}

// query hands out everything at once.
func (m *model) query() (answer string) {
	for name, v := range m.objects {
		if name == m.broken {
			answer += failed("/c/"+name, 500)
			continue
		}
		answer += data("/c/"+name, fmt.Sprint(v), event(name, fmt.Sprint(v)))
	}
	return answer
}

func (m *model) serve(s *script) {
	reply := func(answer func(body string) (string, bool)) func(http.ResponseWriter, string) {
		return func(w http.ResponseWriter, body string) {
			text, ok := answer(body)
			switch {
			case m.fail != 0:
				w.WriteHeader(m.fail)
				m.fail = 0
			case !ok:
				w.WriteHeader(http.StatusForbidden)
			default:
				w.WriteHeader(http.StatusMultiStatus)
				fmt.Fprint(w, multistatus(text))
			}
		}
	}
	s.answers[askState] = reply(func(string) (string, bool) { return m.props(), true })
	s.answers[askCTag] = s.answers[askState]
	s.answers[askList] = reply(func(string) (string, bool) { return m.list(), true })
	s.answers[askSync] = reply(m.changes)
	s.answers[askQuery] = reply(func(string) (string, bool) { return m.query(), m.queries })
	s.answers[askMultiget] = reply(func(body string) (string, bool) { return m.multiget(body), true })
}

// A mirror believes deltas as the engine does: what the server names as removed
// at once, what a listing lacks when a second one agrees.
type mirror struct {
	objects map[string]string
	missing map[string]bool
	cursor  string
}

func (c *mirror) apply(d absence.Delta) {
	for _, o := range d.Changed {
		switch {
		case len(o.Events) == 1:
			c.objects[o.Href] = o.Events[0].Summary
		case c.objects[o.Href] == "":
			c.objects[o.Href] = "broken"
		}
	}
	for _, href := range d.Removed {
		delete(c.objects, href)
	}
	if d.Listing == nil {
		return
	}
	was := c.missing
	c.missing = map[string]bool{}
	for href := range c.objects {
		switch {
		case slices.Contains(d.Listing, href):
		case was[href]:
			delete(c.objects, href)
		default:
			c.missing[href] = true
		}
	}
}

// Whatever happens on the server and between, three good polls later the mirror
// holds what the calendar holds. Before that, no failure makes it lose an
// object that is still there.
func TestPollConverges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{queries: rapid.Bool().Draw(rt, "queries"), mode: rapid.SampledFrom([]string{"sync", "ctag", "etag"}).Draw(rt, "mode"), objects: map[string]int{}}
		s := newScript(t)
		defer s.server.Close()
		m.serve(s)
		src := s.source("/c/")
		c := mirror{objects: map[string]string{}}
		names := []string{"a.ics", "b.ics", "ü%20c.ics", "d@e.ics"}

		poll := func() {
			before := maps.Clone(c.objects)
			d, next, err := src.Poll(t.Context(), c.cursor)
			if err != nil {
				if !cmp.Equal(d, absence.Delta{}) || next != c.cursor {
					rt.Fatalf("half an answer beside %v", err)
				}
				return
			}
			c.cursor = next
			c.apply(d)
			for name := range m.objects {
				href := identityOf(name)
				if before[href] != "" && c.objects[href] == "" {
					rt.Fatalf("lost %s, which is there", href)
				}
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"put": func(rt *rapid.T) {
				name := rapid.SampledFrom(names).Draw(rt, "name")
				m.version++
				m.objects[name] = m.version
				m.touch(name)
			},
			"delete": func(rt *rapid.T) {
				name := rapid.SampledFrom(names).Draw(rt, "name")
				if _, ok := m.objects[name]; ok {
					delete(m.objects, name)
					m.touch(name)
				}
			},
			"forget tokens": func(*rapid.T) { m.epoch++ },
			"change mode":   func(rt *rapid.T) { m.mode = rapid.SampledFrom([]string{"sync", "ctag", "etag"}).Draw(rt, "mode") },
			"fail":          func(rt *rapid.T) { m.fail = rapid.SampledFrom([]int{400, 401, 404, 429, 500, 503}).Draw(rt, "status") },
			"break":         func(rt *rapid.T) { m.broken = rapid.SampledFrom(names).Draw(rt, "name") },
			"omit":          func(rt *rapid.T) { m.omitted = rapid.SampledFrom(names).Draw(rt, "name") },
			"poll":          func(*rapid.T) { poll() },
		})
		m.fail, m.broken, m.omitted = 0, "", ""
		m.epoch++ // a calendar whose ways changed is noticed with its next token
		for range 3 {
			poll()
		}
		want := map[string]string{}
		for name, v := range m.objects {
			want[identityOf(name)] = fmt.Sprint(v)
		}
		if d := cmp.Diff(want, c.objects); d != "" {
			rt.Fatalf("%s: %s", m.mode, d)
		}
	})
}

func identityOf(name string) string {
	return strings.NewReplacer("ü", "%C3%BC").Replace(name)
}
