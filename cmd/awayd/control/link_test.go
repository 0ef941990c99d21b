package control

import (
	"slices"
	"strings"
	"testing"

	"awayd/sync/account"
	"awayd/sync/engine"
)

// A login is filled in for a calendar of the same server alone, whatever else
// its URL begins with.
func TestReuse(t *testing.T) {
	for url, filled := range map[string]bool{
		"https://dav.example.com":            true,
		"https://dav.example.com/":           true,
		"https://dav.example.com/ada/":       true,
		"https://dav.example.com/ada/trips/": true,
		"https://dav.example.com/bob/":       false,
		"https://dav.example.co":             false,
		"https://dav.example.com:84":         false,
		"https:":                             false,
	} {
		l := &linking{req: LinkRequest{CalendarURL: url}}
		l.acct.Calendars = []account.Calendar{
			{URL: account.NewSecret("https://dav.example.com:8443/x/"), User: "x", Password: account.NewSecret("other")},
			{URL: account.NewSecret("https://dav.example.com/ada/trips/"), User: "ada", Password: account.NewSecret("secret")},
		}
		if l.reuse(); (l.req.CalendarPassword == "secret") != filled || l.req.CalendarPassword != "" && !filled {
			t.Errorf("%s: user %q, password %q", url, l.req.CalendarUser, l.req.CalendarPassword)
		}
	}
}

// What the calendar server told of the person is not taken away by what they set.
func TestAddressesBeside(t *testing.T) {
	const told, set = "mailto:ada@example.org", "mailto:ada.l@example.org"
	a := account.Account{JID: ada, Settings: account.Settings{Zone: "UTC"}}
	l := &linking{addresses: []string{told}}
	l.change(&a)
	l.change(&a)
	a.Settings = merge(a.Settings, Settings{Named: []string{"address"}, Values: account.Settings{Addresses: []string{set}}})
	rules, err := engine.Rules(a, engine.Defaults{})
	if err != nil || !slices.Equal(rules.Addresses, []string{set, told}) {
		t.Errorf("%v, %v", rules.Addresses, err)
	}
}

// Of calendars with one name, one is named by its URL, as people have it.
func TestCalendarCalled(t *testing.T) {
	a := account.Account{JID: ada, Calendars: []account.Calendar{
		{Name: "calendar.example.com", URL: account.NewSecret("webcals://calendar.example.com/a/basic.ics")},
		{Name: "calendar.example.com", URL: account.NewSecret("webcals://calendar.example.com/b/basic.ics")},
		{Name: "Trips", URL: account.NewSecret("https://dav.example.com/trips/")},
	}}
	for name, want := range map[string]int{
		"https://calendar.example.com/b/basic.ics":   1,
		"webcals://calendar.example.com/b/basic.ics": 1,
		"webcal://calendar.example.com/b/basic.ics":  1,
		"https://dav.example.com/trips/":             2,
		"Trips":                                      2,
	} {
		if i, err := calendarCalled(a, name); i != want || err != nil {
			t.Errorf("%s: %d, %v", name, i, err)
		}
	}
	_, err := calendarCalled(a, "calendar.example.com")
	if e := asError(err); !e.Usage || !strings.Contains(e.Advice, "whole URL") {
		t.Errorf("%+v", e)
	}
}
