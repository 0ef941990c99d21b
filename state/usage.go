package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A Usage is how much the state holds.
type Usage struct {
	LogEntries int64
	Bytes      int64 // of the database on disk, with what is not folded into it yet
}

// Usage tells how much the state holds.
func (db *DB) Usage(ctx context.Context) (Usage, error) {
	var u Usage
	if err := db.read.QueryRowContext(ctx, "SELECT count(*) FROM log").Scan(&u.LogEntries); err != nil {
		return Usage{}, db.wrap("count the sync log", err)
	}
	for _, name := range []string{databaseName, databaseName + "-wal"} {
		info, err := os.Stat(filepath.Join(db.dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // everything is folded in
		}
		if err != nil {
			return Usage{}, fmt.Errorf("measure the database: %w", err)
		}
		u.Bytes += info.Size()
	}
	return u, nil
}
