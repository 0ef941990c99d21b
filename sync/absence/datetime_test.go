package absence

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDateTimeIn(t *testing.T) {
	for _, c := range []struct{ name, value, local, want string }{
		{"utc", "20250707T090000Z", "Europe/Berlin", "2025-07-07T09:00:00Z"},
		{"zoned", "America/New_York:20250707T090000", "Europe/Berlin", "2025-07-07T13:00:00Z"},
		{"floating", "20250707T090000", "Europe/Berlin", "2025-07-07T07:00:00Z"},
		{"date", "20250707", "Europe/Berlin", "2025-07-06T22:00:00Z"},
		{"fold: the first", "Europe/Berlin:20251026T023000", "UTC", "2025-10-26T00:30:00Z"},
		{"fold: the first, in the west", "America/New_York:20251102T013000", "UTC", "2025-11-02T05:30:00Z"},
		{"after a fold", "Europe/Berlin:20251026T030000", "UTC", "2025-10-26T02:00:00Z"},
		{"gap: the offset before", "Europe/Berlin:20250330T023000", "UTC", "2025-03-30T01:30:00Z"},
		{"gap in the west", "America/New_York:20250309T023000", "UTC", "2025-03-09T07:30:00Z"},
		{"after a gap", "Europe/Berlin:20250330T030000", "UTC", "2025-03-30T01:00:00Z"},
		{"half-hour fold", "Australia/Lord_Howe:20250406T014500", "UTC", "2025-04-05T14:45:00Z"},
		{"half-hour gap", "Australia/Lord_Howe:20251005T021500", "UTC", "2025-10-04T15:45:00Z"},
		{"date without midnight", "20250309", "America/Havana", "2025-03-09T05:00:00Z"},
		{"date with two midnights", "20251102", "America/Havana", "2025-11-02T04:00:00Z"},
		{"midnight in a gap as a time", "America/Havana:20250309T000000", "UTC", "2025-03-09T05:00:00Z"},
		{"date that did not exist", "20111230", "Pacific/Apia", "2011-12-30T10:00:00Z"},
		{"noon that did not exist", "Pacific/Apia:20111230T120000", "UTC", "2011-12-30T22:00:00Z"},
		{"day after it", "20111231", "Pacific/Apia", "2011-12-30T10:00:00Z"},
		{"summer time that is negative", "Europe/Dublin:20250707T090000", "UTC", "2025-07-07T08:00:00Z"},
		{"no summer time", "Asia/Kathmandu:20250707T090000", "UTC", "2025-07-07T03:15:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := at(c.value).In(in(c.local)).UTC().Format(time.RFC3339); got != c.want {
				t.Errorf("%s in %s = %s, want %s", c.value, c.local, got, c.want)
			}
		})
	}
}

// What resolve says of times far from a change of the clock is what it would say
// of any time.
func TestResolveFarFromAnyChange(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "Antarctica/Troll", "Asia/Kathmandu", "UTC"} {
		zone := in(name)
		for _, year := range []int{1, 1893, 1945, 2011, 2026, 2040, 9999} {
			end := time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC)
			for wall := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC); wall.Before(end); wall = wall.Add(30 * time.Minute) {
				if got, want := resolve(wall, zone), resolveClose(wall, zone); !got.Equal(want) {
					t.Fatalf("%v in %s: %v, not %v", wall, name, got, want)
				}
			}
		}
	}
}

func TestDateTimeText(t *testing.T) {
	for _, s := range []string{"20250707", "20250707T090000", "20250707T090000Z", "Europe/Berlin:20250707T090000"} {
		d := at(s)
		b, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		var back DateTime
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if back.String() != s || !back.Wall.Equal(d.Wall) || back.Date != d.Date || back.Floating() != d.Floating() {
			t.Errorf("%s came back as %#v", s, back)
		}
	}
	for _, s := range []string{"", "2025-07-07", "20250732", "20250707T250000", "Local:20250707T090000", "Nowhere/Land:20250707T090000", "../etc:20250707T090000", "20250707T090000z"} {
		var d DateTime
		if err := d.UnmarshalText([]byte(s)); err == nil {
			t.Errorf("%q was read as %v", s, d)
		}
	}
}

// Wherever a wall time exists, the instant shows it; where it occurs twice,
// nothing earlier shows it too.
func TestDateTimeKeepsWallTime(t *testing.T) {
	zones := []string{"Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns", "Africa/Casablanca", "Asia/Tehran", "Antarctica/Troll", "Pacific/Kwajalein", "America/Sitka"}
	rapid.Check(t, func(t *rapid.T) {
		zone := in(rapid.SampledFrom(zones).Draw(t, "zone"))
		instant := time.Unix(rapid.Int64Range(-4e9, 4e9).Draw(t, "instant"), 0)
		if rapid.Bool().Draw(t, "near a change") {
			if _, change := instant.In(zone).ZoneBounds(); !change.IsZero() {
				instant = change.Add(time.Duration(rapid.IntRange(-90000, 90000).Draw(t, "offset")) * time.Second)
			}
		}
		d := DateTime{Wall: wall(instant, zone), Zone: zone}
		got := d.In(time.UTC)
		if !wall(got, zone).Equal(d.Wall) {
			t.Fatalf("%v became %v", d, got.In(zone))
		}
		if got.After(instant) {
			t.Fatalf("%v became %v, which is not the first of a fold: %v shows it too", d, got.In(zone), instant.In(zone))
		}
	})
}

func TestDatesFollowEachOther(t *testing.T) {
	for _, name := range []string{"America/Havana", "Pacific/Apia", "America/Santiago", "Atlantic/Azores", "Australia/Lord_Howe", "Africa/Cairo"} {
		zone := in(name)
		for d := at("20100101"); d.Wall.Year() < 2027; d = d.AddDays(1) {
			begins, next := d.In(zone).In(zone), d.AddDays(1).In(zone)
			if next.Before(begins) || !midnight(begins) {
				t.Fatalf("%s: %v begins at %v, the next day at %v", zone, d, begins, next)
			}
		}
	}
}

func FuzzDateTime(f *testing.F) {
	for _, s := range []string{"20250707", "Europe/Berlin:20250707T090000", "20250707T090000Z", ":20250707", "00000101"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var d, back DateTime
		if d.UnmarshalText([]byte(s)) != nil {
			return
		}
		if err := back.UnmarshalText([]byte(d.String())); err != nil || back.String() != d.String() {
			t.Fatalf("%q was read as %v and then as %v, %v", s, d, back, err)
		}
		d.In(time.UTC)
	})
}
