package engine

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/robfig/cron/v3"

	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/plan"
)

// A calendar is one linked calendar.
type calendar struct {
	account.Calendar
	shelf    shelf
	source   Source
	schedule cron.Schedule
	due      time.Time // its next turn
	host     string    // by which polls are counted
	polling  bool      // one poll at a time
	again    bool      // another was asked for meanwhile, which may read what this one missed
	accept   bool      // and what it says is to be believed
	heard    bool      // polled since the start
	more     bool      // the last poll had no time to read everything
	err      error     // of the last poll, as Error but with what it says of itself
	hold     string    // why what it last said is not believed in full
	quiet    time.Time // not polled before: the server asked for patience
	rest     time.Time // not polled by itself before: it failed
	retry    *backoff.ExponentialBackOff
	lost     <-chan struct{} // closed when a poll that was given up has come back; nil: there was none
}

const (
	// calmPolls bounds the polls under way at one host, urgentPolls with those that
	// somebody waits for; pollPace parts them while the host fails.
	calmPolls   = 8
	urgentPolls = 16
	pollPace    = 50 * time.Millisecond
)

// hostOf is whose requests are counted together: a host's, or those that read
// files.
func hostOf(address account.Secret) string {
	u, err := url.Parse(strings.TrimSpace(address.Reveal()))
	if err != nil {
		return "" // opening it says so
	}
	return u.Host
}

// restMost bounds how long a calendar that fails is left alone, if it is not
// polled more rarely anyway.
const restMost = 30 * time.Minute

// turn is the distance between two polls.
func (c *calendar) turn(now time.Time) time.Duration {
	next := c.schedule.Next(now)
	return c.schedule.Next(next).Sub(next)
}

// next is when the calendar will be polled by itself.
func (c *calendar) next(now time.Time) time.Time {
	from := now
	for _, t := range []time.Time{c.quiet, c.rest} {
		if t.After(from) {
			from = t.Add(-1) // a turn at that very instant counts
		}
	}
	return c.schedule.Next(from)
}

// failed makes a calendar that could not be read wait for one turn, then two,
// then four, and for as long as the server asked.
func (c *calendar) failed(err error, now time.Time) {
	turn := c.turn(now)
	if c.retry == nil {
		c.retry = backoff.NewExponentialBackOff()
		c.retry.InitialInterval, c.retry.Multiplier, c.retry.RandomizationFactor = turn, 2, 0
		c.retry.MaxInterval = max(turn, restMost)
		c.retry.Reset()
	}
	// Half a turn less, to end before the turn that it leads to.
	c.rest = now.Add(c.retry.NextBackOff() - turn/2)
	c.heed(err, now)
}

// heed leaves the server alone for as long as it asked.
func (c *calendar) heed(err error, now time.Time) {
	if patience, ok := errors.AsType[interface {
		error
		RetryAfter() time.Duration
	}](err); ok && patience.RetryAfter() > 0 {
		c.quiet = now.Add(patience.RetryAfter())
	}
}

// answered ends what failed began.
func (c *calendar) answered() { c.rest, c.quiet, c.retry = time.Time{}, time.Time{}, nil }

// polled is what a poll brought, on its way to the owner.
type polled struct {
	c      *calendar
	delta  absence.Delta
	cursor string
	err    error
	accept bool
	at     time.Time // when it began
	took   time.Duration
	lost   <-chan struct{} // see calendar
}

// openCalendars makes the calendars of the account those that it names now,
// keeping what runs of those that stay.
func (a *actor) openCalendars(acct account.Account) error {
	_, schedule := a.e.settings()
	var open []*calendar
	for _, ac := range acct.Calendars {
		c := &calendar{Calendar: ac, host: hostOf(ac.URL)}
		for _, was := range a.calendars {
			if was.ID == c.ID {
				c.hold, c.quiet, c.heard, c.more, c.err, c.lost = was.hold, was.quiet, was.heard, was.more, was.err, was.lost
				// The state may have yet to be told of quiet polls.
				c.LastPoll, c.LastOK = was.LastPoll, was.LastOK
			}
		}
		var err error
		if c.source, err = a.e.calendars.Open(ac); err != nil {
			return fmt.Errorf("open calendar %q of %s: %w", ac.Name, a.jid, err)
		}
		open = append(open, c)
	}
	a.calendars = open
	for _, c := range open {
		key := fmt.Sprintf("%s %d", a.jid, c.ID)
		c.schedule = jitter(schedule, key, a.e.now())
	}
	a.schedulePolls()
	return nil
}

// schedulePolls gives every calendar its next turn.
func (a *actor) schedulePolls() {
	now := a.e.now()
	for _, c := range a.calendars {
		c.due = c.schedule.Next(now)
	}
}

