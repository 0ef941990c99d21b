package caldav

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-webdav"

	"awayd/sync/account"
)

const (
	defaultTimeout = time.Minute
	maxRedirects   = 5
	maxObject      = 1 << 20 // bytes of one calendar object
	idleShared     = 4       // connections kept to one host, where they are shared
)

// A Client reaches calendar servers. The zero value is ready to use.
type Client struct {
	Version  string        // of awayd, for User-Agent
	Timeout  time.Duration // of one request with its answer; 0: a minute
	Resolver Resolver      // for e-mail addresses; nil: the system's
	// Connections are shared by all that is opened with the same ones; nil: each
	// calendar has its own.
	Connections *Connections
}

// Connections are what calendars of one server share, whoever's they are: a
// request brings its credentials along, and a connection is nobody's in
// particular. The zero value is ready to use.
type Connections struct {
	mu   sync.Mutex
	byCA map[string]*http.Transport // by the private CA that is trusted
}

// transport returns the connections to servers that a CA may vouch for.
func (c *Connections) transport(ca string) (*http.Transport, error) {
	if c == nil {
		return newTransport(ca)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if t, ok := c.byCA[ca]; ok {
		return t, nil
	}
	t, err := newTransport(ca)
	if err != nil {
		return nil, err
	}
	t.MaxIdleConnsPerHost = idleShared
	if c.byCA == nil {
		c.byCA = make(map[string]*http.Transport)
	}
	c.byCA[ca] = t
	return t, nil
}

// A server is one origin and the credentials for it, which go nowhere else.
type server struct {
	http    webdav.HTTPClient
	login   *login   // nil: nobody in particular asks
	origin  *url.URL // as the person gave it, without userinfo
	agent   string
	timeout time.Duration
	seen    *atomic.Pointer[tls.ConnectionState] // where an examination wants it; nil: nobody asks
}

// connect checks the URL; it does not use the network.
func (c Client) connect(address account.Secret, user string, password account.Secret, ca string) (*server, error) {
	u, err := url.Parse(strings.TrimSpace(address.Reveal()))
	if err != nil || u.Opaque != "" {
		// The parser's error quotes the URL.
		return nil, &Error{misuse: true, what: "the URL cannot be read", hint: "give a URL such as https://dav.example.org/"}
	}
	if err := secure(u); err != nil {
		return nil, err
	}
	if u.User != nil && user == "" {
		user = u.User.Username()
		if p, ok := u.User.Password(); ok && password.Empty() {
			password = account.NewSecret(p)
		}
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	if u.Path == "" {
		u.Path = "/"
	}
	transport, err := c.Connections.transport(ca)
	if err != nil {
		return nil, &Error{misuse: true, Host: u.Host, what: "the private CA cannot be used", hint: "give a PEM file with --tls-ca", err: err}
	}
	s := &server{origin: u, agent: "awayd", timeout: c.Timeout}
	if c.Version != "" {
		s.agent += "/" + c.Version
	}
	if s.timeout <= 0 {
		s.timeout = defaultTimeout
	}
	s.http = &http.Client{
		Transport: transport,
		// net/http turns the method of a redirected PROPFIND into GET.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if user != "" || !password.Empty() {
		s.login = &login{user: user, password: password}
	}
	return s, nil
}

// credentials returns what the server was connected with.
func (s *server) credentials() (user string, password account.Secret) {
	if s.login == nil {
		return "", account.Secret{}
	}
	return s.login.user, s.login.password
}

// secure refuses what would show a password to the network.
func secure(u *url.URL) error {
	if u.Host == "" || u.Hostname() == "" {
		return &Error{misuse: true, what: "the URL names no host", hint: "give a URL such as https://dav.example.org/"}
	}
	switch u.Scheme {
	case "https":
		return nil
	case "http":
		if isLoopback(u.Hostname()) {
			return nil
		}
		return &Error{misuse: true, Host: u.Host, what: "cleartext http is refused", hint: "use an https URL"}
	}
	return &Error{misuse: true, Host: u.Host, what: fmt.Sprintf("%q URLs are not calendars", u.Scheme), hint: "give an https or file URL"}
}

func isLoopback(host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func newTransport(ca string) (*http.Transport, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM([]byte(ca)) {
			return nil, errors.New("no certificate in it")
		}
		config.RootCAs = pool
	}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 15 * time.Second}).DialContext,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    15 * time.Second,
		ResponseHeaderTimeout:  45 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConnsPerHost:    1,
		// Shorter than the time between polls: a source holds no connection
		// while it waits, and needs no Close.
		IdleConnTimeout:   20 * time.Second,
		ForceAttemptHTTP2: true,
	}, nil
}

// A request is one WebDAV request. Depth is always set: Xandikos answers an
// empty 207 and sabre/dav a 400 without.
type request struct {
	method string
	url    *url.URL
	depth  string
	body   string
	// header is what else to send; with a condition in it, an answer of 304 is
	// a success.
	header map[string]string
}

