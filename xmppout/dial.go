package xmppout

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"time"

	"golang.org/x/net/idna"
	"mellium.im/xmpp/jid"

	"awayd/sync/account"
	"awayd/sync/plan"
)

// Time limits, where a Dialer names no others.
const (
	loginTimeout   = 30 * time.Second
	iqTimeout      = 10 * time.Second
	keepAlive      = time.Minute
	versionTimeout = 2 * time.Second
	// patience is how long a port that nobody said anything about may stay
	// silent before the other way to begin is tried on it.
	patience = 8 * time.Second
)

// A Dialer logs in. Its zero value is ready to use; several goroutines may use
// one Dialer at once.
type Dialer struct {
	Resolver    Resolver                                                          // nil: net.DefaultResolver
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error) // nil: a net.Dialer

	Timeout   time.Duration // of a whole login; 0: 30 s
	IQTimeout time.Duration // of one request; 0: 10 s
	KeepAlive time.Duration // between pings (XEP-0199); 0: 1 min

	// Audience is that of accounts whose settings name none; empty: presence.
	Audience string
	// NoPresence keeps the person from being shown as away: they are made
	// available only for the moments in which some servers need it to notify
	// contacts, and without a text.
	NoPresence bool

	Ghosts *Ghosts // nil: what a lost connection leaves behind stays
	Turns  *Turns  // nil: any number of requests at once
}

// A login is what an account says about logging in, checked.
type login struct {
	jid      jid.JID // bare
	resource string  // to bind; empty: a new one
	domain   string  // in the form that DNS and certificates use
	address  string  // HOST:PORT, or empty
	password account.Secret
	roots    *x509.CertPool // nil: the system's
	audience plan.AccessModel
}

// Dial logs in to the account and binds a resource that nobody sees: no
// presence is sent.
//
// The connection is always encrypted, and the certificate must name the domain
// of the JID, before anything of the account is sent. With no address in
// acct.Login, SRV records say whether a server wants STARTTLS or direct TLS. A
// HOST:PORT does not say it: ports 5223 and 443 are taken for direct TLS, every
// other one for STARTTLS, and where the server's first byte shows that it was
// the other, or nothing comes at all, the other is tried once.
func (d *Dialer) Dial(ctx context.Context, acct account.Account) (*Session, error) {
	l, err := d.login(acct)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(d.Timeout, loginTimeout))
	defer cancel()
	targets, err := d.targets(ctx, l)
	if err != nil {
		return nil, end{jid: l.jid.String()}.explain("log in as", err)
	}
	var first error
	for i, t := range targets {
		s, conn, err := d.try(ctx, l, t, t.patience(ctx, len(targets)-i))
		if err == nil {
			s.target = t
			s.begin(ctx)
			go s.lay(s.ctx)
			return s, nil
		}
		if first == nil || (t.guess && t.fits(conn)) || (t.srv && tells(err, first)) {
			first = err
		}
		if ctx.Err() != nil || !t.worthAnother(conn, err) {
			break
		}
	}
	return nil, first
}

// tells reports whether err says more of how it will go on than what another
// target said: that the password is refused, or that it may pass by itself.
func tells(err, other error) bool {
	var x, y *Error
	if !errors.As(err, &x) || !errors.As(other, &y) || y.Kind == Credentials {
		return false
	}
	return x.Kind == Credentials || x.Temporary() && !y.Temporary()
}

// fits reports whether the server spoke the protocol that t supposed.
func (t target) fits(conn *opening) bool {
	if conn == nil {
		return false
	}
	if t.direct {
		return conn.speaksTLS()
	}
	return conn.speaksXML()
}

// patience is how long t may say nothing at all while others wait to be tried, n
// with it: one that swallows what it is sent must not use up the time of all. 0: as
// long as ctx.
func (t target) patience(ctx context.Context, n int) time.Duration {
	switch deadline, ok := ctx.Deadline(); {
	case t.guess:
		return patience
	case n == 1 || !ok:
		return 0
	default:
		return min(patience, time.Until(deadline)/time.Duration(n))
	}
}

// worthAnother reports whether the next target is to be tried after t failed. Of
// several that SRV records name, one may be wrong altogether (RFC 6120 §3.2.1), and
// the password is not sent to any but the right ones. One that refuses it speaks for
// all of them.
func (t target) worthAnother(conn *opening, err error) bool {
	if t.guess {
		return conn != nil && !t.fits(conn)
	}
	var known *Error
	if !errors.As(err, &known) {
		return false
	}
	switch known.Kind {
	case Unresolved, NoTLS, Untrusted, Stream:
		return known.Temporary() || t.srv
	}
	return known.Temporary()
}