// pollDue polls the calendars whose turn it is, unless they failed lately.
func (a *actor) pollDue() {
	now := a.e.now()
	for _, c := range a.calendars {
		if now.Before(c.due) {
			continue
		}
		c.due = c.schedule.Next(now)
		if now.Before(c.rest) || now.Before(c.quiet) {
			a.keeper.Doubt() // the node is looked at all the same
			continue
		}
		a.poll(c, false)
	}
}

// pollAll starts a poll of every calendar, after the one that is under way.
func (a *actor) pollAll(accept bool) {
	for _, c := range a.calendars {
		if c.polling {
			c.again, c.accept = true, c.accept || accept
		} else {
			a.poll(c, accept)
		}
	}
}

// poll reads one calendar in the background; [actor.merge] gets the outcome.
func (a *actor) poll(c *calendar, accept bool) {
	if c.polling {
		return
	}
	if a.e.now().Before(c.quiet) {
		a.keeper.Doubt() // the node is looked at all the same
		a.merged(c, fmt.Errorf("the server asked to be left alone until %s", c.quiet.Format(time.RFC3339)))
		return
	}
	if c.hangs() {
		a.keeper.Doubt()
		a.merged(c, errHangs)
		return
	}
	c.polling = true
	go a.ask(c, c.Cursor, accept, len(a.waiting) > 0)
}

// unread is what somebody who waits is told of a calendar that was read in part.
func unread(d absence.Delta) error {
	if d.Halted != nil {
		return fmt.Errorf("%w; the next poll goes on", d.Halted)
	}
	return errors.New("there was no time to read all of it; the next poll goes on")
}

// merge takes over what a poll brought, as far as it is believed.
func (a *actor) merge(p polled) {
	if a.ctx.Err() != nil {
		return // stopping: what was cut short says nothing about the calendar
	}
	c := p.c
	c.polling = false
	if p.lost != nil {
		for _, d := range a.calendars {
			if d.ID == c.ID { // which may be linked anew
				d.lost = p.lost
			}
		}
	}
	if !slices.Contains(a.calendars, c) { // the account was linked anew meanwhile
		a.merged(c, nil)
		return
	}
	update, hold := account.Poll{}, ""
	if p.err == nil {
		update, hold, p.err = a.weigh(c, p)
	}
	if p.err != nil {
		update.Error = p.err.Error()
	}
	update.At = a.e.now()
	known, held := p.err == nil, c.shelf.count
	if c.unchanged(update, hold) {
		a.e.quiet.note(c.ID, update)
	} else if err := a.save(c, update); err != nil {
		// What was read holds all the same, but is to be read again.
		update.Cursor = c.Cursor
		p.err = errors.Join(p.err, fmt.Errorf("save the poll: %w", err))
		update.Error = p.err.Error()
	}
	if known {
		c.answered()
		c.heed(p.delta.Halted, update.At)
	} else {
		c.failed(p.err, update.At)
	}
	a.e.observer.Polled(p.took, p.err)
	a.logPoll(c, p, update, hold)
	if p.delta.Unlisted != "" {
		a.log.Debug("calendar not listed, its changes are read all the same", "calendar", c.Name, "error", p.delta.Unlisted)
	}
	c.LastPoll, c.Error = update.At, update.Error
	c.heard, c.err = true, p.err
	if known {
		c.hold = hold // a failure ends none
		if h := p.delta.Halted; h != nil {
			c.Error, c.err = h.Error(), h // until all of it was read
		} else {
			c.LastOK = update.At
		}
		a.take(c, update)
		c.more = p.delta.More
	}
	a.keeper.Doubt() // each poll looks at the node too
	if p.err == nil && p.delta.More {
		p.err = unread(p.delta)
		// At once, but only for what was not known: a server whose versions change
		// with every listing would be asked for ever.
		if c.shelf.count > held && p.delta.Halted == nil {
			c.again, c.accept = true, c.accept || p.accept
		}
	}
	// Who waits waits for the next poll, if there is to be one.
	if c.again {
		accept := c.accept
		c.again, c.accept = false, false
		a.poll(c, accept)
		return
	}
	a.merged(c, p.err)
}

// save has the state take over a poll.
func (a *actor) save(c *calendar, u account.Poll) error {
	// A failure does not say when the calendar was read last.
	if last, ok := a.e.quiet.forget(c.ID); ok && u.Error != "" {
		if err := a.e.store.SaveQuiet(context.WithoutCancel(a.ctx), map[int64]account.Poll{c.ID: last}); err != nil {
			a.log.Error("poll not saved", "calendar", c.Name, "error", err)
		}
	}
	u.Removed = slices.Concat(c.shelf.owed, u.Removed)
	err := a.e.store.SavePoll(context.WithoutCancel(a.ctx), c.ID, u)
	if u.Error == "" {
		c.shelf.saved(u, err)
	}
	return err
}

