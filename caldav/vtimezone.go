package caldav

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"awayd/sync/absence"
)

// Bounds on a VTIMEZONE. Zones that are written out in full have some hundred
// observances.
const (
	maxObservances = 400 // of one zone
	maxOnsets      = 4_000
	maxZoneCost    = 4_000 // onsets of all zones of one calendar
	costBarren     = 1_000 // of a rule that had to be followed for centuries in vain
)

// Onsets are computed for the years before the horizon. From there on, a zone
// whose last two rules can be written in POSIX's way follows them for ever, and
// any other stays as it is.
const (
	zoneReach   = 200
	zoneHorizon = 2100
)

// An observance is one STANDARD or DAYLIGHT (RFC 5545 §3.6.5).
type observance struct {
	from, to int // seconds east of UTC, before and after its onsets
	daylight bool
	series   absence.Event // of its onsets, in wall time with the offset from
}

// An onset is the moment at which an observance begins.
type onset struct {
	at int64 // Unix time
	*observance
}

// compileTimezone turns a VTIMEZONE into TZif. budget is what the calendar may
// still cost.
func compileTimezone(b *block, budget *int) ([]byte, error) {
	if b.fault != nil {
		return nil, b.fault.asError()
	}
	if len(b.parts) > maxObservances {
		return nil, fmt.Errorf("more than %d observances", maxObservances)
	}
	var all []*observance
	for i := range b.parts {
		o, err := readObservance(&b.parts[i])
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	if len(all) == 0 {
		return nil, errNoObservance
	}
	footer, horizon := posixRule(all)
	if horizon == 0 {
		horizon = zoneHorizon
	}
	onsets, err := onsetsOf(all, horizon, budget)
	if err != nil {
		return nil, err
	}
	if len(onsets) == 0 {
		return fixedTZif(all[0].to), nil
	}
	return writeTZif(onsets, footer)
}

// readObservance reads what a STANDARD or DAYLIGHT says. Its rule is expanded
// as that of an event would be, in naive wall time, for which UTC stands.
func readObservance(b *block) (*observance, error) {
	if b.fault != nil {
		return nil, b.fault.asError()
	}
	o := &observance{daylight: b.name == "DAYLIGHT"}
	number := b.number
	fail := func(name string, err error) (*observance, error) {
		return nil, fmt.Errorf("line %d: %s: %w", number, name, err)
	}
	var err error
	if o.from, err = parseOffset(b.first("TZOFFSETFROM")); err != nil {
		return fail("TZOFFSETFROM", err)
	}
	if o.to, err = parseOffset(b.first("TZOFFSETTO")); err != nil {
		return fail("TZOFFSETTO", err)
	}
	if o.series.Start, err = o.wall(b.first("DTSTART")); err != nil {
		return fail("DTSTART", err)
	}
	for _, l := range b.lines {
		number = l.number
		switch l.name {
		case "RRULE":
			if err := o.addRule(l.value); err != nil {
				return fail("RRULE", err)
			}
		case "RDATE":
			if o.series.RDates, err = o.walls(o.series.RDates, l.value); err != nil {
				return fail("RDATE", err)
			}
		case "EXDATE":
			if o.series.ExDates, err = o.walls(o.series.ExDates, l.value); err != nil {
				return fail("EXDATE", err)
			}
		}
	}
	return o, nil
}

// wall reads a time of the observance as naive wall time.
func (o *observance) wall(value string) (absence.DateTime, error) {
	d, err := parseDateTime(value, "", nil)
	if d.Zone == time.UTC && err == nil {
		d.Wall = d.Wall.Add(time.Duration(o.from) * time.Second)
	}
	d.Date, d.Zone = false, time.UTC
	return d, err
}

func (o *observance) walls(list []absence.DateTime, value string) ([]absence.DateTime, error) {
	for v := range splitDates(value) {
		if len(list) == maxOnsets {
			return nil, fmt.Errorf("more than %d values", maxOnsets)
		}
		d, err := o.wall(v)
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}

func (o *observance) addRule(value string) error {
	rule, err := parseRule(value)
	if err != nil {
		return err
	}
	if !onceAYear(rule) {
		return errors.New("a time zone changes on one day of a year")
	}
	if len(o.series.Rules) == 1 { // RFC 5545 §3.6.5 has one
		return errors.New("a second rule of one observance")
	}
	if u := rule.Until; u != nil && u.Zone == time.UTC { // RFC 5545 §3.3.10 asks for UTC here
		u.Wall = u.Wall.Add(time.Duration(o.from) * time.Second)
	} else if u != nil && !u.Date {
		u.Zone = time.UTC
	}
	o.series.Rules = append(o.series.Rules, rule)
	return nil
}

// onceAYear reports whether a rule names a day of the year in one of the ways
// that time zones need.
func onceAYear(r absence.Rule) bool {
	if r.Freq != absence.Yearly || len(r.ByMonth) > 1 || len(r.ByHour)+len(r.ByMinute)+len(r.BySecond)+len(r.ByYearDay)+len(r.ByWeekNo)+len(r.BySetPos) > 0 {
		return false
	}
	switch {
	case len(r.ByDay) == 0:
		return len(r.ByMonthDay) <= 1
	case len(r.ByDay) > 1:
		return false
	}
	return r.ByDay[0].N != 0 && len(r.ByMonthDay) == 0 || r.ByDay[0].N == 0 && len(r.ByMonthDay) > 0 && len(r.ByMonthDay) <= 7
}

// onsetsOf returns the onsets of all observances before the horizon, in order
// and one for each moment.
func onsetsOf(all []*observance, horizon int, budget *int) ([]onset, error) {
	lo := time.Date(max(horizon-zoneReach, 2), 1, 1, 0, 0, 0, 0, time.UTC)
	hi := time.Date(horizon, 1, 1, 0, 0, 0, 0, time.UTC)
	var onsets []onset
	for _, o := range all {
		if *budget < 0 {
			return nil, errors.New("the calendar explains too many time zones")
		}
		found, errs := absence.Expand(absence.Object{Events: []absence.Event{o.series}}, lo, hi, time.UTC)
		if len(errs) > 0 {
			return nil, errors.New(errs[0].Reason)
		}
		*budget -= len(found) + 1
		if len(found) < 2 && len(o.series.Rules) > 0 {
			*budget -= costBarren
		}
		for _, f := range found {
			onsets = append(onsets, onset{f.Start.Unix() - int64(o.from), o})
		}
		if len(onsets) > maxOnsets {
			return nil, fmt.Errorf("more than %d changes of the clock", maxOnsets)
		}
	}
	slices.SortStableFunc(onsets, func(a, b onset) int { return cmp.Compare(a.at, b.at) })
	return slices.CompactFunc(onsets, func(a, b onset) bool { return a.at == b.at }), nil
}

// posixRule returns how the zone goes on for ever, as POSIX writes it (RFC 9636
// §3.3.1), and the year from which that holds; 0 if it cannot be written so.
func posixRule(all []*observance) (string, int) {
	latest := 0
	var open []*observance
	for _, o := range all {
		latest = max(latest, o.series.Start.Wall.Year())
		for _, d := range o.series.RDates {
			latest = max(latest, d.Wall.Year())
		}
		for _, r := range o.series.Rules {
			switch {
			case r.Until != nil:
				latest = max(latest, r.Until.Wall.Year())
			case r.Count > 0 || len(o.series.ExDates) > 0:
				return "", 0
			default:
				open = append(open, o)
			}
		}
	}
	horizon := latest + 3
	if len(open) == 0 {
		return "", horizon
	}
	if len(open) != 2 || horizon > zoneHorizon {
		return "", 0
	}
	std, dst := open[0], open[1]
	if std.daylight {
		std, dst = dst, std
	}
	begin, ok1 := posixDate(dst)
	end, ok2 := posixDate(std)
	if !ok1 || !ok2 || std.to != dst.from || dst.to != std.from || std.to == dst.to {
		return "", 0
	}
	return posixOffset(std.to) + posixOffset(dst.to) + "," + begin + "," + end, horizon
}

// posixDate writes the rule of an observance, if it names a weekday of a month
// by its number or as the last one.
func posixDate(o *observance) (string, bool) {
	r := o.series.Rules[0]
	if r.Interval != 1 || len(r.ByMonth) != 1 || len(r.ByDay) != 1 || len(r.BySetPos)+len(r.ByYearDay)+len(r.ByWeekNo) > 0 {
		return "", false
	}
	// Package time takes the year of UTC for that of the rule, which differ at
	// the turn of a year.
	if r.ByMonth[0] == 1 || r.ByMonth[0] == 12 {
		return "", false
	}
	week := r.ByDay[0].N
	if week == 0 {
		week = weekOf(r.ByMonthDay)
	} else if len(r.ByMonthDay) > 0 {
		return "", false
	}
	if week == -1 {
		week = 5 // POSIX's last; RFC 5545's fifth does not exist in every month
	} else if week < 1 || week > 4 {
		return "", false
	}
	h, m, s := o.series.Start.Wall.Clock()
	return fmt.Sprintf("M%d.%d.%d/%d:%02d:%02d", r.ByMonth[0], week, r.ByDay[0].Day, h, m, s), true
}

// weekOf returns which week of a month seven days in a row are, 0 for none:
// BYDAY=SU;BYMONTHDAY=8,9,10,11,12,13,14 is the second Sunday.
func weekOf(days []int) int {
	if len(days) != 7 || days[6]-days[0] != 6 {
		return 0
	}
	switch first := days[0]; {
	case first == -7:
		return -1
	case first > 0 && first%7 == 1:
		return first/7 + 1
	}
	return 0
}
