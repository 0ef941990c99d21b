package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	_ "time/tzdata"

	"awayd/cmd/testbed"
)

// badDayLead is how long before the vacation everything is set up: long enough
// for what goes wrong before it.
const badDayLead = 20 * time.Second

// A badDay is one vacation in which everything goes wrong. What Bob could see
// is looked at after each step; what awayd made of it stands in its log.
type badDay struct {
	testbed.Cast
	say func(format string, args ...any)

	bob        *testbed.Contact
	proxy      *testbed.Proxy // between awayd and the XMPP server
	start, end time.Time
	steps      []step
	log        string
	held       string // what status says while the calendar is empty
	status     string // and at the end
}

// A step is one thing that happens, and what Bob can read afterwards.
type step struct {
	at    time.Time
	what  string
	reads string
}

const nothing = "nothing"

// berlin is where Ada lives.
var berlin = mustZone("Europe/Berlin")

func mustZone(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // embedded, see the imports
	}
	return zone
}

// tell lets it all happen.
func (d *badDay) tell(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.prepare(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.proxy.Close()) }()
	for _, happen := range []func(context.Context) error{
		d.link, d.calendarRefuses, d.serverDownAtStart, d.killed, d.cut, d.moved, d.calendarEmpty, d.removedElsewhere,
		d.changedMind, d.backEarly, d.accepted,
	} {
		if err := happen(ctx); err != nil {
			log, _ := d.Daemon.Run(ctx, "log")
			return fmt.Errorf("%w\nThe sync log:\n%s\nWhat awayd said:\n%s", err, log, d.Daemon.Said())
		}
	}
	if s, err := d.Status(ctx); err != nil || s.Mode != "auto" || s.Health != "ok" || s.Visible != nil || s.Staged != nil {
		return errors.Join(err, fmt.Errorf("all is over, but status says %+v", s))
	}
	if d.log, err = d.Daemon.Run(ctx, "log"); err != nil {
		return err
	}
	if d.status, err = d.Daemon.Run(ctx, "status"); err != nil {
		return err
	}
	return errors.Join(d.Daemon.Stop(), d.bob.Close())
}

func (d *badDay) prepare(ctx context.Context) (err error) {
	if err = d.Prepare(ctx); err != nil {
		return err
	}
	if d.bob, err = d.Acquaint(ctx); err != nil {
		return err
	}
	// Polls happen when the story says so, and not in between.
	d.Daemon.Config = filepath.Join(d.Dir, "awayd.toml")
	if err := os.WriteFile(d.Daemon.Config, []byte("poll = \"@every 24h\"\n"), 0o600); err != nil {
		return err
	}
	d.Daemon.Env = []string{"TZ=Europe/Berlin"}
	d.proxy, err = testbed.NewProxy(d.XMPP.Addr)
	return err
}

// happened notes a step, when Bob can read what he should: the start of
// message's end, or nothing.
func (d *badDay) happened(ctx context.Context, reads, what string) error {
	s := step{at: time.Now(), what: what, reads: reads}
	err := testbed.Until(ctx, "Bob can read "+reads, func() (bool, error) {
		items, err := d.bob.Fetch(ctx, d.Ada.JID, testbed.NodeOOO)
		if err != nil && testbed.Condition(err) == "" {
			return false, err
		}
		if len(items) == 0 {
			return reads == nothing, nil
		}
		return reads == "the message, to "+endOf(items[0]), nil
	})
	d.steps = append(d.steps, s)
	d.say("%s. Bob can read %s", strings.TrimSuffix(what, "."), reads)
	return err
}

func endOf(i testbed.Item) string {
	t, err := time.Parse(time.RFC3339, i.End)
	if err != nil {
		return i.End
	}
	return clock(t)
}

// clock is t where Ada lives.
func clock(t time.Time) string { return t.In(berlin).Format("15:04:05") }

func (d *badDay) message() string { return "the message, to " + clock(d.end) }

func (d *badDay) link(ctx context.Context) error {
	if err := d.Daemon.Start(ctx); err != nil {
		return err
	}
	d.start = time.Now().Add(badDayLead).Truncate(time.Second)
	d.end = d.start.Add(10 * time.Minute)
	if err := d.Put(ctx, "rome", "Trip to Rome", d.start, d.end); err != nil {
		return err
	}
	next := d.start.AddDate(0, 0, 40)
	if err := d.Put(ctx, "honeymoon", "Honeymoon", next, next.AddDate(0, 0, 14)); err != nil {
		return err
	}
	if _, err := d.Link(ctx, "--xmpp-address", d.proxy.Addr); err != nil {
		return err
	}
	return d.happened(ctx, nothing, fmt.Sprintf("Ada links her calendar: a trip to Rome from %s to %s, and a honeymoon in 40 days", clock(d.start), clock(d.end)))
}

