package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"awayd/cmd/testbed"
)

// The clients of today do not show XEP-0109, but they show presence. Profanity
// stands for them: what Bob sees on its screen is the proof.

const (
	clientLead    = 10 * time.Second
	clientLength  = 6 * time.Second
	clientMessage = "On vacation. Anna knows everything: anna@awayd.test"
)

// resource is awayd's, random but for its length.
var resource = regexp.MustCompile(`awayd-[a-z0-9]{10}\b`)

// A view is what stands on the screen of Ada's contact at three moments.
type view struct{ before, during, after string }

// proveClients is the part "clients".
func proveClients(ctx context.Context) (table, error) {
	t := table{
		intro: "Profanity, as Debian 12 packages it, is Bob's client. Ada's vacation begins and ends while he looks; on the left is what " +
			"he is told as it happens and what `/status get` answers, on the right his roster. (Of awayd's resource, whose name " +
			"differs each time, only the length is true.)",
	}
	bed, err := testbed.New()
	if err != nil {
		return t, err
	}
	kinds, names := []string{testbed.Prosody, testbed.Ejabberd}, []string{"Prosody", "ejabberd"}
	views, errs := make([]view, len(kinds)), make([]error, len(kinds))
	binary, err := testbed.Build(ctx, bed.Dir)
	if err == nil {
		var all sync.WaitGroup
		for i, kind := range kinds {
			all.Go(func() {
				views[i], errs[i] = watchScreen(ctx, &testbed.Cast{
					Bed: bed, Kind: kind, Dir: filepath.Join(bed.Dir, "clients-"+kind), Binary: binary, Alone: true,
				})
			})
		}
		all.Wait()
	}
	err = errors.Join(append(errs, err, bed.Close())...)
	for i := range kinds {
		if i > 0 && views[i] == views[0] {
			t.notes = append(t.notes, "On "+names[i]+" he sees the same, letter by letter.")
			continue
		}
		t.notes = append(t.notes, "On "+names[i]+", before:", screen(views[i].before), "During:", screen(views[i].during), "Afterwards:", screen(views[i].after))
	}
	return t, err
}

func screen(text string) string { return "```\n" + text + "```" }

// watchScreen lets a vacation happen while Bob looks at his screen.
func watchScreen(ctx context.Context, c *testbed.Cast) (v view, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.Prepare(ctx); err != nil {
		return v, err
	}
	bob, err := c.Acquaint(ctx)
	if err != nil {
		return v, err
	}
	if err := bob.Close(); err != nil {
		return v, err
	}
	client, err := testbed.StartProfanity(ctx, filepath.Join(c.Dir, "bob"), c.XMPP, c.Bob)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	if err := c.Daemon.Start(ctx); err != nil {
		return v, err
	}
	start := time.Now().Add(clientLead).Truncate(time.Second)
	end := start.Add(clientLength)
	if err := c.Put(ctx, "rome", "Trip to Rome", start, end); err != nil {
		return v, err
	}
	if _, err := c.Link(ctx, "--message", clientMessage); err != nil {
		return v, err
	}
	if err := c.UntilStatus(ctx, "the message is staged", testbed.Staged(start)); err != nil {
		return v, err
	}
	// What the client had to say for itself does not belong here.
	if err := client.Type(ctx, "/clear"); err != nil {
		return v, err
	}
	for _, look := range []struct {
		at   time.Time
		seen *string
	}{{start.Add(-2 * time.Second), &v.before}, {start.Add(2 * time.Second), &v.during}, {end.Add(2 * time.Second), &v.after}} {
		if err := sleepUntil(ctx, look.at); err != nil {
			return v, err
		}
		if *look.seen, err = glance(ctx, client, c.Ada.JID); err != nil {
			return v, err
		}
	}
	if time.Now().Before(end) {
		return v, errors.New("looked too early")
	}
	return v, v.check()
}

// glance asks for Ada's status and returns the screen, which is then cleared.
func glance(ctx context.Context, client *testbed.Profanity, jid string) (string, error) {
	if err := client.Type(ctx, "/status get "+jid); err != nil {
		return "", err
	}
	if err := client.Shows(ctx, jid+" is "); err != nil {
		return "", err
	}
	text, err := client.Screen(ctx)
	if err != nil {
		return "", err
	}
	return resource.ReplaceAllString(text, "awayd-xxxxxxxxxx"), client.Type(ctx, "/clear")
}

// check demands that the message stands there during the vacation alone.
func (v view) check() error {
	var errs []error
	for _, m := range []struct {
		when, screen string
		shown        bool
	}{{"before the start", v.before, false}, {"during the vacation", v.during, true}, {"after the end", v.after, false}} {
		// The screen has two columns, so that what is wrapped is not in one piece.
		if shown := strings.Contains(m.screen, "On vacation."); shown != m.shown {
			errs = append(errs, fmt.Errorf("%s the client shows:\n%s", m.when, m.screen))
		}
		if away := strings.Contains(m.screen, "is xa"); away != m.shown {
			errs = append(errs, fmt.Errorf("%s the client shows Ada otherwise:\n%s", m.when, m.screen))
		}
	}
	return errors.Join(errs...)
}

func sleepUntil(ctx context.Context, t time.Time) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Until(t)):
		return nil
	}
}
