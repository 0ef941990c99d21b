package control

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"mellium.im/xmpp/jid"

	"awayd/caldav"
	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/engine"
	"awayd/sync/plan"
)

// A Finder finds calendars and opens them.
type Finder interface {
	engine.Calendars
	Discover(context.Context, caldav.Endpoint) (caldav.Discovery, error)
}

// year is how far ahead linking shows absences.
const year = 365 * 24 * time.Hour

// linking is one run of link.
type linking struct {
	s      *Server
	req    LinkRequest
	acct   account.Account
	known  bool // the account was linked before
	result LinkResult
	found  []absence.Calendar // what the new calendars hold
}

// link checks both sides for real, and saves when both answered.
func (s *Server) link(ctx context.Context, req LinkRequest) (any, error) {
	l := &linking{s: s, req: req, result: LinkResult{Calendars: []LinkedCalendar{}, Skipped: []LinkedCalendar{}}}
	for _, step := range []func(context.Context) error{l.begin, l.calendars, l.settings, l.server, l.describe} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	if req.DryRun {
		return l.result, nil
	}
	return l.result, s.Engine.Link(ctx, l.acct)
}

// begin takes up what the flags name over what is linked already.
func (l *linking) begin(ctx context.Context) error {
	addr, err := jid.Parse(l.req.JID)
	if err != nil || addr.Localpart() == "" || addr.Resourcepart() != "" {
		return &Error{
			Message: fmt.Sprintf("%q is not the address of an XMPP account", l.req.JID),
			Advice:  "give it as user@example.org", Usage: true,
		}
	}
	l.acct = account.Account{JID: addr.String(), Mode: account.Auto, Linked: l.s.Now()}
	if was, err := l.s.Engine.Account(ctx, l.acct.JID); err == nil {
		l.acct, l.known = was, true
		l.acct.Calendars = slices.Clone(was.Calendars)
	}
	login := &l.acct.Login
	if l.req.Password != "" {
		login.Password = account.NewSecret(l.req.Password)
	}
	replace(&login.Address, l.req.XMPPAddress)
	replace(&login.TLSCA, l.req.TLSCA)
	l.acct.Settings = merge(l.acct.Settings, l.req.Settings)
	if login.Password.Empty() {
		return &Error{Message: "no password for " + l.acct.JID, Advice: "--jid-password-file FILE", Usage: true}
	}
	if !l.known && l.req.CalendarURL == "" {
		return &Error{Message: "no calendar named for " + l.acct.JID, Advice: "--calendar-url URL", Usage: true}
	}
	l.result.JID = l.acct.JID
	return nil
}

// calendars finds the calendars at the given URL, reads each, and adds those
// that are to be linked.
func (l *linking) calendars(ctx context.Context) error {
	if l.req.CalendarURL == "" {
		return nil
	}
	d, err := l.s.Finder.Discover(ctx, caldav.Endpoint{
		URL: account.NewSecret(l.req.CalendarURL), User: l.req.CalendarUser,
		Password: account.NewSecret(l.req.CalendarPassword), TLSCA: l.req.TLSCA,
	})
	if err != nil {
		return err
	}
	for _, a := range d.Addresses {
		if !slices.Contains(l.acct.Settings.Addresses, a) {
			l.acct.Settings.Addresses = append(l.acct.Settings.Addresses, a)
		}
	}
	var all []string
	for _, f := range d.Calendars {
		all = append(all, f.Name)
		if why := l.skip(f, d.Named); why != "" {
			l.result.Skipped = append(l.result.Skipped, LinkedCalendar{Name: f.Name, URL: account.ShortURL(account.NewSecret(f.URL)), Why: why})
			continue
		}
		if err := l.add(ctx, f); err != nil {
			return err
		}
	}
	for _, name := range l.req.Calendars {
		if !slices.Contains(all, name) {
			return &Error{Message: fmt.Sprintf("there is no calendar %q", name), Advice: "one of: " + strings.Join(all, ", "), Usage: true}
		}
	}
	if len(l.found) == 0 {
		return &Error{
			Message: "none of the calendars found is the person's own and holds events",
			Advice:  "name one with --calendar NAME: " + strings.Join(all, ", "), Usage: true,
		}
	}
	return nil
}

// skip says why a calendar is not linked, or "".
func (l *linking) skip(f caldav.Found, named bool) string {
	named = named || slices.Contains(l.req.Calendars, f.Name)
	switch {
	case !f.HoldsEvents():
		return "holds no events"
	case f.Kind == caldav.Birthdays || f.Kind == caldav.Holidays:
		return string(f.Kind) + " never count"
	case named:
		return ""
	case len(l.req.Calendars) > 0:
		return "not named"
	case !f.Owned:
		return string(f.Kind) + ": counts only when named with --calendar"
	}
	return ""
}

