package caldav

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"awayd/sync/absence"
)

func FuzzReadObject(f *testing.F) {
	f.Add(object("DTSTART;TZID=\"Europe/Berlin\":20250707T090000", "RRULE:FREQ=DAILY;COUNT=3", "EXDATE;VALUE=DATE:20250708,20250709"))
	f.Add(object("DTSTART;VALUE=DATE:20250707", "DURATION:P1W", "ATTENDEE;PARTSTAT=DECLINED;CN=\"a:b\":mailto:a@b", "CATEGORIES:a\\,b,c"))
	f.Add([]byte("\ufeffBEGIN:VCALENDAR\r\nBEGIN:VEVENT \r\nUID:a\r\n b\r\nBEGIN:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR"))
	f.Add([]byte("BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:x\nEND:VTIMEZONE\nBEGIN:VEVENT\nUID:a\nDTSTART:20250101\nBEGIN:VEVENT"))
	f.Add(vtimezone("X-LIC-LOCATION:x\n" + standard("16010101T030000", "+0200", "+0100", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10") + daylight("19700329T020000", "+0100", "+0200", "RRULE:FREQ=YEARLY;BYMONTHDAY=8,9;BYDAY=SU;BYMONTH=3;UNTIL=20300101T000000Z\nRDATE:20310101T000000")))
	f.Add(object("DTSTART;TZID=\"UTC-01:00\":20250707T090000", "RDATE;VALUE=PERIOD:20250707T090000/P1D", "EXRULE:FREQ=DAILY;COUNT=2", "END:VEVENT", "X-WR-TIMEZONE:Asia/Tokyo", "BEGIN:VEVENT", "UID:u", "RECURRENCE-ID;RANGE=THISANDFUTURE:20250708T090000", "DTSTART:20250709T090000"))
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o := readObject(data)
		events, errs := o.Events, o.Errors
		survives(t, o, berlin)
		for _, e := range events {
			if e.UID == "" || e.End != nil && (e.Duration != nil || e.End.Date != e.Start.Date) {
				t.Errorf("not an event: %+v", e)
			}
			for _, s := range []string{e.UID, e.Summary, e.Description, e.Organizer} {
				if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
					t.Errorf("not clean: %q", s)
				}
			}
			for _, r := range e.Rules {
				if err := r.Check(); err != nil {
					t.Error(err)
				}
			}
			if e.Duration != nil && (e.Duration.Days < 0 || e.Duration.Exact < 0) {
				t.Errorf("duration %+v", e.Duration)
			}
		}
		for _, e := range errs {
			if e.Reason == "" || strings.ContainsAny(e.Reason, "\r\n") || !utf8.ValidString(e.Reason) {
				t.Errorf("reason %q", e.Reason)
			}
			if strings.Contains(e.Reason, "decoded") {
				t.Errorf("reading panicked at %q", data)
			}
		}
		if objects, err := ReadICS(bytes.NewReader(data), "f"); err == nil {
			n := 0
			for _, o := range objects {
				n += len(o.Events)
			}
			if n != len(events) && len(data) <= maxObject {
				t.Errorf("%d events in the file, %d in the object", n, len(events))
			}
		}
	})
}

// survives checks that an object means the same after it was cached.
func survives(t *testing.T, o absence.Object, zone *time.Location) {
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var back absence.Object
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	from := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	began := time.Now()
	want, _ := absence.Expand(o, from, from.AddDate(1, 0, 0), zone)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("expanding took %v", took)
	}
	got, _ := absence.Expand(back, from, from.AddDate(1, 0, 0), zone)
	if len(got) != len(want) {
		t.Fatalf("%d occurrences became %d", len(want), len(got))
	}
	for i := range got {
		if !got[i].Start.Equal(want[i].Start) || !got[i].End.Equal(want[i].End) {
			t.Fatalf("%v became %v", want[i].Start, got[i].Start)
		}
	}
}

func FuzzParseRule(f *testing.F) {
	for _, s := range []string{"FREQ=WEEKLY;BYDAY=MO,-1FR;WKST=SU;", "freq=yearly;until=20250101t000000z", "FREQ=SECONDLY;BYSECOND=60;X-A=b;INTERVAL=2;COUNT=3", "FREQ=YEARLY;RSCALE=GREGORIAN;SKIP=OMIT;BYMONTH=1,2;BYYEARDAY=-366"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := parseRule(s)
		if err != nil {
			return
		}
		if err := r.Check(); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	})
}

func FuzzParseDateTime(f *testing.F) {
	for _, s := range []string{"20250707", "20250707T090000", "20250707t090000z", "20161231T235960Z", "20250707T0900"} {
		f.Add(s, "DATE")
	}
	f.Fuzz(func(t *testing.T, s, valueType string) {
		d, err := parseDateTime(s, valueType, nil)
		if err != nil {
			return
		}
		again, err := parseDateTime(d.String(), "", nil)
		if err != nil || again.String() != d.String() || d.Wall.Year() < 1 || d.Wall.Year() > 9999 {
			t.Errorf("%q: %v, %v, %v", s, d, again, err)
		}
	})
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"P1W", "P1DT2H3M4S", "-PT5M", "PT0S", "P36525D", "PT99999999999S"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := parseDuration(s)
		if err == nil && (d.Days < 0 || d.Days > maxDuration || d.Exact < 0 || d.Exact.Hours() > maxDuration*24) {
			t.Errorf("%q: %+v", s, d)
		}
	})
}

