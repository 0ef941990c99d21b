package xmppout

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// A Resolver looks up SRV records; [net.DefaultResolver] is one.
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
}

// maxTargets bounds how many servers of one domain are tried.
const maxTargets = 8

// A target is one way to a server.
type target struct {
	addr   string // HOST:PORT
	direct bool   // TLS from the first byte (XEP-0368), else STARTTLS
	// guess says that nobody told which of the two it is, so that the other may
	// be tried on the same address.
	guess bool
	srv   bool // an SRV record names it

	priority, weight uint16
}

// addressTargets returns how to try a HOST:PORT that the person named, which
// does not say whether TLS is spoken from the first byte. The port's custom
// decides what is tried first; see [Dialer.Dial] for when the other is tried.
func addressTargets(addr string) ([]target, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host == "" || port == "" {
		return nil, &Error{
			Kind: BadAddress, What: "use server address " + strconv.Quote(addr) + ": not HOST:PORT",
			hint: "give --xmpp-address as HOST:PORT, for example xmpp.example.org:5222",
		}
	}
	direct := port == "5223" || port == "443"
	return []target{{addr: addr, direct: direct, guess: true}, {addr: addr, direct: !direct, guess: true}}, nil
}

// domainTargets finds the servers of a domain: its SRV records for STARTTLS
// (RFC 6120 §3.2.1) and for direct TLS, taken as one set (XEP-0368 §3), else
// the domain itself at the port of RFC 6120 §3.2.2.
func domainTargets(ctx context.Context, r Resolver, domain string, rnd func(int) int) ([]target, error) {
	fallback := []target{{addr: net.JoinHostPort(domain, "5222")}}
	if _, err := netip.ParseAddr(domain); err == nil {
		return fallback, nil
	}
	var found []target
	var absent bool
	for _, service := range []string{"xmpps-client", "xmpp-client"} {
		_, records, err := r.LookupSRV(ctx, service, "tcp", domain)
		var dns *net.DNSError
		if err != nil && ctx.Err() != nil {
			return nil, err
		}
		if err != nil && !(errors.As(err, &dns) && dns.IsNotFound) && len(records) == 0 {
			// A resolver that cannot do SRV may still know the address.
			continue
		}
		for _, rec := range records {
			host := strings.TrimSuffix(rec.Target, ".")
			if host == "" { // RFC 2782: decidedly not available
				absent = true
				continue
			}
			found = append(found, target{
				addr:   net.JoinHostPort(host, strconv.Itoa(int(rec.Port))),
				direct: service == "xmpps-client", srv: true, priority: rec.Priority, weight: rec.Weight,
			})
		}
	}
	switch {
	case len(found) > 0:
		found = order(found, rnd)
		return found[:min(len(found), maxTargets)], nil
	case absent:
		return nil, &Error{
			Kind: Unresolved, What: "find XMPP server of " + domain + ": its DNS records say that it has none",
			hint: "check the JID, or name the server with --xmpp-address HOST:PORT",
		}
	}
	return fallback, nil
}

// order sorts by priority and draws within one priority by weight (RFC 2782).
func order(ts []target, rnd func(int) int) []target {
	ts = slices.Clone(ts)
	slices.SortStableFunc(ts, func(a, b target) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(a.weight, b.weight))
	})
	for i := range ts {
		sum, last := 0, i
		for ; last < len(ts) && ts[last].priority == ts[i].priority; last++ {
			sum += int(ts[last].weight)
		}
		pick, drawn := i, rnd(sum+1)
		for ; pick < last-1; pick++ {
			if drawn -= int(ts[pick].weight); drawn <= 0 {
				break
			}
		}
		chosen := ts[pick]
		copy(ts[i+1:pick+1], ts[i:pick])
		ts[i] = chosen
	}
	return ts
}

// draw is the source of chance outside tests.
func draw(n int) int { return rand.IntN(n) }
