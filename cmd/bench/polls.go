package main

import (
	"context"
	"errors"
	"fmt"

	"awayd/cmd/testbed"
)

// many is how many events the calendar of the rows has.
const many = 5_000

// How a poll connects: as Radicale wants it.
const (
	eachItsOwn = "TCP for each request, without TLS (the server closes each); Basic, known beforehand"
	fromZero   = "TCP for each request, without TLS (the server closes each); Basic, asked for by a 401"
)

// polls measures how a calendar is read that has not changed, is new, or was
// changed in one place.
func polls(ctx context.Context, r *report) error {
	r.title = "Polling a calendar"
	return inBed(func(bed *testbed.Bed) error {
		s, err := newShelf(ctx, bed, many)
		if err != nil {
			return err
		}
		r.intro = fmt.Sprintf(pollsIntro, many, float64(s.text)/1e6)
		return measurePolls(ctx, r, s)
	})
}

const pollsIntro = `A calendar of %d events, %.1f MB, on Radicale over plain HTTP, so that no encryption hides what is compared. awayd polls as its
daemon does, in a process that is there already: one request to the server, the answer read, the outcome saved in the state and
synced to the disk. curl sends the requests that awayd was seen to send, headers and all, and drops what it is answered; its time
is the one it reports itself, without the start of its process. vdirsyncer is timed as people run it, as a command, with the start
of its process, and keeps a copy in a folder.`

// inBed runs f with servers that end with it.
func inBed(f func(*testbed.Bed) error) error {
	bed, err := testbed.New()
	if err != nil {
		return err
	}
	return errors.Join(f(bed), bed.Close())
}

// What awayd sends, and curl after it.
type seenPolls struct{ first, unchanged, changed traffic }

func measurePolls(ctx context.Context, r *report, s *shelf) error {
	seen, parsed, err := watchPolls(ctx, s)
	if err != nil {
		return err
	}
	kib := float64(seen.unchanged.bytes) / 1000
	r.fact("unchanged: requests", fmt.Sprint(len(seen.unchanged.requests)), "1", len(seen.unchanged.requests) == 1)
	r.fact("unchanged: bytes, both ways with headers", fmt.Sprint(seen.unchanged.bytes), "< 1000", kib < 1)
	r.fact("one event changed: requests", fmt.Sprint(len(seen.changed.requests)), "≤ 2", len(seen.changed.requests) <= 2)
	r.fact("one event changed: objects parsed", fmt.Sprint(parsed), "1", parsed == 1)
	r.fact("first: requests", fmt.Sprint(len(seen.first.requests)), "", true)
	r.fact("first: megabytes on the wire", fmt.Sprintf("%.2f", float64(seen.first.bytes)/1e6), "", true)

	v, err := newVdirsyncer(s.dir, s.url)
	if err != nil {
		return err
	}
	if err := measureFirst(ctx, r, s, v, seen.first); err != nil {
		return err
	}
	return measureLater(ctx, r, s, v, seen.unchanged)
}

// watchPolls polls through a wire and says what went over it.
func watchPolls(ctx context.Context, s *shelf) (seen seenPolls, parsed int, err error) {
	w, err := newWire(s.host())
	if err != nil {
		return seen, 0, err
	}
	defer w.Close()
	d, err := newDesk(ctx, s.dir, s.through(w.addr))
	if err != nil {
		return seen, 0, err
	}
	defer d.Close()
	for _, t := range []*traffic{&seen.first, &seen.unchanged, &seen.changed} {
		if t == &seen.changed {
			if err := s.change(ctx, 17, 1); err != nil {
				return seen, 0, err
			}
		}
		delta, err := d.poll(ctx)
		if err != nil {
			return seen, 0, err
		}
		parsed = len(delta.Changed)
		if *t, err = w.take(); err != nil {
			return seen, 0, err
		}
	}
	return seen, parsed, nil
}