// An answer is what a request brought.
type answer struct {
	at     *url.URL // that answered
	status int
	header http.Header
	body   io.Reader
}

// send sends a request, follows redirects with the method kept, and hands a
// successful answer to read, with at most limit bytes of body.
func (s *server) send(ctx context.Context, q request, limit int64, read func(answer) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	at := q.url
	for range maxRedirects + 1 {
		next, err := s.once(ctx, q, at, limit, read)
		if err != nil || next == nil {
			return err
		}
		at = next
	}
	return &Error{Host: s.origin.Host, what: "too many redirects", hint: "check the URL"}
}

func (s *server) once(ctx context.Context, q request, at *url.URL, limit int64, read func(answer) error) (next *url.URL, err error) {
	req, err := http.NewRequestWithContext(ctx, q.method, "", strings.NewReader(q.body))
	if err != nil {
		return nil, &Error{Host: s.origin.Host, what: "the request cannot be made"}
	}
	req.URL, req.Host = at, at.Host
	req.Header.Set("User-Agent", s.agent)
	if q.depth != "" {
		req.Header.Set("Depth", q.depth)
	}
	if q.body != "" {
		req.Header.Set("Content-Type", "application/xml; charset=utf-8")
	}
	for name, value := range q.header {
		req.Header.Set(name, value)
	}
	resp, err := s.login.do(s.http, req)
	if err != nil {
		return nil, networkError(at.Host, err)
	}
	defer resp.Body.Close()
	if s.seen != nil && resp.TLS != nil {
		s.seen.Store(resp.TLS)
	}
	switch c := resp.StatusCode; {
	case c == 301, c == 302, c == 303, c == 307, c == 308:
		return s.redirect(at, resp.Header.Get("Location"))
	case c == http.StatusNotModified && q.header != nil:
	case c/100 != 2:
		return nil, statusError(at.Host, resp)
	}
	body := &limitedBody{r: resp.Body, left: limit}
	if err := read(answer{at, resp.StatusCode, resp.Header, body}); err != nil {
		if body.err != nil {
			return nil, networkError(at.Host, body.err)
		}
		return nil, answerError(at.Host, err)
	}
	return nil, nil
}

// redirect returns where to ask instead. Where a password goes with the request
// it never leaves the origin; a step up to https is no other place.
func (s *server) redirect(from *url.URL, location string) (*url.URL, error) {
	ref, err := url.Parse(location)
	if err != nil || location == "" {
		return nil, &Error{Host: from.Host, what: "redirected to nowhere", hint: "check the URL"}
	}
	to := from.ResolveReference(ref)
	if to.Scheme == "http" && from.Scheme == "https" {
		return nil, &Error{Host: from.Host, what: "redirected from https to cleartext http, which is refused", hint: "have the server's redirect corrected"}
	}
	if err := secure(to); err != nil {
		return nil, err
	}
	upgrade := from.Scheme == "http" && to.Scheme == "https" && strings.EqualFold(from.Hostname(), to.Hostname())
	if s.login != nil && !upgrade && !sameOrigin(from, to) {
		return nil, &Error{
			Host: from.Host,
			what: "redirected to " + to.Host + ", where the password is not sent",
			hint: "if you trust it, give " + to.Scheme + "://" + to.Host + "/ as the calendar URL",
		}
	}
	to.User, to.Fragment, to.RawFragment = nil, "", ""
	return to, nil
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

var errTooLarge = errors.New("it is too large")

// limitedBody reads at most left bytes and keeps the error of the network, so
// that it is not taken for one of the document.
type limitedBody struct {
	r    io.Reader
	left int64
	err  error
}

func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, errTooLarge
	}
	// One byte more than allowed tells the end from the limit.
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, errTooLarge
	}
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// multistatus sends a request whose answer is a 207 and calls each for every
// response. It returns the URL that answered and the sync-token.
func (s *server) multistatus(ctx context.Context, q request, each func(at *url.URL, r response)) (at *url.URL, token string, err error) {
	err = s.send(ctx, q, maxAnswer, func(a answer) error {
		if a.status != http.StatusMultiStatus {
			return fmt.Errorf("%d instead of 207 Multi-Status", a.status)
		}
		var err error
		at = a.at
		token, err = readMultistatus(a.body, func(r response) { each(a.at, r) })
		return err
	})
	return at, token, err
}

// get downloads one object.
func (s *server) get(ctx context.Context, u *url.URL) (data []byte, err error) {
	err = s.send(ctx, request{method: http.MethodGet, url: u}, maxObject, func(a answer) error {
		if a.status != http.StatusOK {
			return fmt.Errorf("%d instead of 200 OK", a.status)
		}
		var err error
		data, err = io.ReadAll(a.body)
		return err
	})
	return data, err
}
