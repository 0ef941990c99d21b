package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"awayd/caldav"
	"awayd/cmd/testbed"
	"awayd/state"
	"awayd/sync/absence"
	"awayd/sync/account"
)

// A shelf is a calendar with many events on Radicale.
type shelf struct {
	dav  *testbed.DAV
	url  string
	size int
	text int // bytes of its objects
	dir  string
}

// newShelf makes a calendar of n events. Putting them there one by one takes
// minutes, so they are laid where Radicale keeps them.
func newShelf(ctx context.Context, bed *testbed.Bed, n int) (*shelf, error) {
	dav, err := bed.DAV(ctx, testbed.Radicale)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("with-%d", n)
	s := &shelf{dav: dav, size: n, dir: filepath.Join(bed.Dir, name)}
	if s.url, err = dav.MakeCalendar(ctx, testbed.BedUser, name); err != nil {
		return nil, err
	}
	folder := filepath.Join(bed.Dir, testbed.Radicale, "collections", "collection-root", testbed.BedUser, name)
	for i := range n {
		text := object(i, 0)
		s.text += len(text)
		if err := os.WriteFile(filepath.Join(folder, objectName(i)), []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("fill calendar: %w", err)
		}
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	return s, s.warm(ctx)
}

// warm has Radicale read its objects, which it does once for each and keeps. It
// takes longer than awayd would wait.
func (s *shelf) warm(ctx context.Context) error {
	_, err := command(ctx, "curl", "--disable", "--silent", "--show-error", "--fail", "--output", os.DevNull,
		"--user", testbed.BedUser+":"+testbed.BedPassword, s.url)
	return err
}

func objectName(i int) string { return fmt.Sprintf("%08d.ics", i) }

// change gives one event a new version.
func (s *shelf) change(ctx context.Context, i, version int) error {
	return s.dav.Put(ctx, s.url+objectName(i), object(i, version))
}

// host is the host:port of the server.
func (s *shelf) host() string {
	u, err := url.Parse(s.url)
	if err != nil {
		return "" // cannot happen: it answered
	}
	return u.Host
}

// through is the URL of the calendar behind a proxy at addr.
func (s *shelf) through(addr string) string {
	u, err := url.Parse(s.url)
	if err != nil {
		return ""
	}
	u.Host = addr
	return u.String()
}

// A desk is awayd's side of a calendar: the source that the daemon polls, and
// the state that it saves each poll in.
type desk struct {
	db     *state.DB
	source *caldav.Source
	id     int64
	cursor string
}

// newDesk opens a calendar as the daemon does, with a state of its own.
func newDesk(ctx context.Context, dir, address string) (_ *desk, err error) {
	if dir, err = os.MkdirTemp(dir, "state-"); err != nil {
		return nil, fmt.Errorf("make state: %w", err)
	}
	d := new(desk)
	if d.db, err = state.Open(ctx, dir, state.Options{}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.db.Close())
		}
	}()
	saved, err := d.db.SaveAccount(ctx, account.Account{
		JID: "ada@example.org",
		Calendars: []account.Calendar{{
			Name: "Calendar", URL: account.NewSecret(address), User: testbed.BedUser, Password: account.NewSecret(testbed.BedPassword),
		}},
	})
	if err != nil {
		return nil, err
	}
	d.id = saved.Calendars[0].ID
	d.source, err = caldav.Client{}.Open(saved.Calendars[0])
	return d, err
}

// poll does what the daemon does when a calendar's turn has come: it asks the
// server, reads what changed, and saves it in one transaction.
func (d *desk) poll(ctx context.Context) (absence.Delta, error) {
	delta, next, err := d.source.Poll(ctx, d.cursor)
	if err != nil {
		return delta, err
	}
	d.cursor = next
	return delta, d.db.SavePoll(ctx, d.id, account.Poll{
		At: time.Now(), Cursor: next, Name: delta.Name, Zone: delta.Zone, Changed: delta.Changed, Removed: delta.Removed,
	})
}

// Close closes the state.
func (d *desk) Close() error { return d.db.Close() }
