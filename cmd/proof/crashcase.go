package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"awayd/cmd/testbed"
)

const (
	// crashPatience is what the invariant allows for converging.
	crashPatience = 2 * time.Second
	// crashGiveUp is when a case that does not converge is given up.
	crashGiveUp = 15 * time.Second
	// crashCalm is how long nothing is sent when an action is over. Within one,
	// the daemon waits for the presence of contacts at most 200 ms at a time.
	crashCalm = 600 * time.Millisecond
	// crashAsk is how often the contact asks.
	crashAsk = 100 * time.Millisecond
	// crashCaseLimit bounds one case.
	crashCaseLimit = 2 * time.Minute
)

// A crashCase is one action on one server, with the daemon killed once.
type crashCase struct {
	action crashAction
	point  *crashPoint // nil: undisturbed
	lead   time.Duration
	server *testbed.XMPP
	binary string
	dir    string

	person testbed.Person
	owner  *testbed.Contact // the person's own, which looks at the node and sends no presence
	watch  *testbed.Watch   // of a contact
	tap    *testbed.Tap
	steps  *crashTap
	daemon *testbed.Daemon
	file   string // the calendar
	story  crashStory

	missed bool // the point did not come
	view   crashView
}

// A crashResult is what one case showed.
type crashResult struct {
	missed  bool // the point did not come
	steps   []crashStep
	took    time.Duration // to converge, from the restart's answer or the instant
	verdict crashVerdict
	slow    bool // all that is wrong is that it took too long
}

// run lets the action happen, and holds what was seen against what should have been.
func (c *crashCase) run(ctx context.Context) (r crashResult, err error) {
	ctx, cancel := context.WithTimeout(ctx, crashCaseLimit)
	defer cancel()
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.prepare(ctx); err != nil {
		return r, fmt.Errorf("prepare: %w", err)
	}
	stopWatching := c.watch.Begin(ctx)
	defer stopWatching()
	if err := c.happen(ctx); err != nil {
		return r, fmt.Errorf("%w\n%s", err, c.transcript())
	}
	if c.missed {
		return crashResult{missed: true}, nil
	}
	if err := c.settled(ctx); err != nil {
		return r, fmt.Errorf("%w\n%s", err, c.transcript())
	}
	stopWatching()
	c.view.answers, c.view.received = c.watch.Answers(), c.watch.Contact.Received()
	r = crashResult{steps: c.view.steps, took: c.view.took, verdict: c.view.judge(0)}
	if r.verdict.bad() {
		r.slow = !c.view.judge(crashGiveUp).bad()
		err = fmt.Errorf("%s\n%s", r.verdict, c.transcript())
	}
	return r, err
}

// transcript is what helps to understand a case that failed.
func (c *crashCase) transcript() string {
	var b strings.Builder
	for _, s := range c.steps.all() {
		if s.armed {
			fmt.Fprintf(&b, "%s %d %s\n", s.at.Format("05.000"), s.conn, s.name)
		}
	}
	for _, r := range c.watch.Contact.Received() {
		fmt.Fprintf(&b, "%s the contact: %s\n", r.At.Format("05.000"), r.Raw)
	}
	return b.String() + c.daemon.Said()
}

// prepare makes two people who know each other, a daemon that serves one of
// them behind a tap, and what there is before the action.
func (c *crashCase) prepare(ctx context.Context) (err error) {
	if c.person, err = c.server.Person(ctx, "ada"); err != nil {
		return err
	}
	other, err := c.server.Person(ctx, "bob")
	if err != nil {
		return err
	}
	if c.owner, err = c.server.Login(ctx, c.person, testbed.ContactOptions{Quiet: true}); err != nil {
		return err
	}
	bob, err := c.server.Login(ctx, other, testbed.ContactOptions{})
	if err != nil {
		return err
	}
	c.watch = &testbed.Watch{Contact: bob, Of: c.person.JID, Every: crashAsk}
	if err := testbed.Befriend(ctx, c.owner, bob); err != nil {
		return err
	}
	if err := firstPublish(ctx, c.owner, nodeActivity, ownActivity); err != nil {
		return err
	}
	if c.action.node != nil {
		if err := c.action.node(ctx, c.owner, bob); err != nil {
			return err
		}
	}
	bob.Forget()
	if c.daemon, err = testbed.NewDaemon(c.binary, c.dir); err != nil {
		return err
	}
	c.steps = &crashTap{daemon: c.daemon, killed: make(chan struct{})}
	if c.tap, err = c.server.Tap(c.steps.handle); err != nil {
		return err
	}
	if err := c.daemon.Start(ctx); err != nil {
		return err
	}
	return c.link(ctx)
}

