package caldav

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"awayd/sync/absence"
)

// Bounds on a RECUR value; RFC 5545 has no use for more.
const (
	maxRule = 8 << 10 // bytes
	maxList = 400     // entries of one BY part: 366 days of a year fit
)

var weekdays = map[string]time.Weekday{
	"SU": time.Sunday, "MO": time.Monday, "TU": time.Tuesday, "WE": time.Wednesday,
	"TH": time.Thursday, "FR": time.Friday, "SA": time.Saturday,
}

var frequencies = []absence.Frequency{
	absence.Yearly, absence.Monthly, absence.Weekly, absence.Daily,
	absence.Hourly, absence.Minutely, absence.Secondly,
}

// parseRule reads a RECUR value (RFC 5545 §3.3.10), also as sloppy writers
// write it: in lower case, with blanks, a semicolon at the end or extensions.
func parseRule(value string) (absence.Rule, error) {
	r := absence.Rule{Interval: 1, WeekStart: time.Monday}
	if len(value) > maxRule {
		return r, fmt.Errorf("longer than %d KiB", maxRule>>10)
	}
	given := map[string]bool{}
	for part := range strings.SplitSeq(strings.ToUpper(value), ";") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, v, ok := strings.Cut(part, "=")
		name, v = strings.TrimSpace(name), strings.TrimSpace(v)
		if !ok || v == "" {
			return r, fmt.Errorf("%s has no value", shorten(name, 20))
		}
		if given[name] {
			return r, fmt.Errorf("%s twice", shorten(name, 20))
		}
		given[name] = true
		if err := setPart(&r, name, v); err != nil {
			return r, fmt.Errorf("%s: %w", shorten(name, 20), err)
		}
	}
	if r.Freq == "" {
		return r, errors.New("no FREQ")
	}
	return r, r.Check()
}

// setPart takes one part of a rule.
func setPart(r *absence.Rule, name, v string) (err error) {
	switch name {
	case "FREQ":
		r.Freq = absence.Frequency(v)
		if !slices.Contains(frequencies, r.Freq) {
			return errors.New("unknown frequency")
		}
	case "INTERVAL":
		r.Interval, err = parsePositive(v)
	case "COUNT":
		r.Count, err = parsePositive(v)
	case "UNTIL":
		var until absence.DateTime
		until, err = parseDateTime(v, "", nil)
		r.Until = &until
	case "WKST":
		day, ok := weekdays[v]
		if !ok {
			return errors.New("not a weekday")
		}
		r.WeekStart = day
	case "BYDAY":
		r.ByDay, err = parseDays(v)
	case "RSCALE": // RFC 7529
		if v != "GREGORIAN" {
			return errors.New("a calendar other than the Gregorian")
		}
	case "SKIP":
		if v != "OMIT" {
			return errors.New("only OMIT is understood")
		}
	default:
		return setNumbers(r, name, v)
	}
	return err
}

// setNumbers takes a part that is a list of numbers.
func setNumbers(r *absence.Rule, name, v string) error {
	list, ok := map[string]*[]int{
		"BYSECOND": &r.BySecond, "BYMINUTE": &r.ByMinute, "BYHOUR": &r.ByHour,
		"BYMONTHDAY": &r.ByMonthDay, "BYYEARDAY": &r.ByYearDay, "BYWEEKNO": &r.ByWeekNo,
		"BYMONTH": &r.ByMonth, "BYSETPOS": &r.BySetPos,
	}[name]
	if !ok {
		if strings.HasPrefix(name, "X-") {
			return nil
		}
		return errors.New("not a part of a recurrence rule")
	}
	entries, err := parseEntries(v, parseNumber)
	if name == "BYSECOND" {
		for i, n := range entries {
			if n == 60 { // as in a time, without leap seconds
				entries[i] = 59
			}
		}
	}
	slices.Sort(entries)
	*list = slices.Compact(entries)
	return err
}

// parseEntries reads a list.
func parseEntries[T any](v string, read func(string) (T, error)) ([]T, error) {
	fields := strings.Split(v, ",")
	if len(fields) > maxList {
		return nil, fmt.Errorf("more than %d entries", maxList)
	}
	list := make([]T, len(fields))
	for i, f := range fields {
		var err error
		if list[i], err = read(strings.TrimSpace(f)); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// parseNumber reads one entry of a list; the largest is 366.
func parseNumber(s string) (int, error) {
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 || len(digits) > 4 || !allDigits(digits) {
		return 0, fmt.Errorf("%q is not a number in range", shorten(s, 12))
	}
	return strconv.Atoi(s)
}

// parsePositive reads INTERVAL and COUNT.
func parsePositive(s string) (int, error) {
	if len(s) > 9 || !allDigits(s) || atoi(s) == 0 {
		return 0, errors.New("not a number in range")
	}
	return atoi(s), nil
}

// parseDays reads BYDAY.
func parseDays(v string) ([]absence.WeekdayNum, error) {
	days, err := parseEntries(v, func(s string) (absence.WeekdayNum, error) {
		if len(s) < 2 {
			return absence.WeekdayNum{}, fmt.Errorf("%q is not a weekday", shorten(s, 12))
		}
		ordinal, name := s[:len(s)-2], s[len(s)-2:]
		day, ok := weekdays[name]
		if !ok {
			return absence.WeekdayNum{}, fmt.Errorf("%q is not a weekday", shorten(s, 12))
		}
		d := absence.WeekdayNum{Day: day}
		if ordinal != "" {
			n, err := parseNumber(strings.TrimSpace(ordinal))
			if err != nil || n == 0 {
				return d, fmt.Errorf("%q is not a weekday", shorten(s, 12))
			}
			d.N = n
		}
		return d, nil
	})
	if err != nil {
		return nil, err
	}
	// The same day twice would be the same occurrence twice.
	var unique []absence.WeekdayNum
	for _, d := range days {
		if !slices.Contains(unique, d) {
			unique = append(unique, d)
		}
	}
	return unique, nil
}
