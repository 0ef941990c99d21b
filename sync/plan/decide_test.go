package plan

import (
	"testing"
	"time"

	"awayd/sync/absence"
)

var t0 = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// period is a test period [start, end) in hours from t0.
func period(uid string, start, end float64) absence.Period {
	from, to := at(start), at(end)
	return absence.Period{
		Start: from, End: to,
		Absences: []absence.Absence{{UID: uid, Start: from, End: to, Summary: "Urlaub " + uid, Calendar: "Privat", Matched: "word"}},
		Texts:    []absence.Text{{From: from, Message: "away: " + uid}},
	}
}

func at(hours float64) time.Time { return t0.Add(time.Duration(hours * float64(time.Hour))) }

func wish(p ...absence.Period) Wish {
	return Wish{Timeline: absence.Timeline{Periods: p}, Audience: Presence}
}

func item(id string, p absence.Period) Item { return Item{ID: id, Payload: staged(p)} }

func node(model AccessModel, items ...Item) Observed {
	return Observed{Exists: true, Access: model, Items: items}
}

func sent(items ...Item) map[string]time.Time {
	m := make(map[string]time.Time)
	for _, i := range items {
		m[i.Payload.Hash()] = t0
	}
	return m
}

// What awayd would publish itself is its own, whoever remembers it; whatever else
// there is is not.
func TestRecognize(t *testing.T) {
	live, next := period("live", -1, 3), period("next", 5, 9)
	live.Texts = append(live.Texts, absence.Text{From: at(1), Message: "away: a little longer"})
	w := wish(live, next)
	later := Item{ID: ItemCurrent, Payload: NewPayload(live.Start, live.End, "away: a little longer")}
	odd := item(ItemCurrent, live)
	odd.Odd = true
	for name, test := range map[string]struct {
		item Item
		own  bool
	}{
		"staged":        {item(ItemArchive, next), true},
		"live":          {item(ItemCurrent, live), true},
		"a later text":  {later, true},
		"other words":   {Item{ID: ItemCurrent, Payload: NewPayload(live.Start, live.End, "their own words")}, false},
		"another end":   {item(ItemCurrent, period("live", -1, 4)), false},
		"another start": {item(ItemCurrent, period("live", -2, 3)), false},
		"more beside":   {odd, false},
	} {
		j := w.Recognize(node(Presence, test.item), Journal{Override: &Override{Until: live.End}}, t0)
		if j.Wrote(test.item) != test.own || (j.Override == nil) != test.own || len(j.Sent) > 0 && !test.own {
			t.Errorf("%s: %+v", name, j)
		}
	}
	known := Journal{Sent: sent(later)}
	if j := w.Recognize(node(Presence, later), known, t0.Add(time.Hour)); !j.Equal(known) {
		t.Errorf("what is known becomes %+v", j)
	}
}

