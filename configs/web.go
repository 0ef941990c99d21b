package configs

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// webAdvice says what to do with an address that others could reach.
const webAdvice = "the page is served on loopback or on a unix socket only: write \"unix:/run/awayd/web.sock\", let a reverse " +
	"proxy with TLS stand before it, and say in web_url how it is reached from outside"

// parseWeb reads where the web page listens: nowhere, a unix socket, or a port
// on loopback.
func parseWeb(s string) (Address, error) {
	a, err := parseAddress(s, "127.0.0.1:8109", "unix:/run/awayd/web.sock")
	if err != nil || a.Network != "tcp" {
		return a, err
	}
	if host, _, _ := net.SplitHostPort(a.Address); !loopback(host) {
		return Address{}, fmt.Errorf("others could reach %q: %s", s, webAdvice)
	}
	return a, nil
}

// loopback reports whether only this machine is called host. Names but
// localhost are not resolved: what they mean can change.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Zone() == "" && ip.Unmap().IsLoopback()
}

// parseWebURL reads how the outside reaches the page; nil: it does not.
func parseWebURL(s string) (*url.URL, error) {
	if s == "" {
		return nil, nil
	}
	bad := fmt.Errorf("%q is no address of a page: write one like https://ooo.example.org/awayd/", s)
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, bad
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, bad
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, errors.New("without TLS anybody on the way could take part: write https://")
	}
	if !strings.HasSuffix(u.Path, "/") {
		u.Path += "/"
	}
	if u.RawPath != "" || strings.ContainsAny(u.Path, " ;,\\\"%") || strings.Contains(u.Path, "//") || strings.Contains(u.Path, "/.") {
		return nil, bad
	}
	u.Host = strings.ToLower(u.Host)
	return u, nil
}

// checkWeb is what the two directives have to say together.
func (c Config) checkWeb() error {
	if c.Web.Network == "unix" && c.WebURL == nil {
		return errors.New("a unix socket has no address that a browser knows: say in web_url how the page is reached")
	}
	return nil
}
