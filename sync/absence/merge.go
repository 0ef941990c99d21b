package absence

import "time"

// A week is when a person works, in their zone.
type week struct {
	zone       *time.Location
	days       [7]bool
	start, end time.Duration      // since midnight, end after start
	holidays   map[time.Time]bool // civil days on which nobody works
}

func newWeek(s Settings) week {
	w := week{zone: s.Zone, days: s.WorkDays, start: time.Duration(s.WorkStart) * time.Minute, end: time.Duration(s.WorkEnd) * time.Minute}
	if w.end <= w.start {
		w.end += 24 * time.Hour // a night shift belongs to the day on which it starts
	}
	const midnight = 24 * time.Hour
	if w.start < 0 || w.start >= midnight || w.end <= w.start || w.end > 2*midnight {
		w.days = [7]bool{} // no hours that can be worked
	}
	return w
}

// hours returns the working time of the civil day that lies days after that
// of t.
func (w week) hours(t time.Time, days int) (from, to time.Time, ok bool) {
	d := DateTime{Wall: day(wall(t, w.zone))}.AddDays(days)
	if !w.days[d.Wall.Weekday()] || w.holidays[d.Wall] {
		return from, to, false
	}
	from = DateTime{Wall: d.Wall.Add(w.start)}.In(w.zone)
	to = DateTime{Wall: d.Wall.Add(w.end)}.In(w.zone)
	exists := day(wall(from, w.zone)).Equal(d.Wall) // unlike 30 December 2011 in Apia
	return from, to, exists && to.After(from)
}

// maxRest bounds the days in a row without work that are still told as a gap
// between two absences: a week and every holiday that can lengthen it.
const maxRest = 40

// next returns the first working moment at or after t, if there is one soon.
func (w week) next(t time.Time) (time.Time, bool) {
	if w.days == [7]bool{} {
		return time.Time{}, false
	}
	for n := -1; n <= maxRest; n++ {
		from, to, ok := w.hours(t, n)
		switch {
		case !ok || !to.After(t):
		case from.After(t):
			return from.In(w.zone), true
		default:
			return t, true
		}
	}
	return time.Time{}, false
}

// free reports whether there is no working time in [from, to). To somebody
// without working hours every gap is a real one.
func (w week) free(from, to time.Time) bool {
	next, ok := w.next(from)
	return ok && !next.Before(to)
}

// reaches reports whether an absence that ends at a, or later, may belong to
// the period of one that starts at b.
func (w week) reaches(a, b time.Time) bool { return !b.After(a) || w.free(a, b) }

// why says what a gap of non-working time is, by what makes it one: a holiday on
// a day of work before a weekend, and either before a night.
func (w week) why(from, to time.Time) string {
	why := "night"
	for d := day(wall(from, w.zone)); (DateTime{Wall: d, Date: true}).In(w.zone).Before(to); d = d.AddDate(0, 0, 1) {
		switch {
		case w.days[d.Weekday()] && w.holidays[d]:
			return "holiday"
		case !w.days[d.Weekday()]:
			why = "weekend"
		}
	}
	return why
}

// merge joins absences, which are in order, into periods.
func merge(absences []Absence, w week, bridge bool) []Period {
	var periods []Period
	for _, a := range absences {
		if n := len(periods); n > 0 {
			p := &periods[n-1]
			gap := a.Start.After(p.End)
			if !gap || bridge && w.free(p.End, a.Start) {
				if gap {
					p.Joins = append(p.Joins, Join{From: p.End, To: a.Start, Why: w.why(p.End, a.Start)})
				}
				p.Absences = append(p.Absences, a)
				if a.End.After(p.End) {
					p.End = a.End
				}
				continue
			}
		}
		periods = append(periods, Period{Start: a.Start, End: a.End, Absences: []Absence{a}})
	}
	return periods
}
