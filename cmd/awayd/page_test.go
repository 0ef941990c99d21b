package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"awayd/cmd/awayd/control"
	"awayd/sync/account"
	"awayd/sync/engine"
	"awayd/sync/finding"
)

// What people see is held in golden files: each command in each state, on
// screens of several widths, without a screen, and in colour. -update writes
// them anew; look at them.

var noon = time.Date(2026, 7, 3, 10, 0, 0, 0, time.UTC) // Friday

// drawn is what draw shows on each screen.
func drawn(draw func(*page)) string {
	var all strings.Builder
	last := ""
	for _, screen := range []struct {
		name   string
		width  int
		colour bool
	}{{"no terminal", 0, false}, {"120 columns", 120, false}, {"80 columns", 80, false}, {"40 columns", 40, false}, {"80 columns, in colour", 80, true}} {
		var out bytes.Buffer
		p := &page{out: bufio.NewWriter(&out), width: screen.width, colour: screen.colour, now: noon, zone: zoneOf("Europe/Berlin")}
		draw(p)
		if err := p.flush(); err != nil {
			panic(err)
		}
		text := strings.ReplaceAll(out.String(), "\x1b", "ESC")
		if text == last {
			text = "(the same)\n"
		} else {
			last = text
		}
		fmt.Fprintf(&all, "=== %s\n%s", screen.name, text)
	}
	return all.String()
}

func noonPlus(d time.Duration) *time.Time {
	t := noon.Add(d)
	return &t
}

func healthy(jid string) engine.Status {
	return engine.Status{
		JID: jid, Mode: "auto", Zone: "Europe/Berlin", Health: engine.HealthOK,
		Calendars: []engine.CalendarStatus{{
			Name: "Vacations", URL: "https://dav.example.org/…", LastPoll: noonPlus(-2 * time.Minute), LastOK: noonPlus(-2 * time.Minute), NextPoll: noonPlus(3 * time.Minute),
		}},
		XMPP: engine.XMPPStatus{Connected: true, Server: "Prosody 0.12.3"},
	}
}

// vacation is from Monday to Friday of the week after next.
func vacation() *engine.Message {
	return &engine.Message{
		Start: at0("2026-07-05T22:00:00Z"), End: at0("2026-07-17T22:00:00Z"),
		Message: "I am away until Friday, 17 July and back on Monday, 20 July.",
	}
}

func at0(s string) *time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return &t
}

func changed(s engine.Status, change func(*engine.Status)) engine.Status {
	change(&s)
	return s
}

func staged(jid string) engine.Status {
	return changed(healthy(jid), func(s *engine.Status) {
		s.Staged, s.Next = vacation(), &engine.Next{At: *vacation().Start, Action: "reveal"}
	})
}

// resting is how most accounts are most of the time.
func resting(jid string) engine.Status {
	return changed(staged(jid), func(s *engine.Status) {
		s.XMPP = engine.XMPPStatus{Server: "Prosody 0.12.3", Resting: true, ConnectsAt: noonPlus(20 * time.Hour)}
	})
}

func live(jid string) engine.Status {
	return changed(healthy(jid), func(s *engine.Status) {
		s.Visible, s.Next = vacation(), &engine.Next{At: *vacation().End, Action: "withdraw"}
		s.Visible.Start = noonPlus(-30 * time.Hour)
	})
}

func held(jid string) engine.Status {
	return changed(staged(jid), func(s *engine.Status) {
		s.Health = engine.HealthHeld
		s.Calendars[0].Hold = "it suddenly holds nothing; its 2 objects are kept until it answers well again or is accepted as empty (awayd sync --accept JID)"
		s.Problems = []string{`calendar "Vacations": ` + s.Calendars[0].Hold}
	})
}

func failing(jid string) engine.Status {
	return changed(healthy(jid), func(s *engine.Status) {
		s.Health = engine.HealthError
		s.Calendars[0].Error = "read calendar from dav.example.org: the server answered 401 Unauthorized"
		s.Calendars[0].LastOK = noonPlus(-5 * time.Hour)
		s.XMPP = engine.XMPPStatus{Error: "log in as " + jid + ": the server refused the password"}
		s.Problems = []string{`calendar "Vacations": ` + s.Calendars[0].Error, s.XMPP.Error}
	})
}

