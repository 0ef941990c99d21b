package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"awayd/cmd/testbed"
)

// A way is what lies between awayd and a server.
type way struct {
	addr   string // where awayd connects
	proxy  *testbed.Proxy
	faulty *testbed.Faulty
}

// A fault is a way in which a network breaks.
type fault struct {
	name        string
	begin, heal func(context.Context, *way) error
}

// networkFaults are those that are tried, on the way to XMPP servers and on the
// way to calendars.
func networkFaults() []fault {
	both := func(typ string, attributes map[string]int) []testbed.Toxic {
		return []testbed.Toxic{{Type: typ, Stream: "downstream", Attributes: attributes}, {Type: typ, Stream: "upstream", Attributes: attributes}}
	}
	answers := func(typ string, attributes map[string]int) []testbed.Toxic { return both(typ, attributes)[:1] }
	return []fault{
		{
			"connections refused",
			func(ctx context.Context, w *way) error { return w.faulty.Refuse(ctx) },
			func(ctx context.Context, w *way) error { return w.faulty.Heal(ctx) },
		},
		toxic("connections reset", both("reset_peer", map[string]int{"timeout": 0})),
		toxic("half open: nothing comes through", both("timeout", map[string]int{"timeout": 0})),
		toxic("answers lost: done, not acknowledged", answers("timeout", map[string]int{"timeout": 0})),
		{
			"half open, old connections silent for ever",
			func(_ context.Context, w *way) error { w.proxy.Pause(); return nil },
			func(_ context.Context, w *way) error { w.proxy.Forsake(); return nil },
		},
		toxic("latency 0.4 s each way, jitter 0.2 s", both("latency", map[string]int{"latency": 400, "jitter": 200})),
		toxic("1 kB/s in slices of 64 bytes", append(answers("bandwidth", map[string]int{"rate": 1}),
			answers("slicer", map[string]int{"average_size": 64, "size_variation": 32, "delay": 1000})...)),
		toxic("cut within an answer", answers("limit_data", map[string]int{"bytes": 700})),
		toxic("cut within a request", both("limit_data", map[string]int{"bytes": 900})[1:]),
	}
}

func toxic(name string, toxics []testbed.Toxic) fault {
	return fault{
		name,
		func(ctx context.Context, w *way) error { return w.faulty.Poison(ctx, toxics...) },
		func(ctx context.Context, w *way) error { return w.faulty.Heal(ctx, toxics...) },
	}
}

// faultTimes say when things happen.
type faultTimes struct {
	lead   time.Duration // from the entry in the calendar to the first start
	length time.Duration // of a vacation
	before time.Duration // how long before an instant the network breaks
	after  time.Duration // how long after it it is healed
	apart  int           // over how many seconds the starts are spread
}

var thoroughly = faultTimes{lead: 25 * time.Second, length: 24 * time.Second, before: 4 * time.Second, after: 5 * time.Second, apart: 8}

const (
	// inTime is how long after healing everything overdue has to be done.
	inTime = 5 * time.Second
	// undisturbed is how late a flip may be seen that no fault concerns, on a
	// machine on which dozens flip at once.
	undisturbed = 2 * time.Second
	// calendarPoll is how often calendars are polled in these cases.
	calendarPoll = 3 * time.Second
)

// A faultCase is one person's vacation, with a network that breaks across its
// start and again across its end.
type faultCase struct {
	fault
	kind     string // of XMPP server
	calendar bool   // it is the calendar that cannot be reached
	daemon   *testbed.Daemon
	way      *way
	who      *traveller
	times    faultTimes

	healedStart, healedEnd time.Time
	readAgain              []time.Duration // after the time that status named
	log                    string
	seen                   sight
}