// link links an empty calendar.
func (c *crashCase) link(ctx context.Context) error {
	c.file = filepath.Join(c.dir, "calendar.ics")
	if err := c.write(); err != nil {
		return err
	}
	password, err := testbed.SecretFile(c.dir, "jid-password", c.person.Password)
	if err != nil {
		return err
	}
	_, err = c.daemon.Run(ctx, "link", "--yes", "--jid", c.person.JID, "--jid-password-file", password,
		"--xmpp-address", c.tap.Addr, "--tls-ca", c.server.CA.File,
		"--calendar-url", (&url.URL{Scheme: "file", Path: c.file}).String(), "--every-event", "--zone", "Europe/Berlin")
	return err
}

// write replaces the calendar.
func (c *crashCase) write(list ...testbed.Entry) error {
	if err := os.WriteFile(c.file+"~", []byte(testbed.ICalendar(list...)), 0o600); err != nil {
		return err
	}
	return os.Rename(c.file+"~", c.file)
}

// sync has the calendar read.
func (c *crashCase) sync(ctx context.Context) error {
	_, err := c.daemon.Run(ctx, "sync", c.person.JID)
	return err
}

// happen goes from what there is before to what there is after, with a crash
// on the way.
func (c *crashCase) happen(ctx context.Context) error {
	c.story = c.action.begin(time.Now(), c.lead)
	c.view.story, c.view.person = c.story, c.person.JID
	if err := c.write(c.story.was...); err != nil {
		return err
	}
	if err := c.sync(ctx); err != nil {
		return err
	}
	_, err := c.converge(ctx, c.story.from, time.Time{})
	switch {
	case err != nil && !c.story.at.IsZero() && time.Now().After(c.story.at):
		return errCrashLead
	case err != nil:
		return fmt.Errorf("before the action: %w", err)
	}
	trigger := c.change
	if !c.story.at.IsZero() {
		trigger = c.wait
	}
	if err := trigger(ctx); err != nil {
		return err
	}
	acts := c.story.at // the daemon acts after this, at the earliest
	if c.point != nil {
		began, err := c.crash(ctx)
		if err != nil || c.missed {
			return err
		}
		acts = later(began, acts)
	}
	since := later(time.Now(), c.story.at)
	c.view.due = since.Add(crashPatience)
	if c.story.to.visible == nil {
		c.view.over = c.view.due
	}
	last, err := c.converge(ctx, c.story.to, acts)
	c.steps.disarm()
	c.view.steps, c.view.dead = c.steps.all(), c.steps.dead
	c.view.took = max(0, last.Sub(since))
	return err
}

func later(t, u time.Time) time.Time {
	if t.After(u) {
		return t
	}
	return u
}

// change changes the calendar and has it read, which a crash may cut short.
func (c *crashCase) change(ctx context.Context) error {
	if err := c.write(c.story.is...); err != nil {
		return err
	}
	c.steps.arm(c.point)
	if err := c.sync(ctx); err != nil && c.point == nil {
		return err
	}
	return nil
}

// errCrashLead says that the instant came before all was ready.
var errCrashLead = errors.New("the instant came before all was ready")

// wait waits until shortly before the instant.
func (c *crashCase) wait(ctx context.Context) error {
	const shortly = 300 * time.Millisecond
	left := time.Until(c.story.at) - shortly
	if left < 0 {
		return errCrashLead
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(left):
	}
	c.steps.arm(c.point)
	return nil
}

