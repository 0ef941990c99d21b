package web

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// What must be refused is, and does nothing. The test counts it.
func TestRefused(t *testing.T) {
	h := open(t, family(), "")
	cookie, csrf := h.enter()
	other, otherCSRF := h.enter()
	good := url.Values{"jid": {"ada@example.org"}, "csrf": {csrf}}
	posts := []string{"/pause", "/resume", "/withdraw", "/sync", "/leave"}
	refused := 0
	refuse := func(what string, a answer, want ...int) {
		t.Helper()
		if !slices.Contains(want, a.status) {
			t.Errorf("%s: %d, want %v\n%s", what, a.status, want, a.body)
		}
		if strings.Contains(a.body, "ada@example.org") || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: the answer tells something:\n%s", what, a.body)
		}
		refused++
	}
	for _, path := range []string{"/", "/account?jid=ada@example.org", "/log", "/tail?after=0", "/withdraw?jid=ada@example.org"} {
		refuse("no session: "+path, h.get(path), 403)
		refuse("a made-up session: "+path, h.get(path, "Cookie: awayd="+secret()), 403)
		refuse("an empty session: "+path, h.get(path, "Cookie: awayd="), 403)
		refuse("a token as session: "+path, h.get(path, "Cookie: awayd="+csrf), 403)
		refuse("another cookie: "+path, h.get(path, strings.Replace(cookie, "awayd=", "__Host-awayd=", 1)), 403)
		refuse("wrong host: "+path, h.send("", "GET "+path+" HTTP/1.1", "Host: evil.example", cookie), 421)
		refuse("wrong method: "+path, h.send("", "DELETE "+path+" HTTP/1.1", "Host: "+h.addr, cookie), 405)
	}
	for _, path := range posts {
		refuse("no session: "+path, h.post(path, good), 403)
		refuse("no token: "+path, h.post(path, url.Values{"jid": good["jid"]}, cookie), 403)
		refuse("empty token: "+path, h.post(path, url.Values{"jid": good["jid"], "csrf": {""}}, cookie), 403)
		refuse("wrong token: "+path, h.post(path, url.Values{"jid": good["jid"], "csrf": {secret()}}, cookie), 403)
		refuse("another session's token: "+path, h.post(path, url.Values{"jid": good["jid"], "csrf": {otherCSRF}}, cookie), 403)
		refuse("token of this in another session: "+path, h.post(path, good, other), 403)
		refuse("token in the URL: "+path, h.post(path+"?csrf="+csrf, url.Values{"jid": good["jid"]}, cookie), 403)
		refuse("foreign origin: "+path, h.post(path, good, cookie, "Origin: https://evil.example"), 403)
		refuse("foreign port: "+path, h.post(path, good, cookie, "Origin: http://127.0.0.1:1"), 403)
		refuse("no origin to tell: "+path, h.post(path, good, cookie, "Origin: null"), 403)
		refuse("cross-site: "+path, h.post(path, good, cookie, "Sec-Fetch-Site: cross-site"), 403)
		refuse("same-site: "+path, h.post(path, good, cookie, "Sec-Fetch-Site: same-site"), 403)
		refuse("not typed as a form: "+path, h.send("", "POST "+path+" HTTP/1.1", "Host: "+h.addr, cookie, "Content-Length: 0"), 403)
		refuse("larger than a form: "+path, h.post(path, url.Values{"jid": good["jid"], "csrf": {csrf}, "x": {strings.Repeat("x", maxForm)}}, cookie), 400)
		refuse("PUT: "+path, h.send(good.Encode(), "PUT "+path+" HTTP/1.1", "Host: "+h.addr, cookie), 405)
		for _, host := range []string{"evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "192.0.2.1", "0.0.0.0", "localhost.", "127.0.0.1.", ""} {
			refuse("host "+host+": "+path, h.send(good.Encode(), "POST "+path+" HTTP/1.1", "Host: "+host, cookie), 421, 400)
		}
	}
	for _, path := range []string{"/pause", "/resume", "/sync", "/leave"} {
		refuse("GET "+path, h.get(path+"?jid=ada@example.org&csrf="+csrf, cookie), 405)
	}
	for _, path := range tricks {
		for _, method := range []string{"GET", "POST", "HEAD", "OPTIONS", "PROPFIND", "get"} {
			a := h.send("", method+" "+path+" HTTP/1.1", "Host: "+h.addr, cookie)
			refuse(method+" "+path, a, 404, 405, 400, 421, 431)
			if a.header.Get("Location") != "" {
				t.Errorf("%s %s leads to %s", method, path, a.header.Get("Location"))
			}
		}
	}
	refuse("CONNECT", h.send("", "CONNECT 192.0.2.1:80 HTTP/1.1", "Host: "+h.addr, cookie), 404, 405, 421)
	refuse("a proxy's request", h.send("", "GET http://evil.example/ HTTP/1.1", "Host: "+h.addr, cookie), 421)
	refuse("a proxy's request to ourselves", h.send("", "GET http://"+h.addr+"/ HTTP/1.1", "Host: "+h.addr, cookie), 421)
	refuse("large headers", h.send("", "GET / HTTP/1.1", "Host: "+h.addr, "X: "+strings.Repeat("x", 2<<20), cookie), 431)

	token, _ := h.site.doors.link()
	refuse("link from another site", h.post("/enter", url.Values{"token": {token}}, "Origin: https://evil.example"), 403)
	if a := h.get("/enter?token=" + token); a.status != 200 || h.get("/enter?token="+token).status != 200 {
		t.Errorf("loading the link uses it up: %d", a.status)
	}
	if a := h.post("/enter", url.Values{"token": {token}}); a.status != 303 {
		t.Errorf("the link does not open: %d", a.status)
	}
	refuse("replayed link", h.post("/enter", url.Values{"token": {token}}), 403)
	refuse("replayed link, looked at", h.get("/enter?token="+token), 403)
	refuse("made-up link", h.post("/enter", url.Values{"token": {secret()}}), 403)
	refuse("no link", h.post("/enter", url.Values{}), 403)
	old, _ := h.site.doors.link()
	h.later(linkLife)
	refuse("old link", h.post("/enter", url.Values{"token": {old}}), 403)
	if a := h.get("/", cookie); a.status != 200 {
		t.Errorf("the session ended early: %d", a.status)
	}
	h.later(sessionLife - linkLife)
	refuse("expired session", h.get("/", cookie), 403)
	refuse("expired session acts", h.post("/pause", good, cookie), 403)
	if did := h.backend.actions(); len(did) != 0 {
		t.Errorf("something was done: %q", did)
	}
	t.Logf("%d requests refused", refused)
}

