package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"awayd/cmd/awayd/control"
	"awayd/cmd/testbed"
)

// putDay puts an all-day event into a calendar.
func (h *household) putDay(calendar, title string, day time.Time) {
	h.t.Helper()
	ics := strings.Join([]string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", "BEGIN:VEVENT", "UID:" + title, "DTSTAMP:20260101T000000Z",
		"DTSTART;VALUE=DATE:" + day.Format("20060102"), "SUMMARY:" + title, "END:VEVENT", "END:VCALENDAR", "",
	}, "\r\n")
	if err := h.dav.Put(h.t.Context(), calendar+strings.ReplaceAll(title, " ", "-")+".ics", ics); err != nil {
		h.t.Fatal(err)
	}
}

func (h *household) preview() control.Preview {
	h.t.Helper()
	var p control.Preview
	if err := json.Unmarshal([]byte(h.must("preview", h.ada.JID, "--json")), &p); err != nil {
		h.t.Fatal(err)
	}
	return p
}

// A calendar of public holidays bridges what is on both sides, and so do the
// person's own days off.
func TestHolidaysAndWorkingTime(t *testing.T) {
	h := newHousehold(t)
	tuesday := now().AddDate(0, 0, 28)
	for tuesday.Weekday() != time.Tuesday {
		tuesday = tuesday.AddDate(0, 0, 1)
	}
	h.putDay(h.calendar, "Vacation one", tuesday)
	h.putDay(h.calendar, "Vacation two", tuesday.AddDate(0, 0, 2))
	if r := h.link(); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	if p := h.preview(); len(p.Periods) != 3 {
		t.Fatalf("%d periods before the holiday is known", len(p.Periods))
	}
	holidays, err := h.dav.MakeCalendar(t.Context(), testbed.BedUser, h.ada.User+"-free")
	if err != nil {
		t.Fatal(err)
	}
	h.putDay(holidays, "Urlaubstag des Landes", tuesday.AddDate(0, 0, 1))
	link := []string{"link", "--yes", "--calendar-url", holidays}
	for _, flag := range []string{"--jid", "--jid-password-file", "--xmpp-address", "--tls-ca", "--calendar-user", "--calendar-password-file"} {
		link = append(link, flag, h.flags[flag])
	}
	expectError(t, h.run(append(link, "--holidays", "--every-event")...), exitUsage, "--holidays and --every-event")
	if out := h.must(append(link, "--holidays")...); !strings.Contains(out, "count as public holidays") {
		t.Errorf("link: %s", out)
	}
	p := h.preview()
	if len(p.Periods) != 2 || len(p.Periods[1].Joins) != 1 || p.Periods[1].Joins[0].Why != "holiday" {
		t.Errorf("periods with the holiday: %+v", p.Periods)
	}
	for _, a := range p.Absences {
		if strings.Contains(a.Summary, "Landes") {
			t.Errorf("the holiday is an absence: %+v", a)
		}
	}
	var doc struct{ Accounts []control.Account }
	if err := json.Unmarshal([]byte(h.must("accounts", "--json")), &doc); err != nil {
		t.Fatal(err)
	}
	if c := doc.Accounts[0].Calendars; len(c) != 2 || c[0].Holidays || !c[1].Holidays || !c[0].EveryEvent || c[1].EveryEvent {
		t.Errorf("calendars: %+v", c)
	}

	h.must("set", h.ada.JID, "--work-days", "Mon,Tue,Thu-Fri", "--work-hours", "09:00-17:30")
	if err := json.Unmarshal([]byte(h.must("accounts", "--json")), &doc); err != nil {
		t.Fatal(err)
	}
	s := doc.Accounts[0].Settings
	if len(s.WorkDays) != 4 || s.WorkHours == nil || s.WorkHours.Start != 540 || s.WorkHours.End != 1050 {
		t.Errorf("settings: %+v", s)
	}
	// Wednesday is now a day off anyway.
	if p := h.preview(); len(p.Periods) != 2 || p.Periods[1].Joins[0].Why != "weekend" {
		t.Errorf("periods with Wednesdays off: %+v", p.Periods)
	}
	h.must("set", h.ada.JID, "--work-days", "", "--work-hours", "")
	if out := h.must("accounts", "--json"); strings.Contains(out, "work_") {
		t.Errorf("still set: %s", out)
	}
	expectError(t, h.run("set", h.ada.JID, "--work-days", "Blursday"), exitUsage, "Blursday")
	expectError(t, h.run("set", h.ada.JID, "--work-hours", "9-5"), exitUsage, "08:00")
}
