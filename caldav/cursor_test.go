package caldav

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestCursorRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := cursor{
			Version: parserVersion, Token: rapid.StringMatching(`[ -~]{0,20}`).Draw(t, "token"),
			Polls: rapid.IntRange(0, 1000).Draw(t, "polls"), Relist: rapid.Bool().Draw(t, "relist"),
			Lost: rapid.Bool().Draw(t, "lost"),
			Late: rapid.UintRange(0, 16).Draw(t, "late"), Rest: rapid.UintRange(0, relistAfter).Draw(t, "rest"), Seen: seen{},
		}
		objects := rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "objects")
		for id, etag := range objects {
			c.Seen.put(id, etag)
		}
		got := readCursor(c.String())
		if got.Seen == nil {
			got.Seen = seen{}
		}
		if d := cmp.Diff(c, got); d != "" {
			t.Fatal(d)
		}
		if c.String() != got.String() {
			t.Fatal("equal cursors differ as text")
		}
		for id, etag := range objects {
			// An object without an entity tag is never known to be unchanged.
			if !got.Seen.knows(id) || got.Seen.holds(id, etag) != (etag != "") || got.Seen.holds(id, etag+"x") {
				t.Fatalf("%q %q", id, etag)
			}
		}
	})
}

func TestCursorOfAnotherVersion(t *testing.T) {
	for _, text := range []string{"", "x", "{}", `{"v":0,"token":"a"}`, `{"v":999,"token":"a"}`, `{"v":1,"seen":"%"}`, "null"} {
		if c := readCursor(text); c.Version != 0 || c.Token != "" || c.Seen != nil || c.Lost != (text != "") {
			t.Errorf("%q: %+v", text, c)
		}
	}
}

// What another version told of is not known to this one, so what went away
// meanwhile shows only when two listings lack it, as ever: both are had at once.
func TestDeletionBehindAnotherVersion(t *testing.T) {
	s := newScript(t)
	s.calendar(token("1")+syncReports, "a", "b")
	s.on(askSync, token("1"))
	p := newPage(t, feedOf(stamp, "a", "b"))
	d := newDisk(t)
	d.write("x.ics", feedOf(stamp, "a", "b"))
	d.folder("dir")
	d.write("dir/a.ics", event("a", "a"))
	d.write("dir/b.ics", event("b", "b"))
	plain := newScript(t)
	plain.calendar("", "a", "b")
	for kind, c := range map[string]struct {
		source *Source
		remove func()
	}{
		"collection":                {s.source("/c/"), func() { s.calendar(token("1")+syncReports, "a") }},
		"collection without tokens": {plain.source("/c/"), func() { plain.calendar("", "a") }},
		"feed":                      {p.source(t), func() { p.text = feedOf(stamp, "a") }},
		"file":                      {d.source("x.ics"), func() { d.write("x.ics", feedOf(stamp, "a")) }},
		"folder":                    {d.source("dir"), func() { d.remove("dir/b.ics") }},
	} {
		t.Run(kind, func(t *testing.T) {
			_, cursor := mustPoll(t, c.source, "")
			c.remove()
			cursor = strings.Replace(cursor, fmt.Sprintf(`"v":%d`, parserVersion), fmt.Sprintf(`"v":%d`, parserVersion-1), 1)
			for i := range 2 {
				d, next := mustPoll(t, c.source, cursor)
				if cursor = next; d.Unchanged || len(d.Listing) != 1 {
					t.Errorf("poll %d: %+v", i, d)
				}
			}
			if d, _ := mustPoll(t, c.source, cursor); !d.Unchanged {
				t.Errorf("and again: %+v", d)
			}
		})
	}
}