func TestDecide(t *testing.T) {
	past, live, next := period("past", -10, -1), period("live", -1, 1), period("next", 5, 9)
	liveItem, nextItem, pastItem := item(ItemCurrent, live), item(ItemArchive, next), item(ItemCurrent, past)
	own := Item{ID: ItemCurrent, Payload: NewPayload(at(-2), at(3), "their own words")}
	mine := Journal{Sent: sent(liveItem, nextItem, pastItem)}
	clean, seenLive, seenNext, withdrawing := mine, mine, mine, mine
	clean.Clean = true
	seenLive.Seen, seenLive.Audience = &liveItem, Presence
	seenNext.Seen, seenNext.Clean = &nextItem, true
	withdrawing.Begun = &Action{Kind: Withdraw}
	overridden := mine
	overridden.Override = &Override{Absences: []string{live.Absences[0].Fingerprint()}, Until: live.End}
	overriddenNext := mine
	overriddenNext.Override = &Override{Absences: []string{next.Absences[0].Fingerprint()}, Until: next.End}
	moved := period("live", -1, 3)
	longer := period("live", -1, 1)
	longer.End = at(4)
	longer.Absences = append(longer.Absences, period("more", 1, 4).Absences...)
	unread := Observed{Exists: true, Access: "roster", Unread: true}
	seenPast := mine
	seenPast.Seen, seenPast.Audience = &pastItem, Presence
	revealing, amending, withdrawing, staging := seenLive, seenLive, seenLive, clean
	revealing.Begun = &Action{Kind: Reveal, Payload: liveItem.Payload}
	amending.Begun = &Action{Kind: Amend, Payload: liveItem.Payload}
	withdrawing.Begun = &Action{Kind: Withdraw}
	staging.Begun = &Action{Kind: Stage, Payload: nextItem.Payload}
	published, ok := staging.Finished(node(Whitelist, nextItem))
	if !ok {
		t.Fatal("a stage that was cut short after publishing is not finished")
	}
	yielding := seenLive
	yielding.Begun = &Action{Kind: Yield}
	broughtBack, unconfirmed := mine, mine
	broughtBack.Audience = "roster"
	unconfirmed.Begun = &Action{Kind: Reveal, Payload: liveItem.Payload}
	archivedLive := item(ItemArchive, live)

	work := Wish{Timeline: wish(live).Timeline, Audience: Group("Work")}
	family := Wish{Timeline: wish(live).Timeline, Audience: Group("Family")}
	atWork := seenLive
	atWork.Audience = Group("Work")
	among := func(guests bool, c Circle, items ...Item) Observed {
		return Observed{Exists: true, Access: Whitelist, ByMembers: true, Guests: guests, Circle: &c, Items: items}
	}
	regrouped := node(Group("Work"), liveItem)
	regrouped.Circle = &Circle{Contacts: 2, Digest: "others"}
	endNow := func(a Action) bool { return !a.Quiet && a.Payload.End.Equal(t0) }

	tests := []struct {
		name string
		wish Wish
		seen Observed
		j    Journal
		want []Kind
		more func(Action) bool
	}{
		{"nothing planned, no node", wish(), Observed{}, Journal{}, nil, nil},
		{"next known, no node", wish(next), Observed{}, Journal{}, []Kind{Stage}, func(a Action) bool { return !a.Fresh && a.Payload.Equal(staged(next)) }},
		{"next staged already", wish(next), node(Whitelist, nextItem), seenNext, nil, nil},
		{"an older one, brought back by a crash", wish(next), node(Whitelist, archivedLive), seenNext, []Kind{Stage}, func(a Action) bool { return a.Fresh }},
		{"an empty node, made by awayd or brought back by a crash", wish(next), node(Whitelist), clean, []Kind{Stage}, func(a Action) bool { return a.Fresh }},
		{"staged on a node that was open before", wish(next), node(Whitelist, nextItem), mine, []Kind{Stage}, func(a Action) bool { return a.Fresh }},
		{"an empty visible node of the person's", wish(next), node(Presence), Journal{}, []Kind{Stage}, func(a Action) bool { return a.Fresh }},
		{"another one is staged", wish(period("new", 5, 8)), node(Whitelist, nextItem), seenNext, []Kind{Stage}, func(a Action) bool { return !a.Fresh }},
		{"a guest may see the staged one", wish(next), Observed{Exists: true, Access: Whitelist, Guests: true, Items: []Item{nextItem}}, clean, []Kind{Withdraw, Stage}, func(a Action) bool { return a.Quiet }},
		{"clock set back before a period that the person had hidden", wish(next), node(Whitelist, item(ItemCurrent, next)), overriddenNext, []Kind{Unstage}, nil},
		{"nothing can be hidden, no node", wish(next), Observed{Openly: true}, clean, nil, nil},
		{"nothing can be hidden, the person's empty node", wish(next), Observed{Exists: true, Access: Presence, Openly: true}, mine, nil, nil},
		{"nothing can be hidden, one is over", wish(next), Observed{Exists: true, Access: Presence, Items: []Item{pastItem}, Openly: true}, mine, []Kind{Withdraw}, nil},
		{"nothing can be hidden, one that the person hid is over", wish(next), Observed{Exists: true, Access: Whitelist, Items: []Item{pastItem}, Openly: true}, mine, []Kind{Unstage}, nil},
		{"staged event cancelled", wish(), node(Whitelist, nextItem), clean, []Kind{Unstage}, nil},
		{"staged message visible early", wish(next), node(Presence, nextItem), clean, []Kind{Withdraw, Stage}, func(a Action) bool { return a.Quiet }},
		{"staged message removed by the person", wish(next), node(Whitelist), seenNext, []Kind{Yield}, nil},
		{"staged node gone from the server", wish(next), Observed{}, seenNext, []Kind{Stage}, func(a Action) bool { return a.Recover }},

		{"begins, staged", wish(live, next), node(Whitelist, archivedLive), clean, []Kind{Reveal}, func(a Action) bool { return !a.Fresh }},
		{"begins, no node", wish(live, next), Observed{}, Journal{}, []Kind{Reveal}, nil},
		{"begins, a node that was open before", wish(live), node(Whitelist), mine, []Kind{Reveal}, func(a Action) bool { return a.Fresh }},
		{"reveal cut short after opening", wish(live), node(Presence, archivedLive), mine, []Kind{Reveal}, func(a Action) bool { return !a.Fresh }},
		{"live and right", wish(live, next), node(Presence, liveItem), seenLive, nil, nil},
		{"reveal cut short after publishing, contacts perhaps not told", wish(live), node(Presence, liveItem), revealing, []Kind{Reveal}, func(a Action) bool { return !a.Fresh }},
		{"amend cut short after publishing", wish(live), node(Presence, liveItem), amending, []Kind{Amend}, nil},
		{"stage cut short after publishing", wish(next), node(Whitelist, nextItem), staging.Done(published), nil, nil},
		{"live to a wider audience than asked for", wish(live), node(Open, liveItem), mine, []Kind{Withdraw, Reveal}, func(a Action) bool { return !a.Quiet && a.Payload.End.Equal(t0) }},
		{"live, the setting was changed", Wish{wish(live).Timeline, Open}, node(Presence, liveItem), seenLive, []Kind{Reveal}, func(a Action) bool { return a.Audience == Open }},
		{"live, given to others by the person", wish(live), node("roster", liveItem), seenLive, []Kind{Yield}, nil},
		{"live, given to others by the person, not readable", wish(live), unread, seenLive, []Kind{Yield}, nil},
		{"live, given to others by the person, not readable, cut short while its end was told", wish(live), unread, withdrawing, []Kind{Withdraw, Reveal}, endNow},
		{"over, not readable", wish(next), unread, seenPast, []Kind{Withdraw, Stage}, func(a Action) bool { return a.Payload.End.Equal(past.End) }},
		{"not readable, made by awayd", wish(next), unread, clean, []Kind{Withdraw, Stage}, func(a Action) bool { return a.Quiet }},
		{"over, not readable, cut short while it was published", wish(next), unread, unconfirmed, []Kind{Withdraw, Stage}, func(a Action) bool { return !a.Quiet }},
		{"not readable, opened as by awayd, who had removed it", wish(next), unread, broughtBack, []Kind{Withdraw, Stage}, func(a Action) bool { return a.Quiet }},
		{"not readable and never awayd's", wish(live), unread, Journal{}, []Kind{Yield}, nil},
		{"live, overridden, an adjacent absence was added", wish(longer), node(Presence), overridden, nil, nil},
		{"live, overridden, then the event was moved", wish(moved), node(Presence), overridden, []Kind{Reveal}, nil},
		{"live, event changed", wish(moved), node(Presence, liveItem), seenLive, []Kind{Amend}, func(a Action) bool { return a.Payload.End.Equal(at(3)) }},
		{"live, removed by the person", wish(live), node(Presence), seenLive, []Kind{Yield}, nil},
		{"begins, the one before was removed by the person", wish(live), node(Presence), seenPast, []Kind{Reveal}, nil},
		{"begins, the one before was hidden by the person", wish(live), node(Whitelist, pastItem), seenPast, []Kind{Reveal}, nil},
		{"live, removed by the person, and awayd cut short when it yielded", wish(live), node(Presence), yielding, []Kind{Yield}, nil},
		{"live, hidden by the person", wish(live), node(Whitelist, liveItem), seenLive, []Kind{Yield}, nil},
		{"live, node gone from the server", wish(live), Observed{}, seenLive, []Kind{Reveal}, func(a Action) bool { return a.Recover }},
		{"live, overridden", wish(live, next), node(Presence), overridden, nil, nil},
		{"live, the person's own instead", wish(live), node(Presence, own), seenLive, []Kind{Yield}, nil},
		{"the person's own before a start", wish(next), node(Presence, own), Journal{}, nil, nil},
		{"the person's own is over", wish(next), node(Presence, Item{ID: ItemCurrent, Payload: NewPayload(at(-3), at(-1), "over")}), Journal{}, []Kind{Stage}, func(a Action) bool { return a.Fresh }},
		{"the person's own has no end", wish(next), node(Presence, Item{ID: ItemCurrent, Payload: Payload{Message: "gone fishing"}}), Journal{}, nil, nil},
		{"an item that is no ooo", wish(next), node(Presence, Item{ID: "x", Odd: true}), Journal{}, nil, nil},

		{"group, live and right, roster model", work, node(Group("Work"), liveItem), atWork, nil, nil},
		{"group, live and right, members", work, among(true, Circle{Contacts: 1}, liveItem), atWork, nil, nil},
		{"group, live and right, nobody in it", work, among(false, Circle{}, liveItem), atWork, nil, nil},
		{"group, begins", work, among(false, Circle{Contacts: 1, Missing: true}, archivedLive), clean, []Kind{Reveal}, func(a Action) bool { return !a.Fresh && a.Audience == Group("Work") }},
		{"group, somebody came into it", work, among(true, Circle{Contacts: 2, Missing: true}, liveItem), atWork, []Kind{Reveal}, nil},
		{"group, the first came into it", work, among(false, Circle{Contacts: 1, Missing: true}, liveItem), atWork, []Kind{Reveal}, nil},
		{"group, somebody left it", work, among(true, Circle{Contacts: 1, Strangers: true}, liveItem), atWork, []Kind{Withdraw, Reveal}, endNow},
		{"group, everybody left it", work, among(true, Circle{Strangers: true}, liveItem), atWork, []Kind{Withdraw, Reveal}, endNow},
		{"group, others are in it, roster model", work, regrouped, atWork, []Kind{Withdraw, Reveal}, endNow},
		{"group, hidden by the person on a server with the roster model", work, node(Whitelist, liveItem), atWork, []Kind{Yield}, nil},
		{"group, opened by the person", work, node(Presence, liveItem), atWork, []Kind{Yield}, nil},
		{"group, opened to another by the person", work, node(Group("Family"), liveItem), atWork, []Kind{Yield}, nil},
		{"group, event changed", Wish{wish(moved).Timeline, Group("Work")}, among(true, Circle{Contacts: 1}, liveItem), atWork, []Kind{Amend}, nil},
		{"group, over", Wish{wish(next).Timeline, Group("Work")}, among(true, Circle{Contacts: 1}, pastItem), atWork, []Kind{Withdraw, Stage}, func(a Action) bool { return !a.Quiet }},
		{"group, next staged", Wish{wish(next).Timeline, Group("Work")}, among(false, Circle{Contacts: 1, Missing: true}, nextItem), seenNext, nil, nil},
		{"from contacts to a group", work, node(Presence, liveItem), seenLive, []Kind{Withdraw, Reveal}, nil},
		{"from contacts to a group, cut short after the withdrawal", work, Observed{}, withdrawing, []Kind{Reveal}, nil},
		{"from everybody to contacts", wish(live), node(Open, liveItem), func() Journal { j := seenLive; j.Audience = Open; return j }(), []Kind{Withdraw, Reveal}, endNow},
		{"from a group to contacts", wish(live), node(Group("Work"), liveItem), atWork, []Kind{Reveal}, nil},
		{"from members to contacts", wish(live), among(true, Circle{}, liveItem), atWork, []Kind{Withdraw, Reveal}, endNow},
		{"from a group to another", family, node(Group("Work"), liveItem), atWork, []Kind{Withdraw, Reveal}, endNow},
		{"from members to others", family, among(true, Circle{Contacts: 1, Missing: true, Strangers: true}, liveItem), atWork, []Kind{Withdraw, Reveal}, endNow},
		{"from members to a group around them", family, among(true, Circle{Contacts: 2, Missing: true}, liveItem), atWork, []Kind{Reveal}, nil},
		{"group, not readable", work, Observed{Exists: true, Access: Group("Work"), Unread: true}, atWork, nil, nil},
		{"group, over and not readable", Wish{Audience: Group("Work")}, Observed{Exists: true, Access: Group("Work"), Unread: true}, atWork, []Kind{Withdraw}, endNow},

		{"over, its event is still known", wish(past, next), node(Presence, pastItem), mine, []Kind{Withdraw, Stage}, func(a Action) bool { return a.Period == past.Key() && len(a.UIDs) == 1 }},
		{"over", wish(next), node(Presence, pastItem), mine, []Kind{Withdraw, Stage}, func(a Action) bool { return a.Payload.End.Equal(at(-1)) && !a.Quiet }},
		{"event removed while the node was open, and the message not published yet", wish(next), node(Presence, archivedLive), mine, []Kind{Withdraw, Stage}, func(a Action) bool { return !a.Quiet && a.Payload.End.Equal(t0) }},
		{"event removed while live", wish(next), node(Presence, liveItem), seenLive, []Kind{Withdraw, Stage}, func(a Action) bool { return a.Payload.End.Equal(t0) }},
		{"moved into the future, or the clock went back", wish(period("live", 2, 3)), node(Presence, item(ItemCurrent, period("live", 2, 3))), Journal{Sent: sent(item(ItemCurrent, period("live", 2, 3)))}, []Kind{Withdraw, Stage}, func(a Action) bool { return !a.Payload.End.After(t0) && !a.Payload.Start.After(a.Payload.End) }},
		{"withdraw cut short after the retraction", wish(next), node(Presence), withdrawing, []Kind{Withdraw, Stage}, func(a Action) bool { return a.Quiet }},
		{"withdraw cut short before the node was deleted", wish(), node(Whitelist), withdrawing, []Kind{Withdraw}, nil},
		{"withdraw done but not noted", wish(next), Observed{}, withdrawing, []Kind{Stage}, nil},
		{"over, beside the person's own", wish(next), node(Presence, pastItem, Item{ID: "own", Payload: own.Payload}), mine, []Kind{Withdraw}, func(a Action) bool { return a.Spare }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Decide(test.wish, test.seen, test.j, t0)
			var kinds []Kind
			for _, a := range got {
				kinds = append(kinds, a.Kind)
				if a.Reason == "" {
					t.Errorf("%s has no reason", a.Kind)
				}
			}
			if len(kinds) != len(test.want) {
				t.Fatalf("got %v, want %v", kinds, test.want)
			}
			for i := range kinds {
				if kinds[i] != test.want[i] {
					t.Fatalf("got %v, want %v", kinds, test.want)
				}
			}
			if test.more != nil && !test.more(got[0]) {
				t.Errorf("unexpected %+v", got[0])
			}
		})
	}
}