func (d *Dialer) targets(ctx context.Context, l login) ([]target, error) {
	if l.address != "" {
		return addressTargets(l.address)
	}
	if d.Resolver != nil {
		return domainTargets(ctx, d.Resolver, l.domain, draw)
	}
	return domainTargets(ctx, net.DefaultResolver, l.domain, draw)
}

// try logs in to one target, which may say nothing for as long as patient; 0: for
// as long as ctx. The opening is nil if there was no connection.
func (d *Dialer) try(ctx context.Context, l login, t target, patient time.Duration) (*Session, *opening, error) {
	e := end{jid: l.jid.String(), addr: t.addr}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	dial := d.DialContext
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	connecting := ctx
	if patient > 0 && !t.guess { // which is about what is spoken there, not about the way
		var connected context.CancelFunc
		connecting, connected = context.WithTimeout(ctx, patient)
		defer connected()
	}
	conn, err := dial(connecting, "tcp", t.addr)
	if err != nil {
		return nil, nil, e.explain("log in as", cmp.Or(context.Cause(ctx), err))
	}
	w := newWire(conn, cmp.Or(d.IQTimeout, iqTimeout))
	stop := context.AfterFunc(ctx, func() { w.Close() })
	if patient > 0 {
		defer time.AfterFunc(patient, func() {
			if w.raw.first.Load() == 0 {
				cancel(context.DeadlineExceeded)
			}
		}).Stop()
	}
	// The library's own handling of a context would clear deadlines and not
	// end anything; closing the connection does.
	xs, err := l.negotiate(context.WithoutCancel(ctx), w, e, t.direct)
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		w.Close()
		return nil, w.raw, e.explain("log in as", err)
	}
	return newSession(xs, w, e, options{
		audience: l.audience, noPresence: d.NoPresence,
		iqTimeout: cmp.Or(d.IQTimeout, iqTimeout), keepAlive: cmp.Or(d.KeepAlive, keepAlive),
		ghosts: d.Ghosts, turns: d.Turns, lay: func(alive context.Context) { d.layGhosts(alive, l, t) },
	}), w.raw, nil
}

// login checks what can be checked without a network.
func (d *Dialer) login(acct account.Account) (login, error) {
	bad := func(what, hint string, err error) (login, error) {
		return login{}, &Error{Kind: BadAddress, What: what, Err: err, hint: hint}
	}
	j, err := jid.Parse(acct.JID)
	if err == nil && j.Localpart() == "" {
		err = errors.New("no user before the @")
	}
	if err != nil {
		return bad("use "+acct.JID+" as JID", "give a JID such as user@example.org", err)
	}
	j = j.Bare()
	domain, err := idna.Lookup.ToASCII(strings.TrimSuffix(j.Domainpart(), "."))
	if err != nil {
		return bad("use "+acct.JID+" as JID", "check the domain", err)
	}
	l := login{jid: j, domain: domain, address: acct.Login.Address, password: acct.Login.Password}
	if l.audience, err = audience(cmp.Or(acct.Settings.Audience, d.Audience)); err != nil {
		return login{}, err
	}
	if acct.Login.TLSCA != "" {
		if l.roots, err = x509.SystemCertPool(); err != nil {
			l.roots = x509.NewCertPool() // a machine without any is no reason to distrust this one
		}
		if !l.roots.AppendCertsFromPEM([]byte(acct.Login.TLSCA)) {
			return bad("use private CA of "+acct.JID, "give --tls-ca a file of PEM certificates",
				errors.New("it holds no certificate"))
		}
	}
	return l, nil
}

// audience reads who may see a message that is visible.
func audience(setting string) (plan.AccessModel, error) {
	m, err := plan.ParseAudience(cmp.Or(setting, string(plan.Presence)))
	if err != nil {
		return "", &Error{
			Kind: BadAddress, What: "use audience: not supported", Err: err,
			hint: "use presence (the contacts), open (everybody) or group:NAME (one group of the roster)",
		}
	}
	return m, nil
}

func (l login) tls() *tls.Config {
	return &tls.Config{ServerName: l.domain, RootCAs: l.roots, MinVersion: tls.VersionTLS12}
}
