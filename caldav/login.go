package caldav

import (
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/emersion/go-webdav"
	httpdigest "github.com/icholy/digest"

	"awayd/sync/account"
)

// A login answers a server's challenges (RFC 9110 §11.6.1) with Digest (RFC
// 7616) or, where that is not offered, with Basic (RFC 7617). Nothing is sent
// before a server has said which it wants, so that one that wants only Digest
// never sees the password. What it wants is remembered for the requests after.
type login struct {
	user     string
	password account.Secret

	mu     sync.Mutex
	wanted map[string]*wanted // by scheme and host
}

// wanted is how one host wants to be told who asks.
type wanted struct {
	digest *httpdigest.Challenge // nil: Basic
	count  int                   // requests under this challenge (RFC 7616 §3.4)
}

// do sends a request with what the host is known to want, and again when it
// turns out to want something else.
func (l *login) do(client webdav.HTTPClient, req *http.Request) (*http.Response, error) {
	if l == nil {
		return client.Do(req)
	}
	host := req.URL.Scheme + "://" + strings.ToLower(req.URL.Host)
	sent := l.sign(req, host)
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	w := l.learn(resp, sent)
	if w == nil {
		return resp, nil
	}
	resp.Body.Close()
	l.mu.Lock()
	l.wanted[host] = w
	l.mu.Unlock()
	again := req.Clone(req.Context())
	if req.GetBody != nil {
		if again.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	l.sign(again, host)
	return client.Do(again)
}

// learn returns what to answer a response with, or nil if it is to be taken as
// it is. The request before it was signed with sent.
func (l *login) learn(resp *http.Response, sent *wanted) *wanted {
	switch {
	case resp.StatusCode == http.StatusMultiStatus && sent == nil:
		// What a stranger may see can be less than what the person sees.
		return &wanted{}
	case resp.StatusCode != http.StatusUnauthorized:
		return nil
	}
	c, basic := challenges(resp.Header)
	switch {
	case c != nil && sent != nil && sent.digest != nil && !c.Stale && c.Nonce == sent.digest.Nonce:
		return nil // refused
	case c != nil && sent != nil && sent.digest != nil && !c.Stale && sent.count == 1:
		return nil // refused, with a new nonce for another try
	case c != nil:
		return &wanted{digest: c}
	case basic && sent == nil:
		return &wanted{}
	}
	return nil
}

// sign adds what the host is known to want.
func (l *login) sign(req *http.Request, host string) (sent *wanted) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wanted == nil {
		l.wanted = map[string]*wanted{}
	}
	w := l.wanted[host]
	if w == nil {
		return nil
	}
	if w.digest == nil {
		req.SetBasicAuth(l.user, l.password.Reveal())
		return w
	}
	w.count++
	c, err := httpdigest.Digest(w.digest, httpdigest.Options{
		Method: req.Method, URI: req.URL.RequestURI(), GetBody: req.GetBody, Count: w.count,
		Username: l.user, Password: l.password.Reveal(),
	})
	if err == nil { // else the server refuses, and that is the error
		req.Header.Set("Authorization", c.String())
	}
	return &wanted{digest: w.digest, count: w.count}
}

// schemes finds where each challenge of a header begins: there may be several
// in one line.
var schemes = regexp.MustCompile(`(?i)(?:^|,)\s*(basic|digest|bearer|negotiate|ntlm)(?:\s|,|$)`)

// maxChallenge bounds what is looked at of WWW-Authenticate, in bytes.
const maxChallenge = 4 << 10

// challenges returns the first Digest challenge that can be answered, and
// whether Basic is welcome. A 401 without any challenge, which RFC 9110
// §15.5.2 rules out, is taken for Basic.
func challenges(h http.Header) (d *httpdigest.Challenge, basic bool) {
	lines := h.Values("WWW-Authenticate")
	if len(lines) == 0 {
		return nil, true
	}
	for _, line := range lines {
		line = line[:min(len(line), maxChallenge)]
		found := schemes.FindAllStringSubmatchIndex(line, -1)
		for i, at := range found {
			end := len(line)
			if i+1 < len(found) {
				end = found[i+1][0]
			}
			switch strings.ToLower(line[at[2]:at[3]]) {
			case "basic":
				basic = true
			case "digest":
				c, err := httpdigest.ParseChallenge(strings.TrimRight(line[at[2]:end], " ,"))
				if err != nil || d != nil {
					continue
				}
				for i, q := range c.QOP {
					c.QOP[i] = strings.ToLower(strings.TrimSpace(q))
				}
				if c.Nonce != "" && httpdigest.CanDigest(c) {
					d = c
				}
			}
		}
	}
	return d, basic
}
