package caldav

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// read renders what a multistatus says in one line for each response.
func read(t *testing.T, text string) (got []string, token string, err error) {
	t.Helper()
	token, err = readMultistatus(strings.NewReader(text), func(r response) {
		line := fmt.Sprint(r.href, " ", r.status)
		if tag := r.prop(nsDAV, "getetag"); tag != nil {
			line += " " + tag.value()
		}
		if r.broken != "" {
			line += " broken: " + r.broken
		}
		got = append(got, line)
	})
	return got, token, err
}

func multistatus(inner string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">` + inner + `</d:multistatus>`
}

func found(href, etag string) string {
	return `<d:response><d:href>` + href + `</d:href><d:propstat><d:prop><d:getetag>` + etag + `</d:getetag></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>`
}

func TestReadMultistatus(t *testing.T) {
	status := func(href, line string) string {
		return `<d:response><d:href>` + href + `</d:href><d:status>` + line + `</d:status></d:response>`
	}
	for name, c := range map[string]struct {
		text  string
		want  []string
		token string
	}{
		"empty":           {multistatus(""), nil, ""},
		"blanks":          {multistatus("\n <d:sync-token>\n t1 </d:sync-token>"), nil, "t1"},
		"etags as sent":   {multistatus(found("/a", `"x"`) + found("/b", `W/"x"`) + found("/c", `x`)), []string{`/a 200 "x"`, `/b 200 W/"x"`, `/c 200 x`}, ""},
		"not found":       {multistatus(found("/a", "1") + status("/b", "HTTP/1.1 404 Not Found") + found("/c", "2")), []string{"/a 200 1", "/b 404", "/c 200 2"}, ""},
		"no storage":      {multistatus(status("/", "HTTP/1.1 507 Insufficient Storage") + found("/c", "2")), []string{"/ 507", "/c 200 2"}, ""},
		"HTTP/2":          {multistatus(status("/a", "HTTP/2 404")), []string{"/a 404"}, ""},
		"several hrefs":   {multistatus(`<d:response><d:href>/a</d:href><d:href>/b</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response>`), []string{"/a 404", "/b 404"}, ""},
		"odd status":      {multistatus(status("/a", "gone") + found("/c", "2")), []string{"/a 0 broken: a response has no readable status", "/c 200 2"}, ""},
		"no href":         {multistatus(`<d:response/>` + found("/c", "2")), []string{" 0 broken: a response names no resource", "/c 200 2"}, ""},
		"property failed": {multistatus(`<d:response><d:href>/a</d:href><d:propstat><d:prop><d:getetag>no</d:getetag></d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat></d:response>`), []string{"/a 200"}, ""},
		"sabre after a delete": {multistatus(`<d:response><d:href>/a</d:href><d:status>HTTP/1.1 404 Not Found</d:status>` +
			`<d:propstat><d:prop/><d:status>HTTP/1.1 418 I'm a teapot</d:status></d:propstat></d:response>`), []string{"/a 404"}, ""},
		"control characters":  {multistatus(found("/\x01a\x00", "1&#x1;&#0;&#31;")), []string{"/ a 200 1"}, ""},
		"no UTF-8":            {multistatus(found("/\xff", "1")), []string{"/\ufffd 200 1"}, ""},
		"references":          {multistatus(found("/a&amp;b&#13;&#x41;", "&quot;1&quot;")), []string{"/a&b\rA 200 \"1\""}, ""},
		"CDATA":               {multistatus(found("<![CDATA[/a&b]]>", "1<!-- <no> -->2")), []string{"/a&b 200 12"}, ""},
		"other elements":      {multistatus(`<x/><d:responsedescription>x</d:responsedescription>` + found("/a", "1")), []string{"/a 200 1"}, ""},
		"other namespace":     {`<multistatus xmlns="DAV:"><response><href>/a</href><status>HTTP/1.1 404 x</status></response></multistatus>`, []string{"/a 404"}, ""},
		"nested too deep":     {multistatus(`<d:response>` + strings.Repeat("<x>", 500) + strings.Repeat("</x>", 500) + `<d:href>/a</d:href></d:response>` + found("/b", "1")), []string{"/a 200 broken: the response holds too much", "/b 200 1"}, ""},
		"too many elements":   {multistatus(`<d:response><d:href>/a</d:href>` + strings.Repeat("<x/>", 5000) + `</d:response>` + found("/b", "1")), []string{"/a 200 broken: the response holds too much", "/b 200 1"}, ""},
		"href that is no end": {multistatus(found("/"+strings.Repeat("a", maxHrefLength), "1") + found("/b", "1")), []string{" 200 1 broken: the name of a resource is too long", "/b 200 1"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, token, err := read(t, c.text)
			if err != nil || !cmp.Equal(got, c.want) || token != c.token {
				t.Errorf("got %q, %q, %v", got, token, err)
			}
		})
	}
}

func TestReadMultistatusRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"empty":              "",
		"HTML":               "<html><body>Log in</body></html>",
		"text":               "Internal error",
		"cut off":            multistatus(found("/a", "1"))[:150],
		"tags that mismatch": multistatus("<d:response></d:href>"),
		"DOCTYPE":            `<!DOCTYPE x [<!ENTITY a "aaaa">]>` + multistatus(""),
		"entity":             multistatus("<d:response><d:href>&a;</d:href></d:response>"),
		"nested without end": `<d:multistatus xmlns:d="DAV:">` + strings.Repeat("<a>", 10_000),
		"text without end":   `<d:multistatus xmlns:d="DAV:">` + strings.Repeat("a", maxXMLText),
		"CDATA without end":  `<d:multistatus xmlns:d="DAV:"><![CDATA[` + strings.Repeat("<a>", maxXMLText/3),
		"tag without end":    `<d:multistatus xmlns:d="DAV:"><a ` + strings.Repeat("b='c' ", maxXMLText/6),
		"UTF-16":             `<?xml version="1.0" encoding="UTF-16"?><d:multistatus xmlns:d="DAV:"/>`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := read(t, text); err == nil {
				t.Error("accepted")
			}
		})
	}
}