func paused(jid string) engine.Status {
	return changed(staged(jid), func(s *engine.Status) { s.Mode, s.Next = "paused", nil })
}

func TestStatusPage(t *testing.T) {
	const ada = "ada@example.org"
	crowd := []engine.Status{staged("bob@example.org"), live("田中太郎@例え.jp"), healthy("eve@example.org"), paused("kim@example.org"),
		held("a-rather-long-name-of-somebody@subsidiary.of.a.company.example.com"), failing("zoe@example.org")}
	stranger := changed(live(ada), func(s *engine.Status) {
		s.Mode, s.Next = engine.ModeOverridden, nil
		s.Visible.End, s.Visible.Message = nil, "Back soon 🏖️\nAsk Kim."
	})
	long := changed(staged(ada), func(s *engine.Status) {
		s.Calendars[0].Name = "家族の休暇と出張の予定をまとめた共有カレンダー（編集しないでください）二〇二六年度"
		s.Staged.Message = "我在度假，七月二十日星期一回来。如有紧急事务，请联系金先生；他会在工作时间内尽快回复您的消息，谢谢您的理解与耐心等待。\x1b[31m\u202e"
	})
	for name, test := range map[string]struct {
		list []engine.Status
		idle bool // no daemon
	}{
		"none":       {},
		"ok":         {list: []engine.Status{healthy(ada)}},
		"staged":     {list: []engine.Status{staged(ada)}},
		"live":       {list: []engine.Status{live(ada)}},
		"held":       {list: []engine.Status{held(ada)}},
		"error":      {list: []engine.Status{failing(ada)}},
		"paused":     {list: []engine.Status{paused(ada)}},
		"overridden": {list: []engine.Status{stranger}},
		"unverified": {list: []engine.Status{changed(live(ada), func(s *engine.Status) { s.Unverified = true })}},
		"new":        {list: []engine.Status{{JID: ada, Mode: "auto", Health: engine.HealthOK, Zone: "UTC", Calendars: []engine.CalendarStatus{{Name: "Vacations"}}}}},
		"resting":    {list: []engine.Status{resting(ada)}},
		"stopped":    {list: []engine.Status{staged(ada)}, idle: true},
		"long":       {list: []engine.Status{long}},
		"two":        {list: []engine.Status{staged(ada), failing("bob@example.org")}},
		"many":       {list: crowd},
		"many-well":  {list: []engine.Status{staged(ada), live("bob@example.org"), healthy("kim@example.org"), healthy("zoe@example.org")}},
	} {
		t.Run(name, func(t *testing.T) {
			expectGolden(t, "page/status-"+name+".txt", drawn(func(p *page) { p.statuses(test.list, !test.idle) }))
		})
	}
}

// The README shows what status really shows.
func TestReadmeShowsStatus(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	shown, _, _ := strings.Cut(strings.TrimPrefix(drawn(func(p *page) { p.statuses([]engine.Status{resting("ada@example.org")}, true) }), "=== no terminal\n"), "===")
	if want := "```\n$ awayd status\n" + shown + "```\n"; !strings.Contains(string(readme), want) {
		t.Errorf("the README does not have:\n%s", want)
	}
}