// crash waits until the daemon was killed and starts it again, or notes that
// the action was over without coming to the point. It returns when the daemon
// was started.
func (c *crashCase) crash(ctx context.Context) (began time.Time, err error) {
	finished := make(chan error, 1)
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		_, err := c.converge(waiting, c.story.to, c.story.at)
		finished <- err
	}()
	select {
	case <-c.steps.killed:
	case err := <-finished:
		c.steps.disarm()
		c.missed = true
		return began, err
	}
	stop()
	<-finished
	if c.steps.killErr != nil {
		return began, c.steps.killErr
	}
	log, err := c.daemon.Run(ctx, "log", "--json", "--kind", c.action.kind)
	if err != nil {
		return began, err
	}
	c.view.logged = strings.Contains(log, `"outcome":"ok"`)
	began = time.Now()
	return began, c.daemon.Start(ctx)
}

// converge waits until the node holds what it should, the contact sees that
// and no more, and the daemon has come to rest. It returns when the last thing
// was changed. A node may be right before the daemon has looked at it, so it is
// asked whether the daemon sent anything since.
func (c *crashCase) converge(ctx context.Context, want crashNode, since time.Time) (last time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, max(0, time.Until(since))+crashGiveUp)
	defer cancel()
	wrong := errors.New("the daemon sent nothing")
	for {
		if changed, rests := c.rest(since); rests {
			if wrong = c.holds(ctx, want); wrong == nil {
				return changed, nil
			}
		}
		select {
		case <-ctx.Done():
			return last, fmt.Errorf("never converged: %w", wrong)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// rest reports whether the daemon has sent something since, has its answers, and
// has been silent for a while, and when it last changed something.
func (c *crashCase) rest(since time.Time) (changed time.Time, rests bool) {
	for _, s := range c.steps.all() {
		if s.changes && s.at.After(changed) {
			changed = s.at
		}
		rests = s.answered && !s.at.Before(since) && time.Since(s.at) > crashCalm
	}
	return changed, rests
}

// settled asks the daemon whether all is well, has it look once more, which
// must not change anything, and ends what is visible.
func (c *crashCase) settled(ctx context.Context) error {
	if err := c.healthy(ctx); err != nil {
		return err
	}
	before := len(c.steps.all())
	if err := c.sync(ctx); err != nil {
		return err
	}
	for _, s := range c.steps.all()[before:] {
		if s.changes {
			return fmt.Errorf("something was left to do: %s", s.name)
		}
	}
	if c.story.to.visible == nil {
		return nil
	}
	next := c.story.is[1]
	if err := c.write(cancelled(c.story.is[0]), next); err != nil {
		return err
	}
	if err := c.sync(ctx); err != nil {
		return err
	}
	c.view.over = time.Now().Add(crashPatience)
	_, err := c.converge(ctx, staged(next), time.Time{})
	return err
}

// healthy holds what awayd says of itself, once its turn is over, against what
// should be.
func (c *crashCase) healthy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, crashGiveUp)
	defer cancel()
	var said testbed.Status
	err := (&testbed.Cast{Daemon: c.daemon, Ada: c.person}).UntilStatus(ctx, "all is well", func(s testbed.Status) bool {
		said = s
		return s.Health == "ok" && s.Mode == "auto" && len(s.Problems) == 0 && s.XMPP.Connected && c.story.to.reported(s)
	})
	if err != nil {
		return fmt.Errorf("%w; status says %+v", err, said)
	}
	return nil
}

// close ends everything that belongs to the case.
func (c *crashCase) close() error {
	var errs []error
	if c.daemon != nil {
		c.daemon.Close()
	}
	if c.tap != nil {
		errs = append(errs, c.tap.Close())
	}
	if c.watch != nil {
		errs = append(errs, c.watch.Contact.Close())
	}
	if c.owner != nil {
		errs = append(errs, c.owner.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(c.dir))...)
}
