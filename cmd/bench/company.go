package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"awayd/cmd/testbed"
	"awayd/state"
	"awayd/sync/account"
)

// A company is people of one server, who have one contact in common.
type company struct {
	x       *testbed.XMPP
	contact *testbed.Contact
	binary  string // awayd
}

// An absenceTime is when somebody is away.
type absenceTime struct{ start, end time.Time }

// people makes accounts that the contact is subscribed to, and that are to the
// contact.
func (c *company) people(ctx context.Context, name string, n int) ([]testbed.Person, error) {
	list := make([]testbed.Person, n)
	for i := range list {
		var err error
		if list[i], err = c.x.Person(ctx, name); err != nil {
			return nil, err
		}
		login, err := c.x.Login(ctx, list[i], testbed.ContactOptions{})
		if err != nil {
			return nil, err
		}
		if err := errors.Join(testbed.Befriend(ctx, login, c.contact), login.Close()); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// daemon starts awayd with these people, each with the absences that times
// says. That they are linked is written to its state beforehand, because link
// tries each of them out.
func (c *company) daemon(ctx context.Context, dir, address string, people []testbed.Person, times func(int) []absenceTime) (*testbed.Daemon, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	d, err := testbed.NewDaemon(c.binary, dir)
	if err != nil {
		return nil, err
	}
	d.Config = filepath.Join(dir, "awayd.toml")
	// On a weekend, two absences of one person would be told as one.
	if err := os.WriteFile(d.Config, []byte("bridge = false\n"), 0o600); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	if err := c.link(ctx, d, dir, address, people, times); err != nil {
		d.Close()
		return nil, err
	}
	if err := d.Start(ctx); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func (c *company) link(ctx context.Context, d *testbed.Daemon, dir, address string, people []testbed.Person, times func(int) []absenceTime) (err error) {
	ca, err := os.ReadFile(c.x.CA.File)
	if err != nil {
		return fmt.Errorf("read CA: %w", err)
	}
	if err := os.MkdirAll(d.State, 0o700); err != nil {
		return fmt.Errorf("make state: %w", err)
	}
	db, err := state.Open(ctx, d.State, state.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for i, p := range people {
		var entries []testbed.Entry
		for j, t := range times(i) {
			entries = append(entries, testbed.Entry{UID: fmt.Sprintf("absence-%d", j), Title: "Away", Start: t.start, End: t.end})
		}
		file := filepath.Join(dir, p.User+".ics")
		if err := os.WriteFile(file, []byte(testbed.ICalendar(entries...)), 0o600); err != nil {
			return fmt.Errorf("write calendar: %w", err)
		}
		if _, err := db.SaveAccount(ctx, account.Account{
			JID: p.JID, Linked: time.Now(), Settings: account.Settings{Zone: "UTC"},
			Login:     account.Login{Password: account.NewSecret(p.Password), Address: address, TLSCA: string(ca)},
			Calendars: []account.Calendar{{Name: "Away", URL: account.NewSecret("file://" + file), EveryEvent: true}},
		}); err != nil {
			return err
		}
	}
	return nil
}

// staged waits until each of n people has the message that starts at the time
// that when says hidden on their node, and is logged in.
func staged(ctx context.Context, d *testbed.Daemon, n int, deadline time.Time) error {
	for {
		ready, trouble, err := stagedNow(ctx, d)
		if err == nil && ready == n {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("only %d of %d messages are staged at %s: %s", ready, n, deadline.Format(time.TimeOnly), trouble), err)
		}
		if err := sleepUntil(ctx, time.Now().Add(time.Second)); err != nil {
			return err
		}
	}
}

func stagedNow(ctx context.Context, d *testbed.Daemon) (ready int, trouble string, err error) {
	out, err := d.Run(ctx, "status", "--json")
	if err != nil {
		return 0, "", err
	}
	var doc struct{ Accounts []testbed.Status }
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		return 0, "", fmt.Errorf("read status: %w", err)
	}
	for _, s := range doc.Accounts {
		if s.Staged != nil && s.XMPP.Connected {
			ready++
		} else if len(s.Problems) > 0 {
			trouble = s.Problems[0]
		}
	}
	return ready, trouble, nil
}

// A telling is what the contact is told of one person.
type telling func(r testbed.Received) bool

func tellsStart(r testbed.Received) bool {
	i, ok := r.Item("current")
	return ok && i.Message != "" && !testbed.EndsIt(r)
}

func tellsEnd(r testbed.Received) bool { return testbed.EndsIt(r) }

func anyItem(r testbed.Received) bool { _, ok := r.Item("current"); return ok }

// told waits until the contact was told of all these people, and returns when
// that was for each. Who was not in time is missing.
func (c *company) told(ctx context.Context, people []string, what telling, deadline time.Time) (map[string]time.Time, error) {
	at := make(map[string]time.Time, len(people))
	wanted := make(map[string]bool, len(people))
	for _, p := range people {
		wanted[p] = true
	}
	read := 0
	for {
		all := c.contact.Received()
		for _, r := range all[read:] {
			if from := r.From; wanted[from] && at[from].IsZero() && what(r) {
				at[from] = r.At
			}
		}
		read = len(all)
		if len(at) == len(people) || time.Now().After(deadline) {
			return at, nil
		}
		if err := sleepUntil(ctx, time.Now().Add(50*time.Millisecond)); err != nil {
			return nil, err
		}
	}
}
