package absence

import "time"

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
