package control

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"awayd/caldav"
	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/engine"
	"awayd/sync/finding"
)

const ada = "ada@example.org"

// A finder is [caldav.Client] as the daemon is given it.
type finder struct{ caldav.Client }

func (f finder) Open(c account.Calendar) (engine.Source, error) { return f.Client.Open(c) }

// linkingOn is a link to a file with an all-day event, in the zone that it
// names, by a daemon on a machine and with a configuration in their own.
func linkingOn(t *testing.T, says string, d engine.Defaults) *linking {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ada.ics")
	text := "BEGIN:VCALENDAR\r\nX-WR-TIMEZONE:" + says + "\r\nBEGIN:VEVENT\r\nUID:u\r\nDTSTART;VALUE=DATE:20270707\r\nSUMMARY:Vacation\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d.Poll = "@every 5m"
	e, err := engine.New(engine.Config{Defaults: d, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Engine: e, Finder: finder{}, Now: time.Now}
	l := s.linking(LinkRequest{JID: ada, CalendarURL: "file:" + path})
	l.acct = account.Account{JID: ada}
	return l
}

// A calendar that says UTC does not say where the person lives: on a machine
// that does not either, the zone is asked for.
func TestLinkAsksForTheZone(t *testing.T) {
	berlin, err := absence.LoadZone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	gmt, err := absence.LoadZone("Etc/GMT")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		says     string
		defaults engine.Defaults
		own      string
		stored   string // of a calendar that was linked before
		want     string // "": it is asked for
	}{
		"calendar and machine on UTC":     {says: "UTC", defaults: engine.Defaults{System: time.UTC}},
		"calendar says nothing":           {says: "", defaults: engine.Defaults{System: time.UTC}},
		"machine on GMT":                  {says: "UTC", defaults: engine.Defaults{System: gmt}},
		"UTC was stored":                  {says: "", defaults: engine.Defaults{System: time.UTC}, stored: "Etc/UTC"},
		"calendar in Berlin":              {says: "Europe/Berlin", defaults: engine.Defaults{System: time.UTC}, want: "Europe/Berlin"},
		"machine in Berlin":               {says: "UTC", defaults: engine.Defaults{System: berlin}, want: "Europe/Berlin"},
		"the person says UTC":             {says: "UTC", defaults: engine.Defaults{System: berlin}, own: "UTC", want: "UTC"},
		"the configuration says UTC":      {says: "UTC", defaults: engine.Defaults{System: berlin, Rules: absence.Settings{Zone: time.UTC}}, want: "UTC"},
		"another calendar says otherwise": {says: "UTC", defaults: engine.Defaults{System: time.UTC}, stored: "Asia/Tokyo", want: "Asia/Tokyo"},
	} {
		t.Run(name, func(t *testing.T) {
			l := linkingOn(t, c.says, c.defaults)
			l.acct.Settings.Zone = c.own
			if c.stored != "" {
				l.acct.Calendars = []account.Calendar{{Zone: c.stored}}
			}
			err := l.try(t.Context(), l.calendars, l.settings)
			if e, ok := errors.AsType[*Error](err); c.want == "" && (!ok || e.Field != "zone") || c.want != "" && err != nil {
				t.Fatal(err)
			}
			if l.result.Zone != c.want {
				t.Errorf("lives in %q, want %q", l.result.Zone, c.want)
			}
		})
	}
}

// check doubts a zone that nobody named, and none that somebody did.
func TestCheckDoubtsUTC(t *testing.T) {
	for name, c := range map[string]struct {
		calendars []account.Calendar // the first one is checked
		own       string
		defaults  engine.Defaults
		doubt     bool
		detail    string
	}{
		"calendar in UTC":            {calendars: []account.Calendar{{Zone: "UTC"}}, doubt: true, detail: "UTC is assumed"},
		"calendar says nothing":      {calendars: []account.Calendar{{}}, doubt: true, detail: "UTC is assumed"},
		"the person says UTC":        {calendars: []account.Calendar{{Zone: "UTC"}}, own: "UTC", detail: "UTC"},
		"the configuration says UTC": {calendars: []account.Calendar{{}}, defaults: engine.Defaults{Rules: absence.Settings{Zone: time.UTC}}, detail: "UTC"},
		"another calendar knows":     {calendars: []account.Calendar{{Zone: "UTC"}, {Zone: "Asia/Tokyo"}}, detail: "the calendar says UTC, but the account lives in Asia/Tokyo"},
		"calendar in Tokyo":          {calendars: []account.Calendar{{Zone: "Asia/Tokyo"}}, detail: "Asia/Tokyo"},
	} {
		a := account.Account{JID: ada, Calendars: c.calendars, Settings: account.Settings{Zone: c.own}}
		rules, err := engine.Rules(a, c.defaults)
		if err != nil {
			t.Fatal(err)
		}
		f := zoneFinding(a, c.calendars[0], c.defaults, rules)
		if (f.Severity != finding.OK) != c.doubt || !strings.HasSuffix(f.Detail, c.detail) {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