// sync is somebody asking awayd to look now. Whether the calendar answers is
// part of the story.
func (d *badDay) sync(ctx context.Context, well bool) error {
	_, err := d.Daemon.Run(ctx, "sync")
	if well || err == nil {
		return err
	}
	return nil
}

func (d *badDay) calendarRefuses(ctx context.Context) error {
	if err := d.DAV.SetPassword("ada", "another one"); err != nil {
		return err
	}
	if err := d.sync(ctx, false); err != nil {
		return err
	}
	if err := d.happened(ctx, nothing, "The calendar server refuses Ada's password"); err != nil {
		return err
	}
	if err := d.told(ctx, "has refused the login"); err != nil {
		return err
	}
	if err := d.DAV.SetPassword("ada", testbed.CalendarPassword); err != nil {
		return err
	}
	if err := d.sync(ctx, true); err != nil {
		return err
	}
	if err := d.told(ctx, "is read again"); err != nil {
		return err
	}
	return d.happened(ctx, nothing, "The calendar server takes the password again")
}

// told waits until the log says that Ada was sent a message with this in it.
func (d *badDay) told(ctx context.Context, what string) error {
	return testbed.Until(ctx, "Ada is told that her calendar "+what, func() (bool, error) {
		out, err := d.Daemon.Run(ctx, "log")
		for line := range strings.Lines(out) {
			if strings.Contains(line, "told the person") && strings.Contains(line, what) {
				return true, err
			}
		}
		return false, err
	})
}

func (d *badDay) serverDownAtStart(ctx context.Context) error {
	if err := pauseUntil(ctx, d.start.Add(-2*time.Second)); err != nil {
		return err
	}
	for _, r := range d.bob.Received() {
		if r.Event != nil && r.Event.Node == testbed.NodeOOO {
			return fmt.Errorf("early: Bob was sent %s", r.Raw)
		}
	}
	d.note("The XMPP server is stopped, two seconds before the trip begins")
	if err := d.XMPP.Stop(); err != nil {
		return err
	}
	if err := pauseUntil(ctx, d.start.Add(3*time.Second)); err != nil {
		return err
	}
	if err := d.XMPP.Restart(ctx); err != nil {
		return err
	}
	var err error
	if d.bob, err = d.XMPP.Login(ctx, d.Bob, testbed.ContactOptions{Resource: "phone"}); err != nil {
		return err
	}
	if err := d.happened(ctx, d.message(), "The XMPP server is back, three seconds after the trip has begun"); err != nil {
		return err
	}
	return d.connected(ctx)
}

func (d *badDay) killed(ctx context.Context) error {
	if err := d.Daemon.Kill(); err != nil {
		return err
	}
	if err := d.happened(ctx, d.message(), "awayd is killed"); err != nil {
		return err
	}
	if err := d.Daemon.Start(ctx); err != nil {
		return err
	}
	// Its first poll has it look once more; what is cut next is to be idle.
	if _, err := d.Daemon.Run(ctx, "sync"); err != nil {
		return err
	}
	if err := d.connected(ctx); err != nil {
		return err
	}
	return d.happened(ctx, d.message(), "awayd is started again")
}

func (d *badDay) connected(ctx context.Context) error {
	return d.UntilStatus(ctx, "awayd is connected", func(s testbed.Status) bool { return s.XMPP.Connected && s.Visible != nil })
}

func (d *badDay) cut(ctx context.Context) error {
	d.bob.Forget()
	d.proxy.Sever()
	if _, err := d.bob.Wait(ctx, func(r testbed.Received) bool { return r.Show == "xa" }); err != nil {
		return err
	}
	return d.happened(ctx, d.message(), "awayd's connection is cut; a moment later Ada is shown as away again")
}

func (d *badDay) moved(ctx context.Context) error {
	d.end = d.end.Add(5 * time.Minute)
	if err := d.Put(ctx, "rome", "Trip to Rome", d.start, d.end); err != nil {
		return err
	}
	if err := d.sync(ctx, true); err != nil {
		return err
	}
	return d.happened(ctx, d.message(), "Ada stays longer, and changes the event")
}

