package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"awayd/cmd/awayd/control"
)

// The page that preview shows to people: when they are away and why, what will
// happen, and what was ignored. Its times are those of one zone, which the first
// line names.

// maxListed bounds the events of a group, and the errors, that are listed; the others are counted.
const maxListed = 5

func (p *page) preview(v control.Preview) {
	p.hang("", fmt.Sprintf("%s to %s, times in %s. Nothing is published.", at(v.From), at(v.To), v.Zone))
	p.unreadable(v.Errors)
	p.periods(v)
	p.actions(v)
	p.ignored(v.Ignored)
}

// unreadable comes first: an absence may be missing from the rest.
func (p *page) unreadable(list []control.PreviewError) {
	if len(list) == 0 {
		return
	}
	p.printf("\n%s\n", p.style(red, "Not readable"))
	for i, e := range list {
		if i == maxListed && len(list) > maxListed+1 {
			p.hang("  ", "and "+count(len(list)-i, "more event"))
			break
		}
		p.hang("  ", e.Source+": "+e.Error)
	}
	p.hang("  Try: ", "correct or delete it with a calendar program; everything else counts")
}

func (p *page) periods(v control.Preview) {
	p.printf("\n%s\n", p.style(green, "Away"))
	if len(v.Periods) == 0 {
		p.hang("  ", "never: no event in these calendars is an absence")
		return
	}
	for i, x := range v.Periods {
		if i > 0 {
			p.printf("\n")
		}
		p.hang(fmt.Sprintf("  %d. ", i+1), strings.Join([]string{during(x.Start, x.End, false), long(x.Start, x.End)}, ", ")+p.ahead(x))
		for line := range strings.SplitSeq(x.Message, "\n") {
			p.hangIn(dim, "     > ", line)
		}
		for _, line := range story(x, v.Absences) {
			p.hang("     ", line)
		}
	}
}

// ahead is how far a period is, unless it is over.
func (p *page) ahead(x control.PreviewPeriod) string {
	switch {
	case p.now.Before(x.Start):
		return " (" + relative(x.Start, p.now) + ")"
	case p.now.Before(x.End):
		return " (now)"
	}
	return ""
}

// story is what a period is made of, in order of time: absences, and the gaps
// that it bridges.
func story(p control.PreviewPeriod, absences []control.PreviewAbsence) []string {
	type item struct {
		at   time.Time
		text string
	}
	var items []item
	for _, x := range absences {
		if x.Start.Before(p.Start) || x.End.After(p.End) {
			continue
		}
		items = append(items, item{x.Start, fmt.Sprintf("%s  %s%s: %s", during(x.Start, x.End, x.AllDay), title(x.Summary), in(x.Calendar), becauseOf(x.Matched))})
	}
	if n := len(p.Absences) - len(items); n > 0 {
		items = append(items, item{p.Start, fmt.Sprintf("and %s outside of these dates", count(n, "absence"))})
	}
	for _, j := range p.Joins {
		items = append(items, item{j.From, fmt.Sprintf("%s  joined over the %s", during(j.From, j.To, false), j.Why)})
	}
	slices.SortStableFunc(items, func(a, b item) int { return a.at.Compare(b.at) })
	lines := make([]string, len(items))
	for i, x := range items {
		lines[i] = x.text
	}
	return lines
}

func (p *page) actions(v control.Preview) {
	if len(v.Actions) == 0 {
		return
	}
	p.printf("\n%s\n", p.style(green, "What will happen"))
	name := func(x control.PreviewAction) string {
		if x.Period < 0 {
			return x.Action // of what is on the node, and no longer in the calendars
		}
		return fmt.Sprintf("%s %d", x.Action, x.Period+1)
	}
	width := widest(v.Actions, maxColumn, name)
	p.hangIn(dim, "  ", fill("WHEN", len("Mon 2006-01-02 15:04"))+"  "+fill("WHAT", width)+"  WHY")
	for _, x := range v.Actions {
		p.hang("  "+minute(x.At)+"  "+fill(name(x), width)+"  ", x.Reason)
	}
}

// A group is what was ignored for the same reason.
type group struct {
	reason, detail string
	events         []event
}

// An event is one event of a group, with the first of its occurrences.
type event struct {
	control.PreviewIgnored
	times int
}

