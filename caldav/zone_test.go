package caldav

import (
	"archive/zip"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"
)

// Every name of Windows leads to a zone that the program carries in itself.
func TestWindowsZones(t *testing.T) {
	if len(windowsZones) < 130 {
		t.Errorf("only %d names", len(windowsZones))
	}
	known := zoneNames(t)
	for windows, iana := range windowsZones {
		if !known[iana] {
			t.Errorf("%s: %s is not in time/tzdata", windows, iana)
		}
		if _, err := loadZone(strings.ToUpper(windows)); err != nil {
			t.Errorf("%s: %v", windows, err)
		}
	}
	for name, want := range map[string]string{
		"W. Europe Standard Time": "Europe/Berlin", "Central European Standard Time": "Europe/Warsaw", "Romance Standard Time": "Europe/Paris",
		"GMT Standard Time": "Europe/London", "Eastern Standard Time": "America/New_York", "Pacific Standard Time": "America/Los_Angeles",
		"Lord Howe Standard Time": "Australia/Lord_Howe", "Samoa Standard Time": "Pacific/Apia", "Cuba Standard Time": "America/Havana",
		"India Standard Time": "Asia/Calcutta", "UTC": "UTC", "FLE Standard Time": "Europe/Kiev", "Tokyo Standard Time": "Asia/Tokyo",
	} {
		if loc, err := loadZone(name); err != nil || loc.String() != want {
			t.Errorf("%s: %v, %v", name, loc, err)
		}
	}
}

// zoneNames are those of Go's copy of the IANA database, which time/tzdata embeds.
func zoneNames(t *testing.T) map[string]bool {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	r, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all := map[string]bool{}
	for _, f := range r.File {
		if !strings.HasSuffix(f.Name, "/") {
			all[f.Name] = true
		}
	}
	return all
}

