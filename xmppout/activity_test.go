package xmppout

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"awayd/sync/plan"
)

// What is kept of an item says the same as the item, whatever prefixes it used,
// and is the same once more after it was put back.
func TestKeepItem(t *testing.T) {
	const item = "<i xmlns:p='urn:p' xmlns='urn:d'><item id='x'>" +
		"<a c='&lt;&amp;' b=\"'\" p:d='1' xml:lang='de'>t&#xe4;x<!-- no --><p:b/><c xmlns=''><d xmlns='urn:p'/></c>\n</a></item></i>"
	keep := func(s string) string {
		var got struct {
			Item rawItem `xml:"item"`
		}
		if err := tokens([]byte(s)).Decode(&got); err != nil {
			t.Fatalf("%v in %s", err, s)
		}
		if len(got.Item.Content) != 1 {
			t.Fatalf("%d elements in %s", len(got.Item.Content), s)
		}
		return got.Item.Content[0].xml
	}
	first := keep(item)
	want := canonical(t, []byte("<a xmlns='urn:d' xmlns:p='urn:p' c='&lt;&amp;' b=\"'\" p:d='1' xml:lang='de'>täx<p:b/><c xmlns=''><d xmlns='urn:p'/></c>\n</a>"))
	plain := func(s string) string { // canonical leaves the declarations of prefixes in
		for _, p := range []string{" p='urn:p'", " _='urn:p'"} {
			s = strings.ReplaceAll(s, p, "")
		}
		return s
	}
	if diff := cmp.Diff(plain(want), plain(canonical(t, []byte(first)))); diff != "" {
		t.Errorf("kept something else (-want +got):\n%s\n%s", diff, first)
	}
	b, err := publishElement("n", "x", raw{first}, plan.Presence).encode()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "<item")
	again, _, _ := strings.Cut(rest, "</item>")
	if second := keep("<i><item" + again + "</item></i>"); second != first {
		t.Errorf("put back as %s\nfirst was  %s", second, first)
	}
}

func TestAway(t *testing.T) {
	const ns = "xmlns='" + nsActivity + "'"
	for x, want := range map[string]string{
		"<activity " + ns + "><inactive><on_vacation/></inactive><text>a &amp; b</text></activity>":           "a & b",
		"<activity " + ns + "><inactive><on_vacation/></inactive><text xml:lang='en'>a</text></activity>":     "a",
		"<activity " + ns + "><inactive><on_vacation/></inactive></activity>":                                 "",
		"<activity " + ns + "><inactive><sleeping/></inactive><text>a</text></activity>":                      "",
		"<activity " + ns + "><inactive><on_vacation/></inactive><text>a</text><x xmlns='urn:x'/></activity>": "",
		"<activity " + ns + "/>": "", "no": "",
	} {
		got := ""
		if s := away(x); s != nil {
			got = *s
		}
		if got != want {
			t.Errorf("%s says %q, want %q", x, got, want)
		}
	}
}

func TestUnsaveableItems(t *testing.T) {
	large := rawItem{ID: "x", Content: []raw{{strings.Repeat("x", maxSaved)}}}
	for name, i := range map[string]rawItem{"large": large, "empty": {ID: "x"}, "two": {Content: []raw{{"<a/>"}, {"<b/>"}}}} {
		if n := keepItem(plan.ActivityNode{}, i); n.Unsaveable == "" || n.Item == nil || n.Item.XML != "" {
			t.Errorf("%s: %+v", name, n)
		}
	}
}
