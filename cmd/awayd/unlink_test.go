package main

import (
	"encoding/json"
	"strings"
	"testing"

	"awayd/cmd/awayd/control"
	"awayd/sync/engine"
)

// linked are the account's calendars.
func (h *household) linked() []control.Calendar {
	h.t.Helper()
	var doc struct{ Accounts []control.Account }
	if err := json.Unmarshal([]byte(h.must("accounts", "--json")), &doc); err != nil {
		h.t.Fatal(err)
	}
	if len(doc.Accounts) != 1 {
		h.t.Fatalf("%d accounts", len(doc.Accounts))
	}
	return doc.Accounts[0].Calendars
}

// A calendar that is dropped counts no more, and takes nothing else along: not
// the account, not the other calendar, not the zone that it told.
func TestUnlinkCalendar(t *testing.T) {
	h := newHousehold(t)
	delete(h.flags, "--zone")
	defer h.daemon()()
	trip := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nX-WR-CALNAME:Old\r\nX-WR-TIMEZONE:Asia/Tokyo\r\nBEGIN:VEVENT\r\nUID:old\r\nDTSTAMP:20260101T000000Z\r\n" +
		"DTSTART:" + now().AddDate(0, 0, 3).UTC().Format("20060102T150405Z") + "\r\nDURATION:P1D\r\nSUMMARY:Old trip\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	file := "file://" + write(t, "old.ics", trip)
	if r := h.link("--calendar-url", file); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	expectError(t, h.run("unlink", h.ada.JID, "--calendar", "Old"), exitUsage, "only calendar", "awayd unlink "+h.ada.JID)
	if r := h.link(); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	if n := len(h.linked()); n != 2 {
		t.Fatalf("%d calendars", n)
	}
	before := h.status()
	expectError(t, h.run("unlink", h.ada.JID, "--calendar", "Older"), exitUsage, `no calendar "Older"`, `"Old"`)
	expectError(t, h.run("unlink", h.ada.JID, "--calendar", ""), exitUsage, "no calendar")
	expectError(t, h.run("unlink", h.ada.JID, "--calendar", "Old", "--keep-published"), exitUsage, "both given")
	if out := h.must("unlink", h.ada.JID, "--calendar", "Old"); !strings.Contains(out, "Old of "+h.ada.JID+" is unlinked") {
		t.Errorf("said %q", out)
	}
	after := h.linked()
	if len(after) != 1 || after[0].Name == "Old" {
		t.Fatalf("linked to %+v", after)
	}
	h.must("sync", h.ada.JID)
	s := h.status()
	if s.Zone != "Asia/Tokyo" || s.Zone != before.Zone {
		t.Errorf("the zone was %s and is %s", before.Zone, s.Zone)
	}
	if before.Staged == nil || s.Staged == nil || !s.Staged.Start.After(*before.Staged.Start) || s.Health != engine.HealthOK {
		t.Errorf("before: %+v\nafter: %+v", before, s)
	}
	if out := h.must("log", h.ada.JID, "--kind", "unlink"); !strings.Contains(out, `no longer linked to "Old"`) {
		t.Errorf("the log says %q", out)
	}
	expectError(t, h.run("log", h.ada.JID, "--account", h.ada.JID), exitUsage, "twice")
}

// What was said of a calendar or of the server is taken back by saying the
// opposite.
func TestLinkTakesBack(t *testing.T) {
	h := newHousehold(t)
	defer h.daemon()()
	if r := h.link(); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	again := []string{"link", "--yes", "--jid", h.ada.JID, "--calendar-url", h.calendar}
	h.must(again...)
	if !h.linked()[0].EveryEvent {
		t.Error("forgotten without a word")
	}
	h.must(append(again, "--every-event=false")...)
	if h.linked()[0].EveryEvent {
		t.Error("every event still counts")
	}
	h.must(append(again, "--holidays")...)
	h.must(append(again, "--holidays=false")...)
	if h.linked()[0].Holidays {
		t.Error("still public holidays")
	}
	// DNS does not know the server, so it cannot be reached without its address.
	expectError(t, h.run("link", "--yes", "--jid", h.ada.JID, "--xmpp-address", ""), exitFailed, h.ada.JID)
}

// A new calendar password holds for all calendars of the same login, and for no
// others.
func TestNewPasswordForAllCalendars(t *testing.T) {
	h := newHousehold(t)
	defer h.daemon()()
	user := h.ada.User
	renew := func(password string) {
		if err := h.dav.SetPassword(user, password); err != nil {
			t.Fatal(err)
		}
		h.flags["--calendar-password-file"] = write(t, "calendar-"+password, password)
	}
	renew("first")
	h.flags["--calendar-user"] = user
	for _, name := range []string{"one", "two"} {
		var err error
		if h.flags["--calendar-url"], err = h.dav.MakeCalendar(t.Context(), user, name); err != nil {
			t.Fatal(err)
		}
		if r := h.link(); r.code != exitOK {
			t.Fatalf("%+v", r)
		}
	}
	renew("second")
	expectError(t, h.run("sync", h.ada.JID), exitFailed, `"one"`, `"two"`, "401")
	if r := h.link(); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	h.must("sync", h.ada.JID)

	// By the URL of the server: what was left out stays out, until it is named.
	if _, err := h.dav.MakeCalendar(t.Context(), user, "three"); err != nil {
		t.Fatal(err)
	}
	renew("third")
	h.flags["--calendar-url"] = h.dav.URL
	if r := h.link(); r.code != exitOK || !strings.Contains(r.out, "not linked so far") {
		t.Fatalf("%+v", r)
	}
	h.must("sync", h.ada.JID)
	if n := len(h.linked()); n != 2 {
		t.Errorf("%d calendars", n)
	}
	h.flags["--calendar"] = "three"
	if r := h.link(); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	if n := len(h.linked()); n != 3 {
		t.Errorf("%d calendars", n)
	}
}
