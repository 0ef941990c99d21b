package absence

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Frequency is the FREQ of a recurrence rule.
type Frequency string

// The frequencies of RFC 5545 §3.3.10.
const (
	Yearly   Frequency = "YEARLY"
	Monthly  Frequency = "MONTHLY"
	Weekly   Frequency = "WEEKLY"
	Daily    Frequency = "DAILY"
	Hourly   Frequency = "HOURLY"
	Minutely Frequency = "MINUTELY"
	Secondly Frequency = "SECONDLY"
)

// A Rule is a RECUR value (RFC 5545 §3.3.10) whose parts are known to be in
// range: see [Rule.Check].
type Rule struct {
	Freq       Frequency    `json:"freq"`
	Interval   int          `json:"interval"`        // 1 when not given
	Count      int          `json:"count,omitempty"` // 0: unbounded
	Until      *DateTime    `json:"until,omitempty"` // inclusive
	WeekStart  time.Weekday `json:"wkst"`            // Monday when not given
	BySecond   []int        `json:"bysecond,omitempty"`
	ByMinute   []int        `json:"byminute,omitempty"`
	ByHour     []int        `json:"byhour,omitempty"`
	ByDay      []WeekdayNum `json:"byday,omitempty"`
	ByMonthDay []int        `json:"bymonthday,omitempty"`
	ByYearDay  []int        `json:"byyearday,omitempty"`
	ByWeekNo   []int        `json:"byweekno,omitempty"`
	ByMonth    []int        `json:"bymonth,omitempty"`
	BySetPos   []int        `json:"bysetpos,omitempty"`
}

// A WeekdayNum is one weekday of BYDAY, with its ordinal if it has one (-1FR
// is the last Friday).
type WeekdayNum struct {
	N   int          `json:"n,omitempty"` // 0: every such day
	Day time.Weekday `json:"day"`
}

// Bounds that RFC 5545 does not set. They are far beyond what people write and
// near enough that no rule can exhaust the process.
const (
	maxList        = 400         // entries in one BYxxx part
	maxInterval    = 100_000_000 // three years of seconds
	maxPerInterval = 1 << 17     // instances that one interval may produce
)

// Check reports the first part of r that is out of its range or stands where
// RFC 5545 §3.3.10 forbids it. What passes is safe to expand.
func (r Rule) Check() error {
	if !r.Freq.known() {
		return r.fault("FREQ=%.20s is unknown", r.Freq)
	}
	if r.Interval < 1 || r.Interval > maxInterval {
		return r.fault("INTERVAL=%d is not between 1 and %d", r.Interval, maxInterval)
	}
	if r.Count < 0 {
		return r.fault("COUNT=%d is negative", r.Count)
	}
	if r.Until != nil && !civil(r.Until.Wall) {
		return r.fault("UNTIL is outside of the years 1 to 9999")
	}
	if !weekday(r.WeekStart) {
		return r.fault("WKST is no weekday")
	}
	if err := r.checkLists(); err != nil {
		return err
	}
	if err := r.checkDays(); err != nil {
		return err
	}
	if r.perInterval() > maxPerInterval {
		return r.fault("it names more than %d times in one interval", maxPerInterval)
	}
	return nil
}

func (r Rule) checkLists() error {
	for _, l := range []struct {
		part   string
		values []int
		lo, hi int
		signed bool
	}{
		{"BYSECOND", r.BySecond, 0, 60, false},
		{"BYMINUTE", r.ByMinute, 0, 59, false},
		{"BYHOUR", r.ByHour, 0, 23, false},
		{"BYMONTHDAY", r.ByMonthDay, 1, 31, true},
		{"BYYEARDAY", r.ByYearDay, 1, 366, true},
		{"BYWEEKNO", r.ByWeekNo, 1, 53, true},
		{"BYMONTH", r.ByMonth, 1, 12, false},
		{"BYSETPOS", r.BySetPos, 1, 366, true},
	} {
		if len(l.values) > maxList {
			return r.fault("%s has more than %d entries", l.part, maxList)
		}
		for _, v := range l.values {
			abs := v
			if l.signed && v < 0 {
				abs = -v
			}
			if abs < l.lo || abs > l.hi {
				return r.fault("%s=%d is out of range", l.part, v)
			}
		}
	}
	return nil
}

