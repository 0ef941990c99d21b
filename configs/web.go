package configs

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
)

// A Web is where the web page listens. The zero value is nowhere.
type Web struct {
	Network string // tcp or unix
	Address string // HOST:PORT, or the path of the socket
}

// Off reports whether there is no web page.
func (w Web) Off() bool { return w.Network == "" }

const (
	// maxSocketPath is what the kernel takes (unix(7), sun_path).
	maxSocketPath = 107
	// webAdvice says what to do with an address that others could reach.
	webAdvice = "the page is served on loopback or on a unix socket only: write \"unix:/run/awayd/web.sock\", let a reverse " +
		"proxy with TLS stand before it, and say in web_url how it is reached from outside"
)

// parseWeb reads where to listen: nowhere, a unix socket, or a port on
// loopback.
func parseWeb(s string) (Web, error) {
	if s == "" {
		return Web{}, nil
	}
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		switch {
		case !filepath.IsAbs(path) || filepath.Clean(path) != path || strings.ContainsRune(path, 0):
			return Web{}, fmt.Errorf("%q is no absolute path of a socket: write one like unix:/run/awayd/web.sock", path)
		case len(path) > maxSocketPath:
			return Web{}, fmt.Errorf("the path of a socket has at most %d bytes", maxSocketPath)
		}
		return Web{"unix", path}, nil
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return Web{}, fmt.Errorf("%q is no address: write one like 127.0.0.1:8109 or unix:/run/awayd/web.sock", s)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return Web{}, fmt.Errorf("%q is no port", port)
	}
	if !loopback(host) {
		return Web{}, fmt.Errorf("others could reach %q: %s", s, webAdvice)
	}
	return Web{"tcp", s}, nil
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
