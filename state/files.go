package state

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// checkFiles reports whether there is a database, and that what there is of it
// can be written. SQLite would find out too, but later and in other words.
func checkFiles(dir string) (exists bool, err error) {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		path := filepath.Join(dir, databaseName+suffix)
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return false, unusable(dir, "open database", err)
		}
		info, err := f.Stat()
		if err = errors.Join(err, f.Close()); err != nil {
			return false, unusable(dir, "open database", err)
		}
		exists = exists || (suffix == "" && info.Size() > 0)
	}
	return exists, nil
}

// createDatabase makes the empty file, because SQLite would make it readable
// for all that the umask allows. SQLite gives its other files the same mode.
func createDatabase(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, databaseName), os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return unusable(dir, "make database", err)
	}
	return nil
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
