package state

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"awayd/sync/account"
)

// pruneBatch bounds how long a pruning keeps the accounts from writing.
const pruneBatch = 5000

// Append adds an entry to the sync log and gives it its ID.
func (db *DB) Append(ctx context.Context, e account.Entry) error {
	return db.together(ctx, "append to", "the sync log", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.StmtContext(ctx, db.hot.entry).ExecContext(ctx,
			micros(e.Time), e.Account, e.Kind, e.Outcome, e.Reason, e.Period, e.UID, int64(e.Duration), e.Error)
		return err
	})
}

// Log returns entries of the sync log in the order they were appended.
func (db *DB) Log(ctx context.Context, f account.LogFilter) ([]account.Entry, error) {
	query, args := logQuery(f)
	rows, err := db.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, db.wrap("read sync log", err)
	}
	defer rows.Close()
	var entries []account.Entry
	for rows.Next() {
		var e account.Entry
		var at sql.NullInt64
		if err := rows.Scan(&e.ID, &at, &e.Account, &e.Kind, &e.Outcome, &e.Reason, &e.Period, &e.UID, &e.Duration, &e.Error); err != nil {
			return nil, db.wrap("read sync log", err)
		}
		e.Time = instant(at)
		entries = append(entries, e)
	}
	if err := rows.Err(); err != nil {
		return nil, db.wrap("read sync log", err)
	}
	return entries, nil
}

func logQuery(f account.LogFilter) (string, []any) {
	var conditions []string
	var args []any
	where := func(condition string, arg any) {
		conditions, args = append(conditions, condition), append(args, arg)
	}
	if f.Account != "" {
		where("account = ?", f.Account)
	}
	if f.Kind != "" {
		where("kind = ?", f.Kind)
	}
	if !f.Since.IsZero() {
		where("time >= ?", micros(f.Since))
	}
	if f.After > 0 {
		where("id > ?", f.After)
	}
	if f.Before > 0 {
		where("id < ?", f.Before)
	}
	if f.Outcome != "" {
		where("outcome = ?", f.Outcome)
	}
	if f.Text != "" {
		// instr is exact to the byte; lower knows ASCII letters only, as LIKE does.
		where("instr(lower(reason || char(10) || error || char(10) || period || char(10) || uid), lower(?)) > 0", f.Text)
	}
	query := "SELECT id, time, account, kind, outcome, reason, period, uid, duration, error FROM log"
	if len(conditions) > 0 {
		query += " WHERE " + strings.Join(conditions, " AND ")
	}
	if f.Last <= 0 {
		return query + " ORDER BY id", args
	}
	return "SELECT * FROM (" + query + " ORDER BY id DESC LIMIT ?) ORDER BY id", append(args, f.Last)
}

// PruneLog forgets the entries from before a moment. It goes in small steps, so
// that nobody waits for it.
func (db *DB) PruneLog(ctx context.Context, before time.Time) error {
	for {
		var n int64
		err := db.tx(ctx, "prune", "the sync log", func(tx *sql.Tx) error {
			result, err := tx.ExecContext(ctx,
				"DELETE FROM log WHERE id IN (SELECT id FROM log WHERE time < ? LIMIT ?)", micros(before), pruneBatch)
			if err == nil {
				n, err = result.RowsAffected()
			}
			return err
		})
		if err != nil || n < pruneBatch {
			return err
		}
	}
}
