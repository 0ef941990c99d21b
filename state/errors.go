package state

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What can be wrong with the state. Test with [errors.Is].
var (
	// ErrLocked: another process owns the state. Ask it instead.
	ErrLocked = errors.New("state in use")
	// ErrWrongKey: the key is not the one that sealed the secrets.
	ErrWrongKey = errors.New("wrong key")
	// ErrNoKey: there is a database but no key for it.
	ErrNoKey = errors.New("no key")
	// ErrBadKey: the key cannot be read as one.
	ErrBadKey = errors.New("bad key")
	// ErrUnusable: the directory or a file in it cannot be used.
	ErrUnusable = errors.New("state directory unusable")
	// ErrNotDatabase: awayd.db is something else.
	ErrNotDatabase = errors.New("not a database of awayd")
	// ErrNewer: the database was made by a newer awayd.
	ErrNewer = errors.New("database too new")
	// ErrExists: a backup would overwrite a file.
	ErrExists = errors.New("file exists")
	// ErrBroken: the database cannot be read or written: disk full, an I/O
	// error, a damaged file. What was not saved before is not saved now.
	ErrBroken = errors.New("state broken")
	// ErrSealed: a sealed value was damaged, or belongs elsewhere.
	ErrSealed = errors.New("sealed value does not open")

	// ErrUnknownAccount: no account with that JID is linked.
	ErrUnknownAccount = errors.New("unknown account")
	// ErrUnknownCalendar: no calendar has that ID, perhaps not any more.
	ErrUnknownCalendar = errors.New("unknown calendar")
)

// An Error is something wrong with the state that a person can put right.
type Error struct {
	Kind   error  // one of the Err values above
	Text   string // what is wrong
	Advice string // what to do
	Err    error  // the cause, if there is one
}

// Error says what is wrong.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Text + ": " + e.Err.Error()
	}
	return e.Text
}

// Hint says what to do, to be printed after "Try:".
func (e *Error) Hint() string { return e.Advice }

// Broken reports whether the state can no longer be relied on. The engine asks
// this through an interface of its own: it must still withdraw then.
func (e *Error) Broken() bool { return errors.Is(e.Kind, ErrBroken) }

// Unwrap gives errors.Is and errors.As the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err != nil {
		return []error{e.Kind, e.Err}
	}
	return []error{e.Kind}
}

// wrap says what failed, and recognises the failures that mean that the
// database is broken rather than the request.
func (db *DB) wrap(what string, err error) error {
	var failed *sqlite.Error
	if !errors.As(err, &failed) {
		return fmt.Errorf("%s: %w", what, err)
	}
	broken := &Error{Kind: ErrBroken, Text: what, Err: err}
	switch failed.Code() & 0xff { // the primary code of an extended one
	case sqlite3.SQLITE_FULL:
		broken.Advice = "free some space on the file system of " + db.dir
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		broken.Advice = "look for a full or failing disk under " + db.dir
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		broken.Advice = "make " + db.dir + " and the files in it writable again"
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		broken.Advice = restoreAdvice(db.dir)
	default:
		return fmt.Errorf("%s: %w", what, err)
	}
	return broken
}

func restoreAdvice(dir string) string {
	return fmt.Sprintf("stop awayd, and restore a copy made by `awayd backup` as awayd(1) says under BACKUP; or move %s/%s* away, start it, and link the accounts again", dir, databaseName)
}

// unusable is an error of the file system while opening. What may pass by
// itself, such as a full disk, is ErrBroken instead.
func unusable(dir, what string, err error) error {
	e := &Error{Kind: ErrUnusable, Text: what, Err: err}
	switch {
	case errors.Is(err, syscall.EIO):
		e.Kind, e.Advice = ErrBroken, "look for a failing disk under "+dir
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		e.Advice = fmt.Sprintf("run as the user that owns %s, or give all of it to the user that runs awayd: chown -R awayd:awayd %s", dir, dir)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		e.Kind, e.Advice = ErrBroken, "free some space on the file system of "+dir
	default:
		e.Advice = "name a directory that awayd may write to with --state"
	}
	return e
}
