package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"awayd/cmd/testbed"
)

// The scripts of one absence, as awayd sends them to one kind of server.
type scripts struct {
	of                string // bare JID
	stage, start, end script
}

// Of an absence that is watched: how soon it is, how long, and how long the
// last stanza of a flip comes after its instant at most.
const (
	scoutAhead = 15 * time.Second
	scoutStays = 45 * time.Second
	scoutAfter = 4 * time.Second
)

// learn has awayd carry out one absence before a tap, and returns what it sent.
func learn(ctx context.Context, c *company, dir string) (_ scripts, err error) {
	var mu sync.Mutex
	var seen []testbed.Stanza
	tap, err := c.x.Tap(func(s testbed.Stanza, pass func()) {
		if s.ToServer && (s.Name == "presence" || s.Type == "get" || s.Type == "set") {
			mu.Lock()
			seen = append(seen, s)
			mu.Unlock()
		}
		pass()
	})
	if err != nil {
		return scripts{}, err
	}
	defer func() { err = errors.Join(err, tap.Close()) }()
	scout, err := c.people(ctx, "scout", 1)
	if err != nil {
		return scripts{}, err
	}
	start := time.Now().Truncate(time.Second).Add(scoutAhead)
	end := start.Add(scoutStays)
	d, err := c.daemon(ctx, filepath.Join(dir, "scout"), tap.Addr, scout, func(int) []absenceTime { return []absenceTime{{start, end}} })
	if err != nil {
		return scripts{}, err
	}
	defer d.Close()
	if err := sleepUntil(ctx, end.Add(scoutAfter)); err != nil {
		return scripts{}, err
	}
	mu.Lock()
	defer mu.Unlock()
	between := func(from, to time.Time) (list script) {
		for _, s := range seen {
			if !s.At.Before(from) && s.At.Before(to) && !strings.Contains(s.Raw, "urn:xmpp:ping") {
				list = append(list, strings.Replace(s.Raw, ` xmlns="jabber:client"`, "", 1))
			}
		}
		return list
	}
	all := scripts{
		of: scout[0].JID, stage: between(time.Time{}, start.Add(-10*time.Second)).changes(),
		start: between(start, start.Add(scoutAfter)), end: between(end, end.Add(scoutAfter)),
	}
	for what, s := range map[string]script{"archive": all.stage, "current": all.start} {
		if _, err := s.publishing(what); err != nil {
			return scripts{}, fmt.Errorf("%w; its log:\n%s", err, d.Said())
		}
	}
	if _, err := all.end.publishing("current"); err != nil {
		return scripts{}, fmt.Errorf("at the end: %w", err)
	}
	return all, nil
}

func sleepUntil(ctx context.Context, t time.Time) error {
	select {
	case <-time.After(time.Until(t)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
