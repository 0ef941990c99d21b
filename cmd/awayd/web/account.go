package web

import (
	"context"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"awayd/cmd/awayd/control"
	"awayd/sync/account"
	"awayd/sync/engine"
)

// A dossier is everything about one account.
type dossier struct {
	person
	Paused, Held bool
	Zone         string
	Calendars    []calendar
	Periods      []period
	Actions      []action
	Ignored      []group
	Errors       []control.PreviewError
	Log          []entry
	LogError     string
	MoreLog      template.URL // query of the log page
}

type calendar struct {
	engine.CalendarStatus
	Read, Next stamp
}

type period struct {
	Number     int
	Span, Long string
	Countdown  string // to its start, or its end once it has begun
	State      state
	Message    string
	Story      []string
}

type action struct {
	At     stamp
	Action string
	Period int
	Reason string
}

// shownLog is how much of its log an account's page has.
const shownLog = 15

// status returns the account that the request names.
func (v *visit) status(ctx context.Context) (engine.Status, error) {
	jid := v.r.FormValue("jid")
	if jid == "" {
		return engine.Status{}, &control.Error{Message: "no account is named", Usage: true}
	}
	list, err := v.Client.Status(ctx, jid)
	if err != nil {
		return engine.Status{}, err
	}
	if len(list) != 1 {
		return engine.Status{}, &control.Error{Message: "no such account is linked", Usage: true}
	}
	return list[0], nil
}

func (v *visit) account() error {
	ctx, cancel := context.WithTimeout(v.r.Context(), readLimit)
	defer cancel()
	s, err := v.status(ctx)
	if err != nil {
		return err
	}
	p := v.person(ctx, s, 0)
	doc := dossier{
		person: p, Paused: s.Mode == string(account.Paused), Zone: p.zone.String(),
		Periods: v.periods(p), Ignored: v.groups(p.preview.Ignored), Errors: p.preview.Errors,
		MoreLog: encoded(url.Values{"account": {s.JID}}),
	}
	for _, c := range s.Calendars {
		doc.Held = doc.Held || c.Hold != ""
		doc.Calendars = append(doc.Calendars, calendar{c, v.stampOf(c.LastOK, p.zone), v.stampOf(c.NextPoll, p.zone)})
	}
	for _, a := range p.preview.Actions {
		doc.Actions = append(doc.Actions, action{v.stamp(a.At, p.zone), deed(a.Action), a.Period + 1, a.Reason})
	}
	if doc.Log, err = v.entries(ctx, control.LogQuery{Account: s.JID, Last: shownLog}); err != nil {
		doc.LogError = err.Error()
	}
	v.render(http.StatusOK, "account", s.JID, doc)
	return nil
}

// periods tells each period of the preview, with what it is made of in order
// of time.
func (v *visit) periods(p person) []period {
	var list []period
	now := v.Now()
	for i, x := range p.preview.Periods {
		countdown := "begins " + v.Phrases.Relative(x.Start, now)
		if !x.Start.After(now) {
			countdown = "ends " + v.Phrases.Relative(x.End, now)
		}
		list = append(list, period{
			Number: i + 1, Span: v.Phrases.During(x.Start, x.End, false), Long: v.Phrases.Long(x.Start, x.End),
			Countdown: countdown, State: stateOf(x, p.Status, p.preview, now),
			Message: x.Message, Story: v.story(x, p.preview.Absences),
		})
	}
	return list
}

func (v *visit) story(p control.PreviewPeriod, absences []control.PreviewAbsence) []string {
	type line struct {
		at   time.Time
		text string
	}
	var lines []line
	for _, a := range absences {
		if !slices.Contains(p.Absences, a.UID) || a.Start.Before(p.Start) || a.End.After(p.End) {
			continue
		}
		text := v.Phrases.During(a.Start, a.End, a.AllDay) + ": " + named(a.Summary)
		if a.Calendar != "" {
			text += " in " + a.Calendar
		}
		lines = append(lines, line{a.Start, text + ", " + v.Phrases.Because(a.Matched)})
	}
	for _, j := range p.Joins {
		lines = append(lines, line{j.From, v.Phrases.During(j.From, j.To, false) + ": joined over the " + j.Why})
	}
	slices.SortStableFunc(lines, func(a, b line) int { return a.at.Compare(b.at) })
	texts := make([]string, len(lines))
	for i, l := range lines {
		texts[i] = l.text
	}
	return texts
}

