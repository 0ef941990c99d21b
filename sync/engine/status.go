package engine

import (
	"fmt"
	"slices"
	"time"

	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/plan"
)

// The values of Status.Mode beyond those of package account, and of
// Status.Health.
const (
	ModeOverridden = "overridden"

	HealthOK    = "ok"
	HealthHeld  = "held"
	HealthError = "error"
)

// A Status is one account as `awayd status --json` promises it.
type Status struct {
	JID     string   `json:"jid"`
	Mode    string   `json:"mode"`
	Zone    string   `json:"zone"` // of the person
	Visible *Message `json:"visible"`
	Staged  *Message `json:"staged"`
	Next    *Next    `json:"next"`
	// Unverified says that the server does not show what is visible to the
	// person themselves, and that Visible is what awayd last saw or was told.
	Unverified bool `json:"unverified,omitempty"`
	// Foreign says that what is visible was published by another client, and is
	// not awayd's to withdraw.
	Foreign   bool             `json:"foreign,omitempty"`
	Health    string           `json:"health"`
	Problems  []string         `json:"problems"`
	Calendars []CalendarStatus `json:"calendars"`
	XMPP      XMPPStatus       `json:"xmpp"`

	// For those who measure within this process: what contacts will see change
	// next (nil: nothing), and since when they see something else than they
	// should (zero: they do not).
	Flip *Next     `json:"-"`
	Late time.Time `json:"-"`
}

// A Message is an out-of-office message on the node. A time that the node
// leaves open is nil.
type Message struct {
	Start   *time.Time `json:"start"`
	End     *time.Time `json:"end"`
	Message string     `json:"message"`
}

// Next is what awayd will do next, if nothing changes.
type Next struct {
	At     time.Time `json:"at"`
	Action plan.Kind `json:"action"`
}

// A CalendarStatus is the health of one calendar.
type CalendarStatus struct {
	Name string `json:"name"`
	URL  string `json:"url"` // shortened: without what may be secret
	// Nil: never yet.
	LastPoll *time.Time `json:"last_poll"`
	LastOK   *time.Time `json:"last_ok"`
	NextPoll *time.Time `json:"next_poll"`
	Error    string     `json:"error"`
	Hold     string     `json:"hold,omitempty"` // why what it said last is not believed

	// Failing is since when nothing good was read, if the last poll failed. For
	// those who measure within this process.
	Failing time.Time `json:"-"`
}

// XMPPStatus is the health of the XMPP side.
type XMPPStatus struct {
	Connected bool   `json:"connected"`
	Server    string `json:"server"` // as it named itself at the last login
	Error     string `json:"error"`
	// Resting says that there is no connection because nothing is due, and
	// ConnectsAt when there will be one at the latest.
	Resting    bool       `json:"resting,omitempty"`
	ConnectsAt *time.Time `json:"connects_at,omitempty"`
}

// snapshot returns the status as of the owner's last turn.
func (a *actor) snapshot() Status {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.status
}

// failedStatus is the status of an account that nobody looks after.
func failedStatus(jid string, err error) Status {
	return Status{
		JID: jid, Mode: string(account.Auto), Health: HealthError,
		Problems:  []string{fmt.Sprintf("the account could not be taken up: %v", err)},
		Calendars: []CalendarStatus{},
	}
}

