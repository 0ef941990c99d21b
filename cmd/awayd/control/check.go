package control

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/engine"
	"awayd/sync/finding"
	"awayd/sync/plan"
)

const (
	// checkLimit bounds the examination of one calendar or server, stateLimit
	// that of the state.
	checkLimit = 30 * time.Second
	stateLimit = 20 * time.Second
	// sideBySide is how many examinations run at once.
	sideBySide = 64
	// maxTold bounds how many unreadable objects of a calendar are named.
	maxTold = 5
)

// SubjectDaemon is the subject of findings about the daemon itself.
const SubjectDaemon = "daemon"

// An Examiner logs in to an account and finds out what its server can do. The
// error is why it could not; the findings tell of it, too.
type Examiner interface {
	Examine(context.Context, account.Account, plan.Journal, time.Time) (server string, found []finding.Finding, err error)
}

// A probe examines one thing that the findings are about.
type probe struct {
	subject, account string
	limit            time.Duration
	run              func(context.Context) []finding.Finding
}

// check examines the state, every calendar and every XMPP account, side by
// side. It changes nothing that lasts.
func (s *Server) check(ctx context.Context) ([]Finding, error) {
	accounts, err := s.Store.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	probes := []probe{
		{"state", "", stateLimit, s.ExamineState},
		{"clock", "", stateLimit, s.checkClock},
	}
	for _, a := range accounts {
		if a.Unread != nil {
			probes = append(probes, probe{"account " + a.JID, a.JID, checkLimit, func(context.Context) []finding.Finding {
				return []finding.Finding{finding.Failed("account", a.Unread)}
			}})
			continue
		}
		probes = append(probes, probe{"account " + a.JID, a.JID, checkLimit, func(ctx context.Context) []finding.Finding { return s.checkAccount(ctx, a) }})
		for _, c := range a.Calendars {
			subject := fmt.Sprintf("calendar %q of %s", c.Name, a.JID)
			probes = append(probes, probe{subject, a.JID, checkLimit, func(ctx context.Context) []finding.Finding { return s.checkCalendar(ctx, a, c) }})
		}
	}
	if n := s.Notifier; n != nil && n.Recipient() != "" {
		probes = append(probes, probe{"notify_jid " + n.Recipient(), "", checkLimit, s.checkNotifier})
	}
	if s.ExamineDaemon != nil {
		probes = slices.Insert(probes, 0, probe{SubjectDaemon, "", stateLimit, func(context.Context) []finding.Finding { return s.ExamineDaemon() }})
	}
	found := make([][]Finding, len(probes))
	slots := make(chan struct{}, sideBySide)
	var all sync.WaitGroup
	for i, p := range probes {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			ctx, cancel := context.WithTimeout(ctx, p.limit)
			defer cancel()
			for _, f := range p.run(ctx) {
				found[i] = append(found[i], NewFinding(p.subject, p.account, f))
			}
		})
	}
	all.Wait()
	return slices.Concat(found...), nil
}

// NewFinding is f as `awayd check` tells it.
func NewFinding(subject, account string, f finding.Finding) Finding {
	return Finding{
		Subject: subject, Account: account, Topic: f.Topic, Severity: f.Severity,
		OK: f.Severity != finding.Error, Detail: f.Detail, Hint: f.Hint,
	}
}

// checkClock tells what time it is here. What servers think of it is told with
// their accounts.
func (s *Server) checkClock(context.Context) []finding.Finding {
	zone := "UTC"
	if d := s.Engine.Defaults(); d.System != nil {
		zone = d.System.String()
	}
	return []finding.Finding{finding.Good("time", "%s, system zone %s", s.Now().UTC().Format(time.RFC3339), zone)}
}

func (s *Server) checkAccount(ctx context.Context, a account.Account) []finding.Finding {
	j, err := s.Store.Journal(ctx, a.JID)
	if err != nil {
		return []finding.Finding{finding.Failed("journal", err)}
	}
	_, found, _ := s.Examiner.Examine(ctx, a, j, s.Now()) // the findings have the error
	if a.Mode == account.Paused {
		found = append(found, finding.Doubt("mode", "awayd resume "+a.JID, "paused: the node is left alone"))
	}
	return found
}

