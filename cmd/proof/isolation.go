package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"awayd/cmd/testbed"
)

// A crowd is one daemon with healthy accounts on both servers, and, if it is
// not undisturbed, accounts whose calendar or XMPP server hangs.
type crowd struct {
	house   *house
	daemon  *testbed.Daemon
	times   isolationTimes
	hanging bool
	healthy []*traveller // the first one is also the one that commands are about

	proxies []*testbed.Proxy
	closers []io.Closer

	starts, ends spread
	commands     map[string]spread
	reload, stop time.Duration
	faults
}

// The commands that are given again and again while others hang.
var crowdCommands = [][]string{{"status"}, {"status", "JID"}, {"log", "-n", "20"}, {"sync", "JID"}, {"pause", "JID"}, {"resume", "JID"}}

const (
	// atOnce is what a command may take that is to be answered at once, with the
	// start of its process, on a busy machine.
	atOnce = 2 * time.Second
	// soonStopped is how long a daemon may take to end.
	soonStopped = 5 * time.Second
)

// isolationTimes say when things happen.
type isolationTimes struct {
	healthy      int // travellers on each server
	lead, length time.Duration
	apart        int // over how many seconds the starts are spread
}

// runIsolation runs a crowd that hangs and one that does not, side by side.
func runIsolation(ctx context.Context, h *house, times isolationTimes) (crowds []*crowd, err error) {
	crowds = []*crowd{{house: h}, {house: h, hanging: true}}
	for i, c := range crowds {
		c.times = times
		c.commands = make(map[string]spread)
		if c.daemon, err = h.daemon(ctx, fmt.Sprintf("isolation-%d", i), ""); err != nil {
			return crowds, err
		}
		defer c.daemon.Close()
		defer c.close()
		if err := c.gather(ctx, times.healthy); err != nil {
			return crowds, err
		}
	}
	start := time.Now().Add(times.lead).Truncate(time.Second)
	err = sideBySide(ctx, len(crowds), -1, func(ctx context.Context, i int) error { return crowds[i].happen(ctx, start, start.Add(times.length)) })
	var wrong []error
	for _, c := range crowds {
		wrong = append(wrong, c.judge())
	}
	return crowds, errors.Join(append(wrong, err)...)
}

func (c *crowd) close() {
	for _, t := range c.healthy {
		if t != nil {
			_ = t.close()
		}
	}
	for _, p := range c.proxies {
		_ = p.Close()
	}
	for _, l := range c.closers {
		_ = l.Close()
	}
}

// gather links everybody, while everything still works.
func (c *crowd) gather(ctx context.Context, n int) error {
	davHost := c.house.davHost()
	c.healthy = make([]*traveller, 2*n)
	err := sideBySide(ctx, len(c.healthy), 4, func(ctx context.Context, i int) (err error) {
		if c.healthy[i], err = c.house.traveller(ctx, []string{testbed.Prosody, testbed.Ejabberd}[i%2]); err != nil {
			return err
		}
		return c.healthy[i].link(ctx, c.daemon, c.healthy[i].xmpp.Addr, davHost)
	})
	if err != nil || !c.hanging {
		return err
	}
	return errors.Join(c.hangCalendar(ctx, davHost), c.hangXMPP(ctx, davHost, testbed.Prosody), c.hangXMPP(ctx, davHost, testbed.Ejabberd),
		c.hangAfterTLS(ctx, davHost))
}

// hanger links one account that is about to hang.
func (c *crowd) hanger(ctx context.Context, kind string, way func(*traveller) (xmpp, dav string, err error)) error {
	t, err := c.house.traveller(ctx, kind)
	if err != nil {
		return err
	}
	defer t.close()
	// Live for long, so that there is always something overdue.
	if err := t.travel(ctx, time.Now().Add(-time.Hour), time.Now().Add(time.Hour)); err != nil {
		return err
	}
	xmpp, dav, err := way(t)
	if err != nil {
		return err
	}
	return t.link(ctx, c.daemon, xmpp, dav)
}

