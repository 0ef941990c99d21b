package statetest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/plan"
)

// SaveQuiet neither takes a poll back nor knows calendars that are gone.
func quietPolls(t *testing.T, s Store) {
	saved := save(t, s, Anna())
	id := saved.Calendars[0].ID
	must(t, s.SavePoll(t.Context(), id, account.Poll{At: noon, Cursor: "1"}))
	for _, p := range []account.Poll{{At: noon.Add(time.Minute), Cursor: "2"}, {At: noon, Cursor: "old"}} {
		must(t, s.SaveQuiet(t.Context(), map[int64]account.Poll{id: p, id + 1000: p}))
	}
	list, err := s.Accounts(t.Context())
	must(t, err)
	c := list[0].Calendars[0]
	equal(t, "cursor", c.Cursor, "2")
	equal(t, "last poll", c.LastPoll, noon.Add(time.Minute))
	equal(t, "last good poll", c.LastOK, noon.Add(time.Minute))
	// What a clock that was wrong has left behind keeps nothing out for years.
	must(t, s.SavePoll(t.Context(), id, account.Poll{At: noon.AddDate(3, 0, 0), Cursor: "3"}))
	must(t, s.SaveQuiet(t.Context(), map[int64]account.Poll{id: {At: noon.Add(time.Hour), Cursor: "4"}}))
	c = only(t, s).Calendars[0]
	equal(t, "cursor after the clock was set back", c.Cursor, "4")
	equal(t, "last poll after that", c.LastPoll, noon.Add(time.Hour))
}

func polls(t *testing.T, s Store) {
	id := save(t, s, Anna()).Calendars[0].ID
	object := func(href, etag string) absence.Object { return absence.Object{Href: href, ETag: etag} }
	cached := func(href, etag string, missing bool) account.CachedObject {
		return account.CachedObject{Object: object(href, etag), Missing: missing}
	}
	at := noon
	for _, step := range []struct {
		name string
		poll account.Poll
		want []account.CachedObject
	}{
		{"first", account.Poll{Cursor: "1", Changed: []absence.Object{object("/b", `"1"`), object("/a", "W/\xff\x00x"), object("/\xe4", "")}},
			[]account.CachedObject{cached("/a", "W/\xff\x00x", false), cached("/b", `"1"`, false), cached("/\xe4", "", false)}},
		{"failed polls change nothing", account.Poll{Error: "timeout", Cursor: "x", Name: "x", Changed: []absence.Object{object("/x", "")}, Removed: []string{"/a"}, Missing: []string{"/b"}},
			[]account.CachedObject{cached("/a", "W/\xff\x00x", false), cached("/b", `"1"`, false), cached("/\xe4", "", false)}},
		{"missing", account.Poll{Cursor: "2", Missing: []string{"/a", "/\xe4", "/never-there"}},
			[]account.CachedObject{cached("/a", "W/\xff\x00x", true), cached("/b", `"1"`, false), cached("/\xe4", "", true)}},
		{"back, changed and removed", account.Poll{Cursor: "3", Changed: []absence.Object{object("/b", `"2"`)}, Removed: []string{"/\xe4", "/never-there"}, Missing: []string{"/b"}},
			[]account.CachedObject{cached("/a", "W/\xff\x00x", false), cached("/b", `"2"`, true)}},
		{"all well", account.Poll{Cursor: "3", Name: "Renamed", Zone: "Asia/Tokyo"},
			[]account.CachedObject{cached("/a", "W/\xff\x00x", false), cached("/b", `"2"`, false)}},
	} {
		before := only(t, s).Calendars[0]
		at = at.Add(5 * time.Minute)
		step.poll.At = at
		must(t, s.SavePoll(t.Context(), id, step.poll))
		got, err := s.Objects(t.Context(), id)
		must(t, err)
		equal(t, step.name, got, step.want)

		want := before
		want.LastPoll, want.Error = at, step.poll.Error
		if step.poll.Error == "" {
			want.LastOK, want.Cursor = at, step.poll.Cursor
			if step.poll.Name != "" {
				want.Name, want.Zone = step.poll.Name, step.poll.Zone
			}
		}
		equal(t, step.name, only(t, s).Calendars[0], want)
	}
}

