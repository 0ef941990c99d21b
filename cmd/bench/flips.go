package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"awayd/cmd/testbed"
)

// flips measures how long after its instant a contact is told of a start and of
// an end.
func flips(ctx context.Context, r *report) error {
	r.title = "One flip"
	r.intro = flipsIntro
	return inBed(func(bed *testbed.Bed) error {
		binary, err := testbed.Build(ctx, bed.Dir)
		if err != nil {
			return err
		}
		for _, kind := range []string{testbed.Prosody, testbed.Ejabberd} {
			if err := flipsOn(ctx, r, bed, kind, binary); err != nil {
				return fmt.Errorf("%s: %w", kind, err)
			}
		}
		return nil
	})
}

const flipsIntro = `From the instant that the calendar names to the moment in which a contact, online all the time, is told. The daemon runs as people run
it, with accounts on a real server; each has one absence, and one flip follows the other, never two at once. Beside each, within
two seconds, a bare client on the same XMPP library sends what awayd was seen to send for such a flip: the same stanzas, in the same order, each
after the answer to the one before; its time begins with the first of them. It keeps no journal and decides nothing. The last row of each server is
not what a flip is: a single publish of the same message on a node that is open already, and the contact told.`

const loggedIn = "logged in before the instant, both; no login is in the time"

// flipStep is from one flip of awayd's to the next.
const flipStep = 2 * time.Second

// A lag is a flip of awayd's, and what a bare client took for the same.
type lags struct{ start, end, bareStart, bareEnd, publish series }

func flipsOn(ctx context.Context, r *report, bed *testbed.Bed, kind, binary string) error {
	x, err := bed.XMPP(ctx, kind)
	if err != nil {
		return err
	}
	c, err := newCompany(ctx, x, binary)
	if err != nil {
		return err
	}
	defer c.contact.Close()
	dir := filepath.Join(bed.Dir, "flips-"+kind)
	s, err := learn(ctx, c, dir)
	if err != nil {
		return err
	}
	l, err := c.measureFlips(ctx, s, dir, r.enough(60))
	if err != nil {
		return err
	}
	earliest := min(l.start.quantile(0), l.end.quantile(0))
	r.fact(kind+": the earliest of "+fmt.Sprint(len(l.start)+len(l.end))+" flips", seconds(earliest)+" after its instant", "never before", earliest >= 0)
	most := target{atMost: 2}
	for _, w := range []struct {
		work, peer string
		ours, them series
	}{
		{fmt.Sprintf("%s: a start (%d requests)", kind, s.start.requests()), "same stanzas, bare", l.start, l.bareStart},
		{fmt.Sprintf("%s: an end (%d requests)", kind, s.end.requests()), "same stanzas, bare", l.end, l.bareEnd},
		{kind + ": a start, beside a publish alone", "one publish, bare", l.start, l.publish},
	} {
		t := most
		if w.peer == "one publish, bare" {
			t = target{}
		}
		r.compare(comparison{work: w.work, peer: w.peer, ours: w.ours, them: w.them, target: t, connection: loggedIn})
	}
	r.notes = append(r.notes, fmt.Sprintf("%s, half of the flips lie between: start %s, bare %s; end %s, bare %s; publish alone %s.", kind,
		l.start.middle(), l.bareStart.middle(), l.end.middle(), l.bareEnd.middle(), l.publish.middle()))
	return nil
}

// middle is where half of the series lies.
func (s series) middle() string {
	return seconds(s.quantile(0.25)) + " and " + seconds(s.quantile(0.75))
}

// newCompany logs the contact in.
func newCompany(ctx context.Context, x *testbed.XMPP, binary string) (*company, error) {
	p, err := x.Person(ctx, "contact")
	if err != nil {
		return nil, err
	}
	contact, err := x.Login(ctx, p, testbed.ContactOptions{})
	if err != nil {
		return nil, err
	}
	return &company{x: x, contact: contact, binary: binary}, nil
}

