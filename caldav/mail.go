package caldav

import (
	"context"
	"errors"
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"awayd/sync/account"
)

// A Resolver looks up where a domain serves calendars. *net.Resolver is one.
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

const (
	lookupTimeout = 15 * time.Second
	maxTargets    = 5 // servers that one domain names
)

// discoverMail finds the calendars of a person by their e-mail address (RFC
// 6764 §6). They log in with the whole address or, where that is refused, with
// what is before the @, unless they said with what.
func (c Client) discoverMail(ctx context.Context, e Endpoint) (Discovery, error) {
	local, domain, err := splitMail(e.URL.Reveal())
	if err != nil {
		return Discovery{}, err
	}
	users := []string{e.User}
	if e.User == "" {
		users = []string{local + "@" + domain, local}
	}
	places, err := c.locate(ctx, domain)
	if err != nil {
		return Discovery{}, err
	}
	var failed error
	for _, place := range places {
		e.URL = account.NewSecret(place)
		d, err := c.discoverAs(ctx, e, users)
		if err == nil {
			if own := "mailto:" + local + "@" + domain; !slices.Contains(d.Addresses, own) {
				d.Addresses = append(d.Addresses, own)
			}
			return d, nil
		}
		if refused(err) { // the right server
			return Discovery{}, err
		}
		if failed == nil {
			failed = err
		}
	}
	if x, ok := errors.AsType[*Error](failed); ok {
		x.hint = "give the URL of the calendar server instead of an e-mail address; the provider's help names it"
	}
	return Discovery{}, failed
}

// discoverAs finds the calendars of the first of the users that the server
// lets in.
func (c Client) discoverAs(ctx context.Context, e Endpoint, users []string) (d Discovery, err error) {
	for _, e.User = range users {
		if d, err = c.discoverServer(ctx, e); !refused(err) {
			break
		}
	}
	return d, err
}

// splitMail reads an e-mail address or a mailto URL (RFC 6068 §2).
func splitMail(address string) (local, domain string, err error) {
	bad := &Error{what: "that is no e-mail address", hint: "give it as ada@example.org, or give the URL of the calendar server"}
	address = strings.TrimSpace(address)
	if schemeOf(address) == "mailto" {
		address, _, _ = strings.Cut(address[len("mailto:"):], "?")
		if address, err = url.PathUnescape(address); err != nil {
			return "", "", bad
		}
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || len(address) > 320 {
		return "", "", bad
	}
	i := strings.LastIndexByte(parsed.Address, '@')
	if domain, err = idna.Lookup.ToASCII(parsed.Address[i+1:]); err != nil || domain == "" {
		return "", "", bad
	}
	return parsed.Address[:i], domain, nil
}

// locate returns the URLs where a domain may serve CalDAV: what its SRV and TXT
// records say, best first, else the domain itself.
func (c Client) locate(ctx context.Context, domain string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	var places []string
	var strange string
	for _, service := range []struct{ name, scheme string }{{"caldavs", "https"}, {"caldav", "http"}} {
		// A name server that fails is as good as one that knows nothing: the
		// domain itself is asked next, over https.
		_, targets, err := c.resolver().LookupSRV(ctx, service.name, "tcp", domain)
		if err != nil {
			continue
		}
		path := c.contextPath(ctx, "_"+service.name+"._tcp."+domain)
		for _, t := range targets[:min(len(targets), maxTargets)] {
			host := strings.ToLower(strings.TrimSuffix(t.Target, "."))
			if host == "" { // not served (RFC 2782)
				continue
			}
			base := &url.URL{Scheme: service.scheme, Host: host, Path: "/"}
			if p := strconv.Itoa(int(t.Port)); p != port(base) {
				base.Host = net.JoinHostPort(host, p)
			}
			u, err := resolve(base, path)
			switch {
			case err != nil, secure(u) != nil:
			case !siblings(host, domain) && host != domain && !isLoopback(host):
				strange = u.String()
			default:
				places = append(places, u.String())
				if path != "/" { // in case that the record is wrong
					u.Path, u.RawPath, u.RawQuery = "/", "", ""
					places = append(places, u.String())
				}
			}
		}
	}
	switch {
	case len(places) > 0:
		return places, nil
	case strange != "":
		// Names are looked up without proof, so that whoever answers could name
		// a server of their own to get the password (RFC 6764 §8).
		return nil, &Error{
			Host: domain, what: "its calendars are said to be on a host of another domain, where the password is not sent unasked",
			hint: "if it is the provider's, give " + cleanLine(strange) + " as the calendar URL",
		}
	}
	return []string{"https://" + domain + "/"}, nil
}

// contextPath reads the TXT record beside an SRV record (RFC 6764 §4).
func (c Client) contextPath(ctx context.Context, name string) string {
	records, err := c.resolver().LookupTXT(ctx, name)
	if err != nil {
		return "/"
	}
	for _, r := range records {
		key, value, _ := strings.Cut(r, "=")
		if strings.EqualFold(key, "path") && strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "//") && len(value) <= maxHrefLength {
			return value
		}
	}
	return "/"
}

func (c Client) resolver() Resolver {
	if c.Resolver == nil {
		return net.DefaultResolver
	}
	return c.Resolver
}

// refused reports whether a server did not take the name and password.
func refused(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status == 401
}
