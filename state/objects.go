package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"awayd/sync/absence"
	"awayd/sync/account"
)

// Objects returns the objects of a calendar as last downloaded, ordered by
// href. One that cannot be decoded any more comes with that as its only error.
func (db *DB) Objects(ctx context.Context, calendar int64) ([]account.CachedObject, error) {
	what := fmt.Sprintf("read objects of calendar %d", calendar)
	tx, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, db.wrap(what, err)
	}
	defer tx.Rollback() // it only read
	var count int
	err = tx.QueryRowContext(ctx,
		"SELECT (SELECT count(*) FROM objects WHERE calendar = c.id) FROM calendars c WHERE c.id = ?", calendar).Scan(&count)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrUnknownCalendar
	}
	if err != nil {
		return nil, db.wrap(what, err)
	}
	objects, err := readObjects(ctx, tx, calendar, count)
	if err != nil {
		return nil, db.wrap(what, err)
	}
	return objects, nil
}

func readObjects(ctx context.Context, tx *sql.Tx, calendar int64, count int) ([]account.CachedObject, error) {
	rows, err := tx.QueryContext(ctx, "SELECT href, etag, missing, object FROM objects WHERE calendar = ? ORDER BY href", calendar)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	objects := make([]account.CachedObject, 0, count)
	shared := make(zones)
	for rows.Next() {
		var o account.CachedObject
		var href, etag string
		var text sql.RawBytes
		if err := rows.Scan(&href, &etag, &o.Missing, &text); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &o.Object); err != nil {
			o.Object = absence.Object{Errors: []absence.ObjectError{{Reason: "decode cached object: " + err.Error()}}}
		}
		o.Href, o.ETag = href, etag
		o.Events = slices.Clone(o.Events) // the decoder leaves room for more
		shared.shareIn(&o.Object)
		objects = append(objects, o)
	}
	return objects, rows.Err()
}

// SavePoll records the outcome of one poll of a calendar.
func (db *DB) SavePoll(ctx context.Context, calendar int64, p account.Poll) error {
	return db.tx(ctx, "save poll of calendar", fmt.Sprint(calendar), func(tx *sql.Tx) error {
		if p.Error != "" {
			result, err := tx.ExecContext(ctx, "UPDATE calendars SET last_poll = ?, error = ? WHERE id = ?",
				micros(p.At), p.Error, calendar)
			return oneRow(result, err, ErrUnknownCalendar)
		}
		result, err := tx.ExecContext(ctx, `
			UPDATE calendars SET last_poll = ?1, last_ok = ?1, error = '', cursor = ?2,
				name = CASE ?3 WHEN '' THEN name ELSE ?3 END,
				zone = CASE ?4 WHEN '' THEN zone ELSE ?4 END
			WHERE id = ?5`,
			micros(p.At), p.Cursor, p.Name, p.Zone, calendar)
		if err := oneRow(result, err, ErrUnknownCalendar); err != nil {
			return err
		}
		if err := forHrefs(ctx, tx, "DELETE FROM objects WHERE calendar = ? AND href = ?", calendar, p.Removed); err != nil {
			return err
		}
		if err := saveObjects(ctx, tx, calendar, p.Changed); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE objects SET missing = 0 WHERE calendar = ? AND missing", calendar); err != nil {
			return err
		}
		return forHrefs(ctx, tx, "UPDATE objects SET missing = 1 WHERE calendar = ? AND href = ?", calendar, p.Missing)
	})
}

// quietLate is longer than a quiet poll waits for being saved, with others. A poll
// that was saved before and lies further ahead is of a clock that was wrong.
const quietLate = time.Hour

// SaveQuiet records polls that brought nothing, in one transaction. What is
// older than what is known, or of a calendar that is not, is left out.
func (db *DB) SaveQuiet(ctx context.Context, polls map[int64]account.Poll) error {
	return db.tx(ctx, "save", "polls", func(tx *sql.Tx) error {
		update, err := tx.PrepareContext(ctx, `
			UPDATE calendars SET last_poll = ?1, last_ok = ?1, error = '', cursor = ?2
			WHERE id = ?3 AND (last_poll IS NULL OR last_poll NOT BETWEEN ?1 AND ?4)`)
		if err != nil {
			return err
		}
		defer update.Close()
		for id, p := range polls {
			if _, err := update.ExecContext(ctx, micros(p.At), p.Cursor, id, micros(p.At.Add(quietLate))); err != nil {
				return err
			}
		}
		return nil
	})
}

func saveObjects(ctx context.Context, tx *sql.Tx, calendar int64, objects []absence.Object) error {
	if len(objects) == 0 {
		return nil
	}
	insert, err := tx.PrepareContext(ctx, `
		INSERT INTO objects (calendar, href, etag, missing, object) VALUES (?, ?, ?, 0, ?)
		ON CONFLICT (calendar, href) DO UPDATE SET etag = excluded.etag, missing = 0, object = excluded.object`)
	if err != nil {
		return err
	}
	defer insert.Close()
	for _, o := range objects {
		href, etag := o.Href, o.ETag
		o.Href, o.ETag = "", ""
		text, err := json.Marshal(o)
		if err != nil {
			return fmt.Errorf("encode object %s: %w", href, err)
		}
		if _, err := insert.ExecContext(ctx, calendar, href, etag, string(text)); err != nil {
			return err
		}
	}
	return nil
}

// forHrefs runs a statement on one object after the other.
func forHrefs(ctx context.Context, tx *sql.Tx, statement string, calendar int64, hrefs []string) error {
	if len(hrefs) == 0 {
		return nil
	}
	prepared, err := tx.PrepareContext(ctx, statement)
	if err != nil {
		return err
	}
	defer prepared.Close()
	for _, href := range hrefs {
		if _, err := prepared.ExecContext(ctx, calendar, href); err != nil {
			return err
		}
	}
	return nil
}
