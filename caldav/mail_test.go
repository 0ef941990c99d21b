package caldav

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"awayd/sync/account"
)

// A names is a name server: SRV records as HOST:PORT and TXT records, by name.
type names map[string][]string

func (n names) LookupSRV(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
	records, ok := n["_"+service+"._"+proto+"."+name]
	if !ok {
		return "", nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	var all []*net.SRV
	for _, r := range records {
		host, p, _ := strings.Cut(r, ":")
		port, err := strconv.Atoi(p)
		if err != nil {
			return "", nil, err
		}
		all = append(all, &net.SRV{Target: host + ".", Port: uint16(port)})
	}
	return name, all, nil
}

func (n names) LookupTXT(_ context.Context, name string) ([]string, error) {
	if txt, ok := n["TXT "+name]; ok {
		return txt, nil
	}
	return nil, &net.DNSError{Err: "server misbehaving", Name: name}
}

func TestLocate(t *testing.T) {
	for name, c := range map[string]struct {
		names names
		want  []string
		err   string
	}{
		"no records":       {names{}, []string{"https://example.org/"}, ""},
		"SRV":              {names{"_caldavs._tcp.example.org": {"dav.example.org:443"}}, []string{"https://dav.example.org/"}, ""},
		"SRV and TXT":      {names{"_caldavs._tcp.example.org": {"DAV.example.org:8443"}, "TXT _caldavs._tcp.example.org": {"v=1", "PATH=/dav/a%20b"}}, []string{"https://dav.example.org:8443/dav/a%20b", "https://dav.example.org:8443/"}, ""},
		"several":          {names{"_caldavs._tcp.example.org": {"a.example.org:443", "b.example.org:443"}}, []string{"https://a.example.org/", "https://b.example.org/"}, ""},
		"not served":       {names{"_caldavs._tcp.example.org": {":0"}}, []string{"https://example.org/"}, ""},
		"cleartext":        {names{"_caldav._tcp.example.org": {"dav.example.org:80"}}, []string{"https://example.org/"}, ""},
		"odd path":         {names{"_caldavs._tcp.example.org": {"dav.example.org:443"}, "TXT _caldavs._tcp.example.org": {"path=//evil.example/", "path=x"}}, []string{"https://dav.example.org/"}, ""},
		"another domain":   {names{"_caldavs._tcp.example.org": {"dav.provider.example:443"}}, nil, "https://dav.provider.example/"},
		"both":             {names{"_caldavs._tcp.example.org": {"dav.provider.example:443", "dav.example.org:443"}}, []string{"https://dav.example.org/"}, ""},
		"a public suffix":  {names{"_caldavs._tcp.example.org": {"org:443"}}, nil, "https://org/"},
		"an address":       {names{"_caldavs._tcp.example.org": {"192.0.2.1:443"}}, nil, "https://192.0.2.1/"},
		"on this machine":  {names{"_caldav._tcp.example.org": {"localhost:5232"}}, []string{"http://localhost:5232/"}, ""},
		"more than enough": {names{"_caldavs._tcp.example.org": slices.Repeat([]string{"dav.example.org:443"}, 100)}, slices.Repeat([]string{"https://dav.example.org/"}, maxTargets), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Client{Resolver: c.names}.locate(t.Context(), "example.org")
			if c.err != "" {
				if e, ok := err.(*Error); !ok || !strings.Contains(e.Hint(), c.err) {
					t.Errorf("%v, %v", got, err)
				}
				return
			}
			if err != nil || !cmp.Equal(got, c.want) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

func TestSplitMail(t *testing.T) {
	for address, want := range map[string]string{
		"ada@example.org": "ada example.org", "mailto:ada@example.org": "ada example.org", " MAILTO:a%40da@Example.ORG?subject=x ": "",
		"mailto:ada%2Bx@example.org?subject=x": "ada+x example.org", "ada@bücher.example": "ada xn--bcher-kva.example",
		"ada@": "", "@example.org": "", "ada": "", "mailto:": "", "mailto:%zz@example.org": "", "a@b\r\nc": "",
		"ada@exa mple.org": "", strings.Repeat("a", 400) + "@example.org": "",
	} {
		local, domain, err := splitMail(address)
		if got := strings.TrimSpace(local + " " + domain); got != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v", address, got, err)
		}
	}
}

// A provider serves nextcloud's tree to one user at /remote.php/dav/ only.
func TestDiscoverByMail(t *testing.T) {
	for name, c := range map[string]struct {
		user string // that the server knows
		flag string // that the person gave
		txt  string
		want string
	}{
		"the address":        {"ada@example.org", "", "", "ada@example.org"},
		"before the @":       {"ada", "", "", "ada"},
		"another user":       {"lovelace", "lovelace", "", "lovelace"},
		"with a path":        {"ada", "", "path=/remote.php/dav/", "ada"},
		"with a wrong path":  {"ada", "", "path=/wrong/", "ada"},
		"nobody of the kind": {"bob", "", "", ""},
		"not the one given":  {"ada", "bob", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if u, p, _ := r.BasicAuth(); u != c.user || p != "hunter2" {
					w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				nextcloud().ServeHTTP(w, r)
			}))
			defer srv.Close()
			u, err := url.Parse(srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			n := names{"_caldav._tcp.example.org": {"localhost:" + u.Port()}}
			if c.txt != "" {
				n["TXT _caldav._tcp.example.org"] = []string{c.txt}
			}
			d, err := Client{Resolver: n}.Discover(t.Context(), Endpoint{
				URL: account.NewSecret("mailto:ada@example.org"), User: c.flag, Password: account.NewSecret("hunter2"),
			})
			if c.want == "" {
				if e, ok := err.(*Error); !ok || !e.Credentials() || strings.Contains(err.Error(), "ada") {
					t.Errorf("%+v, %v", d, err)
				}
				return
			}
			if err != nil || len(d.Calendars) != 9 || d.User != c.want || !slices.Contains(d.Addresses, "mailto:ada@example.org") {
				t.Errorf("%+v, %v", d, err)
			}
			if base := fmt.Sprintf("http://localhost:%s/", u.Port()); !strings.HasPrefix(d.Calendars[0].URL, base) {
				t.Errorf("at %s", d.Calendars[0].URL)
			}
		})
	}
	// The first server of a domain is down, the second is not.
	srv := httptest.NewServer(nextcloud())
	defer srv.Close()
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Client{Resolver: names{"_caldav._tcp.example.org": {"localhost:1", "localhost:" + u.Port()}}}.
		Discover(t.Context(), Endpoint{URL: account.NewSecret("ada@example.org")})
	if err != nil || len(d.Calendars) != 9 {
		t.Errorf("%+v, %v", d, err)
	}
	d, err = Client{Resolver: names{"_caldav._tcp.example.org": {"localhost:1"}}}.Discover(t.Context(), Endpoint{URL: account.NewSecret("ada@example.org")})
	if e, ok := err.(*Error); !ok || e.Op != discovering || !strings.Contains(e.Hint(), "instead of an e-mail address") {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestFollow(t *testing.T) {
	for _, c := range [][3]string{
		{"https://caldav.icloud.com/1/principal/", "https://p42-caldav.icloud.com:443/1/calendars/", "https://p42-caldav.icloud.com:443/1/calendars/"},
		{"https://caldav.icloud.com/", "//P42-caldav.icloud.com/1/", "https://p42-caldav.icloud.com/1/"},
		{"https://caldav.icloud.com/", "https://icloud.com", "https://icloud.com/"},
		{"https://caldav.icloud.com/", "http://p42-caldav.icloud.com/1/", ""},
		{"https://caldav.icloud.com/", "https://p42-caldav.icloud.com:8443/1/", ""},
		{"https://caldav.icloud.com/", "https://caldav.icloud.com.evil.example/", ""},
		{"https://caldav.icloud.com/", "https://x:y@p42-caldav.icloud.com/", ""},
		{"https://caldav.icloud.com/", "https://evil.example/", ""},
		{"https://a.github.io/", "https://b.github.io/", ""},
		{"https://a.co.uk/", "https://b.co.uk/", ""},
		{"https://192.0.2.1/", "https://192.0.2.2/", ""},
		{"http://localhost/", "http://dav.localhost/", ""},
		{"https://dav.example.org/a/", "b/", "https://dav.example.org/a/b/"},
		{"https://dav.example.org/a/", "https://DAV.example.org:444/b/", "https://dav.example.org/b/"},
	} {
		base, err := url.Parse(c[0])
		if err != nil {
			t.Fatal(err)
		}
		u, err := follow(base, c[1])
		if (err != nil) != (c[2] == "") || err == nil && u.String() != c[2] {
			t.Errorf("%s from %s: %v, %v", c[1], c[0], u, err)
		}
	}
}
