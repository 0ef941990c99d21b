package state

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"awayd/state/statetest"
	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/plan"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	statetest.Suite{
		New:             func(t testing.TB) statetest.Store { return openIn(t, t.TempDir()) },
		UnknownAccount:  ErrUnknownAccount,
		UnknownCalendar: ErrUnknownCalendar,
	}.Run(t)
}

// openIn opens the state in dir until the end of the test.
func openIn(t testing.TB, dir string) *DB {
	t.Helper()
	db, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

// made returns a directory with a closed state in it, Anna linked.
func made(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a ?#%41 directory")
	db, err := Open(t.Context(), dir, Options{})
	must(t, err)
	_, err = db.SaveAccount(t.Context(), statetest.Anna())
	must(t, errors.Join(err, db.Close()))
	return dir
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestFirstStart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "state")
	db := openIn(t, dir)
	if _, err := db.SaveAccount(t.Context(), statetest.Anna()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{
		"": 0o750, databaseName: 0o600, databaseName + "-wal": 0o600, keyName: 0o600, lockName: 0o640,
	} {
		info, err := os.Stat(filepath.Join(dir, name))
		must(t, err)
		if got := info.Mode().Perm(); got != want {
			t.Errorf("mode of %q: %o, want %o", name, got, want)
		}
	}
	// One connection of each kind has the pragmas that durability rests on.
	for pragma, want := range map[string]int{"synchronous": 2, "foreign_keys": 1, "application_id": applicationID, "user_version": current().version()} {
		var got int
		must(t, db.write.QueryRow("PRAGMA "+pragma).Scan(&got))
		if got != want {
			t.Errorf("%s is %d, want %d", pragma, got, want)
		}
	}
	checkWAL(t, db)
	if _, err := db.read.Exec("DELETE FROM accounts"); err == nil {
		t.Error("a reader could write")
	}
}

func checkWAL(t *testing.T, db *DB) {
	t.Helper()
	for _, pool := range []*sql.DB{db.write, db.read} {
		var mode string
		must(t, pool.QueryRow("PRAGMA journal_mode").Scan(&mode))
		if mode != "wal" {
			t.Errorf("journal_mode is %s", mode)
		}
	}
}

func TestReopen(t *testing.T) {
	t.Parallel()
	dir := made(t)
	for range 2 {
		db, err := Open(t.Context(), dir, Options{})
		must(t, err)
		all, err := db.Accounts(t.Context())
		must(t, errors.Join(err, db.Close()))
		if len(all) != 1 || all[0].Login.Password != statetest.Anna().Login.Password {
			t.Fatalf("reopened: %+v", all)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, databaseName+"-wal")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the WAL is still there after closing: %v", err)
	}
}

// TestNoSecretInClear looks for the secrets in every file and every error.
func TestNoSecretInClear(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := openIn(t, dir)
	anna := statetest.Anna()
	saved, err := db.SaveAccount(t.Context(), anna)
	must(t, err)
	backup := filepath.Join(dir, "backup.db")
	must(t, db.Backup(t.Context(), backup))

	secrets := []string{anna.Login.Password.Reveal(), anna.Calendars[0].URL.Reveal(), anna.Calendars[0].Password.Reveal(), "secret-feed"}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	must(t, err)
	names := strings.Join(files, " ")
	for _, name := range []string{databaseName, "-wal", "-shm", keyName, lockName, "backup.db"} {
		if !strings.Contains(names, name) {
			t.Errorf("%s is not among %s", name, names)
		}
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		must(t, err)
		for _, secret := range secrets {
			if bytes.Contains(content, []byte(secret)) {
				t.Errorf("%s holds %q in clear", file, secret)
			}
		}
	}

	saved.Calendars[0].ID = 77
	_, unknown := db.SaveAccount(t.Context(), saved)
	_, badMode := db.SaveAccount(t.Context(), account.Account{JID: "x", Mode: "odd", Login: anna.Login})
	for _, err := range []error{unknown, badMode} {
		if err == nil {
			t.Fatal("no error")
		}
		for _, secret := range secrets {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("error tells a secret: %v", err)
			}
		}
	}
}

