package caldav

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"awayd/sync/absence"
)

var errDateTime = errors.New("neither a date nor a date with time")

// parseDateTime reads a DATE or DATE-TIME (RFC 5545 §3.3.4, §3.3.5). Which of
// them it is, the value itself tells: writers forget VALUE=DATE. Only a value
// with a midnight that VALUE calls a DATE is one against its form.
func parseDateTime(value, valueType string, zone func() (*time.Location, error)) (absence.DateTime, error) {
	v := strings.ToUpper(strings.TrimSpace(value))
	day, clock, timed := strings.Cut(v, "T")
	wall, err := parseDay(day)
	if err != nil {
		return absence.DateTime{}, err
	}
	clock, utc := strings.CutSuffix(clock, "Z")
	if timed && strings.EqualFold(valueType, "DATE") && strings.Trim(clock, "0") == "" {
		timed = false
	}
	if !timed {
		return absence.DateTime{Wall: wall, Date: true}, nil
	}
	since, err := parseClock(clock)
	if err != nil {
		return absence.DateTime{}, err
	}
	d := absence.DateTime{Wall: wall.Add(since)}
	if utc {
		d.Zone = time.UTC
		return d, nil
	}
	if zone != nil {
		d.Zone, err = zone()
	}
	return d, err
}

// parsePeriod reads what follows the start of a PERIOD (RFC 5545 §3.3.9).
func parsePeriod(start absence.DateTime, rest string, zone func() (*time.Location, error)) (absence.Span, error) {
	s := absence.Span{Start: start}
	if strings.ContainsAny(rest, "Pp") {
		d, err := parseDuration(rest)
		s.Duration = &d
		return s, err
	}
	end, err := parseDateTime(rest, "", zone)
	if err == nil && end.Date != start.Date {
		err = errors.New("a date where the start has a time, or the reverse")
	}
	s.End = &end
	return s, err
}

// splitDates yields the entries of a list; some programs leave one empty.
func splitDates(value string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for v := range strings.SplitSeq(value, ",") {
			if v = strings.TrimSpace(v); v != "" && !yield(v) {
				return
			}
		}
	}
}

func parseDay(s string) (time.Time, error) {
	if len(s) != 8 || !allDigits(s) {
		return time.Time{}, errDateTime
	}
	y, m, d := atoi(s[:4]), atoi(s[4:6]), atoi(s[6:])
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	// What is no day of the month, time.Date carries over into another.
	if y < 1 || int(t.Month()) != m || t.Day() != d {
		return time.Time{}, errDateTime
	}
	return t, nil
}

func parseClock(s string) (time.Duration, error) {
	if len(s) == 4 {
		s += "00"
	}
	if len(s) != 6 || !allDigits(s) {
		return 0, errDateTime
	}
	h, m, sec := atoi(s[:2]), atoi(s[2:4]), atoi(s[4:])
	if sec == 60 {
		sec = 59 // RFC 5545 §3.3.12: without leap seconds, 60 is 59
	}
	if h > 23 || m > 59 || sec > 59 {
		return 0, errDateTime
	}
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(sec)*time.Second, nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// atoi reads what is known to be a few digits.
func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// maxDuration bounds an event; 100 years is for ever.
const maxDuration = 36_525 // days

var errDuration = errors.New("not a duration")

// parseDuration reads a DURATION (RFC 5545 §3.3.6) that is not negative.
func parseDuration(value string) (absence.Duration, error) {
	s := strings.ToUpper(strings.TrimSpace(value))
	s = strings.TrimPrefix(s, "+")
	if strings.HasPrefix(s, "-") {
		return absence.Duration{}, errors.New("a negative duration")
	}
	s, ok := strings.CutPrefix(s, "P")
	if !ok || s == "" {
		return absence.Duration{}, errDuration
	}
	date, clock, _ := strings.Cut(s, "T")
	days, err := parseUnits(date, "WD", []int64{7, 1})
	if err != nil {
		return absence.Duration{}, err
	}
	seconds, err := parseUnits(clock, "HMS", []int64{3600, 60, 1})
	if err != nil {
		return absence.Duration{}, err
	}
	if date == "" && clock == "" {
		return absence.Duration{}, errDuration
	}
	if days > maxDuration || seconds > maxDuration*24*3600 {
		return absence.Duration{}, errors.New("longer than 100 years")
	}
	return absence.Duration{Days: int(days), Exact: time.Duration(seconds) * time.Second}, nil
}

// parseUnits sums numbers with unit letters, each of which may occur once and
// in this order.
func parseUnits(s, units string, factor []int64) (int64, error) {
	var sum int64
	for s != "" {
		i := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
		if i <= 0 || i > 12 {
			return 0, errDuration
		}
		u := strings.IndexByte(units, s[i])
		if u < 0 {
			return 0, errDuration
		}
		n, err := strconv.ParseInt(s[:i], 10, 64)
		if err != nil || n > math.MaxInt64/int64(1e7) {
			return 0, errDuration
		}
		sum += n * factor[u]
		s, units, factor = s[i+1:], units[u+1:], factor[u+1:]
	}
	return sum, nil
}

// unescape reads a TEXT value (RFC 5545 §3.3.11). Commas and semicolons that
// nobody escaped are part of it, and so is a backslash that escapes nothing.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return strings.TrimSpace(s)
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '\\' || i+1 == len(s) {
			b.WriteByte(c)
			continue
		}
		switch next := s[i+1]; next {
		case 'n', 'N':
			b.WriteByte('\n')
		case '\\', ';', ',', ':', '"':
			b.WriteByte(next)
		default:
			b.WriteByte(c)
			continue
		}
		i++
	}
	return strings.TrimSpace(b.String())
}

// splitList splits a list of TEXT at the commas that are not escaped and reads
// its entries.
func splitList(s string) []string {
	var list []string
	add := func(entry string) {
		if entry = unescape(entry); entry != "" {
			list = append(list, entry)
		}
	}
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ',':
			add(s[start:i])
			start = i + 1
		}
	}
	add(s[start:])
	return list
}

// inWords is err for an ObjectError: it says which property and shows a short
// value.
func inWords(property, value string, err error) string {
	return fmt.Sprintf("%s %q: %v", property, shorten(value, 60), err)
}

// shorten returns at most limit bytes of a stranger's text, for a message.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return cleanLine(s)
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return cleanLine(s[:limit]) + "…"
}