// tricks are paths that are none.
var tricks = []string{
	"/..", "/../", "/./", "/.", "//", "///", "//log", "/log/", "/log/.", "/log/..", "/log/../pause", "/%2e%2e/", "/%2e%2e%2flog", "/..%2flog",
	"/%2flog", "/%6cog", "/lo%67", "/log%00", "/log%20", "/log%2f", "/log;x", "/log.html", "/LOG", "/account/ada@example.org", "/static/awayd.css",
	"/templates/layout.html", "/awayd.css/", "/awayd.css%00.html", "/enter/", "/..;/log", "/%c0%ae%c0%ae/", "/\\..\\log", "/.git/config",
	"/favicon.ico", "/status", "/backup", "/web", "/preview", "/accounts", "/unlink", "/set", "/link", "/metrics", "/debug/pprof/", "*",
	"/log?" + strings.Repeat("x", maxURL), "/" + strings.Repeat("a", 10000), "/log/" + strings.Repeat("../", 500),
}

// No path but those of the table answers, whatever is in front of it.
func TestUnknownPaths(t *testing.T) {
	for _, address := range []string{"", "https://ooo.example.org/a/b/"} {
		h := open(t, family(), address)
		root := h.site.root.Path
		rapid.Check(t, func(t *rapid.T) {
			path := "/" + rapid.StringMatching(`([a-z]{0,6}|\.\.?|log|account|a|b|%2[ef]|%61)(/([a-z]{0,6}|\.\.?|log|%2f)){0,3}`).Draw(t, "path")
			if rest, ok := strings.CutPrefix(path, root); ok {
				if _, known := h.site.routes[rest]; known {
					return
				}
			}
			if a := h.get(path); a.status != 404 {
				t.Fatalf("%s: %d", path, a.status)
			}
		})
	}
}