func TestNewPayload(t *testing.T) {
	p := NewPayload(t0.Add(time.Millisecond), t0.Add(time.Hour+time.Millisecond), "m")
	if !p.Start.Equal(t0.Add(time.Second)) || !p.End.Equal(t0.Add(time.Hour)) {
		t.Errorf("a fraction of a second made the message early or late: %+v", p)
	}
}

func TestForecast(t *testing.T) {
	p := period("a", 5, 9)
	p.Texts = append(p.Texts, absence.Text{From: at(7), Message: "and now b"})
	q := period("c", 20, 30)
	steps := Forecast(wish(p, q), Observed{}, Journal{}, t0, at(100))
	want := []struct {
		kind Kind
		at   float64
		of   int
	}{{Stage, 0, 0}, {Reveal, 5, 0}, {Amend, 7, 0}, {Withdraw, 9, 0}, {Stage, 9, 1}, {Reveal, 20, 1}, {Withdraw, 30, 1}}
	if len(steps) != len(want) {
		t.Fatalf("got %d steps, want %d: %+v", len(steps), len(want), steps)
	}
	for i, w := range want {
		s := steps[i]
		if s.Kind != w.kind || !s.At.Equal(at(w.at)) || PeriodOf(wish(p, q).Timeline, s) != w.of {
			t.Errorf("step %d: got %s at %s, want %s at %s", i, s.Kind, s.At, w.kind, at(w.at))
		}
	}
}

