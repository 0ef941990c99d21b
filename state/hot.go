package state

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"sync"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// The statements that every step of every flip runs. Reading their text took
// SQLite longer than carrying them out.
type hot struct{ journal, observed, entry *sql.Stmt }

// prepareHot prepares them for the writer, whose pool closes them.
func prepareHot(ctx context.Context, write *sql.DB) (h hot, err error) {
	for _, s := range []struct {
		into **sql.Stmt
		text string
	}{
		{&h.journal, `
			INSERT INTO journals (account, journal) VALUES (?, ?)
			ON CONFLICT (account) DO UPDATE SET journal = excluded.journal`},
		{&h.observed, `
			INSERT INTO observed (account, observed, at) VALUES (?, ?, ?)
			ON CONFLICT (account) DO UPDATE SET observed = excluded.observed, at = excluded.at`},
		{&h.entry, `
			INSERT INTO log (time, account, kind, outcome, reason, period, uid, duration, error)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`},
	} {
		if *s.into, err = write.PrepareContext(ctx, s.text); err != nil {
			return hot{}, err
		}
	}
	return h, nil
}

// unlinked says that an account is not linked where a foreign key does.
func unlinked(err error) error {
	var failed *sqlite.Error
	if errors.As(err, &failed) && failed.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY {
		return ErrUnknownAccount
	}
	return err
}

// kept remembers what was last saved of each account, since most of it is saved
// again as it was. One process owns the state, and one goroutine an account.
type kept struct {
	mu    sync.Mutex
	saved map[string]saved
}

type saved struct {
	sum [sha256.Size]byte
	at  time.Time
}

// is reports whether text was what was last saved of an account, and when.
func (k *kept) is(jid string, text []byte) (at time.Time, same bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	was, ok := k.saved[jid]
	return was.at, ok && was.sum == sha256.Sum256(text)
}

func (k *kept) hold(jid string, text []byte, at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.saved == nil {
		k.saved = make(map[string]saved)
	}
	k.saved[jid] = saved{sha256.Sum256(text), at}
}

func (k *kept) forget(jid string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.saved, jid)
}
