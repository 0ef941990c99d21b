package state

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"filippo.io/age"

	"awayd/state/statetest"
	"awayd/sync/account"
)

// TestRefusals breaks a state in one way each, and wants one clear error that
// says what to do, and everything left as it was.
func TestRefusals(t *testing.T) {
	t.Parallel()
	other, err := age.GenerateX25519Identity()
	must(t, err)
	for _, test := range []struct {
		name    string
		spoil   func(t *testing.T, dir string) Options
		kind    error
		text    string // DIR, WANT and GOT stand for what they say
		advice  string
		mayTurn bool // SQLite touched the file
	}{
		{
			name:   "wrong key given",
			spoil:  func(*testing.T, string) Options { return Options{Key: account.NewSecret(other.String())} },
			kind:   ErrWrongKey,
			text:   "wrong key for the state in DIR: the database wants key WANT, this is key GOT",
			advice: "give the key that belongs to this database, as DIR/key or as a credential",
		}, {
			name: "wrong key file",
			spoil: func(t *testing.T, dir string) Options {
				must(t, os.WriteFile(filepath.Join(dir, keyName), []byte("# a comment\n"+other.String()+"\n"), 0o600))
				return Options{}
			},
			kind: ErrWrongKey,
			text: "wrong key for the state in DIR: the database wants key WANT, this is key GOT",
		}, {
			name: "missing key",
			spoil: func(t *testing.T, dir string) Options {
				must(t, os.Remove(filepath.Join(dir, keyName)))
				return Options{}
			},
			kind:   ErrNoKey,
			text:   "there is a database in DIR, but its key DIR/key is missing",
			advice: "systemctl start awayd, if systemd hands the key out (LoadCredential=); else put DIR/key back from a backup",
		}, {
			name:   "bad key",
			spoil:  func(*testing.T, string) Options { return Options{Key: account.NewSecret("AGE-SECRET-KEY-1NOT")} },
			kind:   ErrBadKey,
			text:   "the given key is not a key of awayd",
			advice: "give one line AGE-SECRET-KEY-1…, as awayd or `age-keygen` wrote it",
		}, {
			name: "two keys",
			spoil: func(*testing.T, string) Options {
				return Options{Key: account.NewSecret(other.String() + "\n" + other.String())}
			},
			kind: ErrBadKey,
		}, {
			name: "not a database",
			spoil: func(t *testing.T, dir string) Options {
				must(t, os.WriteFile(filepath.Join(dir, databaseName), []byte(strings.Repeat("something else ", 1000)), 0o600))
				return Options{}
			},
			kind:   ErrNotDatabase,
			text:   "DIR/awayd.db is not a database of awayd: file is not a database (26)",
			advice: "stop awayd, and restore a copy made by `awayd backup` as awayd(1) says under BACKUP; or move DIR/awayd.db* away, start it, and link the accounts again",
		}, {
			name: "another program's database",
			spoil: func(t *testing.T, dir string) Options {
				must(t, os.Remove(filepath.Join(dir, databaseName)))
				execIn(t, dir, "CREATE TABLE bookmarks (url)")
				return Options{}
			},
			kind: ErrNotDatabase,
			text: "DIR/awayd.db is not a database of awayd",
		}, {
			name: "newer schema",
			spoil: func(t *testing.T, dir string) Options {
				execIn(t, dir, "PRAGMA user_version = 7")
				return Options{}
			},
			kind:   ErrNewer,
			text:   "DIR/awayd.db has schema version 7, but this awayd knows none above " + strconv.Itoa(current().version()),
			advice: "install the newer awayd again, or go back to the copy it made: DIR/awayd.db.before-v7",
		}, {
			name: "damaged pages",
			spoil: func(t *testing.T, dir string) Options {
				f, err := os.OpenFile(filepath.Join(dir, databaseName), os.O_RDWR, 0)
				must(t, err)
				info, err := f.Stat()
				must(t, err)
				_, err = f.WriteAt([]byte(strings.Repeat("\xa5", int(info.Size())-8192)), 8192)
				must(t, errors.Join(err, f.Close()))
				return Options{}
			},
			kind:   ErrBroken,
			advice: "stop awayd, and restore a copy made by `awayd backup` as awayd(1) says under BACKUP; or move DIR/awayd.db* away, start it, and link the accounts again",
		}, {
			name: "cut short",
			spoil: func(t *testing.T, dir string) Options {
				must(t, os.Truncate(filepath.Join(dir, databaseName), 6000))
				return Options{}
			},
			kind: ErrBroken,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := made(t)
			want := keyIn(t, dir)
			options := test.spoil(t, dir)
			before, err := os.ReadFile(filepath.Join(dir, databaseName))
			must(t, err)

			for range 2 { // a refusal gives the lock back
				db, err := Open(t.Context(), dir, options)
				if err == nil {
					must(t, db.Close())
					t.Fatal("opened")
				}
				fill := strings.NewReplacer("DIR", dir, "WANT", want, "GOT", sealer{other}.fingerprint())
				checkError(t, err, test.kind, fill.Replace(test.text), fill.Replace(test.advice))
			}
			after, err := os.ReadFile(filepath.Join(dir, databaseName))
			must(t, err)
			if string(after) != string(before) {
				t.Error("a refused database was changed")
			}
		})
	}
}

