package caldav

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"awayd/cmd/testbed"
	"awayd/sync/account"
	"awayd/sync/finding"
)

const oneEvent = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTAMP:20260101T000000Z\r\n" +
	"DTSTART;VALUE=DATE:20260706\r\nSUMMARY:Urlaub\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

// expectFindings demands, topic by topic, a severity and what the text and the
// advice hold. Without a delta, the last finding is the failure.
func expectFindings(t *testing.T, cal account.Calendar, changed int, want ...finding.Finding) {
	t.Helper()
	delta, found := Client{}.Examine(t.Context(), cal, time.Now())
	if delta == nil && changed >= 0 || delta != nil && len(delta.Changed) != changed {
		t.Errorf("delta %+v, want %d objects", delta, changed)
	}
	if len(found) != len(want) {
		t.Errorf("findings %+v, want %+v", found, want)
		return
	}
	for i, w := range want {
		f := found[i]
		if f.Topic != w.Topic || f.Severity != w.Severity || !strings.Contains(f.Detail, w.Detail) || !strings.Contains(f.Hint, w.Hint) {
			t.Errorf("finding %+v, want %+v", f, w)
		}
		if secret := cal.Password.Reveal(); secret != "" && strings.Contains(f.Detail+f.Hint, secret) {
			t.Errorf("%+v shows the password", f)
		}
	}
}

func TestExamineARealServer(t *testing.T) {
	ca, err := testbed.NewCA(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d := testbed.RadicaleFor(t, testbed.RadicaleOptions{Users: map[string]string{"ada": "the-right-one"}, TLS: bed.CA})
	cal := realServer{d, "ada", "the-right-one"}.calendar(t, "work")
	url := cal.URL.Reveal()
	if err := d.Put(t.Context(), url+"a.ics", oneEvent); err != nil {
		t.Fatal(err)
	}
	expectFindings(t, cal, 1,
		finding.Good("address", "a CalDAV calendar that reports changes (sync-collection) at https://127.0.0.1:"),
		finding.Good("TLS", "TLS 1.3"), finding.Good("certificate", "trusted by --tls-ca, expires in 36"), finding.Good("login", "as ada"))

	wrong := cal
	wrong.Password = account.NewSecret("another-one")
	expectFindings(t, wrong, -1,
		finding.Good("TLS", "TLS 1.3"), finding.Good("certificate", "trusted"), finding.Bad("login", "check the calendar's user and password", "401"))
	wrong = cal
	wrong.URL = account.NewSecret(url + "gone/")
	expectFindings(t, wrong, -1,
		finding.Good("TLS", "TLS 1.3"), finding.Good("certificate", "trusted"), finding.Bad("address", "check the calendar's URL", "404"))
	wrong = cal
	wrong.TLSCA = string(ca.PEM)
	expectFindings(t, wrong, -1, finding.Bad("certificate", "--tls-ca", "not trusted"))
	wrong = cal
	wrong.URL = account.NewSecret("https://127.0.0.1:1/")
	expectFindings(t, wrong, -1, finding.Bad("address", "reachable from here", "cannot reach"))
	wrong = cal
	wrong.URL = account.NewSecret("http://dav.example.org/")
	expectFindings(t, wrong, -1, finding.Bad("address", "https", "cleartext"))
}

func TestExamineOtherKinds(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a.ics")
	if err := os.WriteFile(name, []byte(oneEvent), 0o644); err != nil {
		t.Fatal(err)
	}
	expectFindings(t, account.Calendar{URL: account.NewSecret("file://" + name)}, 1, finding.Good("address", "a file at file://%s", name))
	expectFindings(t, account.Calendar{URL: account.NewSecret("file://" + dir)}, 1, finding.Good("address", "a folder at file://%s", dir))
	expectFindings(t, account.Calendar{URL: account.NewSecret("file:///no/such/file")}, -1, finding.Bad("address", "check the path", "/no/such/file"))

	p := newPage(t, oneEvent)
	feed := account.Calendar{URL: account.NewSecret("webcal" + strings.TrimPrefix(p.url(), "http"))}
	expectFindings(t, feed, 1, finding.Good("address", "a feed at webcal://127.0.0.1:"), finding.Good("TLS", "none"))
	_, found := Client{}.Examine(t.Context(), feed, time.Now())
	for _, f := range found {
		if strings.Contains(f.Detail, "hush") || strings.Contains(f.Detail, "secret") {
			t.Errorf("%+v shows the feed's URL", f)
		}
	}
	p.text = "<html>"
	expectFindings(t, feed, -1, finding.Bad("reading", "", ""))

	xandikos := realServer{bed.DAVFor(t, testbed.Xandikos), testbed.BedUser, testbed.BedPassword}
	expectFindings(t, xandikos.calendar(t, "examined"), 0, finding.Good("address", "a CalDAV calendar"), finding.Good("TLS", "none"), finding.Good("login", "as %s", testbed.BedUser))
}
