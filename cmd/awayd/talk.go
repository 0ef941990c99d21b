package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"awayd/cmd/awayd/control"
	"awayd/sync/account"
	"awayd/sync/engine"
	"awayd/sync/finding"
)

// A talk is `awayd link` as a conversation. It asks for what the flags did not
// say, tries each answer for real before the next question, and saves nothing
// before the person agreed. Every try is carried out by the owner of the state,
// the daemon when one runs.
type talk struct {
	*app
	*asker
	ctx context.Context
	q   control.LinkRequest

	accounts []control.Account // linked already
	sealed   bool              // the calendar's URL comes from a file, and is not to be shown
	typed    bool              // the calendar's password was typed here
	pending  bool              // a calendar is still to be named
	spoken   bool              // what contacts will read is settled
	every    bool              // whether every event counts is settled
	saving   bool              // the owner was told to save
	daemon   bool              // the owner is a daemon

	offer  control.Offer
	plan   control.LinkResult
	linked control.LinkResult
	after  after
}

// after is how things stand once an account is linked and its calendars were
// read, or why they were not.
type after struct {
	status []engine.Status
	synced []engine.SyncResult
	failed error
}

// errDeclined ends a conversation whose person did not agree in the end.
var errDeclined = errors.New("nothing was saved")

// converse links by conversation.
func (a *app) converse(ctx context.Context, q control.LinkRequest, l linkFlags) error {
	t := &talk{
		app: a, asker: newAsker(ctx, a.in, a.out), ctx: ctx, q: q,
		sealed: l.calendarURLFile != "",
		// Who says what contacts are to read need not be asked.
		spoken: slices.Contains(q.Settings.Named, "message") || slices.Contains(q.Settings.Named, "lang"),
	}
	err := t.run()
	switch {
	case err == nil:
		return t.farewell(l.asJSON)
	case !errors.Is(err, errLeft) && ctx.Err() == nil:
		return err
	case t.saving:
		return &hintedError{errors.New("interrupted while it was being saved"), "awayd accounts says whether it is linked"}
	}
	fmt.Fprintln(a.out)
	return errors.New("interrupted: nothing was saved")
}

func (t *talk) run() error {
	// Before anything is asked: is there a state that one may use?
	if err := t.with(trying, func(c *control.Client) (err error) { t.accounts, err = c.Accounts(t.ctx); return err }); err != nil {
		return err
	}
	t.say(0, "This links an XMPP account with calendars. Nothing is saved before you agree at the end. Ctrl-C leaves at any time.")
	if t.q.JID == "" {
		if err := t.askJID(); err != nil {
			return err
		}
	}
	if t.known() {
		t.say(0, "It is linked already: what you say now is changed, and another calendar is added.")
	}
	t.pending = t.q.CalendarURL == ""
	for _, step := range []func() error{t.login, t.calendars, t.settings, t.agreed, t.save} {
		if err := t.until(step); err != nil {
			return err
		}
	}
	return nil
}

// known reports whether the account is linked already.
func (t *talk) known() bool {
	return slices.ContainsFunc(t.accounts, func(a control.Account) bool { return strings.EqualFold(a.JID, t.q.JID) })
}

// until takes a step until it succeeds, with answers corrected in between.
func (t *talk) until(step func() error) error {
	for {
		err := step()
		if err == nil {
			return nil
		}
		if err := t.correct(err); err != nil {
			return err
		}
	}
}

// with asks the owner of the state, and gives the state back afterwards: nobody
// is kept from it while a person thinks.
func (t *talk) with(m manner, f func(*control.Client) error) error {
	c, err := t.connect(t.ctx, m)
	if err != nil {
		return err
	}
	t.daemon = c.daemon
	return errors.Join(f(c.Client), c.Close())
}

// try has the owner of the state try something.
func (t *talk) try(doing string, f func(*control.Client) error) error {
	done := t.waiting("%s", doing)
	defer done()
	return t.with(trying, f)
}

func (t *talk) login() error {
	if t.q.Password == "" {
		if err := t.askPassword(); err != nil {
			return err
		}
	}
	var r control.LinkResult
	err := t.try("Logging in as "+t.q.JID, func(c *control.Client) (err error) { r, err = c.TryLogin(t.ctx, t.q); return err })
	if err != nil {
		return err
	}
	t.q.JID = r.JID
	server := cmp.Or(r.Server, "The server")
	if len(r.Notes) == 0 {
		t.say(0, "Logged in. %s can do what is needed.", server)
	} else {
		t.say(0, "Logged in. %s can do what is needed, but:", server)
	}
	for _, n := range r.Notes {
		t.say(2, "  %s: %s", n.Topic, n.Detail)
		if n.Hint != "" {
			t.say(2, "  Try: %s", n.Hint)
		}
	}
	return nil
}

func (t *talk) askJID() (err error) {
	t.q.JID, err = t.need("Your XMPP address, such as ada@example.org", t.q.JID)
	return err
}

func (t *talk) askPassword() error {
	question := "The XMPP password of " + t.q.JID
	if t.known() {
		question += ", or Enter for the one that is kept"
	}
	for {
		password, err := t.secret(question)
		if err != nil {
			return err
		}
		if t.q.Password = password; password != "" || t.known() {
			return nil
		}
		// Perhaps the address is what is wrong.
		if err := t.askJID(); err != nil {
			return err
		}
		question = "The XMPP password of " + t.q.JID
	}
}

