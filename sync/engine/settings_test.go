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

// A calendar of public holidays does not say where the person lives.
func TestRulesZone(t *testing.T) {
	a := account.Account{Calendars: []account.Calendar{{Zone: "Asia/Tokyo", Holidays: true}, {Zone: "Europe/Berlin"}}}
	if s, err := Rules(a, Defaults{}); err != nil || s.Zone.String() != "Europe/Berlin" {
		t.Errorf("%v, %v", s.Zone, err)
	}
}
