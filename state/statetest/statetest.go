// Package statetest is the conformance suite of the state: what any store of
// accounts, calendars, journals and the sync log has to do, whatever database
// is behind it.
package statetest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/plan"
)

// A Store is what the suite tests: the engine's store, and what status and
// housekeeping need beside it.
type Store interface {
	Accounts(context.Context) ([]account.Account, error)
	Account(ctx context.Context, jid string) (account.Account, error)
	SaveAccount(context.Context, account.Account) (account.Account, error)
	DeleteAccount(ctx context.Context, jid string) error

	Journal(ctx context.Context, jid string) (plan.Journal, error)
	SaveJournal(ctx context.Context, jid string, j plan.Journal) error
	Pressing(ctx context.Context, now time.Time) ([]string, error)
	Observed(ctx context.Context, jid string) (plan.Observed, time.Time, error)
	SaveObserved(ctx context.Context, jid string, o plan.Observed, at time.Time) error

	Objects(ctx context.Context, calendar int64) ([]account.CachedObject, error)
	SavePoll(ctx context.Context, calendar int64, p account.Poll) error
	SaveQuiet(ctx context.Context, polls map[int64]account.Poll) error

	Suppressions(ctx context.Context, jid string) ([]account.Suppression, error)
	Suppress(ctx context.Context, jid string, s []account.Suppression) error
	PruneSuppressions(ctx context.Context, now time.Time) error

	Notices(ctx context.Context, jid string) ([]account.Notice, error)
	SaveNotices(ctx context.Context, jid string, list []account.Notice) error

	Append(context.Context, account.Entry) error
	Log(context.Context, account.LogFilter) ([]account.Entry, error)
	PruneLog(ctx context.Context, before time.Time) error
}

// A Suite tests one kind of store.
type Suite struct {
	// New returns an empty store that lasts as long as the test.
	New func(testing.TB) Store
	// The errors that the store returns for what it does not know.
	UnknownAccount, UnknownCalendar error
}

// Run runs the whole suite.
func (s Suite) Run(t *testing.T) {
	for name, test := range map[string]func(*testing.T, Store){
		"accounts round trip":        accountsRoundTrip,
		"who is pressing":            pressing,
		"quiet polls":                quietPolls,
		"settings keep poll state":   settingsKeepPollState,
		"calendars come and go":      calendarsComeAndGo,
		"delete forgets all but log": s.deleteForgets,
		"unknown":                    s.unknown,
		"journal":                    journals,
		"journal prunes":             journalPrunes,
		"observed":                   observations,
		"polls":                      polls,
		"objects round trip":         objectsRoundTrip,
		"suppressions":               suppressions,
		"notices":                    notices,
		"log filters":                logFilters,
		"log prunes":                 logPrunes,
		"concurrent":                 concurrent,
		"cancelled":                  cancelled,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, s.New(t))
		})
	}
}

// noon is the moment that most tests begin at.
var noon = time.Date(2025, 7, 1, 12, 0, 0, 123456000, time.UTC)

// Anna returns an account with everything set, and two calendars.
func Anna() account.Account {
	return account.Account{
		JID:  "anna@example.org",
		Mode: account.Auto,
		Login: account.Login{
			Password: account.NewSecret("anna-xmpp-password"),
			Address:  "xmpp.example.org:5223",
			TLSCA:    "-----BEGIN CERTIFICATE-----",
		},
		Settings: account.Settings{
			Zone: "Europe/Berlin", Audience: "group:Team", Message: "Away until {{.Until}}", Lang: "de",
			Delegate: "bob@example.org", Addresses: []string{"mailto:anna@example.org"}, Told: []string{"mailto:a.anna@example.org"},
			WorkDays: []time.Weekday{time.Sunday, time.Thursday}, WorkHours: &account.Hours{Start: 22 * 60, End: 6 * 60},
		},
		Calendars: []account.Calendar{
			{Name: "Work", URL: account.NewSecret("https://dav.example.org/anna-secret-feed/"), User: "anna",
				Password: account.NewSecret("anna-calendar-password"), TLSCA: "PEM", EveryEvent: true, Zone: "Europe/Paris"},
			{Name: "Home", URL: account.NewSecret("file:/home/anna/home.ics"), Holidays: true},
		},
		Linked: noon,
	}
}

var comparers = cmp.Options{
	cmp.Comparer(func(a, b account.Secret) bool { return a == b }),
	cmp.Comparer(func(a, b absence.DateTime) bool { return a.String() == b.String() }),
	cmpopts.EquateEmpty(),
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, comparers); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func save(t *testing.T, s Store, a account.Account) account.Account {
	t.Helper()
	saved, err := s.SaveAccount(t.Context(), a)
	must(t, err)
	return saved
}

func only(t *testing.T, s Store) account.Account {
	t.Helper()
	all, err := s.Accounts(t.Context())
	must(t, err)
	if len(all) != 1 {
		t.Fatalf("got %d accounts, want 1", len(all))
	}
	return all[0]
}
