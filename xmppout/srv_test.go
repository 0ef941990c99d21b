package xmppout

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
)

// A zone is a resolver that knows what it is told.
type zone map[string][]*net.SRV

func (z zone) LookupSRV(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
	records, ok := z[service]
	if proto != "tcp" || name != "example.org" {
		return "", nil, errors.New("wrong question")
	}
	if !ok {
		return "", nil, &net.DNSError{Name: name, IsNotFound: true}
	}
	return name, records, nil
}

type deaf struct{}

func (deaf) LookupSRV(context.Context, string, string, string) (string, []*net.SRV, error) {
	return "", nil, &net.DNSError{Err: "server misbehaving", IsTemporary: true}
}

func TestDomainTargets(t *testing.T) {
	srv := func(host string, port, priority, weight uint16) *net.SRV {
		return &net.SRV{Target: host, Port: port, Priority: priority, Weight: weight}
	}
	for name, test := range map[string]struct {
		resolver Resolver
		domain   string
		want     []string
		kind     Kind
	}{
		"none":     {zone{}, "example.org", []string{"example.org:5222"}, 0},
		"deaf":     {deaf{}, "example.org", []string{"example.org:5222"}, 0},
		"literal":  {deaf{}, "192.0.2.1", []string{"192.0.2.1:5222"}, 0},
		"literal6": {deaf{}, "2001:db8::1", []string{"[2001:db8::1]:5222"}, 0},
		"both, by priority": {zone{
			"xmpp-client":  {srv("a.example.org.", 5222, 10, 0), srv("c.example.org.", 5222, 30, 0)},
			"xmpps-client": {srv("b.example.org.", 5223, 20, 0)},
		}, "example.org", []string{"a.example.org:5222", "b.example.org:5223 direct", "c.example.org:5222"}, 0},
		"refused one way": {zone{"xmpp-client": {srv(".", 0, 0, 0)}, "xmpps-client": {srv("b.", 443, 0, 0)}},
			"example.org", []string{"b:443 direct"}, 0},
		"refused": {zone{"xmpp-client": {srv(".", 0, 0, 0)}}, "example.org", nil, Unresolved},
		"many": {zone{"xmpp-client": slices.Repeat([]*net.SRV{srv("a.", 1, 1, 1)}, 50)},
			"example.org", slices.Repeat([]string{"a:1"}, maxTargets), 0},
	} {
		t.Run(name, func(t *testing.T) {
			targets, err := domainTargets(t.Context(), test.resolver, test.domain, func(int) int { return 0 })
			if test.kind != 0 {
				wantKind(t, err, test.kind)
			} else if err != nil {
				t.Error(err)
			}
			var got []string
			for _, g := range targets {
				s := g.addr
				if g.direct {
					s += " direct"
				}
				got = append(got, s)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("targets are %v, want %v", got, test.want)
			}
		})
	}
}

// RFC 2782: within one priority, each is drawn as often as its weight says, and
// one without weight hardly ever before others.
func TestOrderByWeight(t *testing.T) {
	ts := []target{{addr: "heavy", weight: 3}, {addr: "light", weight: 1}, {addr: "none"}, {addr: "later", priority: 1, weight: 9}}
	first := make(map[string]int)
	for draw := range 5 { // the sum is 4, and RFC 2782 draws from 0 to it
		n := 0
		got := order(ts, func(most int) int {
			if n++; n == 1 {
				if most != 5 {
					t.Fatalf("draws below %d", most)
				}
				return draw
			}
			return 0
		})
		first[got[0].addr]++
		if len(got) != len(ts) || got[3].addr != "later" {
			t.Errorf("order is %v", got)
		}
	}
	if first["none"] != 1 || first["light"] != 1 || first["heavy"] != 3 {
		t.Errorf("first are %v", first)
	}
}

func TestAddressTargets(t *testing.T) {
	for addr, direct := range map[string]bool{"a:5222": false, "a:5223": true, "[::1]:443": true, "a:15222": false} {
		ts, err := addressTargets(addr)
		if err != nil || len(ts) != 2 || ts[0].direct != direct || ts[1].direct == direct || ts[0].addr != addr {
			t.Errorf("targets of %s are %+v, %v", addr, ts, err)
		}
	}
	for _, addr := range []string{"", "a", ":5222", "a:", "::1"} {
		_, err := addressTargets(addr)
		if wantKind(t, err, BadAddress).Hint() == "" {
			t.Errorf("%q: no hint", addr)
		}
	}
}