// Every name of the IANA database is known in any case and behind a prefix.
func TestZoneNames(t *testing.T) {
	for name := range zoneNames(t) {
		if name == "Factory" {
			continue
		}
		want, err := loadZone(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, other := range []string{strings.ToLower(name), strings.ToUpper(name), "/" + name, " " + name} {
			if loc, err := loadZone(other); err != nil || loc.String() != want.String() {
				t.Errorf("%s: %v, %v", other, loc, err)
			}
		}
		if strings.Contains(name, "/") {
			for _, prefix := range []string{"/freeassociation.sourceforge.net/", "/freeassociation.sourceforge.net/Tzfile/", "/citadel.org/20210210_1/", "/softwarestudio.org/Olson_20011030_5/"} {
				if loc, err := loadZone(prefix + name); err != nil || loc.String() != want.String() {
					t.Errorf("%s: %v, %v", prefix+name, loc, err)
				}
			}
		}
	}
	for _, name := range []string{"", " ", "/", "//", "Local", "local", "/local", "LOCALTIME", "posixrules", "Factory", "right/UTC", "Posix/europe/berlin", "/example.org/Cuba",
		"Europe/", "Europe", "europe/nowhere", "tzone://Microsoft/Custom", "../Europe/Berlin", "Europe/Berlin\x00", strings.Repeat("a", 100)} {
		if loc, err := loadZone(name); err == nil {
			t.Errorf("%q: %v", name, loc)
		}
	}
}

func TestOffsetZones(t *testing.T) {
	for name, want := range map[string]int{
		"GMT+01:00": 3600, "gmt+0100": 3600, "UTC-05:30": -19800, "UTC+1": 3600, "GMT-11": -39600, "+05:30": 19800, "UTC+00:00": 0, "GMT +02:00": 7200, "-0330": -12600,
	} {
		if got, ok := parseOffsetZone(name); !ok || got != want {
			t.Errorf("%s: %d, %v", name, got, ok)
		}
	}
	for _, name := range []string{"", "GMT", "UTC+", "0100", "1", "GMT+25:00", "GMT+01:60", "GMT++1", "(UTC+01:00) Berlin", "GMT+01:00 DST"} {
		if got, ok := parseOffsetZone(name); ok {
			t.Errorf("%q: %d", name, got)
		}
	}
}

// vtimezone is an object with one zone of its own and an event in it.
func vtimezone(lines string) []byte {
	return []byte("BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Mine\n" + lines + "\nEND:VTIMEZONE\nBEGIN:VEVENT\nUID:u\nDTSTART;TZID=Mine:20250707T090000\nEND:VEVENT\nEND:VCALENDAR\n")
}

// ownZoneOf compiles the lines of a VTIMEZONE.
func ownZoneOf(t testing.TB, lines string) *time.Location {
	t.Helper()
	o := readObject(vtimezone(lines))
	if len(o.Events) != 1 || len(o.Errors) != 0 || len(o.Zones) != 1 {
		t.Fatalf("%s\n%d events, %d zones, errors %v", lines, len(o.Events), len(o.Zones), o.Errors)
	}
	if size := len(o.Zones[0].TZif); size > 6<<10 {
		t.Errorf("the zone takes %d bytes", size)
	}
	return o.Events[0].Start.Zone
}

func standard(start, from, to, more string) string {
	return observanceText("STANDARD", start, from, to, more)
}
func daylight(start, from, to, more string) string {
	return observanceText("DAYLIGHT", start, from, to, more)
}

func observanceText(kind, start, from, to, more string) string {
	if more != "" {
		more += "\n"
	}
	return "BEGIN:" + kind + "\nDTSTART:" + start + "\nTZOFFSETFROM:" + from + "\nTZOFFSETTO:" + to + "\n" + more + "END:" + kind + "\n"
}

// What calendars write about a zone agrees with the IANA database, to the
// second, for as long as both mean the same rules.
func TestVTimezoneAgainstIANA(t *testing.T) {
	for _, c := range []struct {
		name, zone, text string
		from, to         int
	}{
		{"RFC 5545 §3.6.5, all rules since 1967", "America/New_York", daylight("19670430T020000", "-0500", "-0400", "RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=-1SU;UNTIL=19730429T070000Z") +
			standard("19671029T020000", "-0400", "-0500", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20061029T060000Z") +
			daylight("19740106T020000", "-0500", "-0400", "RDATE:19750223T020000") +
			daylight("19760425T020000", "-0500", "-0400", "RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=-1SU;UNTIL=19860427T070000Z") +
			daylight("19870405T020000", "-0500", "-0400", "RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;UNTIL=20060402T070000Z") +
			daylight("20070311T020000", "-0500", "-0400", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU") +
			standard("20071104T020000", "-0400", "-0500", "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU"), 1968, 2300},
		{"RFC 5545 §3.6.5, since 2007", "America/New_York", standard("20071104T020000", "-0400", "-0500", "TZNAME:EST") + daylight("20070311T020000", "-0500", "-0400", "TZNAME:EDT"), 2007, 2007},
		{"Outlook, from 1601", "Europe/Berlin", standard("16010101T030000", "+0200", "+0100", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10") +
			daylight("16010101T020000", "+0100", "+0200", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3"), 1996, 2300},
		{"days of a month for a week", "America/New_York", standard("20071104T020000", "-0400", "-0500", "RRULE:FREQ=YEARLY;BYMONTHDAY=1,2,3,4,5,6,7;BYDAY=SU;BYMONTH=11") +
			daylight("20070311T020000", "-0500", "-0400", "RRULE:FREQ=YEARLY;BYMONTHDAY=8,9,10,11,12,13,14;BYDAY=SU;BYMONTH=3"), 2007, 2300},
		{"the south, half an hour", "Australia/Lord_Howe", standard("20080406T020000", "+1100", "+1030", "RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU") +
			daylight("20081005T020000", "+1030", "+1100", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=1SU"), 2009, 2300},
		{"midnight", "America/Havana", standard("20121104T010000", "-0400", "-0500", "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU") +
			daylight("20130310T000000", "-0500", "-0400", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU"), 2013, 2300},
		{"rules that POSIX cannot write", "Asia/Jerusalem", standard("20131027T020000", "+0300", "+0200", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU") +
			daylight("20130329T020000", "+0200", "+0300", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=FR;BYMONTHDAY=23,24,25,26,27,28,29"), 2014, 2090},
		{"a day that did not exist", "Pacific/Apia", standard("20111230T000000", "-1000", "+1400", "") + standard("20120401T040000", "+1400", "+1300", "") +
			daylight("20110924T030000", "-1100", "-1000", "") + daylight("20120930T030000", "+1300", "+1400", ""), 2012, 2012},
		{"no changes", "Asia/Kathmandu", standard("19700101T000000", "+0545", "+0545", ""), 1990, 2300},
		{"to the second", "Africa/Monrovia", standard("19190301T000000", "-004308", "-004430", ""), 1930, 1970},
	} {
		t.Run(c.name, func(t *testing.T) {
			own, iana := ownZoneOf(t, c.text), zoneNamed(t, c.zone)
			end := time.Date(c.to+1, 1, 1, 0, 0, 0, 0, time.UTC)
			for at := time.Date(c.from, 5, 1, 0, 0, 0, 0, time.UTC); at.Before(end); at = at.Add(179 * time.Hour) {
				if got, want := at.In(own).Format(wallForm), at.In(iana).Format(wallForm); got != want {
					t.Fatalf("%v is %s, not %s", at, got, want)
				}
				if _, change := at.In(iana).ZoneBounds(); !change.IsZero() && change.Before(end) {
					if got, want := change.Add(-1).In(own).Format(wallForm)+change.In(own).Format(wallForm), change.Add(-1).In(iana).Format(wallForm)+change.In(iana).Format(wallForm); got != want {
						t.Fatalf("%v is %s, not %s", change, got, want)
					}
				}
			}
		})
	}
}

const wallForm = "2006-01-02T15:04:05Z07:00:00 "

func zoneNamed(t testing.TB, name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// A zone of two rules agrees with looking for the last change one by one.
func TestVTimezoneAgainstOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		std := rapid.IntRange(-48, 56).Draw(t, "quarters") * 900
		dst := std + rapid.SampledFrom([]int{3600, 1800, 7200, -3600}).Draw(t, "saving")
		type rule struct{ month, week, hour int }
		draw := func(name string, from int) rule {
			return rule{rapid.IntRange(from, from+4).Draw(t, name), rapid.SampledFrom([]int{1, 2, 3, 4, -1, -2, 5}).Draw(t, name), rapid.IntRange(0, 23).Draw(t, name)}
		}
		spring, autumn := draw("spring", 3), draw("autumn", 8) // a February with five Sundays is too rare
		if rapid.Bool().Draw(t, "south") {
			std, dst = dst, std
		}
		year := rapid.SampledFrom([]int{1601, 1970, 2000}).Draw(t, "since")
		text := func(kind string, r rule, from, to int) string {
			start := onsetIn(year, r.month, r.week, r.hour)
			for y := year; start.IsZero(); y++ { // not every month has a fifth
				start = onsetIn(y, r.month, r.week, r.hour)
			}
			return observanceText(kind, start.Format("20060102T150405"), offsetText(from), offsetText(to),
				fmt.Sprintf("RRULE:FREQ=YEARLY;BYMONTH=%d;BYDAY=%dSU", r.month, r.week))
		}
		o := readObject(vtimezone(text("DAYLIGHT", spring, std, dst) + text("STANDARD", autumn, dst, std)))
		if len(o.Zones) != 1 {
			t.Fatal(o.Errors)
		}
		own := o.Events[0].Start.Zone
		for range 6 {
			at := time.Date(rapid.IntRange(2020, 2099).Draw(t, "year"), 1, 1, 0, 0, rapid.IntRange(0, 366*86400-1).Draw(t, "second"), 0, time.UTC)
			// The year before and the one after have the changes around its ends.
			want, last := 0, time.Time{}
			for y := at.Year() - 7; y <= at.Year()+1; y++ { // so long may a fifth Sunday stay away
				for _, x := range []struct {
					rule
					from, to int
				}{{spring, std, dst}, {autumn, dst, std}} {
					c := onsetIn(y, x.month, x.week, x.hour)
					if c.IsZero() {
						continue
					}
					if c = c.Add(-time.Duration(x.from) * time.Second); !c.After(at) && c.After(last) {
						want, last = x.to, c
					}
				}
			}
			if _, got := at.In(own).Zone(); got != want {
				t.Fatalf("%v: offset %d, want %d", at, got, want)
			}
		}
	})
}

// onsetIn is the n-th Sunday of a month, counted from its end if n is negative;
// zero if there is none.
func onsetIn(year, month, n, hour int) time.Time {
	var sundays []time.Time
	for d := time.Date(year, time.Month(month), 1, hour, 0, 0, 0, time.UTC); int(d.Month()) == month; d = d.AddDate(0, 0, 1) {
		if d.Weekday() == time.Sunday {
			sundays = append(sundays, d)
		}
	}
	if n < 0 {
		n += len(sundays) + 1
	}
	if n > len(sundays) {
		return time.Time{}
	}
	return sundays[n-1]
}

func offsetText(seconds int) string {
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	return fmt.Sprintf("%c%02d%02d", sign, seconds/3600, seconds/60%60)
}

// What stays refused of a VTIMEZONE is said with its line.
func TestVTimezoneRefused(t *testing.T) {
	good := standard("16010101T030000", "+0200", "+0100", "")
	for name, c := range map[string]struct{ text, reason string }{
		"nothing in it":        {"X-A:b", "neither STANDARD nor DAYLIGHT"},
		"no offset":            {"BEGIN:STANDARD\nDTSTART:20250101T000000\nEND:STANDARD", "line 4: TZOFFSETFROM: not an offset"},
		"offset of 99 hours":   {standard("20250101T000000", "+9900", "+0100", ""), "TZOFFSETFROM"},
		"no start":             {"BEGIN:STANDARD\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD", "DTSTART"},
		"rule for each second": {standard("20250101T000000", "+0200", "+0100", "RRULE:FREQ=SECONDLY"), "line 8: RRULE: a time zone changes on one day"},
		"rule without sense":   {good + daylight("16010101T000000", "+0100", "+0200", "RRULE:FREQ=MONTHLY;BYDAY=53MO"), "RRULE"},
		"every day":            {good + daylight("20250101T000000", "+0100", "+0200", "RRULE:FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR"), "on one day"},
		"two rules":            {good + daylight("20250101T000000", "+0100", "+0200", "RRULE:FREQ=YEARLY\nRRULE:FREQ=YEARLY"), "second rule"},
		"many offsets": {numberedLines(300, func(i int) string {
			return standard(fmt.Sprintf("%d%02d01T000000", 2000+i/12, i%12+1), "+0100", offsetText(i*60), "")
		}), "more than 200 offsets"},
		"many observances":     {strings.Repeat(good, 500), "more than 400 observances"},
		"stray text in a rule": {"BEGIN:STANDARD\nDTSTART:20250101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nRRULE:FREQ=YEARLY;\nBYMONTH=3\nEND:STANDARD", "stray text after RRULE"},
	} {
		o := readObject(vtimezone(c.text))
		if len(o.Events) != 0 || len(o.Errors) != 1 || !strings.Contains(o.Errors[0].Reason, `time zone "Mine": `) || !strings.Contains(o.Errors[0].Reason, c.reason) {
			t.Errorf("%s: %d events, %v", name, len(o.Events), o.Errors)
		}
	}
}

func numberedLines(n int, f func(int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(f(i))
	}
	return b.String()
}

// A name that everybody knows wins over what the object says about it; a name
// that says only an offset does not.
func TestZoneOrder(t *testing.T) {
	tokyo := "BEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:+0900\nTZOFFSETTO:+0900\nEND:STANDARD\n"
	for tzid, want := range map[string]string{
		"Europe/Berlin": "+02:00", "europe/berlin": "+02:00", "W. Europe Standard Time": "+02:00", "/vendor/Europe/Berlin": "+02:00",
		"GMT+01:00": "+09:00", "Customized Time Zone": "+09:00", "(UTC+01:00) Amsterdam, Berlin": "+09:00", "tzone://Microsoft/Custom": "+09:00",
	} {
		text := "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:" + strings.ReplaceAll(tzid, ",", `\,`) + "\n" + tokyo + "END:VTIMEZONE\nBEGIN:VEVENT\nUID:u\nDTSTART;TZID=\"" + tzid + "\":20250707T090000\nEND:VEVENT\nEND:VCALENDAR\n"
		o := readObject([]byte(text))
		if len(o.Events) != 1 || len(o.Errors) != 0 {
			t.Errorf("%s: %v", tzid, o.Errors)
			continue
		}
		if got := o.Events[0].Start.In(time.UTC).In(o.Events[0].Start.Zone).Format("-07:00"); got != want {
			t.Errorf("%s: %s, want %s", tzid, got, want)
		}
	}
	o := readObject(vtimezone("X-LIC-LOCATION:Europe/Vienna\n" + tokyo))
	if len(o.Events) != 1 || o.Events[0].Start.Zone.String() != "Europe/Vienna" || len(o.Zones) != 0 {
		t.Errorf("X-LIC-LOCATION: %+v", o)
	}
}

// Two calendars of one file may mean different zones by one name.
func TestZonesOfTwoCalendars(t *testing.T) {
	text := string(vtimezone(standard("16010101T000000", "+0900", "+0900", ""))) + string(vtimezone(standard("16010101T000000", "-0300", "-0300", "")))
	objects, err := ReadICS(strings.NewReader(text), "f")
	if err != nil || len(objects) != 1 || len(objects[0].Events) != 2 || len(objects[0].Zones) != 2 {
		t.Fatalf("%v, %v", objects, err)
	}
	for i, want := range []string{"2025-07-07T00:00:00Z", "2025-07-07T12:00:00Z"} {
		if got := objects[0].Events[i].Start.In(time.UTC).UTC().Format(time.RFC3339); got != want {
			t.Errorf("event %d starts at %s, want %s", i, got, want)
		}
	}
}

// X-WR-TIMEZONE is the zone of floating times, and of nothing else.
func TestFloatingZone(t *testing.T) {
	for _, c := range []struct{ line, start, want string }{
		{"X-WR-TIMEZONE:America/New_York", "DTSTART:20250707T090000", "America/New_York:20250707T090000"},
		{"X-WR-TIMEZONE:Eastern Standard Time", "DTSTART:20250707T090000", "America/New_York:20250707T090000"},
		{"x-wr-timezone;VALUE=TEXT:America/New_York ", "DTSTART:20250707T090000", "America/New_York:20250707T090000"},
		{"X-WR-TIMEZONE:America/New_York", "DTSTART:20250707", "20250707"},
		{"X-WR-TIMEZONE:America/New_York", "DTSTART:20250707T090000Z", "20250707T090000Z"},
		{"X-WR-TIMEZONE:America/New_York", "DTSTART;TZID=Europe/Berlin:20250707T090000", "Europe/Berlin:20250707T090000"},
		{"X-WR-TIMEZONE:Nowhere", "DTSTART:20250707T090000", "20250707T090000"},
		{"X-WR-TIMEZONE:", "DTSTART:20250707T090000", "20250707T090000"},
		{"BEGIN:X-A\nX-WR-TIMEZONE:America/New_York\nEND:X-A", "DTSTART:20250707T090000", "20250707T090000"},
	} {
		for _, text := range []string{
			"BEGIN:VCALENDAR\n" + c.line + "\nBEGIN:VEVENT\nUID:u\n" + c.start + "\nEND:VEVENT\nEND:VCALENDAR\n",
			"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u\n" + c.start + "\nEND:VEVENT\n" + c.line + "\nEND:VCALENDAR\n",
		} {
			o := readObject([]byte(text))
			if len(o.Events) != 1 || len(o.Errors) != 0 || o.Events[0].Start.String() != c.want {
				t.Errorf("%s, %s: %+v", c.line, c.start, o)
			}
		}
	}
	two := "BEGIN:VCALENDAR\nX-WR-TIMEZONE:Asia/Tokyo\nEND:VCALENDAR\n" + string(object("DTSTART:20250707T090000"))
	if o := readObject([]byte(two)); o.Events[0].Start.Zone != nil {
		t.Errorf("another calendar's zone: %v", o.Events[0].Start)
	}
}

// A changed instance that cannot be read leaves behind which one it was.
func TestInstanceThatCannotBeRead(t *testing.T) {
	for lines, want := range map[string]string{
		"RECURRENCE-ID;TZID=Europe/Berlin:20250707T090000\nDTSTART;TZID=Nowhere:20250707T100000":       "Europe/Berlin:20250707T090000 false",
		"RECURRENCE-ID;VALUE=DATE:20250707\nDTSTART;VALUE=DATE:soon":                                   "20250707 false",
		"RECURRENCE-ID;RANGE=ThisAndFuture:20250707T090000Z\nDTSTART:x":                                "20250707T090000Z true",
		"RECURRENCE-ID:20250707T090000Z\nRECURRENCE-ID;X=\"y:20250707T090000Z\nDTSTART:20250707T1000Z": "20250707T090000Z false",
		"RECURRENCE-ID:soon\nDTSTART:20250707":                                                         "none",
		"DTSTART:soon":                                                                                 "none",
	} {
		o := readObject(object(lines))
		if len(o.Events) != 0 || len(o.Errors) != 1 {
			t.Errorf("%q: %+v", lines, o)
			continue
		}
		got := "none"
		if e := o.Errors[0]; e.Instance != nil {
			got = fmt.Sprint(e.Instance, " ", e.Onward)
		}
		if got != want {
			t.Errorf("%q: %s, want %s", lines, got, want)
		}
	}
}
