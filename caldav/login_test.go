package caldav

import (
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"awayd/sync/account"
)

// A guarded is a calendar behind a login, which notes what it was shown.
type guarded struct {
	*script
	wants  []string // WWW-Authenticate
	check  func(r *http.Request) bool
	logins []string // Authorization of each request, without what follows the scheme
}

func newGuarded(t *testing.T, wants ...string) *guarded {
	g := &guarded{script: newScript(t), wants: wants}
	g.calendar(token("1")+syncReports, "a")
	g.on(askSync, token("1"))
	inner := http.HandlerFunc(g.serve)
	g.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		g.logins = append(g.logins, scheme)
		if !g.check(r) {
			for _, c := range g.wants {
				w.Header().Add("WWW-Authenticate", c)
			}
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner(w, r)
	})
	return g
}

var digestParam = regexp.MustCompile(`(\w+)=(?:"([^"]*)"|([^,]*))`)

// digestCheck computes what RFC 7616 §3.4.1 asks for.
func digestCheck(newHash func() hash.Hash, nonce *string, password string) func(*http.Request) bool {
	h := func(parts ...string) string {
		d := newHash()
		io.WriteString(d, strings.Join(parts, ":"))
		return fmt.Sprintf("%x", d.Sum(nil))
	}
	seen := map[string]bool{}
	return func(r *http.Request) bool {
		scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		p := map[string]string{}
		for _, m := range digestParam.FindAllStringSubmatch(rest, -1) {
			p[m[1]] = m[2] + m[3]
		}
		if scheme != "Digest" || p["nonce"] != *nonce || p["uri"] != r.URL.RequestURI() || seen[p["nonce"]+p["nc"]] {
			return false
		}
		seen[p["nonce"]+p["nc"]] = true // a count is good once (RFC 7616 §3.4)
		want := h(h("ada", p["realm"], password), p["nonce"], p["nc"], p["cnonce"], p["qop"], h(r.Method, p["uri"]))
		return p["response"] == want && p["qop"] == "auth"
	}
}

func basicCheck(r *http.Request) bool {
	u, p, _ := r.BasicAuth()
	return u == "ada" && p == "hunter2"
}

func TestLogin(t *testing.T) {
	nonce := "n1"
	ask := func(algorithm string) string {
		return `Digest realm="calendars, of all", nonce="n1", opaque="o", qop="auth-int, auth"` + algorithm
	}
	for name, c := range map[string]struct {
		wants []string
		check func(*http.Request) bool
		want  string
	}{
		"Basic":              {[]string{`Basic realm="x"`}, basicCheck, "Basic"},
		"basic, small":       {[]string{`basic realm="x"`}, basicCheck, "Basic"},
		"no challenge":       {nil, basicCheck, "Basic"},
		"Digest":             {[]string{ask("")}, digestCheck(md5.New, &nonce, "hunter2"), "Digest"},
		"SHA-256":            {[]string{ask(", algorithm=SHA-256")}, digestCheck(sha256.New, &nonce, "hunter2"), "Digest"},
		"Digest first":       {[]string{ask(""), `Basic realm="x"`}, digestCheck(md5.New, &nonce, "hunter2"), "Digest"},
		"Digest last":        {[]string{`Basic realm="x"`, ask("")}, digestCheck(md5.New, &nonce, "hunter2"), "Digest"},
		"both in one line":   {[]string{`Basic realm="x", ` + ask("")}, digestCheck(md5.New, &nonce, "hunter2"), "Digest"},
		"the other way":      {[]string{ask("") + `, Basic realm="x"`}, digestCheck(md5.New, &nonce, "hunter2"), "Digest"},
		"unknown and Basic":  {[]string{ask(", algorithm=MD4"), `Basic realm="x"`}, basicCheck, "Basic"},
		"a better algorithm": {[]string{ask(", algorithm=SHA-256"), ask("")}, digestCheck(sha256.New, &nonce, "hunter2"), "Digest"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuarded(t, c.wants...)
			g.check = c.check
			src := g.source("/c/")
			_, cursor := mustPoll(t, src, "")
			// What a host wants is asked once.
			if want := []string{"", c.want, c.want, c.want, c.want}; !cmp.Equal(g.logins, want) {
				t.Errorf("first: %q", g.logins)
			}
			g.logins = nil
			if d, _ := mustPoll(t, src, cursor); !d.Unchanged || !cmp.Equal(g.logins, []string{c.want}) {
				t.Errorf("unchanged: %+v %q", d, g.logins)
			}
		})
	}
}

