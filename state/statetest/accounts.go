package statetest

import (
	"errors"
	"testing"
	"time"

	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/plan"
)

func accountsRoundTrip(t *testing.T, s Store) {
	all, err := s.Accounts(t.Context())
	must(t, err)
	equal(t, "accounts of an empty store", all, []account.Account{})

	anna := Anna()
	saved := save(t, s, anna)
	for i, c := range saved.Calendars {
		if c.ID == 0 {
			t.Errorf("calendar %q has no ID", c.Name)
		}
		anna.Calendars[i].ID = c.ID
	}
	equal(t, "returned account", saved, anna)
	equal(t, "stored account", only(t, s), anna)

	bare := account.Account{JID: "adam@example.org"}
	save(t, s, bare)
	bare.Mode = account.Auto
	all, err = s.Accounts(t.Context())
	must(t, err)
	equal(t, "accounts by JID", all, []account.Account{bare, anna})

	anna.Mode = account.Paused
	anna.Settings = account.Settings{Lang: "fr"}
	anna.Login = account.Login{Password: account.NewSecret("new")}
	anna.Calendars[0].Password = account.Secret{}
	anna.Calendars[0].EveryEvent = false
	equal(t, "updated account", save(t, s, anna), anna)
}

func settingsKeepPollState(t *testing.T, s Store) {
	before := save(t, s, Anna())
	id := before.Calendars[0].ID
	must(t, s.SavePoll(t.Context(), id, account.Poll{At: noon, Cursor: "c1"}))

	// before was read ahead of the poll; saving it must not undo the poll.
	before.Settings.Lang = "fr"
	after := save(t, s, before)
	equal(t, "cursor", after.Calendars[0].Cursor, "c1")
	equal(t, "last good poll", after.Calendars[0].LastOK, noon)

	after.Calendars[0].URL = account.NewSecret("https://elsewhere.example.org/")
	after = save(t, s, after)
	equal(t, "cursor at another URL", after.Calendars[0].Cursor, "")
	equal(t, "last good poll", after.Calendars[0].LastOK, noon)
}

func calendarsComeAndGo(t *testing.T, s Store) {
	saved := save(t, s, Anna())
	work, home := saved.Calendars[0], saved.Calendars[1]
	must(t, s.SavePoll(t.Context(), work.ID, account.Poll{At: noon, Changed: []absence.Object{{Href: "/a"}}}))
	must(t, s.SavePoll(t.Context(), home.ID, account.Poll{At: noon, Changed: []absence.Object{{Href: "/b"}}}))

	saved.Calendars = []account.Calendar{home, {Name: "Feed", URL: account.NewSecret("https://feed.example.org/")}}
	saved = save(t, s, saved)
	if len(saved.Calendars) != 2 || saved.Calendars[0].ID != home.ID {
		t.Fatalf("calendars: %+v", saved.Calendars)
	}
	if feed := saved.Calendars[1].ID; feed == work.ID {
		t.Errorf("the ID %d of a forgotten calendar was given to another", feed)
	}
	if _, err := s.Objects(t.Context(), work.ID); err == nil {
		t.Error("objects of a forgotten calendar are still there")
	}
	kept, err := s.Objects(t.Context(), home.ID)
	must(t, err)
	equal(t, "objects of the kept calendar", kept, []account.CachedObject{{Object: absence.Object{Href: "/b"}}})

	other := account.Account{JID: "bob@example.org", Calendars: []account.Calendar{{ID: home.ID, Name: "Stolen"}}}
	if _, err := s.SaveAccount(t.Context(), other); err == nil {
		t.Error("an account took another's calendar")
	}
	equal(t, "account after a refused one", only(t, s), saved)
}

func (s Suite) deleteForgets(t *testing.T, store Store) {
	ctx := t.Context()
	saved := save(t, store, Anna())
	must(t, store.SavePoll(ctx, saved.Calendars[0].ID, account.Poll{At: noon, Changed: []absence.Object{{Href: "/a"}}}))
	must(t, store.SaveJournal(ctx, saved.JID, plan.Journal{Clean: true, Sent: map[string]time.Time{"h": noon}}))
	must(t, store.SaveObserved(ctx, saved.JID, plan.Observed{Exists: true}, noon))
	must(t, store.Suppress(ctx, saved.JID, []account.Suppression{{UID: "u"}}))
	must(t, store.SaveNotices(ctx, saved.JID, []account.Notice{{Cause: "c"}}))
	must(t, store.Append(ctx, account.Entry{Time: noon, Account: saved.JID, Kind: account.KindLink, Outcome: account.OK}))

	must(t, store.DeleteAccount(ctx, saved.JID))
	all, err := store.Accounts(ctx)
	must(t, err)
	equal(t, "accounts", all, []account.Account{})
	if _, err := store.Objects(ctx, saved.Calendars[0].ID); !errors.Is(err, s.UnknownCalendar) {
		t.Errorf("objects after delete: %v", err)
	}
	entries, err := store.Log(ctx, account.LogFilter{Account: saved.JID})
	must(t, err)
	if len(entries) != 1 {
		t.Errorf("the log of a deleted account has %d entries, want 1", len(entries))
	}

	// Linked anew, nothing of before is there.
	save(t, store, Anna())
	j, err := store.Journal(ctx, saved.JID)
	must(t, err)
	equal(t, "journal", j, plan.Journal{})
	o, at, err := store.Observed(ctx, saved.JID)
	must(t, err)
	equal(t, "observed", o, plan.Observed{})
	equal(t, "observed at", at, time.Time{})
	list, err := store.Suppressions(ctx, saved.JID)
	must(t, err)
	equal(t, "suppressions", list, []account.Suppression{})
	told, err := store.Notices(ctx, saved.JID)
	must(t, err)
	equal(t, "notices", told, []account.Notice{})
}

func (s Suite) unknown(t *testing.T, store Store) {
	ctx, jid := t.Context(), "nobody@example.org"
	_, journalErr := store.Journal(ctx, jid)
	_, _, observedErr := store.Observed(ctx, jid)
	_, suppressionsErr := store.Suppressions(ctx, jid)
	_, noticesErr := store.Notices(ctx, jid)
	for what, err := range map[string]error{
		"DeleteAccount": store.DeleteAccount(ctx, jid),
		"Journal":       journalErr,
		"SaveJournal":   store.SaveJournal(ctx, jid, plan.Journal{}),
		"Observed":      observedErr,
		"SaveObserved":  store.SaveObserved(ctx, jid, plan.Observed{}, noon),
		"Suppressions":  suppressionsErr,
		"Suppress":      store.Suppress(ctx, jid, nil),
		"Notices":       noticesErr,
		"SaveNotices":   store.SaveNotices(ctx, jid, nil),
	} {
		if !errors.Is(err, s.UnknownAccount) {
			t.Errorf("%s of an unknown account: %v", what, err)
		}
	}
	_, objectsErr := store.Objects(ctx, 99)
	_, saveErr := store.SaveAccount(ctx, account.Account{JID: jid, Calendars: []account.Calendar{{ID: 99}}})
	for what, err := range map[string]error{
		"Objects":     objectsErr,
		"SavePoll":    store.SavePoll(ctx, 99, account.Poll{At: noon}),
		"failed poll": store.SavePoll(ctx, 99, account.Poll{At: noon, Error: "timeout"}),
		"SaveAccount": saveErr,
	} {
		if !errors.Is(err, s.UnknownCalendar) {
			t.Errorf("%s of an unknown calendar: %v", what, err)
		}
	}
	all, err := store.Accounts(ctx)
	must(t, err)
	equal(t, "accounts", all, []account.Account{})
}
