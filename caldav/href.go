package caldav

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"
)

var errOtherHost = errors.New("it is on another host")

// resolve returns the URL of an href that a server sent in an answer to base.
// The result is always on base's own origin: of an absolute href only the path
// is taken, and another host's is an error, so that no password goes there.
func resolve(base *url.URL, href string) (*url.URL, error) {
	rest := href
	if host, after, ok := cutAuthority(href); ok {
		if !strings.EqualFold(hostname(host), base.Hostname()) {
			return nil, errOtherHost
		}
		rest = "/" + strings.TrimPrefix(after, "/")
	}
	rest, _, _ = strings.Cut(rest, "#")
	path, query, _ := strings.Cut(rest, "?")
	if !strings.HasPrefix(path, "/") {
		dir := base.EscapedPath()
		path = dir[:strings.LastIndexByte(dir, '/')+1] + path
		if !strings.HasPrefix(path, "/") {
			path = "/" + path
		}
	}
	// url.Parse refuses a stray percent sign; RawPath keeps what was sent where
	// that is a legal encoding, and is ignored where it is not.
	return &url.URL{
		Scheme: base.Scheme, Host: base.Host,
		Path: unescapePath(path), RawPath: path, RawQuery: escapeQuery(query),
	}, nil
}

// follow is resolve for hrefs that tell where a person's calendars are. iCloud
// keeps them on another host than its front door, so an https host under the
// same registrable domain, whose owner is the same, counts as the same place.
func follow(base *url.URL, href string) (*url.URL, error) {
	host, after, ok := cutAuthority(href)
	if !ok || strings.EqualFold(hostname(host), base.Hostname()) {
		return resolve(base, href)
	}
	scheme := base.Scheme
	if i := strings.Index(href, "//"); i > 0 {
		scheme = strings.ToLower(href[:i-1])
	}
	to := &url.URL{Scheme: scheme, Host: strings.ToLower(host)}
	if base.Scheme != "https" || scheme != "https" || strings.Contains(host, "@") || port(to) != port(base) || !siblings(base.Hostname(), to.Hostname()) {
		return nil, errOtherHost
	}
	to.Path = "/"
	if again, err := url.Parse(to.String()); err != nil || again.Host != to.Host {
		return nil, errOtherHost // no host at all
	}
	return resolve(to, "/"+strings.TrimPrefix(after, "/"))
}

// siblings reports whether two hosts are under one registrable domain.
func siblings(a, b string) bool {
	domain := func(host string) string {
		host = strings.ToLower(strings.TrimSuffix(host, "."))
		if net.ParseIP(host) != nil {
			return ""
		}
		d, err := publicsuffix.EffectiveTLDPlusOne(host)
		if err != nil {
			return ""
		}
		return d
	}
	return domain(a) != "" && domain(a) == domain(b)
}

// port is the port of a URL, said or not.
func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"https": "443", "http": "80"}[u.Scheme]
}

// cutAuthority splits an absolute or network-path reference (RFC 3986 §4.2).
func cutAuthority(href string) (host, rest string, ok bool) {
	after := href
	for _, scheme := range []string{"https:", "http:"} {
		if len(href) >= len(scheme) && strings.EqualFold(href[:len(scheme)], scheme) {
			after = href[len(scheme):]
		}
	}
	after, ok = strings.CutPrefix(after, "//")
	if !ok {
		return "", "", false
	}
	i := strings.IndexAny(after, "/?#")
	if i < 0 {
		i = len(after)
	}
	return after[:i], after[i:], true
}

func hostname(authority string) string {
	return (&url.URL{Host: authority[strings.LastIndexByte(authority, '@')+1:]}).Hostname()
}

// unescapePath decodes a path, leaving what is no escape as it is.
func unescapePath(raw string) string {
	if s, err := url.PathUnescape(raw); err == nil {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		if raw[i] == '%' && i+2 < len(raw) {
			if s, err := url.PathUnescape(raw[i : i+3]); err == nil {
				b.WriteString(s)
				i += 2
				continue
			}
		}
		b.WriteByte(raw[i])
	}
	return b.String()
}

// escapeQuery encodes what must not stand in a request line.
func escapeQuery(raw string) string {
	var b strings.Builder
	for i := range len(raw) {
		if c := raw[i]; c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// identity is the same for every way of writing one resource's URL within its
// host: each segment is decoded and encoded again, so that %40 and @ are the
// same, and a %2F in a name stays apart from a slash.
func identity(u *url.URL) string {
	segments := strings.Split(u.EscapedPath(), "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(unescapePath(s))
	}
	id := strings.Join(segments, "/")
	if u.RawQuery != "" {
		id += "?" + u.RawQuery
	}
	return id
}

// sameCollection compares two identities as servers do that are careless about
// the trailing slash or, like DavMail, about case.
func sameCollection(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "/"), strings.TrimSuffix(b, "/"))
}
