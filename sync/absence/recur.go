package absence

import (
	"errors"
	"slices"
	"time"

	"github.com/teambition/rrule-go"
)

// A recurrence is one rule of one series, in naive wall time: every
// time.Time here holds civil fields and has the location UTC. Instances get
// their zone afterwards, so that a series keeps its wall time across a change
// of the clock.
type recurrence struct {
	rule  Rule
	start time.Time // DTSTART
	last  time.Time // inclusive: UNTIL; zero for none
}

// newRecurrence prepares a checked rule: its lists sorted and without
// repetitions, a leap second read as the one before it (RFC 5545 §3.3.12), and
// for a DATE without the parts that RFC 5545 §3.3.10 ignores there.
func newRecurrence(rule Rule, start DateTime, last time.Time) recurrence {
	seconds := slices.Clone(rule.BySecond)
	for i, s := range seconds {
		seconds[i] = min(s, 59)
	}
	rule.BySecond = compact(seconds)
	rule.ByMinute, rule.ByHour = compact(rule.ByMinute), compact(rule.ByHour)
	if start.Date {
		rule.BySecond, rule.ByMinute, rule.ByHour = nil, nil, nil
	}
	rule.ByMonthDay, rule.ByYearDay = compact(rule.ByMonthDay), compact(rule.ByYearDay)
	rule.ByWeekNo, rule.ByMonth = compact(rule.ByWeekNo), compact(rule.ByMonth)
	rule.BySetPos = compact(rule.BySetPos)
	return recurrence{rule: rule, start: start.Wall, last: last}
}

// errSteps says that a rule needs more work than any honest one.
var errSteps = errors.New("it takes too many steps to expand")

// A budget bounds the work that one object may cost, in what was a nanosecond
// on the machine where it was measured.
type budget struct{ left int }

const (
	maxCost   = 17_000_000
	costYield = 250 // one instance
	costTick  = 200 // one interval of a frequency shorter than a day
	costValue = 500 // one value of EXDATE or RDATE, one changed instance
	costPlace = 800 // one instance given its place in time
)

// lengths are the days that an interval has at least.
var lengths = map[Frequency]int64{Daily: 1, Weekly: 7, Monthly: 30, Yearly: 365}

// costInterval is what rrule-go needs for one interval that yields nothing.
var costInterval = map[Frequency]int{Daily: 100, Weekly: 400, Monthly: 800, Yearly: 4_000}

func (b *budget) spend(cost int) bool {
	b.left -= cost
	return b.left >= 0
}

// between calls yield with the instances of r within [from, to], in order,
// until it returns false. DTSTART itself counts towards COUNT whether the rule
// produces it or not (RFC 5545 §3.8.5.3), but only the rule's own instances are
// yielded.
func (r recurrence) between(from, to time.Time, b *budget, yield func(time.Time) bool) error {
	if !r.last.IsZero() && r.last.Before(to) {
		to = r.last
	}
	if to.Before(r.start) || to.Before(from) {
		return nil
	}
	if !b.spend(0) {
		return r.rule.fault("%v", errSteps)
	}
	// COUNT is counted from the first instance; nothing else hinders skipping
	// what lies before the window.
	if r.rule.Count > 0 || from.Before(r.start) {
		from, yield = r.start, after(from, yield)
	}
	count := 1
	each := func(t time.Time) bool {
		if t.Before(r.start) {
			return true
		}
		if r.rule.Count > 0 && !t.Equal(r.start) {
			if count++; count > r.rule.Count {
				return false
			}
		}
		return yield(t)
	}
	var err error
	if r.rule.Freq.subDaily() {
		err = r.tick(from, to, b, each)
	} else {
		err = r.walk(from, to, b, each)
	}
	if err != nil {
		return r.rule.fault("%v", err)
	}
	return nil
}

// after is yield without what lies before from.
func after(from time.Time, yield func(time.Time) bool) func(time.Time) bool {
	return func(t time.Time) bool { return t.Before(from) || yield(t) }
}

// walk expands daily and longer frequencies with rrule-go, which must be given
// nothing that [Rule.Check] has not seen.
//
// rrule-go looks for an instance until the year 9999 and cannot be stopped on
// its way. The Gregorian calendar repeats itself every 400 years to the
// weekday, so the rule is expanded in the last such cycle: one that produces
// nothing then ends within 400 years' worth of steps.
func (r recurrence) walk(from, to time.Time, b *budget, yield func(time.Time) bool) error {
	anchor := r.anchor(from)
	shift := max(0, (9999-to.Year())/400*400)
	option := r.option()
	option.Dtstart = anchor.AddDate(shift, 0, 0)
	option.Until = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	rule, err := rrule.NewRRule(option)
	if err != nil {
		return err
	}
	back := int64(shift/400) * days400 * 86400
	cost, interval := costInterval[r.rule.Freq], lengths[r.rule.Freq]*int64(r.rule.Interval)*86400
	next := rule.Iterator()
	for last := option.Dtstart; ; {
		t, ok := next()
		if !ok {
			t = option.Until // so far it looked
		}
		if !b.spend(costYield + intervals(last, t, interval)*cost) {
			return errSteps
		}
		if !ok {
			return nil
		}
		last = t
		t = time.Unix(t.Unix()-back, 0).UTC()
		if t.After(to) || !yield(t) {
			return nil
		}
	}
}

