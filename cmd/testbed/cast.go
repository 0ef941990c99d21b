package testbed

import (
	"context"
	"encoding/json"
	"net/url"
	"path/filepath"
	"time"
)

// CalendarPassword is Ada's on her calendar server.
const CalendarPassword = "calendar secret"

// A Cast is who a story is about: Ada, who has an XMPP account, a calendar on
// a Radicale of her own and a daemon, and Bob, who is her contact.
type Cast struct {
	Bed    *Bed
	Kind   string // of XMPP server
	Dir    string // for what belongs to this story alone
	Binary string // awayd
	// Alone says that nobody else is on the bed's server, so that Ada and Bob
	// can be called ada and bob there.
	Alone bool

	XMPP     *XMPP
	DAV      *DAV
	Ada, Bob Person
	Calendar string // URL of Ada's
	Daemon   *Daemon
}

// Prepare starts the servers and makes the people, who do not know each other
// yet. Nothing is linked, and the daemon does not run.
func (c *Cast) Prepare(ctx context.Context) (err error) {
	if c.XMPP, err = c.Bed.XMPP(ctx, c.Kind); err != nil {
		return err
	}
	if c.DAV, err = StartRadicale(ctx, filepath.Join(c.Dir, "calendars"), RadicaleOptions{
		Users: map[string]string{"ada": CalendarPassword}, TLS: c.Bed.CA,
	}); err != nil {
		return err
	}
	if c.Calendar, err = c.DAV.MakeCalendar(ctx, "ada", "Vacations"); err != nil {
		return err
	}
	if c.Ada, err = c.person(ctx, "ada"); err != nil {
		return err
	}
	if c.Bob, err = c.person(ctx, "bob"); err != nil {
		return err
	}
	c.Daemon, err = NewDaemon(c.Binary, c.Dir)
	return err
}

func (c *Cast) person(ctx context.Context, name string) (Person, error) {
	if !c.Alone {
		return c.XMPP.Person(ctx, name)
	}
	p := Person{User: name, Password: "secret of " + name, JID: name + "@" + c.XMPP.Domain}
	return p, c.XMPP.Register(ctx, p.User, p.Password)
}

// Acquaint makes Ada and Bob contacts and returns Bob, who stays online. Ada
// goes offline again.
func (c *Cast) Acquaint(ctx context.Context) (bob *Contact, err error) {
	ada, err := c.XMPP.Login(ctx, c.Ada, ContactOptions{})
	if err != nil {
		return nil, err
	}
	defer ada.Close()
	if bob, err = c.XMPP.Login(ctx, c.Bob, ContactOptions{Resource: "phone"}); err != nil {
		return nil, err
	}
	return bob, Befriend(ctx, ada, bob)
}

// Put puts an event into Ada's calendar, or changes it.
func (c *Cast) Put(ctx context.Context, uid, title string, start, end time.Time) error {
	return c.DAV.Put(ctx, c.Calendar+uid+".ics", VEvent(uid, title, start, end))
}

// VEvent is an iCalendar object of one event.
func VEvent(uid, title string, start, end time.Time) string {
	return ICalendar(Entry{UID: uid, Title: title, Start: start, End: end})
}

// Link links Ada's account with her calendars, as a person would. A flag in
// extra that is among the usual ones comes later, and so wins.
func (c *Cast) Link(ctx context.Context, extra ...string) (string, error) {
	password, err := SecretFile(c.Dir, "jid-password", c.Ada.Password)
	if err != nil {
		return "", err
	}
	calendarPassword, err := SecretFile(c.Dir, "calendar-password", CalendarPassword)
	if err != nil {
		return "", err
	}
	return c.Daemon.Run(ctx, append([]string{
		"link", "--yes", "--jid", c.Ada.JID, "--jid-password-file", password, "--xmpp-address", c.XMPP.Addr,
		"--calendar-url", c.DAV.URL, "--calendar-user", "ada", "--calendar-password-file", calendarPassword,
		"--every-event", "--zone", "Europe/Berlin", "--tls-ca", c.Bed.CA.File,
	}, extra...)...)
}

// Through returns the URL of c's calendar server as seen through a proxy.
func (c *Cast) Through(addr string) (string, error) {
	u, err := url.Parse(c.DAV.URL)
	if err != nil {
		return "", err
	}
	u.Host = addr
	return u.String(), nil
}

// A Status is what stories read of one account in `awayd status --json`.
type Status struct {
	JID, Mode, Health string
	Visible, Staged   *struct {
		Start, End time.Time
		Message    string
	}
	Problems  []string
	Calendars []struct{ Error string }
	XMPP      struct {
		Connected bool
		Error     string
	}
}

// Status asks for the status of Ada's account; it is empty if none is linked.
func (c *Cast) Status(ctx context.Context) (Status, error) {
	out, err := c.Daemon.Run(ctx, "status", "--json")
	if err != nil {
		return Status{}, err
	}
	var doc struct{ Accounts []Status }
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		return Status{}, err
	}
	for _, s := range doc.Accounts {
		if s.JID == c.Ada.JID {
			return s, nil
		}
	}
	return Status{}, nil
}

// UntilStatus waits until ok accepts the status.
func (c *Cast) UntilStatus(ctx context.Context, what string, ok func(Status) bool) error {
	return Until(ctx, what, func() (bool, error) {
		s, err := c.Status(ctx)
		return err == nil && ok(s), err
	})
}

// Staged accepts a status in which nothing is visible and the message that
// starts at start is staged.
func Staged(start time.Time) func(Status) bool {
	return func(s Status) bool { return s.Visible == nil && s.Staged != nil && s.Staged.Start.Equal(start) }
}

// Close ends the daemon and Ada's calendar server.
func (c *Cast) Close() error {
	if c.Daemon != nil {
		c.Daemon.Close()
	}
	if c.DAV != nil {
		return c.DAV.Stop()
	}
	return nil
}
