package web

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"awayd/cmd/awayd/control"
)

//go:embed static
var static embed.FS

const (
	maxURL  = 2048
	maxForm = 8 << 10
	// actionLimit bounds what a click may take; a sync waits for slow servers.
	actionLimit = 2 * time.Minute
	// readLimit bounds what a page asks for before it is shown.
	readLimit = 10 * time.Second
)

// A site is the page as it is reached at one place.
type site struct {
	Config
	root   *url.URL // with a slash at the end
	hosts  []string // what browsers may call it, beside names of loopback
	cookie http.Cookie
	origin *http.CrossOriginProtection
	doors  *doors
	routes map[string]route
}

// A route is what one path answers to. One without post takes no POST.
type route struct {
	get, post func(*visit) error
	open      bool // for everybody: the door, and what it is painted with
}

func newSite(c Config, p Place) *site {
	s := &site{Config: c, root: p.URL, origin: http.NewCrossOriginProtection(), doors: newDoors(c.Now)}
	if s.root == nil {
		s.root = &url.URL{Scheme: "http", Host: p.Address, Path: "/"}
	} else {
		defaultPort := map[string]string{"http": ":80", "https": ":443"}[s.root.Scheme]
		host := strings.TrimSuffix(s.root.Host, defaultPort)
		s.hosts = []string{host, host + defaultPort}
		// A reverse proxy may tell another Host than the browser did. The scheme
		// and host of a URL that was read are an origin.
		if err := s.origin.AddTrustedOrigin(s.root.Scheme + "://" + host); err != nil {
			c.Log.Error("the address of the web page is no origin", "error", err)
		}
	}
	s.cookie = http.Cookie{
		Name: "awayd", Path: s.root.Path, MaxAge: int(sessionLife / time.Second),
		HttpOnly: true, SameSite: http.SameSiteStrictMode,
	}
	if s.root.Scheme == "https" {
		// The prefixes keep neighbours on the same domain from setting it
		// (RFC 6265bis §4.1.3); __Host- demands the whole host as path.
		s.cookie.Secure = true
		s.cookie.Name = "__Secure-awayd"
		if s.root.Path == "/" {
			s.cookie.Name = "__Host-awayd"
		}
	}
	s.routes = s.table()
	return s
}

// headers keep browsers from running, loading, framing, storing or telling
// anything but this page's own.
var headers = map[string]string{
	"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
		"form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Referrer-Policy":              "no-referrer",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cross-Origin-Embedder-Policy": "require-corp",
	"Cache-Control":                "no-store",
	"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
	"X-Robots-Tag":                 "noindex",
}

// A visit is one request that got as far as a route.
type visit struct {
	*site
	w       http.ResponseWriter
	r       *http.Request
	session *session // nil at the open door
	key     string   // of the session
}

// ServeHTTP lets a request in step by step: called by our name, on a path that
// is there to the byte, with its method, from our own pages, with a session,
// and for a POST with that session's token.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range headers {
		w.Header().Set(name, value)
	}
	// Whoever points a name of theirs at this address (DNS rebinding) calls it
	// by that name.
	if !s.called(r.Host) || r.URL.Host != "" {
		refuse(w, http.StatusMisdirectedRequest)
		return
	}
	path, ok := strings.CutPrefix(r.URL.Path, s.root.Path)
	to, known := s.routes[path]
	if !ok || !known || r.URL.RawPath != "" || len(r.RequestURI) > maxURL {
		refuse(w, http.StatusNotFound)
		return
	}
	handle, allowed := to.get, "GET, HEAD"
	switch {
	case r.Method == http.MethodPost && to.post != nil:
		handle = to.post
	case to.get == nil:
		handle, allowed = nil, "POST"
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		handle = nil
	}
	if handle == nil {
		w.Header().Set("Allow", allowed)
		refuse(w, http.StatusMethodNotAllowed)
		return
	}
	v := &visit{site: s, w: w, r: r}
	if c, err := r.Cookie(s.cookie.Name); err == nil {
		v.key, v.session = c.Value, s.doors.session(c.Value)
	}
	if err := v.check(to); err != nil {
		v.fail(err)
		return
	}
	if err := handle(v); err != nil {
		v.fail(err)
	}
}

// called reports whether host is a name of this page. A name of loopback is
// nobody else's, whatever the port: an SSH tunnel may end at another one.
func (s *site) called(host string) bool {
	for _, known := range s.hosts {
		if strings.EqualFold(host, known) {
			return true
		}
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	return err == nil && ip.IsLoopback()
}

// A refusal is an answer without the page.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

var (
	errForeign = &refusal{http.StatusForbidden, "This request came from another site."}
	errOutside = &refusal{http.StatusForbidden, "You are not inside, or no longer."}
	errForged  = &refusal{http.StatusForbidden, "This form is not one of yours, or no longer. Load its page anew."}
	errLink    = &refusal{http.StatusForbidden, "This link was used already, or is older than five minutes."}
)

func (v *visit) check(to route) error {
	if v.origin.Check(v.r) != nil {
		return errForeign
	}
	if v.session == nil && !to.open {
		return errOutside
	}
	if v.r.Method != http.MethodPost {
		return nil
	}
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
	if err := v.r.ParseForm(); err != nil {
		return &refusal{http.StatusBadRequest, "This form cannot be read."}
	}
	if !to.open && !v.session.carries(v.r.PostForm.Get("csrf")) {
		return errForged
	}
	return nil
}

// refuse answers with a status and nothing else.
func refuse(w http.ResponseWriter, status int) {
	http.Error(w, http.StatusText(status), status)
}

// fail shows why there is no page.
func (v *visit) fail(err error) {
	status, doc := http.StatusBadGateway, failure{Text: err.Error()}
	var no *refusal
	var remote *control.Error
	switch {
	case errors.As(err, &no):
		status, doc.Outside = no.status, v.session == nil
	case errors.As(err, &remote):
		doc.Advice = remote.Advice
		if remote.Usage {
			status = http.StatusNotFound
		}
	case errors.Is(err, context.DeadlineExceeded):
		doc.Text = "The daemon did not answer in time."
	}
	v.render(status, "failure", http.StatusText(status), doc)
}

// A failure is what the page of an error shows.
type failure struct {
	Text    string
	Advice  string
	Outside bool
}

// render shows a page. It is made in full first, so that no half of one is
// sent.
func (v *visit) render(status int, name, title string, doc any) {
	p := page{Title: title, Root: v.root.Path, Version: v.Version, Doc: doc}
	if v.session != nil {
		p.CSRF, p.Notice = v.session.csrf, v.doors.hear(v.session)
	}
	v.write(status, name, p)
}

func (v *visit) write(status int, name string, data any) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		v.Log.Error("page not made", "page", name, "error", err)
		refuse(v.w, http.StatusInternalServerError)
		return
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, _ = b.WriteTo(v.w) // the browser is gone: nobody to tell
}

// A page is what every template gets.
type page struct {
	Title   string
	Root    string // of all paths
	Version string
	CSRF    string // empty: outside
	Notice  *notice
	Doc     any
}

//go:embed templates
var templateFiles embed.FS

var templates = template.Must(template.New("").ParseFS(templateFiles, "templates/*.html"))

// file serves one of the static files.
func file(name, kind string) route {
	content, err := static.ReadFile("static/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	return route{open: true, get: func(v *visit) error {
		v.w.Header().Set("Content-Type", kind)
		_, _ = v.w.Write(content)
		return nil
	}}
}
