package control

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"mellium.im/xmpp/jid"

	"awayd/caldav"
	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/engine"
	"awayd/sync/finding"
	"awayd/sync/plan"
)

// A Finder finds calendars and opens them.
type Finder interface {
	engine.Calendars
	Discover(context.Context, caldav.Endpoint) (caldav.Discovery, error)
	// Examine reads a calendar and tells how that went; there is no delta where
	// it failed.
	Examine(context.Context, account.Calendar, time.Time) (*absence.Delta, []finding.Finding)
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

	addresses []string           // of the person, as the calendar server knows them
	again     bool               // some of what was found is linked already
	added     []account.Calendar // found and to be linked
}

// change makes of an account what the request names.
func (l *linking) change(a *account.Account) {
	if l.req.Password != "" {
		a.Login.Password = account.NewSecret(l.req.Password)
	}
	if l.req.ByDNS {
		a.Login.Address = ""
	}
	replace(&a.Login.Address, l.req.XMPPAddress)
	replace(&a.Login.TLSCA, l.req.TLSCA)
	a.Settings = merge(a.Settings, l.req.Settings)
	for _, x := range l.addresses {
		if !slices.Contains(a.Settings.Told, x) {
			a.Settings.Told = append(slices.Clone(a.Settings.Told), x)
		}
	}
	for _, c := range l.added {
		i := slices.IndexFunc(a.Calendars, func(was account.Calendar) bool { return was.URL == c.URL })
		if i < 0 {
			a.Calendars = append(a.Calendars, c)
			continue
		}
		// What was said before stays, unless the opposite is said now.
		was := a.Calendars[i]
		c.ID = was.ID
		if !l.req.Plain {
			c.EveryEvent, c.Holidays = c.EveryEvent || was.EveryEvent && !c.Holidays, c.Holidays || was.Holidays && !c.EveryEvent
		}
		a.Calendars[i] = c
	}
	l.renew(a)
}

// renew gives the password that opened the new calendars to the account's other
// ones of the same login, too: it is not theirs alone that changed.
func (l *linking) renew(a *account.Account) {
	if len(l.added) == 0 || l.req.CalendarPassword == "" {
		return
	}
	for i, c := range a.Calendars {
		if c.User == l.req.CalendarUser && sameServer(c.URL, l.added[0].URL) {
			a.Calendars[i].Password = account.NewSecret(l.req.CalendarPassword)
		}
	}
}

// sameServer reports whether two calendars are of the same scheme and host.
func sameServer(x, y account.Secret) bool {
	u, err1 := url.Parse(x.Reveal())
	v, err2 := url.Parse(y.Reveal())
	return err1 == nil && err2 == nil && u.Host != "" && u.Scheme == v.Scheme && strings.EqualFold(u.Host, v.Host)
}

func (s *Server) linking(req LinkRequest) *linking {
	return &linking{s: s, req: req, result: LinkResult{Calendars: []LinkedCalendar{}, Skipped: []LinkedCalendar{}, Notes: []Finding{}}}
}