func named(summary string) string {
	if strings.TrimSpace(summary) == "" {
		return "an event without a title"
	}
	return "“" + strings.TrimSpace(summary) + "”"
}

// A group is what is no absence for one reason.
type group struct {
	Detail, Reason string
	Events         []ignored
	More           int // not listed
}

type ignored struct {
	Span, Title, Calendar string
	Times                 int
}

// maxIgnored bounds what is listed for one reason.
const maxIgnored = 30

// groups sorts what is ignored by reason, series as one line. What is plainly
// no absence comes last.
func (v *visit) groups(list []control.PreviewIgnored) []group {
	var groups []group
	series := make(map[[4]string]*ignored)
	for _, x := range list {
		g := slices.IndexFunc(groups, func(g group) bool { return g.Detail == x.Detail && g.Reason == x.Reason })
		if g < 0 {
			g = len(groups)
			// With room for all, so that pointers into it stay good.
			groups = append(groups, group{Detail: x.Detail, Reason: x.Reason, Events: make([]ignored, 0, maxIgnored)})
		}
		key := [4]string{x.Detail, x.Reason, x.Calendar, x.UID}
		if e := series[key]; e != nil {
			e.Times++
			continue
		}
		if len(groups[g].Events) == maxIgnored {
			groups[g].More++
			continue
		}
		groups[g].Events = append(groups[g].Events, ignored{v.Phrases.During(x.Start, x.End, false), named(x.Summary), x.Calendar, 1})
		series[key] = &groups[g].Events[len(groups[g].Events)-1]
	}
	plain := func(g group) int {
		if g.Reason == "no-rule" {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(groups, func(a, b group) int { return plain(a) - plain(b) })
	return groups
}

// act does one thing to the account of the form and leads back to its page. It
// is done to its end even if the browser goes away meanwhile.
func (v *visit) act(done string, do func(ctx context.Context, jid string) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(v.r.Context()), actionLimit)
	defer cancel()
	s, err := v.status(ctx)
	if err != nil {
		return err
	}
	n := notice{Text: done}
	if err := do(ctx, s.JID); err != nil {
		n = notice{Failed: true, Text: err.Error()}
		if e, ok := err.(*control.Error); ok {
			n.Advice = e.Advice
		}
	}
	v.Log.Info("asked on the web page", "action", strings.TrimPrefix(v.r.URL.Path, v.root.Path), "account", s.JID, "failed", n.Failed)
	v.doors.say(v.session, n)
	v.leadTo("account", url.Values{"jid": {s.JID}})
	return nil
}

func (v *visit) pause() error {
	return v.act("Paused. The node is left alone until you resume.", v.Client.Pause)
}

func (v *visit) resume() error { return v.act("Resumed.", v.Client.Resume) }

// confirm asks before a withdrawal, which does not come back.
func (v *visit) confirm() error {
	ctx, cancel := context.WithTimeout(v.r.Context(), readLimit)
	defer cancel()
	s, err := v.status(ctx)
	if err != nil {
		return err
	}
	p := person{Status: s, zone: zoneNamed(s.Zone)}
	p.VisibleSpan = v.span(s.Visible, p.zone)
	v.render(http.StatusOK, "withdraw", "Withdraw", p)
	return nil
}

func (v *visit) withdraw() error {
	return v.act("Withdrawn. The same absence does not come back.", v.Client.Withdraw)
}

func (v *visit) sync() error {
	accept := v.r.PostForm.Get("accept") != ""
	return v.act("In step with the calendars.", func(ctx context.Context, jid string) error {
		results, err := v.Client.Sync(ctx, jid, accept)
		if err != nil {
			return err
		}
		for _, r := range results {
			if len(r.Errors) > 0 {
				return &control.Error{Message: strings.Join(r.Errors, "; ")}
			}
		}
		return nil
	})
}
