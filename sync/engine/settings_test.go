package engine

import (
	"testing"
	"time"

	"awayd/sync/absence"
	"awayd/sync/account"
)

// Working time of the account goes before that of the configuration.
func TestRulesWorkingTime(t *testing.T) {
	d := Defaults{Rules: absence.Defaults()}
	s, err := Rules(account.Account{JID: "ada.lovelace@example.org"}, d)
	if err != nil || !s.WorkDays[time.Monday] || s.WorkStart != 8*60 || len(s.Names) != 1 || s.Names[0] != "ada.lovelace" {
		t.Errorf("defaults: %+v, %v", s, err)
	}
	own := account.Account{Settings: account.Settings{WorkDays: []time.Weekday{time.Sunday}, WorkHours: &account.Hours{Start: 22 * 60, End: 6 * 60}}}
	s, err = Rules(own, d)
	if err != nil || s.WorkDays != [7]bool{time.Sunday: true} || s.WorkStart != 22*60 || s.WorkEnd != 6*60 {
		t.Errorf("own: %+v, %v", s, err)
	}
	for _, bad := range []account.Settings{
		{WorkDays: []time.Weekday{7}}, {WorkDays: []time.Weekday{-1}},
		{WorkHours: &account.Hours{Start: -1, End: 5}}, {WorkHours: &account.Hours{Start: 5, End: 1441}}, {WorkHours: &account.Hours{}},
	} {
		if _, err := Rules(account.Account{Settings: bad}, d); err == nil {
			t.Errorf("%+v passed", bad)
		}
	}
}

// Neither a calendar of public holidays nor one in UTC says where the person
// lives; the person and the configuration may say UTC.
func TestRulesZone(t *testing.T) {
	berlin, err := absence.LoadZone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	holidays := account.Calendar{Zone: "Asia/Tokyo", Holidays: true}
	for name, c := range map[string]struct {
		calendars []account.Calendar
		own       string
		defaults  Defaults
		want      string
	}{
		"holidays":              {[]account.Calendar{holidays, {Zone: "Europe/Berlin"}}, "", Defaults{}, "Europe/Berlin"},
		"UTC":                   {[]account.Calendar{{Zone: "UTC"}, {Zone: "Europe/Berlin"}}, "", Defaults{}, "Europe/Berlin"},
		"a name of UTC":         {[]account.Calendar{{Zone: "Etc/GMT"}, {Zone: "Europe/Berlin"}}, "", Defaults{}, "Europe/Berlin"},
		"UTC alone":             {[]account.Calendar{{Zone: "UTC"}}, "", Defaults{System: berlin}, "Europe/Berlin"},
		"UTC is all there is":   {[]account.Calendar{{Zone: "UTC"}}, "", Defaults{}, "UTC"},
		"the person's own":      {[]account.Calendar{{Zone: "Europe/Berlin"}}, "UTC", Defaults{System: berlin}, "UTC"},
		"of the configuration":  {[]account.Calendar{{Zone: "Europe/Berlin"}}, "", Defaults{Rules: absence.Settings{Zone: time.UTC}}, "UTC"},
		"London is a place":     {[]account.Calendar{{Zone: "Europe/London"}, {Zone: "Europe/Berlin"}}, "", Defaults{}, "Europe/London"},
		"the first of two wins": {[]account.Calendar{{Zone: "Europe/Berlin"}, {Zone: "Asia/Tokyo"}}, "", Defaults{}, "Europe/Berlin"},
	} {
		s, err := Rules(account.Account{Calendars: c.calendars, Settings: account.Settings{Zone: c.own}}, c.defaults)
		if err != nil || s.Zone.String() != c.want {
			t.Errorf("%s: %v, %v", name, s.Zone, err)
		}
	}
}
