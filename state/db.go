// Package state keeps what awayd must not forget: accounts with their sealed
// secrets, the cache of their calendars, what was observed and begun on each
// node, and the sync log. It is one SQLite database, a key and a lock file in
// one directory that one process owns.
//
// SQL stays in this package. Instants are stored as integer microseconds in
// UTC and are cut to them; package statetest holds what any other store would
// have to do the same.
package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver named "sqlite"

	"awayd/sync/account"
)

// The files of the state directory.
const (
	databaseName = "awayd.db"
	keyName      = "key"
	lockName     = "awayd.lock"
)

// readers bounds how many queries read at once. WAL lets them go on while
// somebody writes.
const readers = 4

// Options say how to open the state.
type Options struct {
	// Key is the text of an age identity, as a systemd credential carries it.
	// Empty means the file "key" of the directory, made with the database.
	Key account.Secret
	// Lock is the lock that the caller holds on the directory. Nil means that
	// Open takes it, and Close gives it back.
	Lock *Lock
}

// A DB is the open state. Its methods may be called by any goroutine, but a
// database opened in a testing/synctest bubble must be closed in it.
type DB struct {
	dir   string
	write *sql.DB // one connection: SQLite has one writer at a time
	read  *sql.DB
	queue *queue // of what is written together
	hot   hot    // what is written at each step of each flip
	sent  kept   // what the table of that name holds
	seen  kept   // and the table observed
	seal  sealer
	lock  *Lock // nil if it is the caller's
}

// Open opens the state in dir and makes it if there is none. The errors that a
// person can do something about are of type [*Error].
func Open(ctx context.Context, dir string, o Options) (*DB, error) {
	return open(ctx, dir, o, current())
}

func open(ctx context.Context, dir string, o Options, s schema) (_ *DB, err error) {
	db := &DB{dir: dir, queue: newQueue()}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	if o.Lock == nil {
		if db.lock, err = TakeLock(dir); err != nil {
			return nil, err
		}
	}
	exists, err := checkFiles(dir)
	if err != nil {
		return nil, err
	}
	if db.seal, err = loadKey(dir, o.Key, exists); err != nil {
		return nil, err
	}
	if err := createDatabase(dir); err != nil {
		return nil, err
	}
	if db.write, err = connect(dir, "immediate", 1); err != nil {
		return nil, err
	}
	if err := s.bring(ctx, db); err != nil {
		return nil, err
	}
	if db.hot, err = prepareHot(ctx, db.write); err != nil {
		return nil, db.wrap("open database", err)
	}
	if db.read, err = connect(dir, "deferred", readers, "query_only(1)"); err != nil {
		return nil, err
	}
	return db, nil
}

// connect opens a pool of at most n connections.
func connect(dir, txlock string, n int, pragmas ...string) (*sql.DB, error) {
	path, err := filepath.Abs(filepath.Join(dir, databaseName))
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	pragmas = append([]string{
		"busy_timeout(5000)",
		// With less than FULL, a commit in WAL mode may be lost with the power;
		// the journal must be on disk before the server is told anything.
		"synchronous(full)",
		"foreign_keys(1)",
		"trusted_schema(0)",
	}, pragmas...)
	dsn := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{"_pragma": pragmas, "_txlock": {txlock}}.Encode()}
	pool, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	pool.SetMaxOpenConns(n)
	pool.SetMaxIdleConns(n)
	return pool, nil
}

// Close closes the database and gives back the lock that Open took.
func (db *DB) Close() error {
	var errs []error
	// The writer goes last: as the last connection it folds the WAL into the
	// database, which a connection that may only query would not.
	for _, pool := range []*sql.DB{db.read, db.write} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	if db.lock != nil {
		errs = append(errs, db.lock.Release())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close state: %w", err)
	}
	return nil
}

// Backup writes a consistent copy of the database to file, which must not
// exist. The key is not part of it.
func (db *DB) Backup(ctx context.Context, file string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return &Error{Kind: ErrExists, Text: fmt.Sprintf("back up the state: %s exists already", file), Advice: "name a file that does not exist"}
	}
	if err != nil {
		return fmt.Errorf("back up the state: %w", err)
	}
	defer f.Close()
	err = copyInto(ctx, db.dir, file)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = syncDir(filepath.Dir(file))
	}
	if err != nil {
		return errors.Join(db.wrap("back up the state", err), os.Remove(file))
	}
	return nil
}

// copyInto copies the database in dir, as one snapshot, into an empty file. It
// has a connection of its own: the writer's would keep the accounts waiting,
// and the readers' may not even write elsewhere.
func copyInto(ctx context.Context, dir, file string) (err error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	own, err := connect(dir, "deferred", 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, own.Close()) }()
	_, err = own.ExecContext(ctx, "VACUUM INTO ?", path)
	return err
}

// tx runs do in one write transaction, durable when it returns nil. verb and
// noun name it in errors.
func (db *DB) tx(ctx context.Context, verb, noun string, do func(*sql.Tx) error) error {
	if err := db.once(ctx, do); err != nil {
		return db.wrap(verb+" "+noun, err)
	}
	return nil
}

func (db *DB) once(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // nothing is left to roll back after a commit
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// micros is an instant as the database keeps it.
func micros(t time.Time) sql.NullInt64 {
	if t.IsZero() {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: true}
}

func instant(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMicro(n.Int64).UTC()
}