// try takes steps until one fails.
func (l *linking) try(ctx context.Context, steps ...func(context.Context) error) error {
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// link checks both sides for real, and saves when both answered.
func (s *Server) link(ctx context.Context, req LinkRequest) (any, error) {
	l := s.linking(req)
	if err := l.try(ctx, l.begin, l.name, l.calendars, l.settings, l.server, l.describe); err != nil {
		return nil, err
	}
	if req.DryRun {
		return l.result, nil
	}
	return l.result, s.Engine.Link(ctx, l.acct.JID, l.change)
}

// begin takes up what the flags name over what is linked already.
func (l *linking) begin(ctx context.Context) error {
	addr, err := jid.Parse(l.req.JID)
	if err != nil || addr.Localpart() == "" || addr.Resourcepart() != "" {
		return &Error{
			Message: fmt.Sprintf("%q is not the address of an XMPP account", l.req.JID),
			Advice:  "give it as user@example.org", Usage: true, Field: "jid",
		}
	}
	l.acct = account.Account{JID: addr.String(), Mode: account.Auto, Linked: l.s.Now()}
	switch was, err := l.s.Engine.Account(ctx, l.acct.JID); {
	case err == nil:
		l.acct, l.known = was, true
	case !errors.Is(err, engine.ErrUnknownAccount):
		return err // busy or stopping: not the same as not linked
	}
	l.change(&l.acct)
	if l.acct.Login.Password.Empty() {
		return &Error{Message: "no password for " + l.acct.JID, Advice: "--jid-password-file FILE", Usage: true, Field: "jid-password"}
	}
	l.result.JID = l.acct.JID
	return nil
}

// name sees to it that the request says which calendar it is about.
func (l *linking) name(context.Context) error {
	switch {
	case l.req.CalendarURL == "" && !l.known:
		return &Error{Message: "no calendar named for " + l.acct.JID, Advice: "--calendar-url URL", Usage: true, Field: "calendar-url"}
	case l.req.CalendarURL == "" && l.req.namesCalendar():
		return &Error{Message: "the flags for a calendar do not say for which", Advice: "name the calendar with --calendar-url URL", Usage: true, Field: "calendar-url"}
	}
	l.reuse()
	return nil
}

// namesCalendar reports whether the request has something to say of a calendar.
func (q LinkRequest) namesCalendar() bool {
	return q.CalendarUser != "" || q.CalendarPassword != "" || len(q.Calendars) > 0 || len(q.Chosen) > 0 || q.EveryEvent || q.Holidays || q.Plain
}

// namesSome reports whether the request says which of the calendars found to
// link.
func (q LinkRequest) namesSome() bool { return len(q.Calendars) > 0 || len(q.Chosen) > 0 }

// chooses reports whether the request names this calendar.
func (q LinkRequest) chooses(f caldav.Found) bool {
	return slices.Contains(q.Calendars, f.Name) || slices.Contains(q.Chosen, calendarID(f))
}

// reuse fills in what is already known of a calendar that is linked again.
func (l *linking) reuse() {
	if l.req.CalendarUser != "" {
		return
	}
	for _, c := range l.acct.Calendars {
		if strings.HasPrefix(c.URL.Reveal(), l.req.CalendarURL) && sameServer(c.URL, account.NewSecret(l.req.CalendarURL)) {
			l.req.CalendarUser = c.User
			replaceIfEmpty(&l.req.CalendarPassword, c.Password.Reveal())
			replaceIfEmpty(&l.req.TLSCA, c.TLSCA)
			return
		}
	}
}

func replaceIfEmpty(value *string, known string) {
	if *value == "" {
		*value = known
	}
}

// calendars finds the calendars at the given URL, reads each, and adds those
// that are to be linked.
func (l *linking) calendars(ctx context.Context) error {
	if l.req.CalendarURL == "" {
		return nil
	}
	d, err := l.discover(ctx)
	if err != nil {
		return err
	}
	var all []string
	l.look(d)
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
			return &Error{Message: fmt.Sprintf("there is no calendar %q", name), Advice: "one of: " + strings.Join(all, ", "), Usage: true, Field: "calendar"}
		}
	}
	if len(l.found) > 0 {
		l.change(&l.acct) // again, with them
	} else {
		return &Error{
			Message: "none of the calendars found is the person's own and holds events",
			Advice:  "name one with --calendar NAME: " + strings.Join(all, ", "), Usage: true, Field: "calendar",
		}
	}
	return nil
}

// discover asks the calendar server what there is.
func (l *linking) discover(ctx context.Context) (caldav.Discovery, error) {
	d, err := l.s.Finder.Discover(ctx, caldav.Endpoint{
		URL: account.NewSecret(l.req.CalendarURL), User: l.req.CalendarUser,
		Password: account.NewSecret(l.req.CalendarPassword), TLSCA: l.req.TLSCA,
	})
	if err != nil {
		return d, err
	}
	l.addresses = d.Addresses
	// What the URL or the e-mail address told.
	l.req.CalendarUser, l.req.CalendarPassword = d.User, d.Password.Reveal()
	return d, nil
}

// look notes whether what was found has been linked before. Then it was chosen
// from, and what was left out stays so until it is named.
func (l *linking) look(d caldav.Discovery) { l.again = slices.ContainsFunc(d.Calendars, l.linked) }

// linked reports whether a calendar is one of the account's already, and not for
// its public holidays.
func (l *linking) linked(f caldav.Found) bool {
	return slices.ContainsFunc(l.acct.Calendars, func(c account.Calendar) bool { return c.URL.Reveal() == f.URL && !c.Holidays })
}

// skip says why a calendar is not linked, or "".
func (l *linking) skip(f caldav.Found, named bool) string {
	named = named || l.req.chooses(f)
	switch {
	case !f.HoldsEvents():
		return "holds no events"
	case l.req.Holidays && f.Kind != caldav.Birthdays:
		if named || f.Kind == caldav.Holidays && !l.req.namesSome() {
			return ""
		}
		return "not named as one of public holidays"
	case f.Kind == caldav.Holidays:
		return string(f.Kind) + " never count, but as days off with --holidays"
	case f.Kind == caldav.Birthdays:
		return string(f.Kind) + " never count"
	case named:
		return ""
	case l.req.namesSome():
		return "not named"
	case l.linked(f):
		return ""
	case !f.Owned:
		return string(f.Kind) + ": counts only when named with --calendar"
	case l.again:
		return "not linked so far: counts when named with --calendar"
	}
	return ""
}