// add reads one calendar in full and makes it one of the account's.
func (l *linking) add(ctx context.Context, f caldav.Found) error {
	c := account.Calendar{
		Name: f.Name, URL: account.NewSecret(f.URL), User: l.req.CalendarUser,
		Password: account.NewSecret(l.req.CalendarPassword), TLSCA: l.req.TLSCA,
		EveryEvent: l.req.EveryEvent, Zone: f.Zone,
	}
	src, err := l.s.Finder.Open(c)
	if err != nil {
		return err
	}
	delta, _, err := src.Poll(ctx, "")
	if err != nil {
		return err
	}
	l.found = append(l.found, absence.Calendar{Name: c.Name, EveryEvent: c.EveryEvent, Objects: delta.Changed})
	for i, was := range l.acct.Calendars {
		if was.URL.Reveal() == f.URL {
			c.ID, c.EveryEvent = was.ID, was.EveryEvent || c.EveryEvent
			l.acct.Calendars[i] = c
			return nil
		}
	}
	l.acct.Calendars = append(l.acct.Calendars, c)
	return nil
}

// settings resolves the zone and checks everything that was set.
func (l *linking) settings(context.Context) error {
	if err := checkSettings(l.acct, l.s.Engine.Defaults()); err != nil {
		return err
	}
	rules, err := engine.Rules(l.acct, l.s.Engine.Defaults())
	if err != nil {
		return err
	}
	if rules.Zone == time.Local {
		// Only the machine's own clock is left to tell the zone, and a server on
		// UTC does not say where its people live.
		if name := time.Local.String(); name == "UTC" || localIsUTC(l.s.Now()) {
			return &Error{
				Message: "neither the calendar nor the system says in which time zone " + l.acct.JID + " lives",
				Advice:  "--zone Europe/Berlin, or whichever it is", Usage: true,
			}
		}
	}
	l.result.Zone = rules.Zone.String()
	return nil
}

func localIsUTC(now time.Time) bool {
	_, offset := now.Local().Zone()
	_, july := time.Date(now.Year(), 7, 1, 0, 0, 0, 0, time.Local).Zone()
	_, january := time.Date(now.Year(), 1, 1, 0, 0, 0, 0, time.Local).Zone()
	return offset == 0 && july == 0 && january == 0
}

// server logs in and looks at the node.
func (l *linking) server(ctx context.Context) error {
	session, err := l.s.Dialer.Dial(ctx, l.acct)
	if err != nil {
		return err
	}
	defer session.Close(ctx) //nolint:errcheck // nothing was said that could be lost
	if _, err := session.Look(ctx); err != nil {
		return fmt.Errorf("look at the node of %s: %w", l.acct.JID, err)
	}
	l.result.Server = session.Server()
	return nil
}

// describe shows what the calendars just read will do.
func (l *linking) describe(context.Context) error {
	now := l.s.Now()
	rules, err := engine.Rules(l.acct, l.s.Engine.Defaults())
	if err != nil {
		return err
	}
	r := absence.Build(l.found, rules, now, now.Add(year))
	for _, c := range l.found {
		n := 0
		for _, a := range r.Absences {
			if a.Calendar == c.Name {
				n++
			}
		}
		l.result.Calendars = append(l.result.Calendars, LinkedCalendar{Name: c.Name, URL: account.ShortURL(account.NewSecret(l.req.CalendarURL)), Absences: n})
	}
	l.result.Periods = previewPeriods(r.Timeline, rules.Zone)
	for _, step := range plan.Forecast(plan.Wish{Timeline: r.Timeline, Audience: plan.Presence}, plan.Observed{}, plan.Journal{}, now, now.Add(year)) {
		l.result.Next = &engine.Next{At: step.At.In(rules.Zone), Action: step.Kind}
		break
	}
	return nil
}

// set changes settings after checking them.
func (s *Server) set(ctx context.Context, q setRequest) error {
	return s.Engine.Set(ctx, q.JID, func(a *account.Account) error {
		a.Settings = merge(a.Settings, q.Settings)
		return checkSettings(*a, s.Engine.Defaults())
	})
}

// checkSettings says what is wrong with an account's settings.
func checkSettings(a account.Account, d engine.Defaults) error {
	usage := func(err error, advice string) error {
		return &Error{Message: err.Error(), Advice: advice, Usage: true}
	}
	rules, err := engine.Rules(a, d)
	if err != nil {
		return usage(err, "--zone takes an IANA name such as Europe/Berlin")
	}
	if _, err := engine.Audience(a, d); err != nil {
		return usage(err, "--audience presence or --audience open")
	}
	if err := absence.CheckMessage(rules.Message, rules.Lang); err != nil {
		return usage(err, "see --message and --lang in the manual")
	}
	if a.Settings.Delegate != "" {
		if _, err := jid.Parse(a.Settings.Delegate); err != nil {
			return usage(fmt.Errorf("delegate %q is not an XMPP address", a.Settings.Delegate), "--delegate colleague@example.org")
		}
	}
	return nil
}

// merge returns s with what is set in change.
func merge(s, change account.Settings) account.Settings {
	replace(&s.Zone, change.Zone)
	replace(&s.Audience, change.Audience)
	replace(&s.Message, change.Message)
	replace(&s.Lang, change.Lang)
	replace(&s.Delegate, change.Delegate)
	if len(change.Addresses) > 0 {
		s.Addresses = change.Addresses
	}
	return s
}

// replace sets *old to value unless that is empty.
func replace(old *string, value string) {
	if value != "" {
		*old = value
	}
}