// TestSealedValuesStay moves sealed values within the database.
func TestSealedValuesStay(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"password to another account":  "UPDATE accounts SET password = (SELECT password FROM accounts WHERE jid LIKE 'anna%') WHERE jid LIKE 'bob%'",
		"password to a calendar":       "UPDATE calendars SET password = (SELECT password FROM accounts WHERE jid LIKE 'anna%')",
		"URL to another calendar":      "UPDATE calendars SET url = (SELECT min(url) FROM calendars)",
		"URL to a password":            "UPDATE calendars SET password = url",
		"a damaged one":                "UPDATE accounts SET password = substr(password, 1, length(password) - 1) WHERE jid LIKE 'anna%'",
		"one that was never encrypted": "UPDATE accounts SET password = x'70617373'",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := openIn(t, t.TempDir())
			for _, a := range []account.Account{statetest.Anna(), {JID: "bob@example.org"}} {
				_, err := db.SaveAccount(t.Context(), a)
				must(t, err)
			}
			_, err := db.write.Exec(statement)
			must(t, err)
			all, err := db.Accounts(t.Context())
			must(t, err)
			refused := 0
			for _, a := range all {
				_, err := db.Account(t.Context(), a.JID)
				if errors.Is(err, ErrSealed) != errors.Is(a.Unread, ErrSealed) || (err == nil) != (a.Unread == nil) {
					t.Errorf("%s: alone %v, in the list %v", a.JID, err, a.Unread)
				}
				if a.Unread != nil {
					refused++
				}
			}
			if refused == 0 {
				t.Error("nothing refused, want ErrSealed")
			}
		})
	}
}

// What is wrong with the rows of one account is no other account's trouble, and
// does not hide who it is.
func TestOneUnreadableAccount(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"settings":                  "UPDATE accounts SET settings = '{' WHERE jid LIKE 'anna%'",
		"password":                  "UPDATE accounts SET password = x'70617373' WHERE jid LIKE 'anna%'",
		"URL of a calendar":         "UPDATE calendars SET url = x'70617373' WHERE id = 1",
		"every_event of a calendar": "UPDATE calendars SET every_event = 7 WHERE id = 2",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := openIn(t, t.TempDir())
			bob := account.Account{JID: "bob@example.org", Calendars: []account.Calendar{{Name: "Bob's", URL: account.NewSecret("https://example.org/bob/")}}}
			for _, a := range []account.Account{statetest.Anna(), bob} {
				_, err := db.SaveAccount(t.Context(), a)
				must(t, err)
			}
			_, err := db.write.Exec(statement)
			must(t, err)
			all, err := db.Accounts(t.Context())
			must(t, err)
			if len(all) != 2 || all[0].JID != statetest.Anna().JID || all[1].JID != bob.JID {
				t.Fatalf("%+v", all)
			}
			if all[0].Unread == nil || all[0].Login != (account.Login{}) || all[0].Calendars != nil {
				t.Errorf("what cannot be read: %+v", all[0])
			}
			if all[1].Unread != nil || len(all[1].Calendars) != 1 {
				t.Errorf("the other one: %+v", all[1])
			}
			if _, err := db.Account(t.Context(), bob.JID); err != nil {
				t.Error(err)
			}
			if _, err := db.Account(t.Context(), statetest.Anna().JID); err == nil {
				t.Error("read what cannot be read")
			}
		})
	}
}

func TestBackup(t *testing.T) {
	t.Parallel()
	db := openIn(t, t.TempDir())
	_, err := db.SaveAccount(t.Context(), statetest.Anna())
	must(t, err)

	restored := t.TempDir()
	file := filepath.Join(restored, databaseName)
	must(t, db.Backup(t.Context(), file))
	info, err := os.Stat(file)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the backup: %o", info.Mode().Perm())
	}
	err = db.Backup(t.Context(), file)
	if !errors.Is(err, ErrExists) {
		t.Errorf("second backup to one file: %v", err)
	}
	missing := filepath.Join(restored, "none", "backup.db")
	if err := db.Backup(t.Context(), missing); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("backup into no directory: %v", err)
	}

	key, err := os.ReadFile(filepath.Join(db.dir, keyName))
	must(t, err)
	copied, err := Open(t.Context(), restored, Options{Key: account.NewSecret(string(key))})
	must(t, err)
	checkWAL(t, copied)
	all, err := copied.Accounts(t.Context())
	must(t, errors.Join(err, copied.Close()))
	if len(all) != 1 || len(all[0].Calendars) != 2 {
		t.Errorf("restored: %+v", all)
	}
	if _, err := os.Stat(filepath.Join(restored, keyName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a given key was written to the directory: %v", err)
	}
}

// TestDiskFull runs into SQLITE_FULL by a limit on the size of the database.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	db := openIn(t, t.TempDir())
	saved, err := db.SaveAccount(t.Context(), statetest.Anna())
	must(t, err)
	before := plan.Journal{Clean: true, Sent: map[string]time.Time{"h": time.UnixMicro(1).UTC()}}
	must(t, db.SaveJournal(t.Context(), saved.JID, before))
	_, err = db.write.Exec("PRAGMA max_page_count = 1")
	must(t, err)

	big := absence.Object{Href: "/a", Events: []absence.Event{{Summary: strings.Repeat("x", 1<<20)}}}
	err = db.SavePoll(t.Context(), saved.Calendars[0].ID, account.Poll{Cursor: "c", Changed: []absence.Object{big}})
	if !errors.Is(err, ErrBroken) {
		t.Fatalf("got %v, want ErrBroken", err)
	}
	var state interface {
		Broken() bool
		Hint() string
	}
	if !errors.As(err, &state) || !state.Broken() || !strings.Contains(state.Hint(), "free some space") {
		t.Errorf("error is no help: %v", err)
	}
	all, err := db.Accounts(t.Context())
	must(t, err)
	if all[0].Calendars[0].Cursor != "" {
		t.Error("half of a poll was saved")
	}
	j, err := db.Journal(t.Context(), saved.JID)
	must(t, err)
	if !j.Clean || len(j.Sent) != 1 {
		t.Errorf("journal is damaged: %+v", j)
	}
}

