package absence

import (
	"slices"
	"time"
)

// tick expands the frequencies shorter than a day. Every interval it looks at
// costs a step, so a rule is bounded by the window and not by its own sense.
func (r recurrence) tick(from, to time.Time, b *budget, yield func(time.Time) bool) error {
	unit := map[Frequency]int64{Hourly: 3600, Minutely: 60, Secondly: 1}[r.rule.Freq]
	step := unit * int64(r.rule.Interval)
	first := floor(r.start.Unix(), unit)
	at := first + (from.Unix()-first)/step*step
	for end := to.Unix(); at <= end; {
		if !b.spend(costTick) {
			return errSteps
		}
		t := time.Unix(at, 0).UTC()
		if to := r.rule.miss(t); to > at {
			at += (to - at + step - 1) / step * step
			continue
		}
		for _, instance := range r.set(t) {
			if !b.spend(costYield) {
				return errSteps
			}
			if instance.After(to) || !yield(instance) {
				return nil
			}
		}
		at += step
	}
	return nil
}

// miss returns the time of the next day, hour, minute or second, whichever is
// the longest whose limits t does not meet; 0 if it meets them all.
func (r Rule) miss(t time.Time) int64 {
	at := t.Unix()
	switch {
	case !r.onDay(t):
		return floor(at, 86400) + 86400
	case !allows(r.ByHour, t.Hour()):
		return floor(at, 3600) + 3600
	case r.Freq != Hourly && !allows(r.ByMinute, t.Minute()):
		return floor(at, 60) + 60
	case r.Freq == Secondly && !allows(r.BySecond, t.Second()):
		return at + 1
	}
	return 0
}

// onDay reports whether the parts that limit days allow the day of t.
func (r Rule) onDay(t time.Time) bool {
	y, m, d := t.Date()
	if !allows(r.ByMonth, int(m)) {
		return false
	}
	last := time.Date(y, m+1, 0, 0, 0, 0, 0, time.UTC).Day()
	if len(r.ByMonthDay) > 0 && !allows(r.ByMonthDay, d) && !allows(r.ByMonthDay, d-last-1) {
		return false
	}
	length := time.Date(y, 12, 31, 0, 0, 0, 0, time.UTC).YearDay()
	if len(r.ByYearDay) > 0 && !allows(r.ByYearDay, t.YearDay()) && !allows(r.ByYearDay, t.YearDay()-length-1) {
		return false
	}
	return len(r.ByDay) == 0 || slices.Contains(r.ByDay, WeekdayNum{Day: t.Weekday()})
}

// set returns the instances of the interval that begins at t.
func (r recurrence) set(t time.Time) []time.Time {
	minutes, secs := []int{t.Minute()}, []int{t.Second()}
	if r.rule.Freq == Hourly {
		minutes = or(r.rule.ByMinute, r.start.Minute())
	}
	if r.rule.Freq != Secondly {
		secs = or(r.rule.BySecond, r.start.Second())
	}
	y, m, d := t.Date()
	all := make([]time.Time, 0, len(minutes)*len(secs))
	for _, minute := range minutes {
		for _, second := range secs {
			all = append(all, time.Date(y, m, d, t.Hour(), minute, second, 0, time.UTC))
		}
	}
	if len(r.rule.BySetPos) == 0 {
		return all
	}
	var chosen []time.Time
	for i, instance := range all {
		if allows(r.rule.BySetPos, i+1) || allows(r.rule.BySetPos, i-len(all)) {
			chosen = append(chosen, instance)
		}
	}
	return chosen
}

// allows reports whether a list limits nothing or holds v.
func allows(list []int, v int) bool { return len(list) == 0 || slices.Contains(list, v) }

func or(list []int, fallback int) []int {
	if len(list) == 0 {
		return []int{fallback}
	}
	return list
}

// floor rounds t down to a multiple of unit, before 1970 as well.
func floor(t, unit int64) int64 { return t - ((t%unit)+unit)%unit }
