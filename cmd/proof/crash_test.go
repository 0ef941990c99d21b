package main

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"awayd/cmd/testbed"
)

// crashEvery takes so few of the points that the test ends within half a
// minute; which ones changes with every step that the choreography gains.
const crashEvery = 41

// Killed at any step and started again, the daemon converges, and no contact
// sees anything early, stale or twice.
func TestCrashes(t *testing.T) {
	t.Parallel()
	every := crashEvery
	if os.Getenv("AWAYD_LONG") != "" {
		every = 1
	}
	tallies, err := runCrashes(t.Context(), every)
	if err != nil {
		t.Error(err)
	}
	t.Log(crashTable(tallies).markdown())
	points := 0
	for _, tally := range tallies {
		points += tally.points
	}
	if points < 5 {
		t.Errorf("%d points are too few to show anything", points)
	}
}

func TestStepsAreNamedFromStanzas(t *testing.T) {
	const (
		pubsub = "<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
		owner  = "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'>"
		node   = " node='urn:xmpp:ooo:0'"
		model  = "<x xmlns='jabber:x:data' type='submit'><field var='pubsub#access_model'><value>whitelist</value></field></x>"
		past   = "<ooo xmlns='urn:xmpp:ooo:0'><start>2026-01-01T00:00:00Z</start><end>2026-01-02T00:00:00Z</end><message>x</message></ooo>"
		ahead  = "<ooo xmlns='urn:xmpp:ooo:0'><start>2026-01-01T00:00:00Z</start><end>2026-01-03T00:00:00Z</end><message>x</message></ooo>"
	)
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		typ, inner string
		want       crashStep
	}{
		{"set", pubsub + "<publish" + node + "><item id='archive'>" + ahead + "</item></publish><publish-options>" + model + "</publish-options></pubsub>",
			crashStep{name: "publish archive under whitelist", changes: true}},
		{"set", pubsub + "<publish" + node + "><item id='current'>" + ahead + "</item></publish></pubsub>",
			crashStep{name: "publish current under none", changes: true, tells: "2026-01-01T00:00:00Z to 2026-01-03T00:00:00Z"}},
		{"set", pubsub + "<publish" + node + "><item id='current'>" + past + "</item></publish></pubsub>",
			crashStep{name: "publish the end under none", changes: true, tells: theEnd}},
		{"set", pubsub + "<publish node='http://jabber.org/protocol/activity'><item id='current'/></publish></pubsub>",
			crashStep{name: "publish current under none on activity", changes: true}},
		{"set", pubsub + "<retract" + node + "><item id='archive'/></retract></pubsub>", crashStep{name: "retract archive", changes: true}},
		{"set", pubsub + "<retract" + node + " notify='true'><item id='current'/></retract></pubsub>", crashStep{name: "retract current and tell", changes: true}},
		{"get", pubsub + "<items" + node + " max_items='16'/></pubsub>", crashStep{name: "read items"}},
		{"set", owner + "<configure" + node + ">" + model + "</configure></pubsub>", crashStep{name: "set access model whitelist", changes: true}},
		{"get", owner + "<configure" + node + "/></pubsub>", crashStep{name: "read configuration"}},
		{"set", owner + "<delete" + node + "/></pubsub>", crashStep{name: "delete node", changes: true}},
		{"get", owner + "<affiliations" + node + "/></pubsub>", crashStep{name: "read affiliations"}},
		{"set", owner + "<affiliations" + node + "/></pubsub>", crashStep{name: "set affiliations", changes: true}},
		{"get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", crashStep{name: "ask for features"}},
		{"get", "<query xmlns='jabber:iq:version'/>", crashStep{name: "get query jabber:iq:version"}},
	} {
		got := readStep(testbed.Stanza{At: now, Name: "iq", Type: c.typ, Raw: "<iq type='" + c.typ + "'>" + c.inner + "</iq>"})
		got.at = time.Time{}
		if got != c.want {
			t.Errorf("%s\nis %+v, want %+v", c.inner, got, c.want)
		}
	}
	got := readStep(testbed.Stanza{Name: "presence", Raw: "<presence><show>xa</show><status>x</status><priority>-1</priority></presence>"})
	if want := (crashStep{name: "presence xa", changes: true, answered: true}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestCrashPoints(t *testing.T) {
	got := crashPoints([]crashStep{
		{name: "read items"},
		{name: "read items", armed: true},
		{name: "publish", armed: true, changes: true},
		{name: "ping", armed: true},
		{name: "read items", armed: true},
	})
	want := []crashPoint{{"read items", 1, false}, {"publish", 1, false}, {"publish", 1, true}, {"read items", 2, false}}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// A judge who notices nothing would prove nothing: each fault is noticed, and
// as what it is.
func TestCrashJudge(t *testing.T) {
	start := time.Now().Truncate(time.Second).Add(-time.Hour)
	was, is := trip(start, 10*time.Minute), trip(start, 20*time.Minute)
	over := start.Add(15 * time.Minute)
	at := func(d time.Duration) time.Time { return start.Add(d) }
	item := func(e testbed.Entry) testbed.Item {
		const form = time.RFC3339
		return testbed.Item{ID: "current", OOO: true, Start: e.Start.UTC().Format(form), End: e.End.UTC().Format(form), Message: "away"}
	}
	told := func(d time.Duration, i testbed.Item) testbed.Received {
		return testbed.Received{At: at(d), Event: &testbed.Event{Node: testbed.NodeOOO, Items: []testbed.Item{i}}}
	}
	seen := func(d time.Duration, show string) testbed.Received {
		return testbed.Received{At: at(d), Name: "presence", From: "ada@x/1", Show: show}
	}
	busy := func(d time.Duration, activity string) testbed.Received {
		return testbed.Received{At: at(d), Event: &testbed.Event{Node: nodeActivity, Items: []testbed.Item{{Payload: activity}}}}
	}
	read := func(d time.Duration, i testbed.Item) testbed.Answer {
		return testbed.Answer{Asked: at(d), At: at(d), Items: []testbed.Item{i}}
	}
	end := testbed.Received{At: at(14 * time.Minute), Event: &testbed.Event{Node: testbed.NodeOOO, Retracted: []string{"current"}}}
	good := func() crashView {
		return crashView{
			story: crashStory{from: visible(was), to: visible(is)}, due: at(10 * time.Minute), over: over, person: "ada@x", dead: 1,
			answers:  []testbed.Answer{read(time.Minute, item(was)), read(8*time.Minute, item(is))},
			received: []testbed.Received{seen(0, "xa"), told(0, item(was)), told(7*time.Minute, item(is)), end},
			steps:    []crashStep{{conn: 1, tells: "x", armed: true}, {conn: 2, tells: "x", armed: true}},
		}
	}
	if v := good().judge(0); v.bad() || !v.again {
		t.Fatalf("all is well, but: %+v", v)
	}
	for name, c := range map[string]struct {
		spoil func(*crashView)
		kind  string
	}{
		"read before the start":    {func(c *crashView) { c.answers[0].At = at(-time.Second) }, "early"},
		"read of another":          {func(c *crashView) { c.answers[0].Items[0].Start = "2030-01-01T00:00:00Z" }, "early"},
		"told before the start":    {func(c *crashView) { c.received[1].At = at(-time.Second) }, "early"},
		"told of another":          {func(c *crashView) { c.received[1].Event.Items[0].Start = "2030-01-01T00:00:00Z" }, "early"},
		"told a secret":            {func(c *crashView) { c.received[1].Raw = crashTitle }, "early"},
		"shown before the start":   {func(c *crashView) { c.received[0].At = at(-time.Second) }, "early"},
		"told what stays hidden":   {func(c *crashView) { c.story = crashStory{to: staged(is)}; c.received = c.received[3:] }, "early"},
		"read after the end":       {func(c *crashView) { c.answers[1].Asked = over.Add(1) }, "stale"},
		"told after the end":       {func(c *crashView) { c.received = append(c.received, told(14*time.Minute+1, item(is))) }, "stale"},
		"told the old after new":   {func(c *crashView) { c.received[1].At = at(8 * time.Minute); swapReceived(c.received) }, "stale"},
		"not told of the end":      {func(c *crashView) { c.received = c.received[:3] }, "stale"},
		"told of the end too late": {func(c *crashView) { c.received[3].At = over.Add(1) }, "stale"},
		"shown after the end":      {func(c *crashView) { c.received = append(c.received, seen(16*time.Minute, "xa")) }, "stale"},
		"away before the start":    {func(c *crashView) { c.received = append(c.received, busy(-time.Second, "on_vacation"), busy(0, "")) }, "early"},
		"away after the end": {func(c *crashView) {
			c.received = append(c.received, busy(16*time.Minute, "on_vacation"), busy(17*time.Minute, ""))
		}, "stale"},
		"away for ever":      {func(c *crashView) { c.received = append(c.received, busy(0, "on_vacation")) }, "stale"},
		"told late":          {func(c *crashView) { c.received[2].At = at(11 * time.Minute) }, "late"},
		"converged late":     {func(c *crashView) { c.took = crashPatience + 1 }, "late"},
		"told twice":         {func(c *crashView) { c.logged = true }, "twice"},
		"shown as available": {func(c *crashView) { c.received[0].Show = "" }, "odd"},
		"a question failed":  {func(c *crashView) { c.answers[0].Err = os.ErrDeadlineExceeded }, "odd"},
	} {
		view := good()
		c.spoil(&view)
		if v := view.judge(0).String(); !strings.Contains("\n"+v, "\n"+c.kind+": ") {
			t.Errorf("%s: not noticed as %s: %s", name, c.kind, v)
		}
	}
}

func swapReceived(list []testbed.Received) { list[1], list[2] = list[2], list[1] }
