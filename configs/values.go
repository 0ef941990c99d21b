package configs

import (
	"errors"
	"fmt"
	"math"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/robfig/cron/v3"
	"mellium.im/xmpp/jid"
)

// ParseWorkDays reads days of the week, such as "Mon-Fri" or "Sun-Tue,Thu",
// into an array indexed by time.Weekday. Names may be written out; a range
// goes over the end of the week if it has to.
func ParseWorkDays(s string) ([7]bool, error) {
	var days [7]bool
	for part := range strings.SplitSeq(s, ",") {
		from, to, isRange := strings.Cut(part, "-")
		first, err := parseWeekday(from)
		if err != nil {
			return [7]bool{}, err
		}
		last := first
		if isRange {
			if last, err = parseWeekday(to); err != nil {
				return [7]bool{}, err
			}
		}
		for day := first; ; day = (day + 1) % 7 {
			days[day] = true
			if day == last {
				break
			}
		}
	}
	return days, nil
}

func parseWeekday(s string) (time.Weekday, error) {
	name := strings.ToLower(strings.TrimSpace(s))
	for day := range time.Weekday(7) {
		full := strings.ToLower(day.String())
		if name == full || name == full[:3] {
			return day, nil
		}
	}
	return 0, fmt.Errorf("%q is no day: write Mon, Tue, Wed, Thu, Fri, Sat or Sun", strings.TrimSpace(s))
}

// ParseWorkHours reads hours of the day, such as "08:00-18:00", into minutes
// since midnight. An end before the start is on the next day; "24:00" is the
// end of the day.
func ParseWorkHours(s string) (start, end int, err error) {
	from, to, ok := strings.Cut(s, "-")
	if !ok {
		return 0, 0, fmt.Errorf("%q is no range of hours: write it like 08:00-18:00", s)
	}
	if start, err = parseClock(from); err != nil {
		return 0, 0, err
	}
	if end, err = parseClock(to); err != nil {
		return 0, 0, err
	}
	if start == 24*60 {
		return 0, 0, errors.New("24:00 can only be the end")
	}
	if start == end {
		return 0, 0, fmt.Errorf("%q has no hours in it; the whole day is 00:00-24:00", s)
	}
	return start, end, nil
}

func parseClock(s string) (int, error) {
	s = strings.TrimSpace(s)
	if s == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil {
		return 0, fmt.Errorf("%q is no time of day: write it like 08:00", s)
	}
	return t.Hour()*60 + t.Minute(), nil
}

// ParseDuration reads a duration as Go writes it, with days (of 24 hours) in
// front if wanted: "365d", "1d12h", "90m". It is not negative.
func ParseDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is no duration: write it like 90m, 4h or 365d", s)
	var d time.Duration
	days, rest, hasDays := strings.Cut(s, "d")
	if hasDays {
		n, err := strconv.ParseUint(days, 10, 32)
		if err != nil || n > math.MaxInt64/uint64(24*time.Hour) {
			return 0, bad
		}
		d = time.Duration(n) * 24 * time.Hour
	} else {
		rest = s
	}
	if rest == "" && hasDays {
		return d, nil
	}
	more, err := time.ParseDuration(rest)
	if err != nil || more < 0 || d+more < 0 {
		return 0, bad
	}
	return d + more, nil
}

// checkSchedule refuses what robfig/cron cannot read, and what never comes.
func checkSchedule(s string) error {
	// The parser slices without looking when a zone is all there is.
	if strings.HasPrefix(s, "TZ=") || strings.HasPrefix(s, "CRON_TZ=") {
		if !strings.Contains(s, " ") {
			return fmt.Errorf("%q is no schedule: nothing follows the zone", s)
		}
	}
	schedule, err := cron.ParseStandard(s)
	if err != nil {
		return fmt.Errorf("%q is no schedule: %w", s, err)
	}
	if schedule.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return fmt.Errorf("%q never comes", s)
	}
	return nil
}

// parseZone returns nil for no zone.
func parseZone(s string) (*time.Location, error) {
	if s == "" {
		return nil, nil
	}
	loc, err := time.LoadLocation(s)
	if err != nil || s == "Local" {
		return nil, fmt.Errorf("%q is no time zone: write one like Europe/Berlin", s)
	}
	return loc, nil
}

// checkAudience takes a group by any name that is not blank; whether a roster
// can have it is known to package plan.
func checkAudience(s string) error {
	name, group := strings.CutPrefix(s, "group:")
	if group && strings.TrimSpace(name) == "" {
		return fmt.Errorf("%q names no group of the roster", s)
	}
	if group {
		return nil
	}
	return oneOf(s, "presence", "open", "group:NAME")
}

// parseJID reads the address of an account, without a resource.
func parseJID(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	j, err := jid.Parse(s)
	if err != nil || j.Localpart() == "" || j.Resourcepart() != "" {
		return "", fmt.Errorf("%q is no address of an account: write one like admin@example.org", s)
	}
	return j.String(), nil
}

// checkAbsolute refuses names of files that depend on where the daemon was
// started.
func checkAbsolute(s string) error {
	if s != "" && !filepath.IsAbs(s) {
		return fmt.Errorf("%q does not begin with a slash", s)
	}
	return nil
}

func checkHostPort(s string) error {
	if s == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(s)
	if n, numErr := strconv.ParseUint(port, 10, 16); err != nil || numErr != nil || host == "" || n == 0 {
		return fmt.Errorf("%q is no address: write it like xmpp.example.org:5222", s)
	}
	return nil
}

func oneOf(s string, values ...string) error {
	if slices.Contains(values, s) {
		return nil
	}
	last := len(values) - 1
	return fmt.Errorf("%q is unknown: write %s or %s", s, strings.Join(values[:last], ", "), values[last])
}

// Bounds on lists that each event is compared with.
const (
	maxWords = 1000
	maxWord  = 100
)

func checkWords(words []string) error {
	if len(words) > maxWords {
		return fmt.Errorf("more than %d entries", maxWords)
	}
	for _, w := range words {
		if strings.TrimSpace(w) == "" {
			return errors.New("an entry is empty")
		}
		if utf8.RuneCountInString(w) > maxWord {
			return fmt.Errorf("an entry is longer than %d characters", maxWord)
		}
	}
	return nil
}