func (c *crowd) proxy(upstream string) (*testbed.Proxy, error) {
	p, err := testbed.NewProxy(upstream)
	if err == nil {
		c.proxies = append(c.proxies, p)
	}
	return p, err
}

// hangCalendar links an account whose calendar accepts and never answers.
func (c *crowd) hangCalendar(ctx context.Context, davHost string) error {
	p, err := c.proxy(davHost)
	if err != nil {
		return err
	}
	defer p.Pause()
	return c.hanger(ctx, testbed.Prosody, func(t *traveller) (string, string, error) { return t.xmpp.Addr, p.Addr, nil })
}

// hangXMPP links an account whose server falls silent while it is logged in,
// and then says nothing to whoever connects.
func (c *crowd) hangXMPP(ctx context.Context, davHost, kind string) error {
	x, err := c.house.XMPP(ctx, kind)
	if err != nil {
		return err
	}
	p, err := c.proxy(x.Addr)
	if err != nil {
		return err
	}
	defer p.Pause()
	return c.hanger(ctx, kind, func(*traveller) (string, string, error) { return p.Addr, davHost, nil })
}

// hangAfterTLS links an account whose server, once it is linked, proves with
// its certificate who it is, and says nothing more.
func (c *crowd) hangAfterTLS(ctx context.Context, davHost string) error {
	toxi, err := c.house.Toxiproxy(ctx)
	if err != nil {
		return err
	}
	x, err := c.house.XMPP(ctx, testbed.Prosody)
	if err != nil {
		return err
	}
	way, err := toxi.Before(ctx, x.TLSAddr)
	if err != nil {
		return err
	}
	if err := c.hanger(ctx, testbed.Prosody, func(*traveller) (string, string, error) { return way.Addr, davHost, nil }); err != nil {
		return err
	}
	silent, err := silentTLS(c.house.CA, x.Domain)
	if err != nil {
		return err
	}
	c.closers = append(c.closers, silent)
	return way.Redirect(ctx, silent.Addr().String())
}

// silentTLS does the handshake and then only listens.
func silentTLS(ca *testbed.CA, domain string) (net.Listener, error) {
	certFile, keyFile, err := ca.Issue(domain)
	if err != nil {
		return nil, err
	}
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	l, err := tls.Listen("tcp4", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(io.Discard, conn)
			}()
		}
	}()
	return l, nil
}

// happen restarts the daemon, so that it meets those who hang with nothing
// established, and lets the healthy travel while commands are given.
func (c *crowd) happen(ctx context.Context, start, end time.Time) error {
	if err := c.daemon.Stop(); err != nil {
		return err
	}
	if err := c.daemon.Start(ctx); err != nil {
		return err
	}
	travellers := c.healthy[1:]
	if err := sideBySide(ctx, len(travellers), 4, func(ctx context.Context, i int) error {
		later := time.Duration(i%c.times.apart) * time.Second
		if err := travellers[i].travel(ctx, start.Add(later), end.Add(later)); err != nil {
			return err
		}
		_, err := c.daemon.Run(ctx, "sync", travellers[i].JID)
		return err
	}); err != nil {
		return err
	}
	if time.Now().After(start.Add(-time.Second)) {
		return errors.New("set up too late: too many people for this machine")
	}
	if err := c.command(ctx, end.Add(time.Duration(c.times.apart+2)*time.Second)); err != nil {
		return err
	}
	for _, t := range travellers {
		s := t.see(t.end.Add(undisturbed + askedEvery))
		c.early, c.stale, c.other = append(c.early, s.early...), append(c.stale, s.stale...), append(c.other, s.other...)
		if s.begun.IsZero() || s.ended.IsZero() {
			c.add(&c.other, "%s was not told the start or the end; %s", t.JID, c.logOf(t))
			continue
		}
		begun, ended := late(s.begun, t.start, t.start), late(s.ended, t.end, t.end)
		if max(begun, ended) > undisturbed {
			c.add(&c.other, "%s was told late; %s", t.JID, c.logOf(t))
		}
		c.starts, c.ends = append(c.starts, begun), append(c.ends, ended)
	}
	return c.endIt(ctx)
}