// measureFirst measures how a calendar is read that nothing is known of.
func measureFirst(ctx context.Context, r *report, s *shelf, v *vdirsyncer, seen traffic) error {
	config, err := replay(s.dir, s.host(), seen.requests)
	if err != nil {
		return err
	}
	var d *desk
	ours := contender{
		name: "awayd",
		before: func(ctx context.Context) (err error) {
			if d != nil {
				err = d.Close()
			}
			if err == nil {
				d, err = newDesk(ctx, s.dir, s.url)
			}
			return err
		},
		run: timed(func(ctx context.Context) error { return d.expect(ctx, s.size) }),
	}
	all, err := interleave(ctx, r.enough(25), ours,
		contender{name: "curl", run: curl(config, len(seen.requests))},
		contender{name: "vdirsyncer", before: v.forget, run: timed(v.sync)})
	if d != nil {
		err = errors.Join(err, d.Close())
	}
	if err != nil {
		return err
	}
	if n, err := v.copied(); err != nil || n != s.size {
		return errors.Join(err, fmt.Errorf("vdirsyncer copied %d of %d objects", n, s.size))
	}
	r.compare(comparison{work: "first", peer: "curl", ours: all[0], them: all[1], target: target{atMost: 2}, connection: fromZero})
	r.compare(comparison{work: "first", peer: "vdirsyncer", ours: all[0], them: all[2], target: target{faster: 10}, connection: fromZero + "; vdirsyncer keeps what it can"})
	return nil
}

// expect polls once and fails unless it brought n objects.
func (d *desk) expect(ctx context.Context, n int) error {
	delta, err := d.poll(ctx)
	if err == nil && len(delta.Changed) != n {
		err = fmt.Errorf("the poll brought %d objects instead of %d", len(delta.Changed), n)
	}
	return err
}

// measureLater measures the polls of a calendar that is known, to vdirsyncer
// from measureFirst.
func measureLater(ctx context.Context, r *report, s *shelf, v *vdirsyncer, seen traffic) error {
	d, err := newDesk(ctx, s.dir, s.url)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.expect(ctx, s.size); err != nil {
		return err
	}
	// A token that the server gave before the change is no longer the newest.
	config, err := replayUnchanged(ctx, s, d)
	if err != nil {
		return err
	}
	unchanged := timed(func(ctx context.Context) error { return d.expect(ctx, 0) })
	all, err := interleave(ctx, r.enough(60), contender{name: "awayd", run: unchanged},
		contender{name: "curl", run: curl(config, len(seen.requests))})
	if err != nil {
		return err
	}
	r.compare(comparison{work: "unchanged", peer: "curl", ours: all[0], them: all[1], target: target{atMost: 1.2}, connection: eachItsOwn})
	all, err = interleave(ctx, r.enough(15), contender{name: "awayd", run: unchanged}, contender{name: "vdirsyncer", run: timed(v.sync)})
	if err != nil {
		return err
	}
	r.compare(comparison{work: "unchanged", peer: "vdirsyncer", ours: all[0], them: all[1], target: target{faster: 20}, connection: eachItsOwn})

	version := 1
	all, err = interleave(ctx, r.enough(8),
		contender{
			name: "awayd",
			before: func(ctx context.Context) error {
				version++
				return s.change(ctx, version, version)
			},
			run: timed(func(ctx context.Context) error { return d.expect(ctx, 1) }),
		},
		contender{name: "vdirsyncer", run: timed(v.sync)})
	if err != nil {
		return err
	}
	r.compare(comparison{work: "one event changed", peer: "vdirsyncer", ours: all[0], them: all[1], connection: eachItsOwn})
	return nil
}

// replayUnchanged returns the configuration of curl for the poll that d would
// make now.
func replayUnchanged(ctx context.Context, s *shelf, d *desk) (string, error) {
	w, err := newWire(s.host())
	if err != nil {
		return "", err
	}
	defer w.Close()
	behind, err := newDesk(ctx, s.dir, s.through(w.addr))
	if err != nil {
		return "", err
	}
	defer behind.Close()
	behind.cursor = d.cursor
	// The first request is the one that is refused, so that the login is known.
	for range 2 {
		if err := behind.expect(ctx, 0); err != nil {
			return "", err
		}
	}
	t, err := w.take()
	if err != nil {
		return "", err
	}
	return replay(s.dir, s.host(), t.requests[len(t.requests)-1:])
}
