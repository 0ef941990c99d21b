package testbed

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"text/template"
	"time"
)

// Kinds of XMPP server.
const (
	Prosody  = "prosody"
	Ejabberd = "ejabberd"
)

// DefaultDomain is the domain that XMPP servers serve if not told otherwise.
const DefaultDomain = "awayd.test"

// XMPPOptions say how an XMPP server departs from what Debian's package sets up.
type XMPPOptions struct {
	Domain string // DefaultDomain if empty
	// Extra is added to the server's configuration, in its own language. For
	// Prosody it belongs to the virtual host; for ejabberd it is top-level YAML.
	Extra string
	// Modules takes the place of all that the configuration says of modules.
	Modules string
	// Expires is when the server's certificate does; in a year if zero.
	Expires time.Time
}

// An XMPP is one XMPP server on loopback.
type XMPP struct {
	*server
	Kind    string // Prosody or Ejabberd
	Domain  string
	Addr    string // host:port that wants STARTTLS
	TLSAddr string // host:port of direct TLS (XEP-0368)
	CA      *CA    // who issued the server's certificate

	cert, key, extra string
	modules          string
	register         func(ctx context.Context, user, password string) error
	people           atomic.Int64
}

// Register creates an account, or gives the one that is there this password.
func (x *XMPP) Register(ctx context.Context, user, password string) error {
	if err := x.register(ctx, user, password); err != nil {
		return fmt.Errorf("register %s with %s: %w", user, x.Kind, err)
	}
	return nil
}

// A Person is an account with its password.
type Person struct {
	User     string
	Password string
	JID      string // bare
}

// Person registers an account that nobody else has: its name begins with name.
func (x *XMPP) Person(ctx context.Context, name string) (Person, error) {
	user := fmt.Sprintf("%s%d", name, x.people.Add(1))
	p := Person{User: user, Password: "secret of " + user, JID: user + "@" + x.Domain}
	return p, x.Register(ctx, p.User, p.Password)
}

// answers reports whether the server opens a stream (RFC 6120 §4.2).
func (x *XMPP) answers(ctx context.Context) error {
	conn, err := (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "tcp", x.Addr)
	if err != nil {
		return fmt.Errorf("probe server: %w", err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return fmt.Errorf("probe server: %w", err)
	}
	if _, err := io.WriteString(conn, streamHeader(x.Domain)); err != nil {
		return fmt.Errorf("probe server: %w", err)
	}
	dec := xml.NewDecoder(conn)
	for {
		tok, err := dec.Token()
		if err != nil {
			return fmt.Errorf("probe server: %w", err)
		}
		if start, ok := tok.(xml.StartElement); ok {
			switch start.Name.Local {
			case "features":
				return nil
			case "error":
				return errors.New("probe server: stream error")
			}
		}
	}
}

func streamHeader(domain string) string {
	return "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='" +
		escape(domain) + "'>"
}

// escape makes s fit for XML text and attribute values.
func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder never fails
	return b.String()
}

func newXMPP(kind, dir string, ca *CA, o XMPPOptions) (*XMPP, error) {
	domain := o.Domain
	if domain == "" {
		domain = DefaultDomain
	}
	expires := o.Expires
	if expires.IsZero() {
		expires = time.Now().AddDate(1, 0, 0)
	}
	cert, key, err := ca.IssueUntil(expires, domain, "*."+domain)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", kind, err)
	}
	x := &XMPP{
		server: &server{kind: kind, dir: dir},
		Kind:   kind, Domain: domain, CA: ca,
		cert: cert, key: key, extra: o.Extra, modules: o.Modules,
	}
	x.ready = x.answers
	return x, nil
}

// startWith starts the server on n free ports with a configuration made of t.
func (x *XMPP) startWith(ctx context.Context, n int, t *template.Template, file string) error {
	return x.startAnywhere(ctx, n, func() error {
		x.Addr, x.TLSAddr = loopback(x.ports[0]), loopback(x.ports[1])
		return render(t, file, map[string]any{
			"Dir": x.dir, "Ports": x.ports, "Domain": x.Domain, "Cert": x.cert, "Key": x.key, "Extra": x.extra, "Modules": x.modules,
		})
	})
}

func render(t *template.Template, file string, values any) error {
	var text bytes.Buffer
	if err := t.Execute(&text, values); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}