func FuzzReadMultistatus(f *testing.F) {
	f.Add([]byte(multistatus(found("/a", `W/"1"`) + failed("/b", 404) + failed("/", 507) + token("t"))))
	f.Add([]byte(multistatus(props("/c/", calendarType+syncReports+ctag("1")) + data("/c/a", "1", event("a", "b")))))
	f.Add([]byte(multistatus(found("<![CDATA[/a&b]]>", "1<!-- <no> -->2&#1;&#x110000;&#13;"))))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := readMultistatus(bytes.NewReader(data), func(r response) {
			if r.href == "" && r.broken == "" {
				t.Errorf("neither named nor broken: %+v", r)
			}
			kindOf(mustURL(t, r.href), r)
			zoneName(r)
			supportsSync(r)
		})
		if err != nil && !utf8.ValidString(err.Error()) {
			t.Errorf("error %q", err)
		}
	})
}

func FuzzReadFeed(f *testing.F) {
	f.Add([]byte(feedOf(stamp, "a", "b")))
	f.Add([]byte("\ufeffbegin:vcalendar\nNAME:x\\,y\n z\nX-WR-TIMEZONE:/a/Europe/Berlin\nBEGIN:VEVENT\nUID:\nEND:VEVENT\nEND:VCALENDAR \n\x1a"))
	f.Add([]byte("<html>BEGIN:VCALENDAR</html>\nEND:VCALENDAR"))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := readWhole(data)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("error %q", err)
			}
			return
		}
		if !utf8.ValidString(w.name) || strings.ContainsAny(w.name, "\r\n") || len(w.name) > maxName+3 {
			t.Errorf("name %q", w.name)
		}
		d, now := w.since(cursor{})
		if d.Unchanged || d.Listing == nil || len(d.Changed) != len(d.Listing) {
			t.Errorf("first: %+v", d)
		}
		again, _ := w.since(readCursor(now.String()))
		if len(again.Changed) > 0 || again.Unchanged == now.Relist {
			t.Errorf("again: %+v", again)
		}
		// A part of it is no calendar, unless only blanks were cut off.
		text := bytes.TrimRight(data, "\r\n\t ")
		if _, err := readWhole(text[:len(text)-1]); err == nil && bytes.HasSuffix(bytes.ToUpper(text), []byte("\nEND:VCALENDAR")) {
			t.Error("a part was taken for the whole")
		}
	})
}

// Hostile hrefs lead to no host of another owner.
func FuzzFollow(f *testing.F) {
	f.Add("https://p42-caldav.icloud.com:443/1/calendars/")
	f.Add("https://caldav.icloud.com@evil.example/")
	f.Add("//x.icloud.com\\@evil.example")
	base := &url.URL{Scheme: "https", Host: "caldav.icloud.com", Path: "/"}
	f.Fuzz(func(t *testing.T, href string) {
		u, err := follow(base, href)
		if err != nil {
			return
		}
		again, err := url.Parse(u.String())
		if err != nil || again.Scheme != "https" || again.Hostname() != "icloud.com" && !strings.HasSuffix(again.Hostname(), ".icloud.com") {
			t.Errorf("%q leads to %s: %v", href, u, err)
		}
	})
}

func FuzzChallenges(f *testing.F) {
	f.Add(`Basic realm="x", Digest realm="a, Basic b", nonce="n", qop="auth-int, auth", algorithm=MD5`)
	f.Add(`Digest nonce=x,,qop=`)
	f.Fuzz(func(t *testing.T, line string) {
		d, _ := challenges(http.Header{"Www-Authenticate": {line}})
		if d != nil && d.Nonce == "" {
			t.Errorf("%q: %+v", line, d)
		}
		l := &login{user: "ada", wanted: map[string]*wanted{"h": {digest: d}}}
		req := &http.Request{Method: "GET", URL: mustURL(t, "/"), Header: http.Header{}}
		if d != nil {
			l.sign(req, "h")
		}
	})
}

func mustURL(t *testing.T, href string) *url.URL {
	base := &url.URL{Scheme: "https", Host: "example.org", Path: "/c/"}
	u, err := resolve(base, href)
	if err != nil {
		return base
	}
	if u.Host != base.Host || u.Scheme != base.Scheme {
		t.Errorf("%q leads to %s", href, u)
	}
	// What goes on the wire is one line and reads back as the same resource.
	again, err := url.Parse(u.String())
	if err != nil || again.Host != base.Host || identity(again) != identity(u) {
		t.Errorf("%q is sent as %q: %v", href, u, err)
	}
	return u
}