// grouped puts together what has one reason, and the occurrences of one event.
// What is plainly no absence comes last.
func grouped(list []control.PreviewIgnored) []group {
	type key struct{ reason, detail string }
	type name struct {
		group                  key
		uid, summary, calendar string
	}
	var groups []group
	index := make(map[key]int)
	known := make(map[name]int)
	for _, x := range list {
		k := key{x.Reason, x.Detail}
		g, ok := index[k]
		if !ok {
			g = len(groups)
			index[k] = g
			groups = append(groups, group{reason: x.Reason, detail: x.Detail})
		}
		n := name{k, x.UID, x.Summary, x.Calendar}
		e, ok := known[n]
		if !ok {
			e = len(groups[g].events)
			known[n] = e
			groups[g].events = append(groups[g].events, event{PreviewIgnored: x})
		}
		groups[g].events[e].times++
	}
	plain := func(g group) int {
		if g.reason == "no-rule" {
			return len(g.events)
		}
		return 0
	}
	slices.SortStableFunc(groups, func(a, b group) int { return plain(a) - plain(b) })
	return groups
}

func (p *page) ignored(list []control.PreviewIgnored) {
	if len(list) == 0 {
		return
	}
	p.printf("\n%s\n", p.style(yellow, "Not an absence"))
	for i, g := range grouped(list) {
		if i > 0 {
			p.printf("\n")
		}
		p.hang("  ", g.detail+" ("+g.reason+")")
		for n, e := range g.events {
			if n == maxListed && len(g.events) > maxListed+1 {
				p.hang("    ", "and "+count(len(g.events)-n, "more event"))
				break
			}
			often := ""
			if e.times > 1 {
				often = fmt.Sprintf(", %d times", e.times)
			}
			p.hang("    ", fmt.Sprintf("%s  %s%s%s", during(e.Start, e.End, false), title(e.Summary), in(e.Calendar), often))
		}
	}
}

// becauseOf says which rule made something an absence.
func becauseOf(rule string) string {
	switch rule {
	case "every-event":
		return "every event of this calendar counts (every-event)"
	case "nextcloud":
		return "entered as an absence in Nextcloud (nextcloud)"
	case "busy-status":
		return "shown as out of office (busy-status)"
	case "availability":
		return "marked as unavailable time (availability)"
	case "category":
		return "by its category (category)"
	case "word":
		return "by a word in its title (word)"
	}
	return fmt.Sprintf("by the rule “%s” of the configuration", rule)
}

// at is a moment in the zone of the page.
func at(t time.Time) string {
	if midnight(t) {
		return t.Format("Mon 2006-01-02")
	}
	return t.Format("Mon 2006-01-02 15:04")
}

func midnight(t time.Time) bool { return t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 }

// during is a stretch of time as people say it: of whole days, the first and the
// last.
func during(start, end time.Time, allDay bool) string {
	if allDay || midnight(start) && midnight(end) && end.After(start) {
		last := end.Add(-time.Second)
		if start.Format(time.DateOnly) == last.Format(time.DateOnly) {
			return start.Format("Mon 2006-01-02")
		}
		return start.Format("Mon 2006-01-02") + " to " + last.Format("Mon 2006-01-02")
	}
	if start.Format(time.DateOnly) == end.Format(time.DateOnly) {
		return start.Format("Mon 2006-01-02 15:04") + " to " + end.Format("15:04")
	}
	return start.Format("Mon 2006-01-02 15:04") + " to " + end.Format("Mon 2006-01-02 15:04")
}

// long is how long a period lasts, roughly.
func long(start, end time.Time) string {
	switch d := end.Sub(start); {
	case d < 100*time.Minute:
		return count(int(d.Round(time.Minute).Minutes()), "minute")
	case d < 20*time.Hour:
		return count(int(d.Round(time.Hour).Hours()), "hour")
	}
	return count(int((end.Sub(start)+4*time.Hour)/(24*time.Hour)), "day")
}

func title(s string) string {
	if s = strings.TrimSpace(s); s == "" {
		return "(no title)"
	}
	return "“" + s + "”"
}

func in(calendar string) string {
	if calendar == "" {
		return ""
	}
	return " in " + calendar
}
