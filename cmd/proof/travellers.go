package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"awayd/cmd/testbed"
)

// A house is a bed with Radicale over TLS and awayd built: what people who go
// on vacation need beside an XMPP server. Several daemons can live in it.
type house struct {
	*testbed.Bed
	binary string
	dav    *testbed.DAV
	people atomic.Int64
}

const (
	houseMost     = 128 // people
	davPassword   = "secret of a calendar"
	secretOfTitle = "A trip that is nobody's business"
)

func openHouse(ctx context.Context) (_ *house, err error) {
	bed, err := testbed.New()
	if err != nil {
		return nil, err
	}
	h := &house{Bed: bed}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.Close())
		}
	}()
	if h.binary, err = testbed.Build(ctx, bed.Dir); err != nil {
		return nil, err
	}
	users := make(map[string]string)
	for i := range houseMost {
		users[calendarUser(i)] = davPassword
	}
	h.dav, err = testbed.StartRadicale(ctx, filepath.Join(bed.Dir, "radicale"), testbed.RadicaleOptions{Users: users, TLS: bed.CA})
	return h, err
}

// inHouse runs f in a house of its own.
func inHouse(ctx context.Context, f func(*house) error) error {
	h, err := openHouse(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f(h), h.Close())
}

// davHost is the host:port of the calendars.
func (h *house) davHost() string {
	return strings.TrimSuffix(strings.TrimPrefix(h.dav.URL, "https://"), "/")
}

// Close ends everything in the house.
func (h *house) Close() error {
	var err error
	if h.dav != nil {
		err = h.dav.Stop()
	}
	return errors.Join(err, h.Bed.Close())
}

func calendarUser(i int) string { return fmt.Sprintf("user%d", i) }

// daemon makes one that runs, with this configuration.
func (h *house) daemon(ctx context.Context, name, config string) (*testbed.Daemon, error) {
	dir := filepath.Join(h.Dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	d, err := testbed.NewDaemon(h.binary, dir)
	if err != nil {
		return nil, err
	}
	if d.Config, err = testbed.SecretFile(dir, "awayd.toml", config); err != nil {
		return nil, err
	}
	return d, d.Start(ctx)
}

// A traveller is a person with a calendar, and a contact of theirs who watches.
type traveller struct {
	testbed.Person
	xmpp     *testbed.XMPP
	dav      *testbed.DAV
	user     string // of the calendar
	calendar string // its URL, as the server itself is reached
	watch    *testbed.Watch
	leave    func() // stops watching

	start, end time.Time
}

// traveller makes one on an XMPP server, with an empty calendar.
func (h *house) traveller(ctx context.Context, kind string) (*traveller, error) {
	x, err := h.XMPP(ctx, kind)
	if err != nil {
		return nil, err
	}
	t := &traveller{xmpp: x, dav: h.dav, user: calendarUser(int(h.people.Add(1)))}
	// The servers serve one domain, and a daemon is to know both.
	if t.Person, err = x.Person(ctx, kind+"-ada"); err != nil {
		return nil, err
	}
	friend, err := x.Person(ctx, kind+"-bob")
	if err != nil {
		return nil, err
	}
	me, err := x.Login(ctx, t.Person, testbed.ContactOptions{})
	if err != nil {
		return nil, err
	}
	bob, err := x.Login(ctx, friend, testbed.ContactOptions{Resource: "phone"})
	if err != nil {
		return nil, errors.Join(err, me.Close())
	}
	t.watch = &testbed.Watch{Contact: bob, Of: t.JID, Secrets: []string{secretOfTitle}}
	if err = errors.Join(testbed.Befriend(ctx, me, bob), me.Close()); err != nil {
		return nil, errors.Join(err, bob.Close())
	}
	if err := testbed.Until(ctx, "a person is offline", func() (bool, error) { return t.watch.Offline(), nil }); err != nil {
		return nil, errors.Join(err, bob.Close())
	}
	bob.Forget()
	t.leave = t.watch.Begin(context.WithoutCancel(ctx)) // longer than the preparations
	t.calendar, err = h.dav.MakeCalendar(ctx, t.user, "Vacations")
	return t, err
}

// close stops watching.
func (t *traveller) close() error {
	t.leave()
	return t.watch.Contact.Close()
}

// link links the traveller as a person would; xmpp and dav are the host:port
// through which the servers are reached.
func (t *traveller) link(ctx context.Context, d *testbed.Daemon, xmpp, dav string) error {
	dir := filepath.Dir(d.State)
	password, err := testbed.SecretFile(dir, t.User+"-password", t.Password)
	if err != nil {
		return err
	}
	calendarPassword, err := testbed.SecretFile(dir, t.user+"-calendar-password", davPassword)
	if err != nil {
		return err
	}
	u, err := url.Parse(t.calendar)
	if err != nil {
		return err
	}
	u.Host = dav
	_, err = d.Run(ctx, "link", "--yes", "--jid", t.JID, "--jid-password-file", password, "--xmpp-address", xmpp,
		"--calendar-url", u.String(), "--calendar-user", t.user, "--calendar-password-file", calendarPassword,
		"--every-event", "--zone", "UTC", "--tls-ca", t.xmpp.CA.File)
	return err
}

// travel enters the vacation into the calendar.
func (t *traveller) travel(ctx context.Context, start, end time.Time) error {
	t.start, t.end = start, end
	return t.dav.Put(ctx, t.calendar+"trip.ics", testbed.VEvent("trip", secretOfTitle, start, end))
}

// An accountStatus is what this program reads of one account in `awayd status
// --json`.
type accountStatus struct {
	JID       string
	Visible   *struct{ Message string }
	Staged    *struct{ Start time.Time }
	Calendars []struct {
		LastOK   *time.Time `json:"last_ok"`
		NextPoll *time.Time `json:"next_poll"`
		Error    string
	}
}

// statuses asks a daemon for all accounts, or for those named.
func statuses(ctx context.Context, d *testbed.Daemon, jids ...string) ([]accountStatus, error) {
	out, err := d.Run(ctx, append([]string{"status", "--json"}, jids...)...)
	if err != nil {
		return nil, err
	}
	var s struct{ Accounts []accountStatus }
	return s.Accounts, json.Unmarshal([]byte(out), &s)
}

// depart polls every calendar and waits until each traveller's message is
// staged.
func depart(ctx context.Context, d *testbed.Daemon, staged int) error {
	if _, err := d.Run(ctx, "sync"); err != nil {
		return err
	}
	return testbed.Until(ctx, "all messages are staged", func() (bool, error) {
		list, err := statuses(ctx, d)
		n := 0
		for _, a := range list {
			if a.Staged != nil {
				n++
			}
		}
		return n == staged, err
	})
}

// sideBySide runs f for 0 to n-1, some at a time.
func sideBySide(ctx context.Context, n, atOnce int, f func(context.Context, int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i := range n {
		g.Go(func() error { return f(ctx, i) })
	}
	return g.Wait()
}