// A hostile answer costs no more than its bytes.
func TestHostileMultistatus(t *testing.T) {
	const size = 512 << 10
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	for name, inner := range map[string]string{
		"propstats":  `<d:response><d:href>/a</d:href>` + fill("<d:propstat/>") + `</d:response>`,
		"text":       `<d:response><d:href>/a</d:href><x>` + fill("a<!-- -->") + `</x></d:response>`,
		"attributes": `<d:response a="` + strings.Repeat("a", 100<<10) + `">` + fill(`<x b="c"/>`) + `</d:response>`,
		"hrefs":      `<d:response>` + fill("<d:href>/a</d:href>") + `</d:response>`,
	} {
		t.Run(name, func(t *testing.T) {
			r := strings.NewReader(multistatus(inner))
			before := r.Len()
			_, cost := measure(t, func() {
				if _, err := readMultistatus(r, func(response) {}); err != nil {
					t.Error(err)
				}
			})
			// encoding/xml makes garbage for every token; what is kept is less.
			if cost > uint64(before)*60 {
				t.Errorf("%d KiB for %d", cost>>10, before>>10)
			}
		})
	}
}

// The cleaner changes nothing that XML allows.
func TestCleanerKeepsXML(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`([a-zäöü€😀 ]|&amp;|&#65;|&#x1F600;|<a b='c'>|</a>|<!\[CDATA\[x<&\]\]>|<!-- y -->){0,40}`).Draw(t, "text")
		got, err := io.ReadAll(newXMLCleaner(iotest.OneByteReader(strings.NewReader(text)), maxXMLText))
		if err != nil || string(got) != text {
			t.Fatalf("got %q, %v; want %q", got, err, text)
		}
	})
}

func TestResolve(t *testing.T) {
	base, err := url.Parse("https://dav.example.org:8443/cal/ada%20l/home/?x=1")
	if err != nil {
		t.Fatal(err)
	}
	for href, want := range map[string]string{
		"/cal/a.ics":                                "https://dav.example.org:8443/cal/a.ics",
		"a.ics":                                     "https://dav.example.org:8443/cal/ada%20l/home/a.ics",
		"https://dav.example.org:8443/cal/a.ics":    "https://dav.example.org:8443/cal/a.ics",
		"http://DAV.example.org/cal/a.ics":          "https://dav.example.org:8443/cal/a.ics",
		"//dav.example.org/cal/a.ics":               "https://dav.example.org:8443/cal/a.ics",
		"https://u:p@dav.example.org/cal/a.ics":     "https://dav.example.org:8443/cal/a.ics",
		"https://dav.example.org":                   "https://dav.example.org:8443/",
		"/cal/a%2Fb.ics":                            "https://dav.example.org:8443/cal/a%2Fb.ics",
		"/cal/ada@example.org/":                     "https://dav.example.org:8443/cal/ada@example.org/",
		"/cal/ada%40example.org/":                   "https://dav.example.org:8443/cal/ada%40example.org/",
		"/cal/100%.ics":                             "https://dav.example.org:8443/cal/100%25.ics",
		"/cal/ü b.ics":                              "https://dav.example.org:8443/cal/%C3%BC%20b.ics",
		"/cal/a.ics?b=c#d":                          "https://dav.example.org:8443/cal/a.ics?b=c",
		"http%3A//dav.example.org/cal/":             "https://dav.example.org:8443/cal/ada%20l/home/http%3A//dav.example.org/cal/",
		"https://evil.example.net/a.ics":            "",
		"//evil.example.net/a.ics":                  "",
		"https://dav.example.org@evil.example.net/": "",
		"https://dav.example.org.evil.net/a.ics":    "",
	} {
		u, err := resolve(base, href)
		if want == "" {
			if !errors.Is(err, errOtherHost) {
				t.Errorf("%s: got %v, %v", href, u, err)
			}
			continue
		}
		if err != nil || u.String() != want {
			t.Errorf("%s: got %v, %v; want %s", href, u, err, want)
		}
	}
}

func TestIdentity(t *testing.T) {
	base := &url.URL{Scheme: "https", Host: "example.org", Path: "/"}
	id := func(href string) string {
		u, err := resolve(base, href)
		if err != nil {
			t.Fatal(err)
		}
		return identity(u)
	}
	for _, same := range [][]string{
		{"/a@b/c.ics", "/a%40b/c.ics", "https://example.org/%61%40b/c.ics", "http://example.org/a@b/c.ics"},
		{"/ü b.ics", "/%C3%BC%20b.ics", "/%c3%bc b.ics"},
		{"/100%.ics", "/100%25.ics"},
	} {
		for _, href := range same[1:] {
			if id(href) != id(same[0]) {
				t.Errorf("%s is %s, but %s is %s", href, id(href), same[0], id(same[0]))
			}
		}
	}
	if id("/a%2Fb") == id("/a/b") || id("/a") == id("/A") || id("/a?b") == id("/a?c") {
		t.Error("different resources with one identity")
	}
	rapid.Check(t, func(t *rapid.T) {
		href := "/" + rapid.String().Draw(t, "path")
		u, err := resolve(base, href)
		if err != nil {
			return
		}
		again, err := resolve(base, identity(u))
		if err != nil || identity(again) != identity(u) {
			t.Fatalf("%q: %q is not its own identity: %q, %v", href, identity(u), identity(again), err)
		}
	})
}
