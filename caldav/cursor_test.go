package caldav

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestCursorRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := cursor{
			Version: parserVersion, Token: rapid.StringMatching(`[ -~]{0,20}`).Draw(t, "token"),
			Polls: rapid.IntRange(0, 1000).Draw(t, "polls"), Relist: rapid.Bool().Draw(t, "relist"),
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
		if c := readCursor(text); c.Version != 0 || c.Token != "" || c.Seen != nil {
			t.Errorf("%q: %+v", text, c)
		}
	}
}