// checkDays holds the combinations that the table of RFC 5545 §3.3.10 forbids,
// and the ordinals.
func (r Rule) checkDays() error {
	switch {
	case len(r.ByWeekNo) > 0 && r.Freq != Yearly:
		return r.fault("BYWEEKNO needs FREQ=YEARLY")
	case len(r.ByYearDay) > 0 && (r.Freq == Daily || r.Freq == Weekly || r.Freq == Monthly):
		return r.fault("BYYEARDAY does not go with FREQ=%s", r.Freq)
	case len(r.ByMonthDay) > 0 && r.Freq == Weekly:
		return r.fault("BYMONTHDAY does not go with FREQ=WEEKLY")
	case len(r.ByDay) > maxList:
		return r.fault("BYDAY has more than %d entries", maxList)
	}
	limit := 0 // of the ordinals: weeks of a month or of a year
	switch {
	case r.Freq == Monthly, r.Freq == Yearly && len(r.ByMonth) > 0:
		limit = 5
	case r.Freq == Yearly && len(r.ByWeekNo) == 0:
		limit = 53
	}
	for _, d := range r.ByDay {
		if !weekday(d.Day) {
			return r.fault("BYDAY names no weekday")
		}
		if d.N > limit || d.N < -limit {
			return r.fault("BYDAY=%s has an ordinal that cannot occur here", d)
		}
	}
	return nil
}

// perInterval is an upper bound of the instances in one interval of r.
func (r Rule) perInterval() int {
	times := max(1, len(compact(r.ByMinute))) * max(1, len(compact(r.BySecond)))
	switch r.Freq {
	case Yearly:
		times *= 366 * max(1, len(compact(r.ByHour)))
	case Monthly:
		times *= 31 * max(1, len(compact(r.ByHour)))
	case Weekly:
		times *= 7 * max(1, len(compact(r.ByHour)))
	}
	return times
}

func (f Frequency) known() bool {
	switch f {
	case Yearly, Monthly, Weekly, Daily, Hourly, Minutely, Secondly:
		return true
	}
	return false
}

// subDaily reports whether several intervals may fall on one day.
func (f Frequency) subDaily() bool { return f == Hourly || f == Minutely || f == Secondly }

func (r Rule) fault(format string, args ...any) error {
	return fmt.Errorf("RRULE %s: %s", clip(r.String(), 100), fmt.Sprintf(format, args...))
}

// String is the rule as RFC 5545 §3.3.10 writes it.
func (r Rule) String() string {
	var b strings.Builder
	b.WriteString("FREQ=" + string(r.Freq))
	if r.Interval != 1 {
		b.WriteString(";INTERVAL=" + strconv.Itoa(r.Interval))
	}
	if r.Count != 0 {
		b.WriteString(";COUNT=" + strconv.Itoa(r.Count))
	}
	if r.Until != nil {
		b.WriteString(";UNTIL=" + r.Until.String())
	}
	list := func(part string, values []int) {
		sep := ";" + part + "="
		for _, v := range values {
			b.WriteString(sep + strconv.Itoa(v))
			sep = ","
		}
	}
	list("BYMONTH", r.ByMonth)
	list("BYWEEKNO", r.ByWeekNo)
	list("BYYEARDAY", r.ByYearDay)
	list("BYMONTHDAY", r.ByMonthDay)
	sep := ";BYDAY="
	for _, d := range r.ByDay {
		b.WriteString(sep + d.String())
		sep = ","
	}
	list("BYHOUR", r.ByHour)
	list("BYMINUTE", r.ByMinute)
	list("BYSECOND", r.BySecond)
	list("BYSETPOS", r.BySetPos)
	if r.WeekStart != time.Monday {
		b.WriteString(";WKST=" + WeekdayNum{Day: r.WeekStart}.String())
	}
	return b.String()
}

// String is the weekday as BYDAY writes it.
func (d WeekdayNum) String() string {
	name := "?"
	if weekday(d.Day) {
		name = strings.ToUpper(d.Day.String()[:2])
	}
	if d.N == 0 {
		return name
	}
	return strconv.Itoa(d.N) + name
}

func weekday(d time.Weekday) bool { return d >= time.Sunday && d <= time.Saturday }

// civil reports whether a wall time can be written in RFC 5545 §3.3.5.
func civil(wall time.Time) bool { return wall.Year() >= 1 && wall.Year() <= 9999 && !wall.IsZero() }

// compact returns the distinct values in order.
func compact(values []int) []int {
	if len(values) < 2 {
		return values
	}
	values = slices.Clone(values)
	slices.Sort(values)
	return slices.Compact(values)
}

// clip shortens s to at most n bytes, at the start of a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