// calendarEmpty is a calendar server that comes back from maintenance with an
// empty disk, and gets the backup afterwards.
func (d *badDay) calendarEmpty(ctx context.Context) error {
	restore, err := d.emptyCalendar(ctx)
	if err != nil {
		return err
	}
	if err := d.sync(ctx, false); err != nil {
		return err
	}
	if err := d.happened(ctx, d.message(), "The calendar server comes back from maintenance with an empty disk"); err != nil {
		return err
	}
	if d.held, err = d.Daemon.Run(ctx, "status"); err != nil {
		return err
	}
	if err := restore(); err != nil {
		return err
	}
	if err := d.sync(ctx, true); err != nil {
		return err
	}
	return d.happened(ctx, d.message(), "Its backup is restored")
}

// emptyCalendar takes the events off Radicale's disk, and its memory of them.
func (d *badDay) emptyCalendar(ctx context.Context) (restore func() error, err error) {
	if err := d.DAV.Stop(); err != nil {
		return nil, err
	}
	kept := map[string][]byte{}
	err = filepath.WalkDir(filepath.Join(d.Dir, "calendars", "collections"), func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.Name() == ".Radicale.cache":
			if err := os.RemoveAll(path); err != nil {
				return err
			}
			return fs.SkipDir
		case filepath.Ext(path) != ".ics":
			return nil
		}
		kept[path], err = os.ReadFile(path)
		return errors.Join(err, os.Remove(path))
	})
	if err != nil {
		return nil, err
	}
	restore = func() error {
		for path, text := range kept {
			if err := os.WriteFile(path, text, 0o600); err != nil {
				return err
			}
		}
		return nil
	}
	return restore, d.DAV.Restart(ctx)
}

func (d *badDay) removedElsewhere(ctx context.Context) error {
	ada, err := d.XMPP.Login(ctx, d.Ada, testbed.ContactOptions{Quiet: true})
	if err != nil {
		return err
	}
	defer ada.Close()
	if err := ada.Retract(ctx, testbed.NodeOOO, "current", true); err != nil {
		return err
	}
	if err := d.sync(ctx, true); err != nil {
		return err
	}
	return d.happened(ctx, nothing, "Ada removes the message with another client")
}

// changedMind: a later change of the event takes part again.
func (d *badDay) changedMind(ctx context.Context) error {
	d.end = d.end.Add(5 * time.Minute)
	if err := d.Put(ctx, "rome", "Trip to Rome", d.start, d.end); err != nil {
		return err
	}
	if err := d.sync(ctx, true); err != nil {
		return err
	}
	return d.happened(ctx, d.message(), "Ada stays even longer, and changes the event once more")
}

func (d *badDay) backEarly(ctx context.Context) error {
	d.bob.Forget()
	if _, err := d.Daemon.Run(ctx, "withdraw", d.Ada.JID); err != nil {
		return err
	}
	if _, err := d.bob.Wait(ctx, testbed.EndsIt); err != nil {
		return err
	}
	return d.happened(ctx, nothing, "Ada is back early: `awayd withdraw`")
}

func (d *badDay) accepted(ctx context.Context) error {
	if _, err := d.emptyCalendar(ctx); err != nil {
		return err
	}
	if err := d.sync(ctx, false); err != nil {
		return err
	}
	if err := d.happened(ctx, nothing, "The disk of the calendar server is empty again, and nobody has a backup"); err != nil {
		return err
	}
	if _, err := d.Daemon.Run(ctx, "sync", "--accept"); err != nil {
		return err
	}
	return d.happened(ctx, nothing, "So be it: `awayd sync --accept`")
}

// page is the story as a page of the documentation.
func (d *badDay) page() string {
	var b strings.Builder
	b.WriteString(badDayHeading)
	for _, s := range d.steps {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", clock(s.at), s.what, s.reads)
	}
	fmt.Fprintf(&b, "\nThat is what the log tells of it. Of the kill and of the cut connection it tells nothing, because nothing had to be\n"+
		"done on the node; the daemon's own log has them.\n\n```\n$ awayd log\n%s```\n", d.log)
	fmt.Fprintf(&b, "\nWhile the calendar was empty:\n\n```\n$ awayd status\n%s```\n", d.held)
	fmt.Fprintf(&b, "\nAnd at the end:\n\n```\n$ awayd status\n%s```\n", d.status)
	return b.String()
}

const badDayHeading = `# A bad day

This page is written by ` + "`make proof`" + `: it happened like this, on Prosody and Radicale, within a minute. Bob is Ada's
contact; after each step he asks for her message. The calendar is polled by command, so that everything has its time.

| time | what happens | Bob can read |
|---|---|---|
`

// note notes a step at which Bob can see nothing at all.
func (d *badDay) note(what string) {
	d.steps = append(d.steps, step{at: time.Now(), what: what, reads: "-"})
	d.say("%s", what)
}

func pauseUntil(ctx context.Context, t time.Time) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Until(t)):
		return nil
	}
}