func TestUndecodableObject(t *testing.T) {
	t.Parallel()
	db := openIn(t, t.TempDir())
	saved, err := db.SaveAccount(t.Context(), statetest.Anna())
	must(t, err)
	id := saved.Calendars[0].ID
	zone := absence.DateTime{Zone: time.FixedZone("Made/Up", 3600)}
	must(t, db.SavePoll(t.Context(), id, account.Poll{Changed: []absence.Object{
		{Href: "/a", ETag: "1", Events: []absence.Event{{UID: "u", Start: zone}}}, {Href: "/b"},
	}}))
	objects, err := db.Objects(t.Context(), id)
	must(t, err)
	if len(objects) != 2 || objects[0].ETag != "1" || len(objects[0].Errors) != 1 || len(objects[1].Errors) != 0 {
		t.Errorf("objects: %+v", objects)
	}
}

// TestZonesShared holds that the objects of a calendar share their zones:
// decoded apart, those of a large one take tens of megabytes.
func TestZonesShared(t *testing.T) {
	t.Parallel()
	db := openIn(t, t.TempDir())
	saved, err := db.SaveAccount(t.Context(), statetest.Anna())
	must(t, err)
	id := saved.Calendars[0].ID
	must(t, db.SavePoll(t.Context(), id, bigPoll(t, 100)))
	objects, err := db.Objects(t.Context(), id)
	must(t, err)
	if first, last := objects[0].Events[0], objects[99].Events[0]; first.Start.Zone != last.End.Zone {
		t.Error("the zone was not shared")
	}
}

// TestOwnZonesShared holds that objects share what they explain alike, and
// nothing that only has the same name.
func TestOwnZonesShared(t *testing.T) {
	t.Parallel()
	db := openIn(t, t.TempDir())
	saved, err := db.SaveAccount(t.Context(), statetest.Anna())
	must(t, err)
	var p account.Poll
	for i, hours := range []uint32{1, 1, 9} {
		own := absence.Zone{Name: "Mine", TZif: statetest.FixedZone(hours * 3600)}
		loc, err := own.Location()
		must(t, err)
		p.Changed = append(p.Changed, absence.Object{
			Href: fmt.Sprint(i), Zones: []absence.Zone{own}, Events: []absence.Event{{UID: "u", Start: absence.DateTime{Wall: time.Date(2025, 7, 7, 9, 0, 0, 0, time.UTC), Zone: loc}}},
		})
	}
	must(t, db.SavePoll(t.Context(), saved.Calendars[0].ID, p))
	objects, err := db.Objects(t.Context(), saved.Calendars[0].ID)
	must(t, err)
	start := func(i int) absence.DateTime { return objects[i].Events[0].Start }
	if start(0).Zone != start(1).Zone {
		t.Error("the zone was not shared")
	}
	if got := start(2).In(time.UTC).UTC().Hour(); got != 0 {
		t.Errorf("the third starts at %d UTC, in the zone of another", got)
	}
}

func bigPoll(t testing.TB, n int) account.Poll {
	berlin, err := time.LoadLocation("Europe/Berlin")
	must(t, err)
	var p account.Poll
	for i := range n {
		start := absence.DateTime{Wall: time.Date(2025, 1, 1, 9, i%60, 0, 0, time.UTC), Zone: berlin}
		end := absence.DateTime{Wall: time.Date(2025, 1, 1, 10, i%60, 0, 0, time.UTC), Zone: berlin}
		p.Changed = append(p.Changed, absence.Object{
			Href: fmt.Sprintf("/calendars/anna/work/%08d.ics", i), ETag: fmt.Sprintf(`"%d"`, i),
			Events: []absence.Event{{UID: fmt.Sprint(i), Start: start, End: &end, Summary: "Meeting", Description: strings.Repeat("word ", 40)}},
		})
	}
	return p
}

// TestInBubble opens the state under a simulated clock, as the engine's tests do.
func TestInBubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, err := Open(context.Background(), t.TempDir(), Options{})
		must(t, err)
		_, err = db.SaveAccount(context.Background(), statetest.Anna())
		must(t, err)
		for range 1000 {
			time.Sleep(time.Hour)
		}
		must(t, db.SaveJournal(t.Context(), statetest.Anna().JID, plan.Journal{Clean: true}))
		must(t, db.Close())
	})
}
