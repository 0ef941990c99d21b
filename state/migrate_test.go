package state

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"awayd/state/statetest"
)

// frozen makes a database of version 1 from the schema as it was then. The
// file in testdata never changes.
func frozen(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("testdata/schema-v1.sql")
	must(t, err)
	dir := t.TempDir()
	db, err := open(t.Context(), dir, Options{}, schema{sql: string(text)})
	must(t, err)
	_, err = db.SaveAccount(t.Context(), statetest.Anna())
	must(t, errors.Join(err, db.Close()))
	return dir
}

// TestUpgradeFromFirst holds that schema.sql and the list of upgrades lead to
// the same tables.
func TestUpgradeFromFirst(t *testing.T) {
	t.Parallel()
	upgraded, fresh := openIn(t, frozen(t)), openIn(t, t.TempDir())
	if diff := cmp.Diff(describe(t, fresh.write), describe(t, upgraded.write)); diff != "" {
		t.Errorf("upgraded schema (+) is not schema.sql (-):\n%s", diff)
	}
	all, err := upgraded.Accounts(t.Context())
	must(t, err)
	if len(all) != 1 || all[0].Login.Password != statetest.Anna().Login.Password {
		t.Errorf("accounts after the upgrade: %+v", all)
	}
}

// describe returns what there is in a database as SQLite understands it, so
// that ALTER TABLE and CREATE TABLE compare by what they mean.
func describe(t *testing.T, db *sql.DB) []string {
	t.Helper()
	rows, err := db.Query(`
		SELECT 'column ' || t.name || '.' || c.name || ' ' || c.type || ' notnull=' || c."notnull" || ' pk=' || c.pk
			|| ' default=' || ifnull(c.dflt_value, '-') || ' strict=' || t.strict || ' rowid=' || NOT t.wr
		FROM pragma_table_list t JOIN pragma_table_info(t.name) c WHERE t.schema = 'main'
		UNION ALL
		SELECT 'reference ' || t.name || '.' || f."from" || ' ' || f."table" || '.' || f."to" || ' ' || f.on_delete
		FROM pragma_table_list t JOIN pragma_foreign_key_list(t.name) f WHERE t.schema = 'main'
		UNION ALL
		SELECT 'index ' || i.name || ' ' || i."unique" || i.partial || ' ' || ifnull(c.name, '-') || ' of ' || t.name
		FROM pragma_table_list t JOIN pragma_index_list(t.name) i JOIN pragma_index_info(i.name) c WHERE t.schema = 'main'
		UNION ALL
		SELECT 'version ' || user_version FROM pragma_user_version
		ORDER BY 1`)
	must(t, err)
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var line string
		must(t, rows.Scan(&line))
		lines = append(lines, line)
	}
	must(t, rows.Err())
	if len(lines) < 50 {
		t.Fatalf("only %d lines describe the schema", len(lines))
	}
	return lines
}

// rebuild does what a real upgrade of a table that others refer to has to do.
const rebuild = `
	CREATE TABLE accounts_new (jid TEXT PRIMARY KEY NOT NULL, mode TEXT NOT NULL, password BLOB NOT NULL, address TEXT NOT NULL,
		tls_ca TEXT NOT NULL, settings TEXT NOT NULL, linked INTEGER, note TEXT NOT NULL DEFAULT '') STRICT;
	INSERT INTO accounts_new SELECT jid, mode, password, address, tls_ca, settings, linked, 'kept' FROM accounts;
	DROP TABLE accounts;
	ALTER TABLE accounts_new RENAME TO accounts;`

func TestUpgradeSteps(t *testing.T) {
	t.Parallel()
	dir := frozen(t)
	newer := schema{upgrades: []string{rebuild, "UPDATE accounts SET note = note || '!'"}}
	db, err := open(t.Context(), dir, Options{}, newer)
	must(t, err)
	var note string
	var calendars, version, keys int
	must(t, db.write.QueryRow(`SELECT note, (SELECT count(*) FROM calendars), (SELECT user_version FROM pragma_user_version),
		(SELECT foreign_keys FROM pragma_foreign_keys) FROM accounts`).Scan(&note, &calendars, &version, &keys))
	if note != "kept!" || calendars != 2 || version != 3 || keys != 1 {
		t.Errorf("after the upgrade: note %q, %d calendars, version %d, foreign keys %d", note, calendars, version, keys)
	}
	must(t, db.Close())

	// This awayd refuses it now, and the copy it names is what was there before.
	_, err = Open(t.Context(), dir, Options{})
	checkError(t, err, ErrNewer, "", "install the newer awayd again, or go back to the copy it made: "+dir+"/awayd.db.before-v3")
	copied := filepath.Join(dir, databaseName+".before-v3")
	info, err := os.Stat(copied)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the copy: %o", info.Mode().Perm())
	}
	must(t, os.Rename(copied, filepath.Join(dir, databaseName)))
	all, err := openIn(t, dir).Accounts(t.Context())
	must(t, err)
	if len(all) != 1 || len(all[0].Calendars) != 2 {
		t.Errorf("the copy holds %+v", all)
	}
}

func TestUpgradeFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ statements, want string }{
		"bad SQL":      {"DELETE FROM observed; ALTER TABLE nowhere ADD COLUMN x", "no such table: nowhere"},
		"lost parents": {"DELETE FROM observed; DELETE FROM accounts", "2 rows refer to nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := frozen(t)
			for range 2 { // the second attempt replaces the first one's copy
				db, err := open(t.Context(), dir, Options{}, schema{upgrades: []string{"CREATE TABLE extra (x)", test.statements}})
				if err == nil {
					must(t, db.Close())
					t.Fatal("opened")
				}
				if got := err.Error(); !strings.HasPrefix(got, "migrate database to version ") || !strings.Contains(got, test.want) {
					t.Errorf("got %v", err)
				}
			}
			left, err := filepath.Glob(filepath.Join(dir, databaseName+".before-*"))
			must(t, err)
			if len(left) != 1 {
				t.Errorf("copies: %v", left)
			}
			// Every finished step stays, the failed one is undone as a whole.
			db, err := open(t.Context(), dir, Options{}, schema{upgrades: []string{"CREATE TABLE extra (x)"}})
			must(t, err)
			all, err := db.Accounts(t.Context())
			must(t, errors.Join(err, db.Close()))
			if len(all) != 1 {
				t.Errorf("accounts: %+v", all)
			}
		})
	}
}

func TestUpgradeWantsKey(t *testing.T) {
	t.Parallel()
	dir := frozen(t)
	must(t, os.Remove(filepath.Join(dir, keyName)))
	_, err := open(t.Context(), dir, Options{}, schema{upgrades: []string{"DROP TABLE log"}})
	checkError(t, err, ErrNoKey, "", "")
	left, err := filepath.Glob(filepath.Join(dir, databaseName+".before-*"))
	must(t, err)
	if len(left) != 0 {
		t.Errorf("copies: %v", left)
	}
}
