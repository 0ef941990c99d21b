package control

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"slices"
	"sync"
	"time"

	"awayd/caldav"
	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/engine"
)

// The steps of linking one at a time, for a conversation. Nothing is saved, and
// each failure names the answer that most likely has to change.

const (
	// maxRead bounds the calendars of an offer that are read, readAtOnce how
	// many of them at a time.
	maxRead    = 50
	readAtOnce = 4
)

// tryLogin tries the XMPP side alone, after a look at the settings.
func (s *Server) tryLogin(ctx context.Context, req LinkRequest) (any, error) {
	l := s.linking(req)
	sound := func(context.Context) error { return checkSettings(l.acct, s.Engine.Defaults()) }
	if err := l.try(ctx, l.begin, sound, l.server); err != nil {
		return nil, blame(err, "jid-password", "xmpp-address")
	}
	return l.result, nil
}

// tryCalendars tries the calendar side alone, and all settings.
func (s *Server) tryCalendars(ctx context.Context, req LinkRequest) (any, error) {
	l := s.linking(req)
	if err := l.try(ctx, l.begin, l.name, l.calendars, l.settings, l.describe); err != nil {
		return nil, blame(err, "calendar-password", "calendar-url")
	}
	return l.result, nil
}

// offer finds the calendars at a URL and reads those that can be linked.
func (s *Server) offer(ctx context.Context, req LinkRequest) (any, error) {
	l := s.linking(req)
	var d caldav.Discovery
	discover := func(ctx context.Context) (err error) { d, err = l.discover(ctx); return err }
	if err := l.try(ctx, l.begin, l.name, discover); err != nil {
		return nil, blame(err, "calendar-password", "calendar-url")
	}
	l.look(d)
	l.change(&l.acct) // with the person's addresses, which decide what counts
	if err := checkSettings(l.acct, s.Engine.Defaults()); err != nil {
		return nil, err
	}
	o := Offer{User: d.User, Named: d.Named, Calendars: make([]OfferedCalendar, len(d.Calendars))}
	slots := make(chan struct{}, readAtOnce)
	var all sync.WaitGroup
	for i, f := range d.Calendars {
		c := &o.Calendars[i]
		*c = OfferedCalendar{
			ID: calendarID(f), Name: f.Name, URL: account.ShortURL(account.NewSecret(f.URL)),
			Why: l.skip(f, d.Named), Choosable: l.choosable(f),
		}
		if !c.Choosable || i >= maxRead {
			continue
		}
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if err := l.preview(ctx, f, c); err != nil {
				c.Error = err.Error()
			}
		})
	}
	all.Wait()
	return o, ctx.Err()
}

// choosable reports whether naming the calendar would link it.
func (l *linking) choosable(f caldav.Found) bool {
	named := *l
	named.req.Calendars = []string{f.Name}
	return named.skip(f, true) == ""
}

// preview says what a calendar would do in the coming year, taken by itself. A
// calendar that cannot be read is no reason not to offer the others.
func (l *linking) preview(ctx context.Context, f caldav.Found, to *OfferedCalendar) error {
	c := l.calendar(f)
	with := l.acct
	with.Calendars = append(slices.Clone(with.Calendars), c) // for its zone
	rules, err := engine.Rules(with, l.s.Engine.Defaults())
	if err != nil {
		return err
	}
	read, err := l.read(ctx, c)
	if err != nil {
		return err
	}
	now := l.s.Now()
	r := absence.Build([]absence.Calendar{read}, rules, now, now.Add(year))
	p := NewPreview(engine.Preview{Zone: rules.Zone, Result: r}, now, now.Add(year))
	to.Preview = &p
	return nil
}

// calendarID names a found calendar without telling its URL, which may be a
// secret.
func calendarID(f caldav.Found) string {
	sum := sha256.Sum256([]byte(f.URL))
	return hex.EncodeToString(sum[:8])
}

// blame says which answer most likely has to change, unless err does: the one
// that proves who is asking where that was refused, the CA where it is missing,
// else the one that says where to ask.
func blame(err error, proof, place string) error {
	e := *asError(err)
	var login interface{ Credentials() bool }
	var issuer x509.UnknownAuthorityError
	switch {
	case e.Field != "":
	case errors.As(err, &issuer):
		e.Field = "tls-ca"
	case errors.As(err, &login) && login.Credentials():
		e.Field = proof
	default:
		e.Field = place
	}
	return &e
}

// example is the message of a week off that nobody plans, in the language and
// the words that hold.
func example(rules absence.Settings, now time.Time) string {
	y, m, d := now.In(rules.Zone).Date()
	monday := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	monday = monday.AddDate(0, 0, 7+int(time.Monday-monday.Weekday()))
	start := absence.DateTime{Wall: monday, Date: true}
	end := start.AddDays(5)
	week := absence.Calendar{EveryEvent: true, Objects: []absence.Object{{Events: []absence.Event{{UID: "example", Start: start, End: &end}}}}}
	r := absence.Build([]absence.Calendar{week}, rules, now, now.Add(year))
	if len(r.Timeline.Periods) == 0 {
		return ""
	}
	p := r.Timeline.Periods[0]
	return p.Message(p.Start)
}