func TestAccountsPage(t *testing.T) {
	linked := noon.Add(-40 * 24 * time.Hour)
	ada := control.Account{
		JID: "ada@example.org", Mode: "auto", Linked: linked, Settings: account.Settings{Zone: "Europe/Berlin"},
		Calendars: []control.Calendar{{Name: "Vacations", URL: "https://dav.example.org/…", User: "ada"}},
	}
	many := []control.Account{
		ada,
		{
			JID: "田中太郎@例え.jp", Mode: "paused", Linked: linked, Settings: account.Settings{Zone: "Asia/Tokyo", Audience: "group:同僚"},
			Calendars: []control.Calendar{
				{Name: "休暇", URL: "https://dav.example.jp/…", User: "tanaka", EveryEvent: true},
				{Name: "Public holidays of the whole region and of its neighbours 🎌", URL: "webcals://holidays.example.jp/…", Holidays: true},
			},
		},
		{JID: "kim@example.org", Mode: "auto", Linked: noon, Settings: account.Settings{Zone: "UTC"}},
	}
	unread := []control.Account{ada, {JID: "bob@example.org", Mode: "auto", Error: "password of bob@example.org: sealed value does not open"}}
	for name, list := range map[string][]control.Account{"none": nil, "one": {ada}, "many": many, "unread": unread} {
		expectGolden(t, "page/accounts-"+name+".txt", drawn(func(p *page) { p.accounts(list) }))
	}
}

func TestLogPage(t *testing.T) {
	ada, bob := control.Account{JID: "ada@example.org"}, control.Account{JID: "bob@example.org"}
	entry := func(before time.Duration, who, kind, outcome, reason, failure string) control.LogEntry {
		return control.LogEntry{Time: noon.Add(-before), Account: who, Kind: kind, Outcome: outcome, Reason: reason, Error: failure}
	}
	entries := []control.LogEntry{
		entry(75*time.Hour, "ada@example.org", "link", "ok", `linked to "Vacations"`, ""),
		entry(75*time.Hour, "ada@example.org", "stage", "ok", `"Urlaub Italien" in "Vacations" (word) begins 2026-07-06 00:00:00 CEST`, ""),
		entry(26*time.Hour, "ada@example.org", "poll", "failed", `calendar "Vacations" could not be read`, "read calendar from dav.example.org: the server answered 401 Unauthorized"),
		entry(25*time.Hour, "bob@example.org", "override", "ok", "awayd's message was removed from the node by another client; left alone until 2026-07-18 00:00:00 CEST", ""),
		entry(time.Minute, "ada@example.org", "reveal", "ok", `"休暇" in "Vacations" (word) began 2026-07-03 11:59:00 CEST`, ""),
		entry(0, "", "error", "failed", "notify_jid cannot be told", "connection refused"),
	}
	for name, list := range map[string][]control.Account{"one": {ada}, "two": {ada, bob}} {
		expectGolden(t, "page/log-"+name+".txt", drawn(func(p *page) {
			l := newLogPage(p, list)
			for _, e := range entries {
				if len(list) > 1 || e.Account != bob.JID {
					l.entry(e)
				}
			}
		}))
	}
}

func TestCheckPage(t *testing.T) {
	const ada = "account ada@example.org"
	well := []control.Finding{
		control.NewFinding("state", "", finding.Good("lock", "held by process 7, for /var/lib/awayd")),
		control.NewFinding("state", "", finding.Good("space", "1 GB free")),
		control.NewFinding(ada, "ada@example.org", finding.Good("access models", "presence, open and whitelist can be set, and leave the rest of the configuration as it is")),
	}
	ill := append(well[:3:3],
		control.NewFinding(ada, "ada@example.org", finding.Doubt("certificate", "renew it, or ask the server's administrator to; awayd refuses an expired one", "trusted by this machine, expires in 3 days, on 2026-07-06")),
		control.NewFinding(`calendar "家族の休暇" of ada@example.org`, "ada@example.org", finding.Bad("login", "awayd link with the new password", "the server answered 401 Unauthorized")))
	for name, list := range map[string][]control.Finding{"well": well, "ill": ill} {
		expectGolden(t, "page/check-"+name+".txt", drawn(func(p *page) { p.findings(list, false) }))
		expectGolden(t, "page/check-"+name+"-verbose.txt", drawn(func(p *page) { p.findings(list, true) }))
	}
}