// unchanged reports whether a poll brought nothing that a restart would miss.
func (c *calendar) unchanged(u account.Poll, hold string) bool {
	return c.heard && u.Error == "" && c.Error == "" && hold == "" && c.hold == "" &&
		len(u.Changed)+len(u.Removed)+len(u.Missing) == 0 &&
		(u.Name == "" || u.Name == c.Name) && (u.Zone == "" || u.Zone == c.Zone)
}

// take makes known what the state was told.
func (a *actor) take(c *calendar, u account.Poll) {
	c.Cursor = u.Cursor
	moved := u.Zone != "" && u.Zone != c.Zone
	c.Name, c.Zone = first(u.Name, c.Name), first(u.Zone, c.Zone)
	for i := range a.acct.Calendars {
		if a.acct.Calendars[i].ID == c.ID {
			a.acct.Calendars[i] = c.Calendar
		}
	}
	c.shelf.take(u)
	if moved { // which may be where the person lives
		if rules, err := Rules(a.acct, a.e.Defaults()); err != nil {
			a.log.Error("the calendar's zone not taken up", "calendar", c.Name, "error", err)
		} else {
			a.rules = rules
		}
	}
	if len(u.Changed)+len(u.Removed) > 0 || moved {
		a.rebuild()
	}
}

// logPoll enters a poll into the sync log when it says something new: the
// first one, a failure, the end of one, a hold.
func (a *actor) logPoll(c *calendar, p polled, u account.Poll, hold string) {
	e := account.Entry{Kind: account.KindPoll, Time: p.at, Duration: p.took}
	switch {
	case p.err != nil && u.Error != c.Error:
		e.Outcome, e.Error = account.Failed, u.Error
		e.Reason = fmt.Sprintf("calendar %q could not be read", c.Name)
		a.append(e)
		if a.atStake() {
			a.append(account.Entry{Kind: account.KindHold, Reason: fmt.Sprintf("what calendar %q said last holds until it can be read again", c.Name)})
		}
	case p.err == nil && p.delta.More:
		if !c.more {
			e.Reason = fmt.Sprintf("calendar %q read in part: %d objects so far, and awayd goes on", c.Name, c.shelf.countAfter(u))
			if p.delta.Halted != nil {
				e.Reason += " (" + p.delta.Halted.Error() + ")"
			}
			a.append(e)
		}
	case p.err == nil && (c.LastOK.IsZero() || c.Error != "" || c.more):
		e.Reason = fmt.Sprintf("calendar %q read: %d objects", c.Name, c.shelf.countAfter(u))
		if c.Error != "" {
			e.Reason = fmt.Sprintf("calendar %q can be read again", c.Name)
		}
		a.append(e)
	}
	switch {
	case hold != "" && hold != c.hold:
		a.append(account.Entry{Kind: account.KindHold, Reason: fmt.Sprintf("calendar %q: %s", c.Name, hold)})
	case hold == "" && c.hold != "" && p.err == nil && p.accept:
		a.append(account.Entry{Kind: account.KindPoll, Reason: fmt.Sprintf("calendar %q is accepted as it is", c.Name)})
	case hold == "" && c.hold != "" && p.err == nil:
		a.append(account.Entry{Kind: account.KindPoll, Reason: fmt.Sprintf("calendar %q answers well again: nothing is held any more", c.Name)})
	}
}

// atStake reports whether something is live or ahead.
func (a *actor) atStake() bool {
	now := a.e.now()
	_, live := a.result.Timeline.At(now)
	_, ahead := a.result.Timeline.After(now)
	return live || ahead
}

// build computes the timeline from what is known.
func (a *actor) build(now time.Time) (absence.Result, error) {
	readings, err := a.readings()
	if err != nil {
		return absence.Result{}, err
	}
	return absence.Build(readings, a.suppressing(), now.Add(-behind), now.Add(horizon)), nil
}

// readings are the account's calendars as package absence wants them.
func (a *actor) readings() ([]absence.Calendar, error) {
	list := make([]absence.Calendar, len(a.calendars))
	for i, c := range a.calendars {
		if err := a.fetch(c); err != nil {
			return nil, err
		}
		list[i] = absence.Calendar{Name: c.Name, EveryEvent: c.EveryEvent, Holidays: c.Holidays}
		for _, o := range c.shelf.objects {
			list[i].Objects = append(list[i].Objects, o.Object)
		}
	}
	return list, nil
}

// setResult makes what the calendars say the wish.
func (a *actor) setResult(r absence.Result, built time.Time) {
	// What leads to the timeline is for previews, which build it anew.
	r.Absences, r.Ignored = nil, nil
	a.result, a.built, a.until, a.unbuilt, a.blind = r, built, built.Add(horizon), nil, false
	a.outlook = outlook{}
	a.keeper.Want(Want{
		Wish:     plan.Wish{Timeline: r.Timeline, Audience: a.audience},
		Presence: a.presence, Activity: a.activity, Zone: a.rules.Zone,
	})
}
