package statetest

import (
	"testing"
	"time"

	"awayd/sync/account"
	"awayd/sync/plan"
)

func journals(t *testing.T, s Store) {
	jid := save(t, s, Anna()).JID
	j, err := s.Journal(t.Context(), jid)
	must(t, err)
	equal(t, "first journal", j, plan.Journal{})

	payload := plan.NewPayload(noon, noon.AddDate(0, 0, 14), "Away <&> \x01\u2603")
	full := plan.Journal{
		Sent:     map[string]time.Time{payload.Hash(): noon, "other": noon.Add(-time.Hour), "undated": {}},
		Clean:    true,
		Begun:    &plan.Action{Kind: plan.Reveal, Reason: "because", UIDs: []string{"u"}},
		Seen:     &plan.Item{ID: plan.ItemCurrent, Payload: payload},
		Audience: plan.Open,
		Activity: &plan.Activity{Saved: &plan.ActivityItem{ID: "x", XML: "<a>\u2603</a>"}, Ours: []string{"h"}, Shown: true},
		Override: &plan.Override{Absences: []string{"k"}, Until: noon.Truncate(time.Second), Why: "removed by hand"},
	}
	must(t, s.SaveJournal(t.Context(), jid, full))
	j, err = s.Journal(t.Context(), jid)
	must(t, err)
	// A moment zero of a hash is as old as can be, and goes.
	delete(full.Sent, "undated")
	equal(t, "full journal", j, full)

	less := plan.Journal{Sent: map[string]time.Time{"other": noon}}
	must(t, s.SaveJournal(t.Context(), jid, less))
	must(t, s.SaveJournal(t.Context(), jid, less))
	j, err = s.Journal(t.Context(), jid)
	must(t, err)
	equal(t, "replaced journal", j, less)
}

func pressing(t *testing.T, s Store) {
	anna, bert := save(t, s, Anna()).JID, Anna()
	bert.JID, bert.Calendars = "bert@example.org", nil
	save(t, s, bert)
	want := func(what string, at time.Time, jids ...string) {
		t.Helper()
		list, err := s.Pressing(t.Context(), at)
		must(t, err)
		equal(t, what, list, jids)
	}
	want("without journals", noon)
	item := plan.Item{ID: plan.ItemArchive, Payload: plan.NewPayload(noon, noon.Add(time.Hour), "Away")}
	must(t, s.SaveJournal(t.Context(), anna, plan.Journal{Seen: &item}))
	want("before the start", noon.Add(-time.Second))
	want("at the start", noon.Add(time.Second), anna)
	must(t, s.SaveJournal(t.Context(), bert.JID, plan.Journal{Begun: &plan.Action{Kind: plan.Stage}}))
	want("begun", noon.Add(-time.Second), bert.JID)
	item.ID = plan.ItemCurrent
	must(t, s.SaveJournal(t.Context(), anna, plan.Journal{Seen: &item}))
	want("visible", noon.Add(-time.Second), anna, bert.JID)
}

func journalPrunes(t *testing.T, s Store) {
	jid := save(t, s, Anna()).JID
	live := plan.Item{ID: plan.ItemCurrent, Payload: plan.NewPayload(noon, noon.AddDate(3, 0, 0), "Sabbatical")}
	j := plan.Journal{
		Sent: map[string]time.Time{
			"new":               noon,
			"401 days":          noon.AddDate(0, 0, -401),
			"399 days":          noon.AddDate(0, 0, -399),
			live.Payload.Hash(): noon.AddDate(0, 0, -800),
		},
		Seen: &live,
	}
	must(t, s.SaveJournal(t.Context(), jid, j))
	got, err := s.Journal(t.Context(), jid)
	must(t, err)
	delete(j.Sent, "401 days")
	equal(t, "pruned journal", got, j)
}

func observations(t *testing.T, s Store) {
	jid := save(t, s, Anna()).JID
	for i, o := range []plan.Observed{
		{},
		{Exists: true, Access: plan.Presence, Guests: true, Items: []plan.Item{
			{ID: plan.ItemCurrent, Payload: plan.NewPayload(noon, noon.Add(time.Hour), "Away")},
			{ID: "x", Odd: true},
		}},
		{Exists: true, Access: "authorize"},
	} {
		at := noon.Add(time.Duration(i) * time.Microsecond)
		must(t, s.SaveObserved(t.Context(), jid, o, at))
		got, gotAt, err := s.Observed(t.Context(), jid)
		must(t, err)
		equal(t, "observed", got, o)
		equal(t, "observed at", gotAt, at)
	}
}

func suppressions(t *testing.T, s Store) {
	jid := save(t, s, Anna()).JID
	first := account.Suppression{UID: "u", Fingerprint: "f1", Until: noon}
	second := account.Suppression{UID: "u", Fingerprint: "f2", Until: noon.Add(time.Hour)}
	forever := account.Suppression{UID: "v", Fingerprint: "f1"}
	must(t, s.Suppress(t.Context(), jid, []account.Suppression{second, forever}))
	must(t, s.Suppress(t.Context(), jid, []account.Suppression{first, second}))
	check := func(want ...account.Suppression) {
		t.Helper()
		got, err := s.Suppressions(t.Context(), jid)
		must(t, err)
		equal(t, "suppressions", got, want)
	}
	check(forever, first, second)
	must(t, s.PruneSuppressions(t.Context(), noon.Add(-time.Second)))
	check(forever, first, second)
	must(t, s.PruneSuppressions(t.Context(), noon))
	check(forever, second)
	first.Until = noon.AddDate(1, 0, 0)
	must(t, s.Suppress(t.Context(), jid, []account.Suppression{first}))
	check(forever, second, first)
}

func notices(t *testing.T, s Store) {
	jid := save(t, s, Anna()).JID
	for _, want := range [][]account.Notice{
		nil,
		{
			{Cause: "calendar 1/login", Since: noon, Told: noon.Add(time.Microsecond), Ended: noon.AddDate(0, 0, -1), Open: true},
			{Cause: "calendar 2/empty"},
		},
		{{Cause: "calendar 2/empty", Told: noon}, {Cause: "clock/off", Since: noon}},
		nil,
	} {
		must(t, s.SaveNotices(t.Context(), jid, want))
		got, err := s.Notices(t.Context(), jid)
		must(t, err)
		equal(t, "notices", got, want)
	}
}
