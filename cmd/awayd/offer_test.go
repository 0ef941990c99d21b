package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"awayd/cmd/awayd/control"
	"awayd/cmd/testbed"
)

// A home is a household whose calendar server is its own, so that the calendars
// found are those of the test.
func newHome(t *testing.T) *household {
	x := bed.XMPPFor(t, testbed.Prosody)
	h := &household{t: t, xmpp: x, state: t.TempDir(), ada: x.PersonFor(t, "ada")}
	h.dav = testbed.RadicaleFor(t, testbed.RadicaleOptions{Users: map[string]string{testbed.BedUser: testbed.BedPassword}})
	h.calendar = h.addCalendar("Private")
	h.put("trip", "Vacation in Rome", 10*24*time.Hour, 12*24*time.Hour)
	h.put("lunch", "Lunch", 5*24*time.Hour, 5*24*time.Hour+time.Hour)
	return h
}

func (h *household) addCalendar(name string) string {
	h.t.Helper()
	at, err := h.dav.MakeCalendar(h.t.Context(), testbed.BedUser, name)
	if err != nil {
		h.t.Fatal(err)
	}
	return at
}

func (h *household) nothingSaved() {
	h.t.Helper()
	if r := h.run("accounts", "--json"); !strings.Contains(r.out, `"accounts": []`) {
		h.t.Errorf("something was saved: %+v", r)
	}
}

// Two calendars may bear one name. An offer tells them apart without telling
// their addresses.
func TestOffer(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	twin := `<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>` +
		`<D:displayname>Private</D:displayname></D:prop></D:set></C:mkcalendar>`
	if resp, body, err := h.dav.Do(t.Context(), "MKCALENDAR", h.dav.Home(testbed.BedUser)+"twin/", nil, twin); err != nil || resp.StatusCode != 201 {
		t.Fatal(resp, string(body), err)
	}
	tasks := strings.Replace(twin, "<D:displayname>Private", `<C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set><D:displayname>Tasks`, 1)
	if resp, body, err := h.dav.Do(t.Context(), "MKCALENDAR", h.dav.Home(testbed.BedUser)+"tasks/", nil, tasks); err != nil || resp.StatusCode != 201 {
		t.Fatal(resp, string(body), err)
	}
	h.daemon()
	a := &app{stateDir: h.state}
	c, err := a.knock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	q := control.LinkRequest{
		JID: h.ada.JID, Password: h.ada.Password, XMPPAddress: h.xmpp.Addr, TLSCA: string(h.xmpp.CA.PEM),
		CalendarURL: h.dav.URL, CalendarUser: testbed.BedUser, CalendarPassword: testbed.BedPassword,
	}
	q.Settings.Values.Zone, q.Settings.Named = "Europe/Berlin", []string{"zone"}
	offer, err := c.Offer(t.Context(), q)
	if err != nil || len(offer.Calendars) != 3 || offer.User != testbed.BedUser {
		t.Fatal(offer, err)
	}
	for _, o := range offer.Calendars {
		switch {
		case o.Name == "Tasks":
			if o.Choosable || o.Preview != nil || o.Why != "holds no events" {
				t.Errorf("%+v", o)
			}
		case o.Name != "Private" || !o.Choosable || o.Preview == nil || o.Why != "":
			t.Errorf("%+v", o)
		case len(o.Preview.Absences) == 1:
			q.Chosen = []string{o.ID}
		}
	}
	r, err := c.TryCalendars(t.Context(), q)
	if err != nil || len(r.Calendars) != 1 || r.Calendars[0].Absences != 1 || len(r.Periods) != 1 {
		t.Fatal(r, err)
	}
	h.nothingSaved()
	for field, wrong := range map[string]func(*control.LinkRequest){
		"jid":               func(q *control.LinkRequest) { q.JID = "ada" },
		"calendar-url":      func(q *control.LinkRequest) { q.CalendarURL = "" },
		"calendar-password": func(q *control.LinkRequest) { q.CalendarPassword = "wrong" },
		"calendar":          func(q *control.LinkRequest) { q.Calendars = []string{"Nothing"} },
		"zone":              func(q *control.LinkRequest) { q.Settings.Values.Zone = "Nowhere" },
	} {
		bad := q
		wrong(&bad)
		var e *control.Error
		if _, err := c.TryCalendars(t.Context(), bad); !errors.As(err, &e) || e.Field != field {
			t.Errorf("%s: %+v", field, err)
		}
	}
}