func TestFinished(t *testing.T) {
	next := period("next", 5, 9)
	archived := item(ItemArchive, next)
	begun := func(k Kind) Journal {
		return Journal{Sent: sent(archived), Begun: &Action{Kind: k, Payload: archived.Payload}}
	}
	tests := []struct {
		name string
		j    Journal
		seen Observed
		want bool
	}{
		{"nothing begun", Journal{}, Observed{}, false},
		{"staged", begun(Stage), node(Whitelist, archived), true},
		{"not staged yet", begun(Stage), Observed{}, false},
		{"staged, but visible", begun(Stage), node(Presence, archived), false},
		{"withdrawn", begun(Withdraw), Observed{}, true},
		{"retracted, but the node is still there", begun(Withdraw), node(Presence), false},
		{"unstaged", begun(Unstage), node(Whitelist), true},
		{"not unstaged yet", begun(Unstage), node(Whitelist, archived), false},
		{"revealed: contacts may not have been told", begun(Reveal), node(Presence, archived), false},
	}
	for _, test := range tests {
		if _, got := test.j.Finished(test.seen); got != test.want {
			t.Errorf("%s: got %t", test.name, got)
		}
	}
}

// What was to be told when a withdrawal was cut short is told again, unless
// something else is to end, or the clock went back before it.
func TestWithdrawAgain(t *testing.T) {
	live, next := period("live", -1, 1), period("next", 5, 9)
	for _, test := range []struct {
		name   string
		period absence.Period
		begun  Payload
		at     float64
		ends   float64
	}{
		{"cut short", live, NewPayload(live.Start, at(-0.5), "away: live"), 0, -0.5},
		{"cut short when it was visible too early", next, NewPayload(at(-0.5), at(-0.5), "away: next"), 0, -0.5},
		{"the clock went back", live, NewPayload(live.Start, at(-0.5), "away: live"), -0.75, -0.75},
		{"of another text", live, NewPayload(live.Start, at(-0.5), "away"), 0, 0},
		{"of another absence", live, NewPayload(at(-2), at(-0.5), "away: live"), 0, 0},
		{"which told nothing", live, Payload{}, 0, 0},
	} {
		i := item(ItemCurrent, test.period)
		j := Journal{Sent: sent(i), Seen: &i, Audience: Presence, Begun: &Action{Kind: Withdraw, Payload: test.begun, Quiet: test.begun == Payload{}}}
		got := Decide(wish(), node(Presence, i), j, at(test.at))
		if len(got) != 1 || got[0].Kind != Withdraw || !got[0].Payload.End.Equal(at(test.ends)) || got[0].Payload.Start.After(got[0].Payload.End) {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
}