func objectsRoundTrip(t *testing.T, s Store) {
	id := save(t, s, Anna()).Calendars[0].ID
	berlin, err := time.LoadLocation("Europe/Berlin")
	must(t, err)
	day := func(d int) absence.DateTime {
		return absence.DateTime{Wall: time.Date(2025, 7, d, 0, 0, 0, 0, time.UTC), Date: true}
	}
	zoned := absence.DateTime{Wall: time.Date(2025, 10, 26, 2, 30, 0, 0, time.UTC), Zone: berlin}
	floating := absence.DateTime{Wall: time.Date(2025, 10, 26, 2, 30, 0, 0, time.UTC)}
	end, until := day(14), day(30)
	mine := absence.Zone{Name: "Mine", TZif: FixedZone(3600)}
	own, err := mine.Location()
	must(t, err)
	owned := absence.DateTime{Wall: floating.Wall, Zone: own}
	o := absence.Object{
		Href: "/anna/vacation.ics", ETag: `"7"`,
		Events: []absence.Event{{
			UID: "u", RecurrenceID: &zoned, Sequence: 3, Start: day(1), End: &end,
			Rules: []absence.Rule{{Freq: absence.Weekly, Interval: 2, Until: &until, WeekStart: time.Sunday,
				ByDay: []absence.WeekdayNum{{N: -1, Day: time.Friday}}, BySetPos: []int{-1}}},
			ExRules: []absence.Rule{{Freq: absence.Daily, Interval: 30, Until: &owned}}, Onward: true,
			RDates: []absence.DateTime{floating, owned}, ExDates: []absence.DateTime{day(8)},
			RPeriods: []absence.Span{{Start: owned, Duration: &absence.Duration{Days: 1}}, {Start: zoned, End: &owned}},
			Summary:  "Urlaub ☀ <b>", Description: "line\nline", Categories: []string{"OUT OF OFFICE"}, Private: true,
			Status: "CONFIRMED", Organizer: "mailto:a@example.org",
			Attendees:  []absence.Attendee{{Address: "mailto:b@example.org", PartStat: "DECLINED"}},
			BusyStatus: "OOF", IntendedStatus: "OOF", OutOfOffice: true,
		}, {UID: "v", Start: floating, Duration: &absence.Duration{Days: 1, Exact: 90 * time.Minute}}},
		Errors: []absence.ObjectError{{UID: "w", Line: 12, Reason: "RRULE: no FREQ"}, {UID: "v", Reason: "DTSTART: missing", Instance: &owned, Onward: true}},
		Zones:  []absence.Zone{mine},
	}
	must(t, s.SavePoll(t.Context(), id, account.Poll{At: noon, Changed: []absence.Object{o}}))
	got, err := s.Objects(t.Context(), id)
	must(t, err)
	equal(t, "object", got, []account.CachedObject{{Object: o}})
}

// FixedZone is a zone of one offset in the format of RFC 9636.
func FixedZone(offset uint32) []byte {
	var b []byte
	for _, types := range []uint32{0, 1} { // an empty block of version 1 comes first
		b = append(b, "TZif2"...)
		b = append(b, make([]byte, 15+4*4)...)
		b = binary.BigEndian.AppendUint32(b, types)
		b = binary.BigEndian.AppendUint32(b, 2*types)
	}
	b = binary.BigEndian.AppendUint32(b, offset)
	return append(b, "\x00\x00-\x00\n\n"...)
}

// concurrent reads while another goroutine writes: each reader sees a whole
// poll or none of it.
func concurrent(t *testing.T, s Store) {
	a := save(t, s, Anna())
	id := a.Calendars[0].ID
	const polls, objects = 10, 20
	poll := func(n int) account.Poll {
		p := account.Poll{At: noon, Cursor: fmt.Sprint(n)}
		for i := range objects {
			p.Changed = append(p.Changed, absence.Object{Href: fmt.Sprintf("/%02d", i), ETag: fmt.Sprint(n)})
		}
		return p
	}
	must(t, s.SavePoll(t.Context(), id, poll(0)))
	ctx, stop := context.WithCancel(t.Context())
	var reading, writing errgroup.Group
	for range 2 {
		reading.Go(func() error {
			for ctx.Err() == nil {
				got, err := s.Objects(t.Context(), id)
				if err != nil {
					return err
				}
				for _, o := range got {
					if o.ETag != got[0].ETag || len(got) != objects {
						return fmt.Errorf("half a poll: %d objects, etags %s and %s", len(got), o.ETag, got[0].ETag)
					}
				}
				if _, err := s.Accounts(t.Context()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	writing.Go(func() error {
		for n := range polls {
			if err := s.SavePoll(t.Context(), id, poll(n)); err != nil {
				return err
			}
		}
		return nil
	})
	writing.Go(func() error {
		for n := range polls {
			j := plan.Journal{Sent: map[string]time.Time{fmt.Sprint(n): noon}}
			if err := s.SaveJournal(t.Context(), a.JID, j); err != nil {
				return err
			}
		}
		return nil
	})
	err := writing.Wait()
	stop()
	must(t, errors.Join(err, reading.Wait()))
}

func cancelled(t *testing.T, s Store) {
	a := save(t, s, Anna())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.SaveJournal(ctx, a.JID, plan.Journal{Clean: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("saving with a cancelled context: %v", err)
	}
	j, err := s.Journal(t.Context(), a.JID)
	must(t, err)
	equal(t, "journal", j, plan.Journal{})
}
