package absence

import (
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

// at reads a value as RFC 5545 writes it, with a zone's name in front.
func at(s string) DateTime {
	var d DateTime
	if err := d.UnmarshalText([]byte(s)); err != nil {
		panic(err)
	}
	return d
}

func ref(s string) *DateTime {
	if s == "" {
		return nil
	}
	d := at(s)
	return &d
}

func ats(list ...string) []DateTime {
	var all []DateTime
	for _, s := range list {
		all = append(all, at(s))
	}
	return all
}

func in(zone string) *time.Location {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		panic(err)
	}
	return loc
}

// recur reads a RECUR value. What it cannot read is a mistake in a test.
func recur(s string) Rule {
	r := Rule{Interval: 1, WeekStart: time.Monday}
	for _, part := range strings.Split(s, ";") {
		key, value, _ := strings.Cut(part, "=")
		var list []int
		for _, v := range strings.Split(value, ",") {
			if n, err := strconv.Atoi(v); err == nil {
				list = append(list, n)
			}
		}
		switch key {
		case "FREQ":
			r.Freq = Frequency(value)
		case "INTERVAL":
			r.Interval = list[0]
		case "COUNT":
			r.Count = list[0]
		case "UNTIL":
			r.Until = ref(value)
		case "WKST":
			r.WeekStart = byday(value).Day
		case "BYDAY":
			for _, v := range strings.Split(value, ",") {
				r.ByDay = append(r.ByDay, byday(v))
			}
		default:
			*map[string]*[]int{
				"BYSECOND": &r.BySecond, "BYMINUTE": &r.ByMinute, "BYHOUR": &r.ByHour, "BYMONTHDAY": &r.ByMonthDay,
				"BYYEARDAY": &r.ByYearDay, "BYWEEKNO": &r.ByWeekNo, "BYMONTH": &r.ByMonth, "BYSETPOS": &r.BySetPos,
			}[key] = list
		}
	}
	return r
}

func byday(s string) WeekdayNum {
	n, _ := strconv.Atoi(s[:len(s)-2])
	return WeekdayNum{N: n, Day: time.Weekday(strings.Index("SUMOTUWETHFRSA", s[len(s)-2:]) / 2)}
}

// moment reads RFC 3339 or a date, which is midnight in zone.
func moment(t *testing.T, s string, zone *time.Location) time.Time {
	t.Helper()
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", time.DateOnly} {
		if m, err := time.ParseInLocation(layout, s, zone); err == nil {
			return m
		}
	}
	t.Fatalf("no moment: %q", s)
	return time.Time{}
}

// shown are occurrences as "start/end" with their offsets.
func shown(occurrences []Occurrence) []string {
	var list []string
	for _, o := range occurrences {
		list = append(list, o.Start.Format("2006-01-02T15:04Z07")+"/"+o.End.Format("2006-01-02T15:04Z07"))
	}
	return list
}