// publishStatus makes the owner's view the one that others read.
func (a *actor) publishStatus() {
	now := a.e.now()
	s := Status{
		JID: a.jid, Mode: string(a.acct.Mode), Zone: a.rules.Zone.String(), Health: HealthOK, Problems: []string{},
		Calendars: []CalendarStatus{},
		XMPP:      XMPPStatus{Connected: a.keeper.session != nil, Server: a.duty.server, Error: a.keeper.trouble},
	}
	if a.resting(now) {
		s.XMPP.Resting, s.XMPP.ConnectsAt = true, a.shownTime(a.nextDuty(now))
	}
	a.describeNode(&s)
	if a.acct.Mode != account.Paused {
		s.Late = a.keeper.late
		s.Next, s.Flip = a.foretell(now)
	}
	for _, c := range a.calendars {
		s.Calendars = append(s.Calendars, CalendarStatus{
			Name: c.Name, URL: account.ShortURL(c.URL), LastPoll: a.shownTime(c.LastPoll), LastOK: a.shownTime(c.LastOK),
			NextPoll: a.shownTime(c.next(now)), Error: c.Error, Hold: c.hold, Failing: a.failing(c),
		})
		if c.hold != "" {
			s.Health = HealthHeld
			s.Problems = append(s.Problems, fmt.Sprintf("calendar %q: %s", c.Name, c.hold))
		}
		if c.Error != "" {
			s.Problems = append(s.Problems, fmt.Sprintf("calendar %q: %s", c.Name, c.Error))
		}
	}
	for _, e := range a.result.Errors {
		s.Problems = append(s.Problems, fmt.Sprintf("%s: %s", e.Source, e.Reason))
	}
	if a.unbuilt != nil {
		s.Health = HealthError
		s.Problems = append(s.Problems, a.unbuilt.Error())
	}
	for _, c := range s.Calendars {
		if c.Error != "" {
			s.Health = HealthError
		}
	}
	if c := a.keeper.observed.Circle; c != nil && a.acct.Mode != account.Paused {
		if w := c.Warning(a.audience); w != "" {
			s.Health = HealthError
			s.Problems = append(s.Problems, w)
		}
	}
	if a.keeper.trouble != "" {
		s.Health = HealthError
		s.Problems = append(s.Problems, a.keeper.trouble)
	}
	if a.clock.Off() {
		s.Health = HealthError
		s.Problems = append(s.Problems, a.clock.String())
	}
	if why := a.e.herald.failing(a.jid); why != "" {
		s.Problems = append(s.Problems, "notify_jid cannot be told: "+why)
	}
	a.mu.Lock()
	a.status = s
	a.mu.Unlock()
}

// failing is since when a calendar fails: since it was read last, or was linked.
func (a *actor) failing(c *calendar) time.Time {
	switch {
	case c.Error == "":
		return time.Time{}
	case c.LastOK.IsZero():
		return a.acct.Linked
	}
	return c.LastOK
}

// shownTime is t as the person's clock shows it, in whole seconds; nil if it is
// zero.
func (a *actor) shownTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.In(a.rules.Zone).Truncate(time.Second)
	return &t
}

// describeNode fills in what is on the node, whoever put it there.
func (a *actor) describeNode(s *Status) {
	for _, i := range a.keeper.items() {
		m := &Message{Start: a.shownTime(i.Payload.Start), End: a.shownTime(i.Payload.End), Message: i.Payload.Message}
		if a.keeper.observed.Hidden() {
			s.Staged = m
		} else {
			s.Visible = m
			s.Unverified = a.keeper.observed.Unread
		}
		if a.keeper.foreign(i) && s.Mode == string(account.Auto) {
			s.Mode = ModeOverridden
		}
	}
	s.Foreign = a.keeper.beside()
	overridden := func(p absence.Period) bool { return a.keeper.journal.Overrides(p, a.e.now()) }
	if slices.ContainsFunc(a.result.Timeline.Periods, overridden) && s.Mode == string(account.Auto) {
		s.Mode = ModeOverridden
	}
}

// A Preview is what the calendars of an account would do.
type Preview struct {
	Zone   *time.Location
	Result absence.Result
	Steps  []plan.Step
}

// preview plays the window over what is on the node now. To one that begins
// later, the time until then leads: what is over by then is none of it.
func (a *actor) preview(from, to time.Time) (Preview, error) {
	readings, err := a.readings()
	if err != nil {
		return Preview{}, err
	}
	p := Preview{Zone: a.rules.Zone, Result: absence.Build(readings, a.suppressing(), from, to)}
	begin, played := from, p.Result
	now := a.e.now()
	if now.Before(from) {
		begin, played = now, absence.Build(readings, a.suppressing(), now, to)
	}
	p.Steps = plan.Forecast(plan.Wish{Timeline: played.Timeline, Audience: a.audience}, a.keeper.observed, a.keeper.journal, begin, to)
	if now.Before(from) {
		p.Steps = slices.DeleteFunc(p.Steps, func(s plan.Step) bool {
			return s.At.Before(from) || plan.PeriodOf(p.Result.Timeline, s) < 0
		})
	}
	return p, nil
}
