package web

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"awayd/cmd/awayd/control"
	"awayd/sync/account"
	"awayd/sync/engine"
)

// contains demands texts of a page.
func contains(t *testing.T, what, body string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(body, w) {
			t.Errorf("%s: no %q in\n%s", what, w, body)
		}
	}
}

func TestOverview(t *testing.T) {
	h := open(t, family(), "")
	cookie, _ := h.enter()
	contains(t, "overview", h.get("/", cookie).body,
		"1 linked · 1 away now", "1 with problems", `href="/account?jid=ada%40example.org"`, `class="badge held"`, "Away. &lt;script&gt;",
		"1 Jul 02:00 to 4 Jul 02:00", "take the message down", `<time datetime="2026-07-04T02:00:00&#43;02:00">Sat 2026-07-04 02:00 CEST</time> <span class="rel">in 60h0m0s</span>`,
		`role="img" aria-labelledby="year-0-title year-0-about"`, "The coming year of ada@example.org",
		"Away: 1 Jul 00:00 to 4 Jul 00:00 (seen by contacts now); 20 Jul 00:00 to 22 Jul 00:00 (held). Ignored events: 1.",
		`class="bar live"`, `class="bar held"`, `fill="url(#held)"`, `class="mark"`, "<title>today</title>", "<td>48h0m0s</td><td>held</td>")

	h.backend.accounts[0].Unverified = true
	contains(t, "unverified", h.get("/", cookie).body, "as last known")
	h.backend.accounts = nil
	contains(t, "nobody", h.get("/", cookie).body, "No account is linked yet")

	for i := range 2*perPage + 1 {
		s := engine.Status{JID: fmt.Sprintf("p%03d@example.org", i), Health: engine.HealthOK, Mode: "auto"}
		if i == 2*perPage {
			s.Health = engine.HealthError
		}
		h.backend.accounts = append(h.backend.accounts, s)
	}
	first := h.get("/", cookie).body
	contains(t, "first page", first, "101 linked", "Page 1 of 3", `href="/?page=2"`, "p100@", "p048@")
	if strings.Contains(first, "p049@") || strings.Index(first, "p100@") > strings.Index(first, "p000@") {
		t.Error("the ill one is not the first of fifty")
	}
	contains(t, "last page", h.get("/?page=99", cookie).body, "Page 3 of 3", "p099@")
}

func TestAccount(t *testing.T) {
	h := open(t, family(), "")
	cookie, _ := h.enter()
	contains(t, "account", h.get("/account?jid=ada@example.org", cookie).body,
		"Sync now", "Believe the calendar as it is now", ">Pause<", "Withdraw…", "Europe/Berlin",
		"1 Jul 00:00 to 4 Jul 00:00: “Rome &lt;script&gt;", "in Other, by word", "an event without a title in Trips",
		"joined over the night", "ends in 60h0m0s", "begins in 444h0m0s", "What will happen", "it ended &lt;script&gt;",
		"no rule &lt;script&gt;", `href="/log?account=ada%40example.org"`, "a.ics: &lt;script&gt;", "it is empty", "not connected", "it began &lt;script&gt;", "no answer")
	h.backend.accounts[0].Foreign = true
	body := h.get("/account?jid=ada@example.org", cookie).body
	if contains(t, "foreign", body, "published by another client"); strings.Contains(body, "Withdraw…") {
		t.Error("another client's message can be withdrawn")
	}
	body = h.get("/withdraw?jid=ada@example.org", cookie).body
	if contains(t, "foreign", body, "It can be taken off there"); strings.Contains(body, `method="post" action="/withdraw"`) {
		t.Error("another client's message is withdrawn")
	}
	h.backend.accounts[0].Foreign = false
	h.backend.accounts[0].Mode = string(account.Paused)
	h.backend.accounts[0].Calendars[0].Hold = ""
	body = h.get("/account?jid=ada@example.org", cookie).body
	contains(t, "paused", body, ">Resume<", `class="badge mode">paused`, "left alone", "What would happen if you resumed")
	for _, no := range []string{">Pause<", "Withdraw…", "Believe"} {
		if strings.Contains(body, no) {
			t.Errorf("paused: %s is offered", no)
		}
	}
	contains(t, "withdraw", h.get("/withdraw?jid=ada@example.org", cookie).body, "does not come back", `method="post" action="/withdraw"`)
}

