package testbed

import (
	"context"
	"path/filepath"
)

// TB is what this package needs of testing.TB.
type TB interface {
	Helper()
	Fatal(args ...any)
	Errorf(format string, args ...any)
	Cleanup(func())
	TempDir() string
	Context() context.Context
}

// XMPPFor starts a server of a kind, Prosody or Ejabberd, for one test alone.
func XMPPFor(tb TB, kind string, o XMPPOptions) *XMPP {
	tb.Helper()
	dir := tb.TempDir()
	ca, err := NewCA(dir)
	if err != nil {
		tb.Fatal(err)
	}
	start := StartProsody
	if kind == Ejabberd {
		start = StartEjabberd
	}
	x, err := start(tb.Context(), filepath.Join(dir, kind), ca, o)
	if err != nil {
		tb.Fatal(err)
	}
	after(tb, x.Stop)
	return x
}

// RadicaleFor starts Radicale for one test alone.
func RadicaleFor(tb TB, o RadicaleOptions) *DAV {
	tb.Helper()
	d, err := StartRadicale(tb.Context(), filepath.Join(tb.TempDir(), Radicale), o)
	if err != nil {
		tb.Fatal(err)
	}
	after(tb, d.Stop)
	return d
}

// XandikosFor starts Xandikos for one test alone.
func XandikosFor(tb TB, user string) *DAV {
	tb.Helper()
	d, err := StartXandikos(tb.Context(), filepath.Join(tb.TempDir(), Xandikos), user)
	if err != nil {
		tb.Fatal(err)
	}
	after(tb, d.Stop)
	return d
}

// XMPPFor is [Bed.XMPP] for a test.
func (b *Bed) XMPPFor(tb TB, kind string) *XMPP {
	tb.Helper()
	x, err := b.XMPP(tb.Context(), kind)
	if err != nil {
		tb.Fatal(err)
	}
	return x
}

// DAVFor is [Bed.DAV] for a test.
func (b *Bed) DAVFor(tb TB, kind string) *DAV {
	tb.Helper()
	d, err := b.DAV(tb.Context(), kind)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// PersonFor is [XMPP.Person] for a test.
func (x *XMPP) PersonFor(tb TB, name string) Person {
	tb.Helper()
	p, err := x.Person(tb.Context(), name)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// LoginFor is [XMPP.Login] for a test, which logs out at its end.
func (x *XMPP) LoginFor(tb TB, p Person, o ContactOptions) *Contact {
	tb.Helper()
	c, err := x.Login(tb.Context(), p, o)
	if err != nil {
		tb.Fatal(err)
	}
	after(tb, c.Close)
	return c
}

// ProxyFor starts a proxy for one test alone; start is [NewProxy],
// [StripSTARTTLS] or [RefuseSTARTTLS].
func ProxyFor(tb TB, start func(upstream string) (*Proxy, error), upstream string) *Proxy {
	tb.Helper()
	p, err := start(upstream)
	if err != nil {
		tb.Fatal(err)
	}
	after(tb, p.Close)
	return p
}

func after(tb TB, end func() error) {
	tb.Cleanup(func() {
		tb.Helper()
		if err := end(); err != nil {
			tb.Errorf("%v", err)
		}
	})
}

// BrowserFor starts a browser for one test alone.
func BrowserFor(tb TB) *Browser {
	tb.Helper()
	b, err := StartBrowser(tb.Context(), filepath.Join(tb.TempDir(), "browser"))
	if err != nil {
		tb.Fatal(err)
	}
	after(tb, b.Stop)
	return b
}
