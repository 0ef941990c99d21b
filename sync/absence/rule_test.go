package absence

import (
	"strings"
	"testing"
	"time"
)

func TestRuleCheck(t *testing.T) {
	many := strings.Repeat("1,", 500) + "1"
	for _, c := range []struct{ rule, fault string }{
		{"FREQ=DAILY", ""},
		{"FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8", ""},
		{"FREQ=YEARLY;BYDAY=53MO,-53SU", ""},
		{"FREQ=YEARLY;BYWEEKNO=20,-1;BYDAY=MO", ""},
		{"FREQ=YEARLY;BYYEARDAY=366,-366", ""},
		{"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", ""},
		{"FREQ=MONTHLY;BYDAY=5MO,-5FR", ""},
		{"FREQ=DAILY;COUNT=2147483647", ""},
		{"FREQ=DAILY;BYSECOND=60", ""},
		{"FREQ=DAILY;COUNT=3;UNTIL=20250101", ""},
		{"FREQ=FORTNIGHTLY", "FREQ"},
		{"FREQ=DAILY;INTERVAL=0", "INTERVAL"},
		{"FREQ=DAILY;INTERVAL=9223372036854775807", "INTERVAL"},
		{"FREQ=DAILY;COUNT=-1", "COUNT"},
		{"FREQ=DAILY;UNTIL=00000101", "UNTIL"},
		{"FREQ=DAILY;BYHOUR=24", "BYHOUR"},
		{"FREQ=DAILY;BYMINUTE=60", "BYMINUTE"},
		{"FREQ=DAILY;BYSECOND=61", "BYSECOND"},
		{"FREQ=DAILY;BYMONTH=13", "BYMONTH"},
		{"FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY"},
		{"FREQ=MONTHLY;BYMONTHDAY=-32", "BYMONTHDAY"},
		{"FREQ=MONTHLY;BYMONTHDAY=-9223372036854775808", "BYMONTHDAY"},
		{"FREQ=MONTHLY;BYSETPOS=367", "BYSETPOS"},
		{"FREQ=YEARLY;BYWEEKNO=54", "BYWEEKNO"},
		{"FREQ=MONTHLY;BYWEEKNO=1", "BYWEEKNO"},
		{"FREQ=DAILY;BYYEARDAY=1", "BYYEARDAY"},
		{"FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY"},
		{"FREQ=MONTHLY;BYDAY=53MO", "BYDAY"},
		{"FREQ=MONTHLY;BYDAY=-6MO", "BYDAY"},
		{"FREQ=YEARLY;BYMONTH=1;BYDAY=6MO", "BYDAY"},
		{"FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO", "BYDAY"},
		{"FREQ=WEEKLY;BYDAY=1MO", "BYDAY"},
		{"FREQ=HOURLY;BYDAY=1MO", "BYDAY"},
		{"FREQ=DAILY;BYHOUR=" + many, "BYHOUR"},
		{"FREQ=YEARLY;BYHOUR=0,1,2,3,4,5,6,7,8,9;BYMINUTE=0,1,2,3,4,5,6,7,8,9;BYSECOND=0,1,2,3", "interval"},
	} {
		err := recur(c.rule).Check()
		if c.fault == "" && err != nil || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("%.80s: got %v, want something about %q", c.rule, err, c.fault)
		}
		if err != nil && (len(err.Error()) > 300 || !strings.Contains(err.Error(), "RRULE FREQ=")) {
			t.Errorf("%.80s: the error does not name the rule or is too long: %v", c.rule, err)
		}
	}
	for _, r := range []Rule{
		{Freq: Daily, Interval: 1, WeekStart: 9},
		{Freq: Weekly, Interval: 1, ByDay: []WeekdayNum{{Day: -1}}},
		{Freq: Weekly, Interval: 1, ByDay: make([]WeekdayNum, 500)},
	} {
		if r.Check() == nil {
			t.Errorf("%v passed", r)
		}
	}
}

func TestRuleString(t *testing.T) {
	for _, s := range []string{
		"FREQ=DAILY",
		"FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
		"FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1,2;BYWEEKNO=20;BYYEARDAY=-1;BYMONTHDAY=1,15;BYDAY=MO;BYHOUR=9;BYMINUTE=0,30;BYSECOND=0;BYSETPOS=1,-1;WKST=SU",
	} {
		if got := recur(s).String(); got != s {
			t.Errorf("got  %s\nwant %s", got, s)
		}
	}
}

// Rules that make rrule-go panic, hang or fill the memory, and those that never
// produce anything, cost little.
func TestHostileRules(t *testing.T) {
	hours := "BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23"
	from, to := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		rule, start string
		fails       bool
	}{
		{"FREQ=HOURLY;INTERVAL=2;BYHOUR=1", "20250101T000000", false},
		{"FREQ=SECONDLY", "19700101T000000", true},
		{"FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", "19700101T000000", false},
		{"FREQ=SECONDLY;BYMINUTE=1;BYSECOND=61;INTERVAL=2", "19700101T000000", true},
		{"FREQ=SECONDLY;COUNT=2147483647", "19700101T000000", true},
		{"FREQ=MINUTELY", "19700101T000000", true},
		{"FREQ=MINUTELY;INTERVAL=100000000", "19700101T000000", false},
		{"FREQ=DAILY;" + hours + ";BYMINUTE=0,10,20,30,40,50", "19700101T000000", true},
		{"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "16010101T000000", false},
		{"FREQ=DAILY;BYSETPOS=2", "16010101T000000", false},
		{"FREQ=WEEKLY;BYSETPOS=8", "16010101T000000", false},
		{"FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=31", "16010101T000000", false},
		{"FREQ=MONTHLY;INTERVAL=12;BYMONTH=2", "16010101T000000", false},
		{"FREQ=YEARLY;INTERVAL=2;BYYEARDAY=366", "16010101T000000", false},
		{"FREQ=YEARLY;INTERVAL=100000000", "16010101T000000", false},
		{"FREQ=MONTHLY;INTERVAL=100000000", "16010101T000000", false},
		{"FREQ=WEEKLY;INTERVAL=100000000", "16010101T000000", false},
		{"FREQ=DAILY;INTERVAL=100000000", "16010101T000000", false},
		{"FREQ=DAILY;COUNT=2147483647", "19000101T000000", false},
		{"FREQ=DAILY;COUNT=2147483647", "16010101T000000", true},
		{"FREQ=DAILY;COUNT=2147483647", "00010101T000000", true},
		{"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=2", "16010101T000000", false},
	} {
		t.Run(c.rule+" from "+c.start, func(t *testing.T) {
			o := Object{Events: []Event{{UID: "u", Start: at(c.start), End: ref(c.start), Rules: []Rule{recur(c.rule)}}}}
			began := time.Now() // milliseconds, but tests share their machine
			_, errs := Expand(o, from, to, time.UTC)
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
			if (len(errs) > 0) != c.fails {
				t.Errorf("errors: %v", errs)
			}
		})
	}
}
