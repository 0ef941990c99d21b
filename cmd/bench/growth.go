package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"awayd/caldav"
	"awayd/cmd/testbed"
)

// sizes are the calendars in which a cost is looked at as it grows.
var sizes = []int{100, 1_000, 10_000}

// A sizeCost is what a calendar of one size costs, each in seconds.
type sizeCost struct {
	first, unchanged, expand series
	// What of it is awayd's own: its processor time.
	firstOwn, unchangedOwn series
}

// growth measures what a hundred times as many events cost.
func growth(ctx context.Context, r *report) error {
	r.title = "As a calendar grows"
	r.intro = growthIntro
	return inBed(func(bed *testbed.Bed) error {
		table := growthTable{head: []string{"events", "first poll", "for each event", "of that awayd's own, for each event",
			"unchanged poll", "of that awayd's own", "text to timeline", "for each event"}}
		var all []sizeCost
		for _, n := range sizes {
			s, err := newShelf(ctx, bed, n)
			if err != nil {
				return err
			}
			c, err := measureSize(ctx, s, r.enough(15))
			if err != nil {
				return err
			}
			all = append(all, c)
			each := func(s series) string { return seconds(s.median() / float64(n)) }
			table.rows = append(table.rows, []string{fmt.Sprint(n), c.first.String(), each(c.first), each(c.firstOwn),
				c.unchanged.String(), c.unchangedOwn.String(), c.expand.String(), each(c.expand)})
		}
		r.growths = append(r.growths, table)
		flat := func(work string, of func(sizeCost) series) {
			small, large := of(all[0]).times(1/float64(sizes[0])), of(all[len(all)-1]).times(1/float64(sizes[len(sizes)-1]))
			r.flat(work, small, large, series.String)
		}
		flat("first poll, awayd's own, for each event: 10,000 beside 100", func(c sizeCost) series { return c.firstOwn })
		flat("unchanged poll, awayd's own, for each event: 10,000 beside 100", func(c sizeCost) series { return c.unchangedOwn })
		flat("text to timeline, for each event: 10,000 beside 100", func(c sizeCost) series { return c.expand })
		return nil
	})
}

const growthIntro = `The same calendars in three sizes, on Radicale as above. What of a poll is awayd's own is the processor time that its process
used meanwhile, the garbage collector's with it; the rest is the server's. The cost for each event is to stay or to fall.`

func measureSize(ctx context.Context, s *shelf, rounds int) (c sizeCost, err error) {
	text := []byte(calendarOf(s.size))
	settings, err := berliner()
	if err != nil {
		return c, err
	}
	// As many events in each run, so that what disturbs one is as large.
	again := sizes[len(sizes)-1] / s.size
	var d *desk
	run := func(own *series, n int) func(context.Context) (time.Duration, error) {
		return timed(func(ctx context.Context) error {
			began := processorTime()
			err := d.expect(ctx, n)
			*own = append(*own, (processorTime() - began).Seconds())
			return err
		})
	}
	all, err := interleave(ctx, rounds,
		contender{name: "first poll", before: func(ctx context.Context) (err error) {
			if d != nil {
				err = d.Close()
			}
			if err == nil {
				d, err = newDesk(ctx, s.dir, s.url)
			}
			return err
		}, run: run(&c.firstOwn, s.size)},
		contender{name: "unchanged poll", run: run(&c.unchangedOwn, 0)},
		contender{name: "expansion", run: func(ctx context.Context) (time.Duration, error) {
			took, err := timed(func(context.Context) error {
				for range again {
					objects, err := caldav.ReadICS(bytes.NewReader(text), "calendar")
					if err != nil {
						return err
					}
					timeline(objects, settings)
				}
				return nil
			})(ctx)
			return took / time.Duration(again), err
		}})
	if d != nil {
		err = errors.Join(err, d.Close())
	}
	if err != nil {
		return c, err
	}
	c.first, c.unchanged, c.expand = all[0], all[1], all[2]
	c.firstOwn, c.unchangedOwn = c.firstOwn[1:], c.unchangedOwn[1:] // the first round is not counted
	return c, nil
}

// processorTime is what this process has used so far, in user and kernel mode.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0 // cannot happen: RUSAGE_SELF is known
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