func TestPreviewPage(t *testing.T) {
	berlin := zoneOf("Europe/Berlin")
	v := vacation()
	start, end := v.Start.In(berlin), v.End.In(berlin)
	preview := control.Preview{
		Zone: "Europe/Berlin", From: noon.In(berlin), To: noon.In(berlin).AddDate(1, 0, 0),
		Periods:  []control.PreviewPeriod{{Start: start, End: end, Message: v.Message, Absences: []string{"a"}}},
		Absences: []control.PreviewAbsence{{UID: "a", Start: start, End: end, AllDay: true, Summary: "夏休み 🏖️ at the sea, with everybody who wants to come along", Calendar: "Vacations", Matched: "word"}},
		Actions: []control.PreviewAction{
			{At: noon.In(berlin), Action: "stage", Reason: `"夏休み 🏖️" in "Vacations" (word) begins 2026-07-06 00:00:00 CEST`},
			{At: start, Action: "reveal", Reason: `"夏休み 🏖️" in "Vacations" (word) began 2026-07-06 00:00:00 CEST`},
		},
		Ignored: []control.PreviewIgnored{{UID: "b", Start: start, End: start.Add(time.Hour), Summary: "Team meeting", Calendar: "Vacations", Reason: "no-rule",
			Detail: "no out-of-office status, category or word marks it as an absence"}},
		Errors: []control.PreviewError{{Source: "Vacations", Error: `broken: line 176: DTSTART "20250230": neither a date nor a date with time`}},
	}
	expectGolden(t, "page/preview.txt", drawn(func(p *page) { p.preview(preview) }))
}

func TestRelative(t *testing.T) {
	const day = 24 * time.Hour
	for _, test := range []struct {
		d    time.Duration
		want string
	}{
		{0, "now"}, {999 * time.Millisecond, "now"}, {time.Second, "in 1 s"}, {-89 * time.Second, "89 s ago"}, {90 * time.Second, "in 2 min"},
		{-2 * time.Minute, "2 min ago"}, {99 * time.Minute, "in 99 min"}, {100 * time.Minute, "in 2 h"}, {35 * time.Hour, "in 35 h"},
		{36 * time.Hour, "in 2 days"}, {71*time.Hour + 59*time.Minute, "in 3 days"}, {-40 * day, "40 days ago"}, {100 * day, "in 3 months"}, {365 * day, "in 12 months"},
	} {
		if got := relative(noon.Add(test.d), noon); got != test.want {
			t.Errorf("%v: %q, want %q", test.d, got, test.want)
		}
	}
}

func TestLong(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Minute: "1 minute", 15 * time.Minute: "15 minutes", 100 * time.Minute: "2 hours", 8 * time.Hour: "8 hours", 24 * time.Hour: "1 day", 12 * 24 * time.Hour: "12 days",
	} {
		if got := long(noon, noon.Add(d)); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

// Whatever is written, nothing is lost, and no line is wider than the screen
// but for a word that is meant to be copied in one piece.
func TestWrap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.OneOf(rapid.StringMatching(`[a-z0-9@./-]{1,30}`), rapid.StringMatching(`[一-龥]{1,30}`),
			rapid.SampledFrom([]string{"🏖️", "👩‍👩‍👧‍👦", "e\u0301", ""})))
		text := printable(strings.Join(words.Draw(t, "words"), " "))
		label := strings.Repeat("x", rapid.IntRange(0, 40).Draw(t, "label"))
		width := rapid.IntRange(narrowest, 60).Draw(t, "width")
		var out bytes.Buffer
		p := &page{out: bufio.NewWriter(&out), width: width}
		p.hang(label, text)
		if err := p.flush(); err != nil {
			t.Fatal(err)
		}
		bare := func(s string) string { return strings.NewReplacer(" ", "", "\n", "").Replace(s) }
		if got := bare(out.String()); got != bare(label+text) {
			t.Fatalf("%q became %q", label+text, got)
		}
		for line := range strings.Lines(out.String()) {
			line = strings.TrimRight(line, "\n")
			if rest := strings.TrimPrefix(line, label); widthOf(line) > width && (strings.Contains(strings.TrimSpace(rest), " ") || strings.ContainsFunc(rest, spaceless)) {
				t.Fatalf("%q is wider than %d", line, width)
			}
		}
	})
}