// runFaults runs cases side by side, each with a person, a contact and a
// network of its own.
func runFaults(ctx context.Context, h *house, cases []*faultCase, times faultTimes) error {
	// Frequent polls look at the node too, and would hide what a daemon that
	// polls every five minutes does about its connection.
	xmpp, err := h.daemon(ctx, "faults-xmpp", "")
	if err != nil {
		return err
	}
	defer xmpp.Close()
	dav, err := h.daemon(ctx, "faults-calendar", fmt.Sprintf("poll = '@every %s'\n", calendarPoll))
	if err != nil {
		return err
	}
	defer dav.Close()
	staged := map[*testbed.Daemon]int{}
	for _, c := range cases {
		c.times, c.daemon = times, xmpp
		if c.calendar {
			c.daemon = dav
		}
		staged[c.daemon]++
	}
	if err := sideBySide(ctx, len(cases), 4, func(ctx context.Context, i int) error { return cases[i].prepare(ctx, h) }); err != nil {
		return err
	}
	first := time.Now().Add(times.lead).Truncate(time.Second)
	if err := sideBySide(ctx, len(cases), 4, func(ctx context.Context, i int) error {
		start := first.Add(time.Duration(i%times.apart) * time.Second)
		return cases[i].who.travel(ctx, start, start.Add(times.length))
	}); err != nil {
		return err
	}
	for d, n := range staged {
		if err := depart(ctx, d, n); err != nil {
			return err
		}
	}
	if late := time.Since(first.Add(-times.before)); late > 0 {
		return fmt.Errorf("set up %s too late: too many cases for this machine", late)
	}
	if err := sideBySide(ctx, len(cases), -1, func(ctx context.Context, i int) error { return cases[i].happen(ctx) }); err != nil {
		return fmt.Errorf("%w\n%s", err, xmpp.Said()+dav.Said())
	}
	var wrong []error
	for _, c := range cases {
		wrong = append(wrong, c.judge())
	}
	return errors.Join(append(wrong, xmpp.Stop(), dav.Stop())...)
}

// prepare makes the person and links them through the way that will break.
func (c *faultCase) prepare(ctx context.Context, h *house) (err error) {
	if c.who, err = h.traveller(ctx, c.kind); err != nil {
		return err
	}
	upstream := c.who.xmpp.Addr
	if c.calendar {
		upstream = h.davHost()
	}
	toxi, err := h.Toxiproxy(ctx)
	if err != nil {
		return err
	}
	c.way = new(way)
	if c.way.faulty, err = toxi.Before(ctx, upstream); err != nil {
		return err
	}
	if c.way.proxy, err = testbed.NewProxy(c.way.faulty.Addr); err != nil {
		return err
	}
	c.way.addr = c.way.proxy.Addr
	if c.calendar {
		return c.who.link(ctx, c.daemon, c.who.xmpp.Addr, c.way.addr)
	}
	return c.who.link(ctx, c.daemon, c.way.addr, h.davHost())
}

// happen breaks and heals the network.
func (c *faultCase) happen(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, c.who.close(), c.way.proxy.Close()) }()
	if c.healedStart, err = c.across(ctx, c.who.start, c.who.end.Add(-c.times.before)); err != nil {
		return err
	}
	if c.healedEnd, err = c.across(ctx, c.who.end, c.who.end.Add(c.times.length)); err != nil {
		return err
	}
	if err := sleepUntil(ctx, c.healedEnd.Add(inTime+2*time.Second)); err != nil {
		return err
	}
	c.log, err = c.daemon.Run(ctx, "log", "--json", "-n", "500", "--account", c.who.JID)
	return err
}

// across breaks the network before an instant and heals it some time after. A
// calendar's next poll is then waited for, if it is due before the deadline.
func (c *faultCase) across(ctx context.Context, instant, deadline time.Time) (healed time.Time, err error) {
	if err := sleepUntil(ctx, instant.Add(-c.times.before)); err != nil {
		return healed, err
	}
	if err := c.begin(ctx, c.way); err != nil {
		return healed, err
	}
	if err := sleepUntil(ctx, instant.Add(c.times.after)); err != nil {
		return healed, err
	}
	if err := c.heal(ctx, c.way); err != nil {
		return healed, err
	}
	healed = time.Now()
	if !c.calendar {
		return healed, nil
	}
	return healed, c.awaitRead(ctx, healed, deadline.Add(-time.Second))
}

// awaitRead waits until the calendar was read again, and notes how long after
// the time that status had named that was.
func (c *faultCase) awaitRead(ctx context.Context, healed, deadline time.Time) error {
	var promised time.Time
	for time.Now().Before(deadline) {
		list, err := statuses(ctx, c.daemon, c.who.JID)
		if err != nil {
			return err
		}
		cal := list[0].Calendars[0]
		if cal.Error == "" && cal.LastOK != nil && cal.LastOK.After(healed.Add(-time.Second)) {
			if promised.IsZero() {
				promised = *cal.LastOK // no poll had failed, so none was put off
			}
			c.readAgain = append(c.readAgain, max(0, cal.LastOK.Sub(promised))) // before: a poll was under way
			return nil
		}
		if promised.IsZero() && cal.Error != "" && cal.NextPoll != nil {
			promised = *cal.NextPoll
		}
		if err := sleepUntil(ctx, time.Now().Add(time.Second)); err != nil {
			return err
		}
	}
	if !promised.IsZero() && promised.Before(deadline.Add(-time.Second)) {
		return fmt.Errorf("%s: the calendar was to be read again at %s, and was not by %s", c.name, promised, deadline)
	}
	return nil
}

