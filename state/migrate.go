package state

import (
	"context"
	"database/sql"
	_ "embed" // schema.sql
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

//go:embed schema.sql
var schemaSQL string

// applicationID marks the file as awayd's in its header ("away"), for us and
// for file(1).
const applicationID = 0x61776179

// A schema is the newest schema and the way to it from every older one.
//
// A migration library (goose) was considered: it brings a table of its own and
// its dependencies for what PRAGMA user_version and this file give.
type schema struct {
	sql string
	// upgrades is append-only: upgrades[0] leads from version 1 to version 2.
	upgrades []string
}

func current() schema { return schema{sql: schemaSQL, upgrades: []string{addNotices}} }

const addNotices = `
	CREATE TABLE notices (
		account TEXT NOT NULL REFERENCES accounts (jid) ON DELETE CASCADE,
		cause   TEXT NOT NULL,
		since   INTEGER,
		told    INTEGER,
		ended   INTEGER,
		open    INTEGER NOT NULL,
		PRIMARY KEY (account, cause)
	) STRICT, WITHOUT ROWID;`

func (s schema) version() int { return 1 + len(s.upgrades) }

// bring makes the database of db one of this schema: new, upgraded, or as it
// is. It changes nothing that it does not understand or has no key for.
func (s schema) bring(ctx context.Context, db *DB) error {
	var application, version, tables int
	err := db.write.QueryRowContext(ctx, `SELECT
		(SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version),
		(SELECT count(*) FROM sqlite_schema)`).Scan(&application, &version, &tables)
	path := filepath.Join(db.dir, databaseName)
	switch {
	case isNotDatabase(err) || (err == nil && tables > 0 && application != applicationID):
		return &Error{Kind: ErrNotDatabase, Text: path + " is not a database of awayd", Advice: restoreAdvice(db.dir), Err: err}
	case err != nil:
		return db.wrap("open database", err)
	case tables == 0:
		if err := useWAL(ctx, db); err != nil {
			return err
		}
		return s.create(ctx, db)
	case version > s.version():
		return &Error{
			Kind:   ErrNewer,
			Text:   fmt.Sprintf("%s has schema version %d, but this awayd knows none above %d", path, version, s.version()),
			Advice: fmt.Sprintf("install the newer awayd again, or go back to the copy it made: %s", beforeName(path, version)),
		}
	}
	if err := checkPages(ctx, db, path); err != nil {
		return err
	}
	var want string
	if err := db.write.QueryRowContext(ctx, "SELECT fingerprint FROM seal").Scan(&want); err != nil {
		return db.wrap("read key fingerprint", err)
	}
	if err := db.seal.check(db.dir, want); err != nil {
		return err
	}
	if err := useWAL(ctx, db); err != nil {
		return err
	}
	if version < s.version() {
		return s.upgrade(ctx, db, path, version)
	}
	return nil
}

// useWAL lets readers go on while somebody writes. The mode stays with the
// file, but not with a copy of it; it is set here and not with the connection
// because it changes the file.
func useWAL(ctx context.Context, db *DB) error {
	var mode string
	if err := db.write.QueryRowContext(ctx, "PRAGMA journal_mode = wal").Scan(&mode); err != nil {
		return db.wrap("open database", err)
	}
	if mode != "wal" {
		return unusable(db.dir, "open database", fmt.Errorf("SQLite cannot use WAL there, only %s", mode))
	}
	return nil
}

// create fills an empty database.
func (s schema) create(ctx context.Context, db *DB) error {
	return db.tx(ctx, "create", "database", func(tx *sql.Tx) error {
		for _, statement := range []string{
			s.sql,
			fmt.Sprintf("PRAGMA application_id = %d", applicationID),
			fmt.Sprintf("PRAGMA user_version = %d", s.version()),
		} {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO seal (id, fingerprint) VALUES (1, ?)", db.seal.fingerprint())
		return err
	})
}

// upgrade copies the database, then takes it to the newest version, each step
// in a transaction of its own.
func (s schema) upgrade(ctx context.Context, db *DB, path string, from int) (err error) {
	if err := db.copyBefore(ctx, beforeName(path, s.version())); err != nil {
		return err
	}
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return db.wrap("migrate database", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	// A table that others refer to can only be rebuilt with the checks off, and
	// they cannot be switched within a transaction. Each step is checked as a
	// whole instead.
	if _, err := conn.ExecContext(ctx, "PRAGMA foreign_keys = 0"); err != nil {
		return db.wrap("migrate database", err)
	}
	for version := from; version < s.version(); version++ {
		if err := step(ctx, conn, s.upgrades[version-1], version+1); err != nil {
			return db.wrap(fmt.Sprintf("migrate database to version %d", version+1), err)
		}
	}
	if _, err := conn.ExecContext(ctx, "PRAGMA foreign_keys = 1"); err != nil {
		return db.wrap("migrate database", err)
	}
	return nil
}

func step(ctx context.Context, conn *sql.Conn, statements string, to int) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // nothing is left to roll back after a commit
	if _, err := tx.ExecContext(ctx, statements); err != nil {
		return err
	}
	var orphans int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM pragma_foreign_key_check").Scan(&orphans); err != nil {
		return err
	}
	if orphans > 0 {
		return fmt.Errorf("%d rows refer to nothing", orphans)
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", to)); err != nil {
		return err
	}
	return tx.Commit()
}

func beforeName(path string, version int) string { return fmt.Sprintf("%s.before-v%d", path, version) }

// copyBefore keeps the database as it is under name. A copy left by an earlier
// attempt is replaced once the new one is complete.
func (db *DB) copyBefore(ctx context.Context, name string) error {
	f, err := os.CreateTemp(db.dir, filepath.Base(name)+".*") // 0600
	if err != nil {
		return unusable(db.dir, "copy database before migrating it", err)
	}
	defer os.Remove(f.Name()) // gone already when all went well
	err = copyInto(ctx, db.dir, f.Name())
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err == nil {
		err = syncDir(db.dir)
	}
	if err != nil {
		return db.wrap("copy database before migrating it", err)
	}
	return nil
}

// checkPages reads every page once, so that damage is told at the start and
// not in the middle of somebody's absence.
func checkPages(ctx context.Context, db *DB, path string) error {
	var verdict string
	if err := db.write.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return db.wrap("check database", err)
	}
	if verdict != "ok" {
		return &Error{Kind: ErrBroken, Text: fmt.Sprintf("%s is damaged: %s", path, verdict), Advice: restoreAdvice(db.dir)}
	}
	return nil
}

func isNotDatabase(err error) bool {
	var failed *sqlite.Error
	return errors.As(err, &failed) && failed.Code()&0xff == sqlite3.SQLITE_NOTADB
}