// logOf is what the daemon said of a traveller.
func (c *crowd) logOf(t *traveller) string {
	return fmt.Sprintf("away from %s to %s; the daemon's log of it:\n%s", t.start, t.end, linesWith(c.daemon.Said(), t.JID))
}

func linesWith(text, part string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// command gives the commands in turn until t.
func (c *crowd) command(ctx context.Context, t time.Time) error {
	for i := 0; time.Now().Before(t); i++ {
		args := crowdCommands[i%len(crowdCommands)]
		name, jid := strings.Join(args, " "), c.healthy[0].JID
		began := time.Now()
		if _, err := c.daemon.Run(ctx, strings.Split(strings.ReplaceAll(strings.Join(args, "\x00"), "JID", jid), "\x00")...); err != nil {
			return err
		}
		c.commands[name] = append(c.commands[name], time.Since(began))
		if err := sleepUntil(ctx, time.Now().Add(100*time.Millisecond)); err != nil {
			return err
		}
	}
	return nil
}

// endIt reloads the configuration and stops the daemon.
func (c *crowd) endIt(ctx context.Context) error {
	began := time.Now()
	if err := c.daemon.Process().Signal(syscall.SIGHUP); err != nil {
		return err
	}
	if err := testbed.Until(ctx, "the configuration is reloaded", func() (bool, error) {
		return strings.Contains(c.daemon.Said(), "configuration reloaded"), nil
	}); err != nil {
		return err
	}
	c.reload, began = time.Since(began), time.Now()
	err := c.daemon.Stop()
	c.stop = time.Since(began)
	return err
}

func (c *crowd) judge() error {
	for _, s := range []struct {
		what  string
		all   spread
		limit time.Duration
	}{{"a start", c.starts, undisturbed}, {"an end", c.ends, undisturbed}, {"a reload", spread{c.reload}, 2 * atOnce}, {"a stop", spread{c.stop}, soonStopped}} {
		for _, d := range s.all {
			if d > s.limit {
				c.add(&c.other, "%s took %s", s.what, d)
			}
		}
	}
	for name, all := range c.commands {
		for _, d := range all {
			if d > atOnce {
				c.add(&c.other, "awayd %s took %s", name, d)
			}
		}
	}
	var all []error
	for _, what := range [][]string{c.early, c.stale, c.other} {
		for _, w := range what {
			all = append(all, fmt.Errorf("hanging %t: %s", c.hanging, w))
		}
	}
	return errors.Join(all...)
}

// isolationPart is the table of the page.
func isolationPart(ctx context.Context) (table, error) {
	times := isolationTimes{healthy: 6, lead: 20 * time.Second, length: 15 * time.Second, apart: 6}
	var crowds []*crowd
	err := inHouse(ctx, func(h *house) (err error) { crowds, err = runIsolation(ctx, h, times); return err })
	return isolationTable(crowds), err
}

func isolationTable(crowds []*crowd) table {
	t := table{
		intro: "One daemon looks after accounts on both servers. Four more hang: one has a calendar that accepts and never answers; two have an XMPP server " +
			"that fell silent and accepts, and says nothing; one has a server that goes silent after TLS. The others' starts, ends and commands must take no longer for that.",
		head: []string{"", "without them", "beside them"},
	}
	row := func(name string, cell func(*crowd) string) {
		cells := []string{name}
		for _, c := range crowds {
			cells = append(cells, cell(c))
		}
		t.rows = append(t.rows, cells)
	}
	row("early, stale", func(c *crowd) string { return fmt.Sprintf("%d, %d", len(c.early), len(c.stale)) })
	row("start told after", func(c *crowd) string { return c.starts.String() })
	row("end told and gone after", func(c *crowd) string { return c.ends.String() })
	for _, args := range crowdCommands {
		name := strings.Join(args, " ")
		row("`awayd "+name+"`", func(c *crowd) string { return c.commands[name].String() })
	}
	row("reload (SIGHUP)", func(c *crowd) string { return inSeconds(c.reload) })
	row("stop (SIGTERM)", func(c *crowd) string { return inSeconds(c.stop) })
	return t
}