func checkError(t *testing.T, err, kind error, text, advice string) {
	t.Helper()
	var e *Error
	if !errors.Is(err, kind) || !errors.As(err, &e) {
		t.Fatalf("got %v, want %v", err, kind)
	}
	if text != "" && err.Error() != text {
		t.Errorf("got  %s\nwant %s", err, text)
	}
	if e.Hint() == "" || (advice != "" && e.Hint() != advice) {
		t.Errorf("hint %q\nwant %q", e.Hint(), advice)
	}
	if strings.Contains(err.Error()+e.Hint(), "AGE-SECRET-KEY-1N") {
		t.Error("the error quotes the key")
	}
}

func execIn(t *testing.T, dir, statement string) {
	t.Helper()
	db, err := connect(dir, "immediate", 1)
	must(t, err)
	_, err = db.Exec(statement)
	must(t, errors.Join(err, db.Close()))
}

func keyIn(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, keyName))
	must(t, err)
	s, err := parseKey(string(text), "")
	must(t, err)
	return s.fingerprint()
}

func TestLock(t *testing.T) {
	t.Parallel()
	dir := made(t)
	db, err := Open(t.Context(), dir, Options{})
	must(t, err)
	_, err = Open(t.Context(), dir, Options{})
	text := fmt.Sprintf("the state in %s is in use by process %d", dir, os.Getpid())
	checkError(t, err, ErrLocked, text, "")
	_, err = TakeLock(dir)
	checkError(t, err, ErrLocked, text, "")
	must(t, db.Close())

	// A lock of the caller's serves Open, and outlives Close.
	lock, err := TakeLock(dir)
	must(t, err)
	db, err = Open(t.Context(), dir, Options{Lock: lock})
	must(t, err)
	must(t, db.Close())
	_, err = TakeLock(dir)
	checkError(t, err, ErrLocked, text, "")
	must(t, lock.Release())
	must(t, openIn(t, dir).Backup(t.Context(), filepath.Join(dir, "copy")))
}

func TestLockWithoutPID(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lock, err := TakeLock(dir)
	must(t, err)
	must(t, os.Truncate(filepath.Join(dir, lockName), 0)) // its owner has not written yet
	_, err = TakeLock(dir)
	checkError(t, err, ErrLocked, "the state in "+dir+" is in use by another process", "")
	must(t, lock.Release())
}

func TestUnusable(t *testing.T) {
	t.Parallel()
	chown := func(dir string) string {
		return fmt.Sprintf("run as the user that owns %s, or give all of it to the user that runs awayd: chown -R awayd:awayd %s", dir, dir)
	}
	t.Run("a file in its place", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "file")
		must(t, os.WriteFile(dir, nil, 0o600))
		_, err := Open(t.Context(), dir, Options{})
		checkError(t, err, ErrUnusable, "", "name a directory that awayd may write to with --state")
	})
	t.Run("a parent that may not be written", func(t *testing.T) {
		parent := t.TempDir()
		must(t, os.Chmod(parent, 0o555))
		dir := filepath.Join(parent, "state")
		_, err := openAsNobody(t, dir)
		checkError(t, err, ErrUnusable, "make state directory: mkdir "+dir+": permission denied", chown(dir))
	})
	t.Run("a directory that may not be written", func(t *testing.T) {
		dir := t.TempDir()
		must(t, os.Chmod(dir, 0o555))
		_, err := openAsNobody(t, dir)
		checkError(t, err, ErrUnusable, "lock state directory: open "+dir+"/awayd.lock: permission denied", chown(dir))
	})
	for _, name := range []string{databaseName, keyName} {
		t.Run("another user's "+name, func(t *testing.T) {
			dir := made(t)
			must(t, os.Chmod(filepath.Join(dir, lockName), 0o666))
			must(t, os.Chmod(filepath.Join(dir, databaseName), 0o666))
			must(t, os.Chmod(filepath.Join(dir, name), 0))
			must(t, os.Chmod(dir, 0o777))
			_, err := openAsNobody(t, dir)
			checkError(t, err, ErrUnusable, "", chown(dir))
			if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), filepath.Join(dir, name)) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// openAsNobody opens dir with the rights of nobody, because root may write
// everywhere. Only the thread changes, and it ends with its goroutine.
func openAsNobody(t *testing.T, dir string) (*DB, error) {
	t.Helper()
	var db *DB
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		if os.Geteuid() == 0 {
			const nobody = 65534
			for parent := filepath.Dir(dir); parent != os.TempDir() && parent != "/"; parent = filepath.Dir(parent) {
				if e := os.Chmod(parent, 0o755); e != nil {
					err = e
					return
				}
			}
			if strings.HasSuffix(dir, "/state") {
				err = os.Chmod(filepath.Dir(dir), 0o555)
			}
			runtime.LockOSThread()
			syscall.Setfsgid(nobody)
			syscall.Setfsuid(nobody)
		}
		db, err = Open(t.Context(), dir, Options{})
	}()
	<-done
	return db, err
}

// TestLostAccountRow holds that foreign keys are on for each connection.
func TestLostAccountRow(t *testing.T) {
	t.Parallel()
	db := openIn(t, t.TempDir())
	_, err := db.SaveAccount(t.Context(), statetest.Anna())
	must(t, err)
	_, err = db.write.Exec("INSERT INTO journals (account, journal) VALUES ('nobody', '{}')")
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		t.Errorf("an orphan was saved: %v", err)
	}
}