// days400 are the days of 400 years.
const days400 = 400*365 + 97

// intervals is how many intervals, each of so many seconds, there are between
// two instances without any.
func intervals(a, b time.Time, seconds int64) int {
	return max(0, int((b.Unix()-a.Unix())/seconds)-1)
}

// anchor returns the beginning of the last interval of the series that begins
// at or before from. Starting there, BYSETPOS sees whole intervals.
func (r recurrence) anchor(from time.Time) time.Time {
	y, m, d := r.start.Date()
	n := r.rule.Interval
	switch r.rule.Freq {
	case Yearly:
		skip := (from.Year() - y) / n * n
		return time.Date(y+skip, 1, 1, 0, 0, 0, 0, time.UTC)
	case Monthly:
		months := (from.Year()-y)*12 + int(from.Month()-m)
		return time.Date(y, m+time.Month(months/n*n), 1, 0, 0, 0, 0, time.UTC)
	}
	begin := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	if r.rule.Freq == Weekly {
		begin = begin.AddDate(0, 0, -int(7+begin.Weekday()-r.rule.WeekStart)%7)
		n *= 7
	}
	days := int((from.Unix() - begin.Unix()) / 86400)
	return begin.AddDate(0, 0, days/n*n)
}

// option is the rule with everything that DTSTART contributes written out,
// because the anchor takes DTSTART's place.
func (r recurrence) option() rrule.ROption {
	rule := r.implied()
	o := rrule.ROption{
		Interval:   rule.Interval,
		Wkst:       rruleDay(WeekdayNum{Day: rule.WeekStart}),
		Bysetpos:   rule.BySetPos,
		Bymonth:    rule.ByMonth,
		Bymonthday: rule.ByMonthDay,
		Byyearday:  rule.ByYearDay,
		Byweekno:   rule.ByWeekNo,
		Byhour:     rule.ByHour,
		Byminute:   rule.ByMinute,
		Bysecond:   rule.BySecond,
	}
	switch rule.Freq {
	case Yearly:
		o.Freq = rrule.YEARLY
	case Monthly:
		o.Freq = rrule.MONTHLY
	case Weekly:
		o.Freq = rrule.WEEKLY
	default:
		o.Freq = rrule.DAILY
	}
	for _, d := range rule.spelledDays() {
		o.Byweekday = append(o.Byweekday, rruleDay(d))
	}
	return o
}

// implied fills in what RFC 5545 §3.3.10 takes from DTSTART where the rule does
// not say it.
func (r recurrence) implied() Rule {
	rule, at := r.rule, r.start
	if len(rule.ByHour) == 0 {
		rule.ByHour = []int{at.Hour()}
	}
	if len(rule.ByMinute) == 0 {
		rule.ByMinute = []int{at.Minute()}
	}
	if len(rule.BySecond) == 0 {
		rule.BySecond = []int{at.Second()}
	}
	if len(rule.ByDay) > 0 || len(rule.ByYearDay) > 0 {
		return rule
	}
	switch {
	case rule.Freq == Yearly && len(rule.ByWeekNo) > 0 && len(rule.ByMonthDay) == 0, rule.Freq == Weekly:
		rule.ByDay = []WeekdayNum{{Day: at.Weekday()}}
	case rule.Freq == Yearly && len(rule.ByWeekNo) == 0:
		if len(rule.ByMonth) == 0 {
			rule.ByMonth = []int{int(at.Month())}
		}
		fallthrough
	case rule.Freq == Monthly:
		if len(rule.ByMonthDay) == 0 {
			rule.ByMonthDay = []int{at.Day()}
		}
	}
	return rule
}

// spelledDays is BYDAY without the mixture of days with and without ordinals,
// of which rrule-go would make the intersection.
func (r Rule) spelledDays() []WeekdayNum {
	ordinal := func(d WeekdayNum) bool { return d.N != 0 }
	if !slices.ContainsFunc(r.ByDay, ordinal) {
		return r.ByDay
	}
	weeks := 53
	if r.Freq == Monthly || len(r.ByMonth) > 0 {
		weeks = 5
	}
	var days []WeekdayNum
	for _, d := range r.ByDay {
		if ordinal(d) {
			days = append(days, d)
			continue
		}
		for n := 1; n <= weeks; n++ {
			days = append(days, WeekdayNum{N: n, Day: d.Day})
		}
	}
	return days
}

func rruleDay(d WeekdayNum) rrule.Weekday {
	day := [...]rrule.Weekday{rrule.SU, rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA}[d.Day]
	return day.Nth(d.N)
}