// Every answer, good or not, has the headers, and no page has a script or style
// of its own.
func TestHeadersAndPages(t *testing.T) {
	h := open(t, family(), "")
	cookie, _ := h.enter()
	inline := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|javascript:|<script(?: [^>]*)?>[^<]|(?:src|href|action)="(?:[a-z]+:)?//`)
	for path, status := range map[string]int{
		"/": 200, "/account?jid=ada@example.org": 200, "/log": 200, "/tail?after=1": 200, "/withdraw?jid=ada@example.org": 200,
		"/enter": 200, "/awayd.css": 200, "/awayd.js": 200, "/awayd.svg": 200, "/robots.txt": 200, "/none": 404, "/pause": 405,
		"/account": 404, "/account?jid=bob@example.org": 404, "/tail": 404, "/tail?after=x": 404,
	} {
		a := h.get(path, cookie)
		if a.status != status {
			t.Errorf("%s: %d, want %d", path, a.status, status)
		}
		for name, value := range headers {
			if a.header.Get(name) != value {
				t.Errorf("%s: %s is %q", path, name, a.header.Get(name))
			}
		}
		if strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			if found := inline.FindString(a.body); found != "" {
				t.Errorf("%s has %q", path, found)
			}
			if strings.Contains(a.body, "<script>alert") {
				t.Errorf("%s: a text became a script", path)
			}
		}
		if head := h.send("", "HEAD "+path+" HTTP/1.1", "Host: "+h.addr, cookie); head.status != status || head.body != "" {
			t.Errorf("HEAD %s: %d %q", path, head.status, head.body)
		}
	}
}

func TestCookie(t *testing.T) {
	for address, want := range map[string]string{
		"":                                 "awayd=; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict",
		"http://localhost:80/x/":           "awayd=; Path=/x/; Max-Age=43200; HttpOnly; SameSite=Strict",
		"https://ooo.example.org/":         "__Host-awayd=; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Strict",
		"https://ooo.example.org:443/ooo/": "__Secure-awayd=; Path=/ooo/; Max-Age=43200; HttpOnly; Secure; SameSite=Strict",
	} {
		h := open(t, family(), address)
		token, _ := h.site.doors.link()
		a := h.post(h.site.root.Path+"enter", url.Values{"token": {token}})
		got := regexp.MustCompile(`=[^;]*`).ReplaceAllLiteralString(strings.SplitN(a.header.Get("Set-Cookie"), ";", 2)[0], "=") +
			";" + strings.SplitN(a.header.Get("Set-Cookie"), ";", 2)[1]
		if got != want {
			t.Errorf("%q: %s, want %s", address, got, want)
		}
		if a.header.Get("Location") != h.site.root.Path {
			t.Errorf("%q leads to %s", address, a.header.Get("Location"))
		}
	}
}