func TestLog(t *testing.T) {
	h := open(t, family(), "")
	cookie, _ := h.enter()
	body := h.get("/log?account=ada@example.org&kind=poll&outcome=failed&since=1d&text=a%25b&before=77", cookie).body
	contains(t, "log", body, "<option selected>poll</option>", "<option selected>failed</option>", `value="1d" selected`, `value="a%b"`, "These are older entries")
	q, err := url.ParseQuery(h.backend.asks[len(h.backend.asks)-1])
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"account": "ada@example.org", "kind": "poll", "outcome": "failed", "text": "a%b", "before": "77", "last": "101",
		"since": noon.AddDate(0, 0, -1).Format(time.RFC3339Nano),
	} {
		if q.Get(name) != want {
			t.Errorf("asked for %s %q, want %q", name, q.Get(name), want)
		}
	}
	body = h.get("/log?kind=nonsense&outcome=x&since=y&before=-1", cookie).body
	contains(t, "nonsense", body, `data-tail="/tail?"`, "2026-07-01 02:00:00 CEST", `data-id="8"`, `class="failed"`)
	if strings.Index(body, `data-id="8"`) > strings.Index(body, `data-id="7"`) {
		t.Error("the newest is not on top")
	}
	contains(t, "tail", h.get("/tail?kind=poll&after=6", cookie).body, `<li data-id="8"`)
	if q := h.backend.asks[len(h.backend.asks)-1]; !strings.Contains(q, "after=6") || !strings.Contains(q, "kind=poll") {
		t.Errorf("the tail asked %s", q)
	}
	for i := range logPage + 1 {
		h.backend.entries = append(h.backend.entries, control.LogEntry{ID: int64(100 + i)})
	}
	contains(t, "more", h.get("/log?kind=poll", cookie).body, `href="/log?before=101&amp;kind=poll"`, "Older entries")
}

func TestStates(t *testing.T) {
	x := control.PreviewPeriod{Start: at(1, 0), End: at(4, 0), Absences: []string{"u"}}
	p := control.Preview{Absences: []control.PreviewAbsence{{UID: "u", Calendar: "c", Start: at(1, 0), End: at(4, 0)}}}
	shown := &engine.Message{Start: momentAt(1), End: momentAt(4)}
	hold := []engine.CalendarStatus{{Name: "c", Hold: "empty"}}
	elsewhere := []engine.CalendarStatus{{Name: "d", Hold: "empty"}}
	for _, test := range []struct {
		name string
		s    engine.Status
		day  int
		want state
	}{
		{"live", engine.Status{Mode: "auto", Visible: shown}, 2, live},
		{"live while its calendar is held", engine.Status{Mode: "auto", Visible: shown, Calendars: hold}, 2, live},
		{"live while paused", engine.Status{Mode: "paused", Visible: shown}, 2, live},
		{"overridden", engine.Status{Mode: "overridden", Visible: shown}, 2, alone},
		{"begun but not shown", engine.Status{Mode: "auto"}, 2, ahead},
		{"begun while paused", engine.Status{Mode: "paused"}, 2, alone},
		{"staged", engine.Status{Mode: "auto", Staged: shown}, 0, staged},
		{"another is staged", engine.Status{Mode: "auto", Staged: &engine.Message{Start: momentAt(3)}}, 0, ahead},
		{"held", engine.Status{Mode: "auto", Staged: shown, Calendars: hold}, 0, held},
		{"another calendar is held", engine.Status{Mode: "auto", Staged: shown, Calendars: elsewhere}, 0, staged},
		{"paused", engine.Status{Mode: "paused", Staged: shown}, 0, alone},
		{"the next one while overridden", engine.Status{Mode: "overridden"}, 0, ahead},
	} {
		if got := stateOf(x, test.s, p, at(test.day, 0)); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// Whatever the calendar holds, the picture stays within its frame, has today
// in it, and has every ignored event in a mark.
func TestYearStaysInItsFrame(t *testing.T) {
	v := &visit{site: &site{Config: config(nil, func() time.Time { return noon })}}
	frame := func(t *rapid.T, s string) float64 {
		f, err := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64)
		if err != nil || f < 0 || f > 100.01 {
			t.Fatalf("%q is outside (%v)", s, err)
		}
		return f
	}
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "Pacific/Apia", "America/Sao_Paulo"}).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		now := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "now"), 0).In(zone)
		var p control.Preview
		begin := now.Add(-1000 * time.Hour)
		for range rapid.IntRange(0, 20).Draw(t, "events") {
			begin = begin.Add(time.Duration(rapid.Int64Range(0, int64(2000*time.Hour)).Draw(t, "gap")))
			end := begin.Add(time.Duration(rapid.Int64Range(0, int64(5000*time.Hour)).Draw(t, "length")))
			p.Periods = append(p.Periods, control.PreviewPeriod{Start: begin, End: end})
			p.Ignored = append(p.Ignored, control.PreviewIgnored{Start: begin, End: end})
		}
		y := v.year(newAxis(now), engine.Status{}, p, 0)
		if len(y.Months) != shownMonths || frame(t, y.Today) > 100.0/12 {
			t.Fatalf("today is at %s", y.Today)
		}
		inMarks := 0
		for _, m := range y.Marks {
			n := 1
			if several, ok := strings.CutSuffix(m.Title, " events that are no absence"); ok {
				n, _ = strconv.Atoi(several)
			}
			inMarks += n
		}
		if inMarks != len(p.Ignored) {
			t.Fatalf("%d of %d ignored events are shown", inMarks, len(p.Ignored))
		}
		for _, b := range append(y.Bars, y.Marks...) {
			if frame(t, b.X)+frame(t, b.W) > 100.02 {
				t.Fatalf("%+v sticks out", b)
			}
		}
	})
}
