package engine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/plan"
)

// Defaults are the daemon-wide settings that hold where an account has none of
// its own.
type Defaults struct {
	Poll         string           // robfig/cron spec
	Rules        absence.Settings // a nil Zone: the calendar's, else System
	System       *time.Location   // the machine's own zone, by its name if it is known
	Audience     string
	Presence     bool          // show the person as away while a message is live
	Activity     bool          // and have their activity (XEP-0108) say so
	Messages     bool          // tell persons what keeps their account from working
	LogRetention time.Duration // 0: for ever
}

// horizon is how far ahead absences are looked for, and behind how far they may
// have begun.
const (
	horizon = 366 * 24 * time.Hour
	behind  = 31 * 24 * time.Hour
)

// Rules resolves what holds for one account: its own settings, else the
// defaults, else its calendars' zone, else the system's.
func Rules(a account.Account, d Defaults) (absence.Settings, error) {
	s := d.Rules
	s.Addresses = slices.Concat(a.Settings.Addresses, a.Settings.Told)
	s.Message = first(a.Settings.Message, s.Message)
	s.Lang = first(a.Settings.Lang, s.Lang)
	s.Delegate = a.Settings.Delegate
	name, _, _ := strings.Cut(a.JID, "@")
	s.Names = append(slices.Clone(s.Names), name)
	if days := a.Settings.WorkDays; len(days) > 0 {
		s.WorkDays = [7]bool{}
		for _, d := range days {
			if d < 0 || d > time.Saturday {
				return s, fmt.Errorf("settings of %s: %d is no day of the week", a.JID, d)
			}
			s.WorkDays[d] = true
		}
	}
	if h := a.Settings.WorkHours; h != nil {
		const day = 24 * 60
		if h.Start < 0 || h.Start >= day || h.End < 0 || h.End > day || h.Start == h.End {
			return s, fmt.Errorf("settings of %s: minutes %d to %d are no working hours", a.JID, h.Start, h.End)
		}
		s.WorkStart, s.WorkEnd = h.Start, h.End
	}
	zone := a.Settings.Zone
	if zone == "" && s.Zone == nil {
		zone = zoneOfCalendars(a)
	}
	if zone != "" {
		loc, err := absence.LoadZone(zone)
		if err != nil {
			return s, fmt.Errorf("settings of %s: zone %q: %w", a.JID, zone, err)
		}
		s.Zone = loc
	}
	if s.Zone == nil {
		s.Zone = d.System
	}
	if s.Zone == nil {
		s.Zone = time.UTC
	}
	return s, nil
}

// zoneOfCalendars is where the account's calendars say that the person lives, or
// "". One of public holidays tells where the holidays are; one in UTC, as awayd
// once kept them, tells nothing.
func zoneOfCalendars(a account.Account) string {
	for _, c := range a.Calendars {
		if c.Zone != "" && !c.Holidays && !absence.IsUTC(c.Zone) {
			return c.Zone
		}
	}
	return ""
}

// ZoneNamed reports whether somebody said where the person lives: they, the
// configuration or a calendar. Only the machine's own clock is left else.
func ZoneNamed(a account.Account, d Defaults) bool {
	return a.Settings.Zone != "" || d.Rules.Zone != nil || zoneOfCalendars(a) != ""
}

// Audience resolves the access model of an account's visible messages.
func Audience(a account.Account, d Defaults) (plan.AccessModel, error) {
	return plan.ParseAudience(first(a.Settings.Audience, d.Audience, string(plan.Presence)))
}

func first(s ...string) string {
	if i := slices.IndexFunc(s, func(s string) bool { return s != "" }); i >= 0 {
		return s[i]
	}
	return ""
}

// periodSpan is how the log names a period.
func periodSpan(start, end time.Time) string {
	return start.Format(time.RFC3339) + "/" + end.Format(time.RFC3339)
}

// quoted lists names for a sentence.
func quoted(names []string) string {
	q := make([]string, len(names))
	for i, n := range names {
		q[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(q, ", ")
}
