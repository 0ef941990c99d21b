package statetest

import (
	"testing"
	"time"

	"awayd/sync/account"
)

// entries are in the order they are appended in: the third as after the clock
// was set back.
func entries() []account.Entry {
	return []account.Entry{
		{Time: noon, Account: "anna@example.org", Kind: account.KindLink, Outcome: account.OK, Reason: "linked"},
		{Time: noon.Add(time.Minute), Account: "bob@example.org", Kind: account.KindPoll, Outcome: account.Failed,
			Duration: 1500*time.Microsecond + 1, Error: "dial: timeout"},
		{Time: noon.Add(-time.Hour), Account: "anna@example.org", Kind: account.KindReveal, Outcome: account.OK,
			Reason: "period began", Period: "2025-07-01T00:00:00Z/2025-07-15T00:00:00Z", UID: "u@example.org"},
		{Time: noon.Add(2 * time.Minute), Account: "anna@example.org", Kind: account.KindPoll, Outcome: account.OK},
	}
}

func logFilters(t *testing.T, s Store) {
	all := entries()
	for _, e := range all {
		must(t, s.Append(t.Context(), e))
	}
	read := func(f account.LogFilter) []account.Entry {
		t.Helper()
		got, err := s.Log(t.Context(), f)
		must(t, err)
		return got
	}
	last := int64(0)
	for i, e := range read(account.LogFilter{}) {
		if e.ID <= last {
			t.Errorf("entry %d has ID %d after %d", i, e.ID, last)
		}
		last = e.ID
		all[i].ID = e.ID
	}
	for _, test := range []struct {
		name   string
		filter account.LogFilter
		want   []account.Entry
	}{
		{"all", account.LogFilter{}, all},
		{"account", account.LogFilter{Account: "anna@example.org"}, []account.Entry{all[0], all[2], all[3]}},
		{"nobody", account.LogFilter{Account: "anna"}, nil},
		{"kind", account.LogFilter{Kind: account.KindPoll}, []account.Entry{all[1], all[3]}},
		{"since", account.LogFilter{Since: noon}, []account.Entry{all[0], all[1], all[3]}},
		{"since after", account.LogFilter{Since: noon.Add(time.Microsecond)}, []account.Entry{all[1], all[3]}},
		{"after", account.LogFilter{After: all[1].ID}, all[2:]},
		{"before", account.LogFilter{Before: all[2].ID}, all[:2]},
		{"page", account.LogFilter{Before: all[3].ID, Last: 1}, all[2:3]},
		{"outcome", account.LogFilter{Outcome: account.Failed}, all[1:2]},
		{"text in a reason", account.LogFilter{Text: "Began"}, all[2:3]},
		{"text in an error", account.LogFilter{Text: "dial: t"}, all[1:2]},
		{"text in a uid", account.LogFilter{Text: "u@example"}, all[2:3]},
		{"text across fields", account.LogFilter{Text: "began2025"}, nil},
		{"text is no pattern", account.LogFilter{Text: "%"}, nil},
		{"last", account.LogFilter{Last: 2}, all[2:]},
		{"more than there is", account.LogFilter{Last: 9}, all},
		{"everything", account.LogFilter{Account: "anna@example.org", Kind: account.KindPoll, Since: noon, After: all[0].ID, Last: 1}, all[3:]},
	} {
		equal(t, test.name, read(test.filter), test.want)
	}
}

func logPrunes(t *testing.T, s Store) {
	for _, e := range entries() {
		must(t, s.Append(t.Context(), e))
	}
	must(t, s.PruneLog(t.Context(), noon))
	left, err := s.Log(t.Context(), account.LogFilter{})
	must(t, err)
	equal(t, "left", len(left), 3)

	newest := left[2].ID
	must(t, s.PruneLog(t.Context(), noon.AddDate(1, 0, 0)))
	must(t, s.Append(t.Context(), entries()[0]))
	left, err = s.Log(t.Context(), account.LogFilter{After: newest})
	must(t, err)
	equal(t, "entries after the newest one that was pruned", len(left), 1)
}