func (s *Server) checkCalendar(ctx context.Context, a account.Account, c account.Calendar) []finding.Finding {
	cached, err := s.Store.Objects(ctx, c.ID)
	if err != nil {
		return []finding.Finding{finding.Failed("cache", err)}
	}
	delta, found := s.Finder.Examine(ctx, c, s.Now())
	if delta == nil {
		return found
	}
	rules, err := engine.Rules(a, s.Engine.Defaults())
	if err != nil {
		return append(found, finding.Failed("settings", err))
	}
	switch gone := vanished(cached, *delta); {
	case gone > 0 && len(delta.Listing) == 0:
		found = append(found, finding.Doubt("hold", "awayd sync --accept "+a.JID+", if that is right",
			"the calendar suddenly holds nothing; what its %d objects said still holds", gone))
	case gone > 0:
		found = append(found, finding.Good("hold", "%d of %d objects are gone, which counts once another poll agrees", gone, len(cached)))
	}
	return append(found, zoneFinding(a, c, s.Engine.Defaults(), rules), objectsFinding(c, merged(cached, *delta), rules, s.Now()))
}

// merged is what a calendar holds once the delta is taken over.
func merged(cached []account.CachedObject, d absence.Delta) []absence.Object {
	changed := make(map[string]bool)
	for _, o := range d.Changed {
		changed[o.Href] = true
	}
	for _, href := range d.Removed {
		changed[href] = true
	}
	objects := slices.Clone(d.Changed)
	for _, o := range cached {
		if !changed[o.Href] {
			objects = append(objects, o.Object)
		}
	}
	return objects
}

// vanished counts the objects that a listing lacks.
func vanished(cached []account.CachedObject, d absence.Delta) int {
	if d.Listing == nil {
		return 0
	}
	there := make(map[string]bool)
	for _, href := range slices.Concat(d.Listing, d.Removed) {
		there[href] = true
	}
	n := 0
	for _, o := range cached {
		if !there[o.Href] {
			n++
		}
	}
	return n
}

// zoneFinding tells in which zone times without one are read.
func zoneFinding(a account.Account, c account.Calendar, d engine.Defaults, rules absence.Settings) finding.Finding {
	const topic = "zone"
	switch {
	case c.Zone != "" && c.Zone != rules.Zone.String():
		return finding.Good(topic, "the calendar says %s, but the account lives in %s", c.Zone, rules.Zone)
	case !engine.ZoneNamed(a, d) && isUTC(rules.Zone):
		return finding.Doubt(topic, "awayd set "+a.JID+" --zone Europe/Berlin, or whichever it is",
			"neither calendar nor account says in which zone the person lives; %s is assumed", rules.Zone)
	}
	return finding.Good(topic, "%s", rules.Zone)
}

// objectsFinding tells how much the calendar holds and what of it cannot be
// read.
func objectsFinding(c account.Calendar, objects []absence.Object, rules absence.Settings, now time.Time) finding.Finding {
	const topic = "objects"
	cal := absence.Calendar{Name: c.Name, EveryEvent: c.EveryEvent, Holidays: c.Holidays, Objects: objects}
	r := absence.Build([]absence.Calendar{cal}, rules, now, now.Add(year))
	holds := fmt.Sprintf("%d in all, absences in the coming year: %d", len(objects), len(r.Absences))
	if c.Holidays {
		holds = fmt.Sprintf("%d in all, of public holidays", len(objects))
	}
	if len(r.Errors) == 0 {
		return finding.Good(topic, "%s", holds)
	}
	var told []string
	for _, e := range r.Errors[:min(len(r.Errors), maxTold)] {
		told = append(told, strings.TrimPrefix(e.Source, c.Name+": ")+": "+e.Reason)
	}
	if more := len(r.Errors) - len(told); more > 0 {
		told = append(told, fmt.Sprintf("and %d more", more))
	}
	return finding.Doubt(topic, "correct or delete them with a calendar program; everything else counts",
		"%s, not read in full: %d: %s", holds, len(r.Errors), strings.Join(told, "; "))
}