// late is how long after it could be done something was done.
func late(done, due, healed time.Time) time.Duration {
	if healed.After(due) && done.After(healed) {
		due = healed
	}
	return max(0, done.Sub(due))
}

// judge holds what was seen and logged against what should have been.
func (c *faultCase) judge() error {
	limit := inTime
	due := c.healedEnd.Add(inTime)
	if c.calendar {
		limit, due = undisturbed, c.who.end.Add(undisturbed+askedEvery)
	}
	c.seen = c.who.see(due)
	s := &c.seen
	if s.begun.IsZero() {
		s.add(&s.other, "was never told the message")
	}
	if s.ended.IsZero() {
		s.add(&s.stale, "was never told the end")
	}
	if d := c.lateStart(); d > limit {
		s.add(&s.other, "was told the message %s late", d)
	}
	if d := c.lateEnd(); d > limit {
		s.add(&s.stale, "was told the end %s late", d)
	}
	for _, d := range c.readAgain {
		if d > 2*time.Second { // status rounds to one
			s.add(&s.other, "does not know, but the calendar was read again %s after the time that status named", d)
		}
	}
	if c.calendar && strings.Contains(c.log, `could not be read"`) && !strings.Contains(c.log, `"hold"`) {
		s.add(&s.other, "cannot know, but the log has a failure without a hold: %s", c.log)
	}
	var all []error
	for _, what := range [][]string{s.early, s.stale, s.other} {
		for _, w := range what {
			all = append(all, fmt.Errorf("%s, %s, calendar %t, %s: the contact %s", c.name, c.kind, c.calendar, c.who.JID, w))
		}
	}
	return errors.Join(all...)
}

func (c *faultCase) lateStart() time.Duration {
	if c.calendar {
		return late(c.seen.begun, c.who.start, c.who.start)
	}
	return late(c.seen.begun, c.who.start, c.healedStart)
}

func (c *faultCase) lateEnd() time.Duration {
	if c.calendar {
		return late(c.seen.ended, c.who.end, c.who.end)
	}
	return late(c.seen.ended, c.who.end, c.healedEnd)
}

// faultsPart is the table of the page.
func faultsPart(ctx context.Context) (table, error) {
	var cases []*faultCase
	for _, f := range networkFaults() {
		for _, kind := range []string{testbed.Prosody, testbed.Ejabberd} {
			cases = append(cases, &faultCase{fault: f, kind: kind}, &faultCase{fault: f, kind: kind, calendar: true})
		}
	}
	var pings spread
	err := inHouse(ctx, func(h *house) error {
		err := runFaults(ctx, h, cases, thoroughly)
		var pingErr error
		pings, pingErr = runPings(ctx, h)
		return errors.Join(err, pingErr)
	})
	t := faultTable(cases)
	t.notes = append(t.notes, fmt.Sprintf("A connection that dies without a word while a message is live and nothing is due was replaced after %s.", pings))
	return t, err
}

func faultTable(cases []*faultCase) table {
	t := table{
		intro: fmt.Sprintf("The way to the XMPP server, or to the calendar, breaks %s before the start of a vacation and is healed %s after it; "+
			"and again across its end. Times are from healing, or from the instant where the fault did not prevent that it was met. "+
			"What is overdue on the XMPP side must be done within %s of healing; a calendar that cannot be read delays nothing, ends nothing, "+
			"and is read again when `awayd status` said it would be.", thoroughly.before, thoroughly.after, inTime),
		head: []string{"fault", "on the way to", "XMPP server", "early", "stale", "start told after", "end told and gone after", "calendar read again, after the time named"},
	}
	var starts, ends, calendarStarts, calendarEnds spread
	for _, c := range cases {
		if c.healedEnd.IsZero() {
			continue // never came to it
		}
		to, again := "XMPP", "-"
		if c.calendar {
			to = "the calendar"
			calendarStarts, calendarEnds = append(calendarStarts, c.lateStart()), append(calendarEnds, c.lateEnd())
			if len(c.readAgain) > 0 {
				again = inSeconds(slices.Max(c.readAgain))
			}
		} else {
			starts, ends = append(starts, c.lateStart()), append(ends, c.lateEnd())
		}
		t.rows = append(t.rows, []string{
			c.name, to, c.kind, fmt.Sprint(len(c.seen.early)), fmt.Sprint(len(c.seen.stale)),
			inSeconds(c.lateStart()), inSeconds(c.lateEnd()), again,
		})
	}
	t.notes = []string{
		fmt.Sprintf("XMPP: starts after %s, ends after %s. Calendars: starts after %s, ends after %s. Half of the cases took no longer than the first number.",
			starts, ends, calendarStarts, calendarEnds),
	}
	return t
}
