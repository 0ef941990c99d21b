package engine

import (
	"strings"
	"testing"
	"time"

	"awayd/sync/absence"
)

// An edit is told once, and by the event's name, unless that is private.
func TestChangesTellAnEditOnce(t *testing.T) {
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return now.Truncate(24*time.Hour).AddDate(0, 0, n) }
	period := func(uid, title string, from, to int) absence.Period {
		a := absence.Absence{UID: uid, Summary: title, Start: day(from), End: day(to), Calendar: "Work", Matched: "word"}
		return absence.Period{Start: a.Start, End: a.End, Absences: []absence.Absence{a}}
	}
	private := period("rome", "Hush", 5, 9)
	private.Absences[0].Private = true
	both := period("rome", "Rome", 5, 9)
	both.End, both.Absences = day(12), append(both.Absences, period("oslo", "Oslo", 9, 12).Absences...)
	line := func(p ...absence.Period) absence.Timeline { return absence.Timeline{Periods: p} }
	rome := period("rome", "Rome", 5, 9)

	for name, c := range map[string]struct {
		was, is absence.Timeline
		want    []string
	}{
		"nothing":  {line(rome), line(rome), nil},
		"new":      {line(), line(rome), []string{`new absence: "Rome" in "Work" (word), from 2026-07-06 00:00 UTC to 2026-07-10 00:00 UTC`}},
		"gone":     {line(rome), line(), []string{`no absence any more: "Rome" in "Work" (word), from 2026-07-06 00:00 UTC to`}},
		"moved":    {line(rome), line(period("rome", "Rome", 6, 9)), []string{`"Rome" in "Work" (word) is from 2026-07-07 00:00 UTC to 2026-07-10 00:00 UTC now, and was from 2026-07-06 00:00 UTC to`}},
		"renamed":  {line(rome), line(period("rome", "Rom", 5, 9)), []string{`"Rom" in "Work" (word) is another one now, from 2026-07-06`}},
		"replaced": {line(rome), line(period("oslo", "Oslo", 5, 9)), []string{`new absence: "Oslo"`, `no absence any more: "Rome"`}},
		"merged":   {line(rome, period("oslo", "Oslo", 10, 12)), line(both), []string{`"Rome" in "Work" (word) and 1 more is from`, `no absence any more: "Oslo"`}},
		"private":  {line(), line(private), []string{`new absence: a private event in "Work" (word), from`}},
		"beyond":   {line(rome), line(rome, period("oslo", "Oslo", 18, 25)), nil},
		"at last":  {line(), line(period("rome", "Rome", 18, 20)), []string{`new absence: "Rome"`}},
		"over":     {line(period("rome", "Rome", -5, -2)), line(), nil},
	} {
		got := changes(c.was, c.is, now, day(20))
		if len(got) != len(c.want) {
			t.Errorf("%s: %+v", name, got)
			continue
		}
		for i, e := range got {
			if !strings.HasPrefix(e.Reason, c.want[i]) || e.Period == "" || e.UID == "" || strings.Contains(e.Reason, "Hush") {
				t.Errorf("%s: %+v", name, e)
			}
		}
	}
}