// Behind a proxy the page answers to its name outside, from there alone.
func TestBehindAProxy(t *testing.T) {
	h := open(t, family(), "https://ooo.example.org/ooo/")
	cookie, csrf := h.enter()
	form := url.Values{"jid": {"ada@example.org"}, "csrf": {csrf}}
	for _, host := range []string{"ooo.example.org", "OOO.example.org", "ooo.example.org:443", "localhost", "127.0.0.1:1", "[::1]:8109"} {
		if a := h.send("", "GET /ooo/ HTTP/1.1", "Host: "+host, cookie); a.status != 200 {
			t.Errorf("%s: %d", host, a.status)
		}
		a := h.send(form.Encode(), "POST /ooo/pause HTTP/1.1", "Host: "+host, "Origin: https://ooo.example.org", cookie)
		if a.status != 303 || a.header.Get("Location") != "/ooo/account?jid=ada%40example.org" {
			t.Errorf("%s: %d %s", host, a.status, a.header.Get("Location"))
		}
	}
	for _, host := range []string{"ooo.example.org:8443", "example.org", "x.ooo.example.org"} {
		if a := h.send("", "GET /ooo/ HTTP/1.1", "Host: "+host, cookie); a.status != 421 {
			t.Errorf("%s: %d", host, a.status)
		}
	}
	if a := h.send(form.Encode(), "POST /ooo/pause HTTP/1.1", "Host: ooo.example.org", "Origin: http://ooo.example.org", "Sec-Fetch-Site: cross-site", cookie); a.status != 403 {
		t.Errorf("from the page without TLS: %d", a.status)
	}
	if a := h.get("/", cookie); a.status != 404 {
		t.Errorf("outside of its path: %d", a.status)
	}
}

func TestActions(t *testing.T) {
	h := open(t, family(), "")
	cookie, csrf := h.enter()
	form := url.Values{"jid": {"ada@example.org"}, "csrf": {csrf}}
	browser := []string{cookie, "Origin: null", "Sec-Fetch-Site: same-origin"}
	for _, path := range []string{"/pause", "/resume", "/withdraw", "/sync"} {
		if a := h.post(path, form, browser...); a.status != http.StatusSeeOther {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
		if a := h.get("/account?jid=ada@example.org", cookie); !strings.Contains(a.body, `class="notice good"`) {
			t.Errorf("%s: its outcome is not shown", path)
		}
		if a := h.get("/account?jid=ada@example.org", cookie); strings.Contains(a.body, `class="notice`) {
			t.Errorf("%s: its outcome is shown twice", path)
		}
	}
	form.Set("accept", "yes")
	h.post("/sync", form, browser...)
	want := []string{
		`/pause {"jid":"ada@example.org"}`, `/resume {"jid":"ada@example.org"}`, `/withdraw {"jid":"ada@example.org"}`,
		`/sync {"jid":"ada@example.org","accept":false}`, `/sync {"jid":"ada@example.org","accept":true}`,
	}
	if got := h.backend.actions(); !slices.Equal(got, want) {
		t.Errorf("done: %q", got)
	}
	form.Set("jid", "bob@example.org")
	if a := h.post("/pause", form, browser...); a.status != 404 || !strings.Contains(a.body, "no such account") {
		t.Errorf("a stranger: %d", a.status)
	}
	if a := h.post("/leave", form, browser...); a.status != 303 || h.get("/", cookie).status != 403 {
		t.Errorf("leave: %d", a.status)
	}
}

func TestDoors(t *testing.T) {
	now := noon
	d := newDoors(func() time.Time { return now })
	token, _ := d.link()
	entered := make(chan bool, 50)
	for range cap(entered) {
		go func() { _, ok := d.enter(token); entered <- ok }()
	}
	in := 0
	for range cap(entered) {
		if <-entered {
			in++
		}
	}
	if in != 1 {
		t.Errorf("%d came in by one link", in)
	}
	first, _ := d.link()
	for range 10 * maxLinks {
		now = now.Add(time.Millisecond)
		d.link()
	}
	if len(d.links) > maxLinks || d.good(first) {
		t.Errorf("%d links are open", len(d.links))
	}
	var keys []string
	for range 2 * maxSessions {
		now = now.Add(time.Millisecond)
		token, _ := d.link()
		key, _ := d.enter(token)
		keys = append(keys, key)
	}
	if len(d.sessions) > maxSessions || d.session(keys[0]) != nil || d.session(keys[len(keys)-1]) == nil {
		t.Errorf("%d sessions", len(d.sessions))
	}
	for k := range d.sessions {
		for _, key := range keys {
			if string(k[:]) == key {
				t.Error("a session is kept under its key")
			}
		}
	}
}