// add reads one calendar in full and makes it one of the account's.
func (l *linking) add(ctx context.Context, f caldav.Found) error {
	c := l.calendar(f)
	read, err := l.read(ctx, c)
	if err != nil {
		return err
	}
	l.found = append(l.found, read)
	l.added = append(l.added, c)
	return nil
}

// calendar is one that was found as the account would have it.
func (l *linking) calendar(f caldav.Found) account.Calendar {
	return account.Calendar{
		Name: f.Name, URL: account.NewSecret(f.URL), User: l.req.CalendarUser,
		Password: account.NewSecret(l.req.CalendarPassword), TLSCA: l.req.TLSCA,
		EveryEvent: l.req.EveryEvent, Holidays: l.req.Holidays, Zone: f.Zone,
	}
}

// read reads a calendar in full.
func (l *linking) read(ctx context.Context, c account.Calendar) (absence.Calendar, error) {
	src, err := l.s.Finder.Open(c)
	if err != nil {
		return absence.Calendar{}, err
	}
	delta, _, err := src.Poll(ctx, "")
	if err == nil {
		err = delta.Halted // a part of it shows nothing of what the rest would do
	}
	return absence.Calendar{Name: c.Name, EveryEvent: c.EveryEvent, Holidays: c.Holidays, Objects: delta.Changed}, err
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
	if !engine.ZoneNamed(l.acct, l.s.Engine.Defaults()) {
		// The machine's own clock is left, and one on UTC does not say where its
		// people live.
		if isUTC(rules.Zone) {
			return &Error{
				Message: "neither the calendar nor the system says in which time zone " + l.acct.JID + " lives",
				Advice:  "--zone Europe/Berlin, or whichever it is", Usage: true, Field: "zone",
			}
		}
		// Kept, so that the account does not move with the machine.
		if name := rules.Zone.String(); name != "Local" {
			l.req.Settings.Values.Zone = name
			l.req.Settings.Named = append(l.req.Settings.Named, "zone")
		}
	}
	l.result.Zone = rules.Zone.String()
	return nil
}

func isUTC(zone *time.Location) bool {
	if zone.String() == "Local" {
		_, offset := time.Unix(0, 0).In(zone).Zone()
		return offset == 0
	}
	return absence.IsUTC(zone.String())
}

// server logs in and examines what the server can do. What must be mended there
// keeps the account from being linked.
func (l *linking) server(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	var journal plan.Journal
	if l.known {
		var err error
		if journal, err = l.s.Store.Journal(ctx, l.acct.JID); err != nil {
			return err
		}
	}
	server, found, err := l.s.Examiner.Examine(ctx, l.acct, journal, l.s.Now())
	if err != nil {
		return err
	}
	l.result.Server = server
	for _, f := range found {
		switch f.Severity {
		case finding.Error:
			e := &Error{Message: fmt.Sprintf("%s cannot be linked: %s: %s", l.acct.JID, f.Topic, f.Detail), Advice: f.Hint}
			if f.Topic == "audience" {
				e.Field = f.Topic
			}
			return e
		case finding.Warning:
			l.result.Notes = append(l.result.Notes, NewFinding("account "+l.acct.JID, l.acct.JID, f))
		}
	}
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
	for i, c := range l.found {
		n := 0
		for _, a := range r.Absences {
			if a.Calendar == c.Name && !c.Holidays {
				n++
			}
		}
		l.result.Calendars = append(l.result.Calendars, LinkedCalendar{Name: c.Name, URL: account.ShortURL(l.added[i].URL), Absences: n, Holidays: c.Holidays})
	}
	l.result.Periods = previewPeriods(r.Timeline, rules.Zone)
	if len(r.Timeline.Periods) == 0 {
		l.result.Example = example(rules, now)
	}
	audience, err := engine.Audience(l.acct, l.s.Engine.Defaults())
	if err != nil {
		return err
	}
	l.result.Audience = string(audience)
	for _, step := range plan.Forecast(plan.Wish{Timeline: r.Timeline, Audience: plan.Presence}, plan.Observed{}, plan.Journal{}, now, now.Add(year)) {
		l.result.Next = &engine.Next{At: step.At.In(rules.Zone), Action: step.Kind}
		break
	}
	return nil
}

// replace sets *old to value unless that is empty.
func replace(old *string, value string) {
	if value != "" {
		*old = value
	}
}