// measureFlips has n people of awayd's and n bare clients start and end an
// absence, in turn.
func (c *company) measureFlips(ctx context.Context, s scripts, dir string, n int) (*lags, error) {
	ours, err := c.people(ctx, "away", n)
	if err != nil {
		return nil, err
	}
	clients, err := c.bareClients(ctx, s, n)
	if err != nil {
		return nil, err
	}
	defer closeAll(clients)
	// Time to stage, and for the looks ahead. Calendars know whole seconds.
	first := time.Now().Add(15*time.Second + time.Duration(n)*500*time.Millisecond).Truncate(time.Second)
	stays := time.Duration(n+3) * flipStep
	at := func(i int) absenceTime {
		start := first.Add(time.Duration(i) * flipStep)
		return absenceTime{start, start.Add(stays)}
	}
	d, err := c.daemon(ctx, dir, c.x.Addr, ours, func(i int) []absenceTime { return []absenceTime{at(i)} })
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if err := staged(ctx, d, n, first.Add(-5*time.Second)); err != nil {
		return nil, fmt.Errorf("%w; its log:\n%s", err, d.Said())
	}
	publish, err := s.start.publishing("current")
	if err != nil {
		return nil, err
	}
	var l lags
	for _, ending := range []bool{false, true} {
		for i := range n {
			instant, script, what, mine, theirs := at(i).start, s.start, telling(tellsStart), &l.start, &l.bareStart
			if ending {
				instant, script, what, mine, theirs = at(i).end, s.end, tellsEnd, &l.end, &l.bareEnd
			}
			if err := c.awayFlip(ctx, ours[i].JID, instant, what, mine); err != nil {
				return nil, fmt.Errorf("%w; its log:\n%s", err, d.Said())
			}
			// What awayd does after the contact was told is not to disturb.
			if err := sleepUntil(ctx, instant.Add(flipStep/2)); err != nil {
				return nil, err
			}
			if err := c.bareFlip(ctx, clients[i], script, theirs); err != nil {
				return nil, err
			}
			if !ending {
				if err := c.bareFlip(ctx, clients[i], publish, &l.publish); err != nil {
					return nil, err
				}
			}
		}
	}
	return &l, nil
}

// awayFlip waits for a flip of the daemon's.
func (c *company) awayFlip(ctx context.Context, who string, instant time.Time, what telling, lag *series) error {
	// A little before: who is told too early is to be noticed.
	c.contact.Forget()
	at, err := c.told(ctx, []string{who}, what, instant.Add(10*time.Second))
	if err != nil {
		return err
	}
	if at[who].IsZero() {
		return fmt.Errorf("the contact was not told of %s within ten seconds after %s", who, instant.Format(time.TimeOnly))
	}
	*lag = append(*lag, at[who].Sub(instant).Seconds())
	return nil
}

// bareFlip has a bare client say the same.
func (c *company) bareFlip(ctx context.Context, b *bare, s script, took *series) error {
	c.contact.Forget()
	began := time.Now()
	if err := b.play(ctx, s); err != nil {
		return err
	}
	at, err := c.told(ctx, []string{b.who}, anyItem, began.Add(10*time.Second))
	if err != nil {
		return err
	}
	if at[b.who].IsZero() {
		return fmt.Errorf("the contact was not told of %s, a bare client", b.who)
	}
	*took = append(*took, at[b.who].Sub(began).Seconds())
	return nil
}

// bareClients logs n people in and stages what they are going to show.
func (c *company) bareClients(ctx context.Context, s scripts, n int) ([]*bare, error) {
	people, err := c.people(ctx, "bare", n)
	if err != nil {
		return nil, err
	}
	return c.loginAll(ctx, s, people)
}

// atOnce bounds the logins under way.
const atOnce = 8

func (c *company) loginAll(ctx context.Context, s scripts, people []testbed.Person) ([]*bare, error) {
	list := make([]*bare, len(people))
	errs := make([]error, len(people))
	var all sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i, p := range people {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			if list[i], errs[i] = loginBare(ctx, c.x, p, s.of); errs[i] == nil {
				errs[i] = list[i].play(ctx, s.stage)
			}
		})
	}
	all.Wait()
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		closeAll(list)
		return nil, errs[i]
	}
	return list, nil
}

func closeAll(clients []*bare) {
	for _, b := range clients {
		if b != nil {
			_ = b.Close()
		}
	}
}
