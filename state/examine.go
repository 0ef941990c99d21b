package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"awayd/sync/finding"
)

// Bounds of what is well.
const (
	// A commit needs a few kilobytes, a copy before a migration as much as the
	// database.
	littleSpace = 256 << 20
	noSpace     = 16 << 20
	// manyEntries make the log slow to read; a busy account makes some thousand
	// a year.
	manyEntries = 2_000_000
)

// Examine tells how the state is: who owns it, who can read it, whether it has
// room, and whether the database is sound. It changes nothing.
func (db *DB) Examine(ctx context.Context) []finding.Finding {
	return []finding.Finding{
		finding.Good("lock", "held by process %d, for %s", os.Getpid(), db.dir),
		db.examineFiles(),
		examineSpace(db.dir),
		db.examinePages(ctx),
		db.examineLog(ctx),
	}
}

// examineFiles looks for files that others may read or that belong to others.
func (db *DB) examineFiles() finding.Finding {
	const topic = "files"
	found := finding.Good(topic, "only for awayd's own user; key %s", db.seal.fingerprint())
	for _, file := range []struct {
		name       string
		bad, doubt fs.FileMode // what may not be set, and what better were not
		right      string
	}{
		// Who can write to a directory can replace what is in it.
		{".", 0o002, 0o025, "750"},
		{keyName, 0o077, 0, "600"},
		{databaseName, 0o077, 0, "600"},
		{databaseName + "-wal", 0o077, 0, "600"},
		{databaseName + "-shm", 0o077, 0, "600"},
	} {
		path := filepath.Join(db.dir, file.name)
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a key can be given in another way
		}
		if err != nil {
			return finding.Failed(topic, unusable(db.dir, "look at "+path, err))
		}
		mode, mend := info.Mode().Perm(), fmt.Sprintf("chmod %s %s", file.right, path)
		switch {
		case mode&file.bad != 0:
			return finding.Bad(topic, mend, "%s has mode %o: others can get at what it holds", path, mode)
		case mode&file.doubt != 0:
			found = finding.Doubt(topic, mend, "%s has mode %o: others can look into it", path, mode)
		}
		if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) != os.Geteuid() {
			return finding.Bad(topic, fmt.Sprintf("give all of %s to the user that runs awayd: chown -R awayd:awayd %s", db.dir, db.dir),
				"%s belongs to user %d, but awayd runs as user %d", path, owner.Uid, os.Geteuid())
		}
	}
	return found
}

func examineSpace(dir string) finding.Finding {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return finding.Failed("space", unusable(dir, "look for free space", err))
	}
	return judgeSpace(dir, s.Bavail*uint64(s.Bsize))
}

func judgeSpace(dir string, free uint64) finding.Finding {
	const topic = "space"
	hint := "free some space on the file system of " + dir
	switch {
	case free < noSpace:
		return finding.Bad(topic, hint, "%s left: awayd will soon be able to withdraw messages, but not to reveal any", size(int64(free)))
	case free < littleSpace:
		return finding.Doubt(topic, hint, "only %s left", size(int64(free)))
	}
	return finding.Good(topic, "%s free", size(int64(free)))
}

// examinePages reads every page. It has a connection of its own, so that no
// account waits for it.
func (db *DB) examinePages(ctx context.Context) finding.Finding {
	const topic = "database"
	path := filepath.Join(db.dir, databaseName)
	verdict, err := quickCheck(ctx, db.dir)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return finding.Doubt(topic, "stop the daemon and try again", "%s could not be read in time", path)
	case err != nil:
		return finding.Failed(topic, db.wrap("check "+path, err))
	case verdict != "ok":
		return finding.Bad(topic, restoreAdvice(db.dir), "%s is damaged: %s", path, verdict)
	}
	return finding.Good(topic, "sound, version %d, %s", current().version(), size(sizeOf(path)+sizeOf(path+"-wal")))
}

func quickCheck(ctx context.Context, dir string) (verdict string, err error) {
	own, err := connect(dir, "deferred", 1, "query_only(1)")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, own.Close()) }()
	return verdict, own.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict)
}

func (db *DB) examineLog(ctx context.Context) finding.Finding {
	const topic = "log"
	var n int
	var oldest sql.NullInt64
	if err := db.read.QueryRowContext(ctx, "SELECT count(*), min(time) FROM log").Scan(&n, &oldest); err != nil {
		return finding.Failed(topic, db.wrap("count the sync log", err))
	}
	return judgeLog(n, instant(oldest))
}

func judgeLog(entries int, oldest time.Time) finding.Finding {
	const topic = "log"
	if entries == 0 {
		return finding.Good(topic, "no entries yet")
	}
	held := fmt.Sprintf("%d entries since %s", entries, oldest.Format(time.DateOnly))
	if entries > manyEntries {
		return finding.Doubt(topic, "set a shorter log_retention in the configuration", "%s: more than anybody reads", held)
	}
	return finding.Good(topic, "%s", held)
}

// sizeOf is the size of a file, 0 if there is none.
func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// size is a number of bytes in words.
func size(n int64) string {
	switch {
	case n < 1<<20:
		return fmt.Sprintf("%d kB", (n+1023)>>10)
	case n < 10<<30:
		return fmt.Sprintf("%d MB", n>>20)
	}
	return fmt.Sprintf("%d GB", n>>30)
}