func (t *talk) askServer() (err error) {
	if err := t.askJID(); err != nil {
		return err
	}
	t.q.XMPPAddress, err = t.ask("The server as HOST:PORT, or Enter to let DNS tell it", t.q.XMPPAddress)
	t.q.ByDNS = t.q.XMPPAddress == ""
	return err
}

func (t *talk) askCA() error {
	name, err := t.ask("The file with the certificate (PEM) of the authority to trust, or Enter to try again", "")
	if err != nil || name == "" {
		return err
	}
	if t.q.TLSCA, err = readSmall(name); err != nil {
		t.say(0, "%v", err)
		return t.askCA()
	}
	return nil
}

// settings tries all that was said of the calendars, and shows what contacts
// would read.
func (t *talk) settings() error {
	if t.q.CalendarURL != "" && t.offer.Calendars == nil { // it was corrected
		if err := t.calendars(); err != nil {
			return err
		}
	}
	for {
		err := t.try("Reading what is to be linked", func(c *control.Client) (err error) {
			t.plan, err = c.TryCalendars(t.ctx, t.q)
			return err
		})
		if err != nil {
			return err
		}
		if changed, err := t.askEveryEvent(); err != nil || changed {
			if err != nil {
				return err
			}
			continue
		}
		changed, err := t.askMessage()
		if err != nil || !changed {
			return err
		}
	}
}

func (t *talk) askZone() error {
	zone, err := t.need("Your time zone, such as Europe/Berlin", t.q.Settings.Values.Zone)
	t.set("zone")
	t.q.Settings.Values.Zone = zone
	return err
}

func (t *talk) askAudience() (err error) {
	t.set("audience")
	t.q.Settings.Values.Audience, err = t.need("Who may see the message: presence (your contacts), open (everybody) or group:NAME", t.q.Settings.Values.Audience)
	return err
}

// set notes that a setting has a value now.
func (t *talk) set(name string) {
	if !slices.Contains(t.q.Settings.Named, name) {
		t.q.Settings.Named = append(t.q.Settings.Named, name)
	}
}

// correct says what went wrong and asks for the one answer that most likely has
// to change.
func (t *talk) correct(err error) error {
	if errors.Is(err, errLeft) || errors.Is(err, errDeclined) || t.ctx.Err() != nil {
		return err
	}
	var e *control.Error
	if !errors.As(err, &e) {
		e = new(control.Error) // the owner of the state could not be asked
	}
	if e.Field == "zone" && t.q.Settings.Values.Zone == "" {
		t.say(0, "Neither the calendar nor this machine says in which time zone you live.")
		return t.askZone()
	}
	t.head(red, "That did not work.")
	t.say(2, "  %v", err)
	// The question that follows says better than a flag what to do.
	if hint := finding.Hint(err); hint != "" && (e.Field == "" || !strings.Contains(hint, "--")) {
		t.say(2, "  Try: %s", hint)
	}
	return t.askAgain(e.Field)
}

// askAgain asks for the answer that a field of a request is.
func (t *talk) askAgain(field string) error {
	switch field {
	case "jid":
		return t.askJID()
	case "jid-password":
		return t.askPassword()
	case "xmpp-address":
		return t.askServer()
	case "tls-ca":
		return t.askCA()
	case "calendar-url":
		t.offer = control.Offer{}
		return t.correctCalendar()
	case "calendar-password":
		t.offer = control.Offer{}
		return t.askCalendarLogin()
	case "calendar":
		t.q.Calendars, t.q.Chosen = nil, nil
		return t.choose()
	case "zone":
		return t.askZone()
	case "audience":
		return t.askAudience()
	case "lang", "message":
		t.spoken = false
		return t.askText()
	}
	again, err := t.agree("Try again?")
	if err == nil && !again {
		err = errLeft
	}
	return err
}

// agreed says what will happen, and asks.
func (t *talk) agreed() error {
	t.printNext()
	ok, err := t.agree("Link " + t.q.JID + "?")
	if err == nil && !ok {
		return errDeclined
	}
	return err
}

// save links, and waits for the first poll, so that what is printed is done.
func (t *talk) save() error {
	done := t.waiting("Linking %s", t.q.JID)
	defer done()
	return t.with(acting, func(c *control.Client) (err error) {
		t.saving = true
		if t.linked, err = c.Link(t.ctx, t.q); err != nil {
			t.saving = t.ctx.Err() != nil
			return err
		}
		if t.after.synced, t.after.failed = c.Sync(t.ctx, t.linked.JID, false); t.after.failed == nil {
			t.after.status, t.after.failed = c.Status(t.ctx, t.linked.JID)
		}
		return t.ctx.Err()
	})
}

// shown is what of a calendar's address may be shown: of one that names a server
// and nothing else, all of it.
func shown(address string) string {
	u, err := url.Parse(address)
	plain := err == nil && u.Host != "" && strings.Trim(u.Path, "/") == "" && *u == (url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path})
	if plain || isMail(address) {
		return address
	}
	return account.ShortURL(account.NewSecret(address))
}