func TestLoginWithANewNonce(t *testing.T) {
	nonce := "n1"
	g := newGuarded(t, `Digest realm="x", nonce="n1", qop="auth"`)
	g.check = digestCheck(md5.New, &nonce, "hunter2")
	src := g.source("/c/")
	_, cursor := mustPoll(t, src, "")
	for _, stale := range []string{"", ", stale=true"} {
		g.logins = nil
		nonce += "x"
		g.wants = []string{`Digest realm="x", nonce="` + nonce + `", qop="auth"` + stale}
		if _, cursor = mustPoll(t, src, cursor); !cmp.Equal(g.logins, []string{"Digest", "Digest"}) {
			t.Errorf("%q", g.logins)
		}
	}
}

// A password that is refused is not tried again and again, and one for Digest
// is not sent in any other way.
func TestLoginRefused(t *testing.T) {
	nonce := "n1"
	digest := `Digest realm="x", nonce="n1", qop="auth"`
	for name, c := range map[string]struct {
		wants []string
		want  []string
		hint  string
	}{
		"Digest":             {[]string{digest}, []string{"", "Digest"}, "password"},
		"both":               {[]string{digest, `Basic realm="x"`}, []string{"", "Digest"}, "password"},
		"Basic":              {[]string{`Basic realm="x"`}, []string{"", "Basic"}, "password"},
		"unknown Digest":     {[]string{`Digest realm="x", nonce="n", algorithm=MD4`}, []string{""}, ".ics"},
		"no nonce":           {[]string{`Digest realm="Basic"`}, []string{""}, ".ics"},
		"OAuth, like Google": {[]string{`Bearer realm="x"`}, []string{""}, ".ics"},
		"Kerberos":           {[]string{`Negotiate`, `NTLM`}, []string{""}, ".ics"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuarded(t, c.wants...)
			g.check = digestCheck(md5.New, &nonce, "another")
			_, _, err := g.source("/c/").Poll(t.Context(), "")
			e, ok := err.(*Error)
			if !ok || !e.Credentials() || !strings.Contains(e.Hint(), c.hint) || strings.Contains(e.Error(), "hunter2") {
				t.Errorf("%v (Try: %v)", err, e.Hint())
			}
			if !cmp.Equal(g.logins, c.want) {
				t.Errorf("logins %q", g.logins)
			}
		})
	}
}

// Without a name and password nobody logs in, and with them nobody else does.
func TestLoginGoesNowhereElse(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("a password came to another host")
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer other.Close()
	from := httptest.NewServer(http.RedirectHandler(other.URL+"/secret/", http.StatusTemporaryRedirect))
	defer from.Close()
	for _, user := range []string{"", "ada"} {
		for _, scheme := range []string{"http", "webcal"} {
			src, err := Client{}.Open(account.Calendar{
				URL:  account.NewSecret(strings.Replace(from.URL, "http", scheme, 1) + "/c/"),
				User: user, Password: account.NewSecret(map[string]string{"ada": "hunter2"}[user]),
			})
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = src.Poll(t.Context(), "")
			if e, ok := err.(*Error); !ok || strings.Contains(err.Error(), "secret") || (user == "") != (e.Status == 401) {
				t.Errorf("as %q over %s: %v", user, scheme, err)
			}
		}
	}
}
