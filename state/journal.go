package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"awayd/sync/account"
	"awayd/sync/plan"
)

// sentKept is how long a hash is kept after the payload was sent, counted back
// from the newest one. Servers bring an old item back after a restore or a
// merge; one from before that is no item awayd still answers for.
const sentKept = 400 * 24 * time.Hour

// Journal returns what awayd remembers of the node of jid; of a new account,
// an empty journal.
func (db *DB) Journal(ctx context.Context, jid string) (plan.Journal, error) {
	tx, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return plan.Journal{}, db.wrap("read journal of "+jid, err)
	}
	defer tx.Rollback() // it only read
	var j plan.Journal
	err = readJSON(ctx, tx, &j, "SELECT j.journal FROM accounts a LEFT JOIN journals j ON j.account = a.jid WHERE a.jid = ?", jid)
	if err == nil {
		j.Sent, err = readSent(ctx, tx, jid)
	}
	if err != nil {
		return plan.Journal{}, db.wrap("read journal of "+jid, err)
	}
	return j, nil
}

// SaveJournal replaces the journal of jid. Hashes that were sent more than 400
// days before the newest one are dropped, but not that of the item that was
// last seen on the node.
func (db *DB) SaveJournal(ctx context.Context, jid string, j plan.Journal) error {
	sent, err := json.Marshal(sentToKeep(j))
	if err != nil {
		return db.wrap("save journal of "+jid, err)
	}
	j.Sent = nil
	rest, err := json.Marshal(j)
	if err != nil {
		return db.wrap("save journal of "+jid, err)
	}
	_, same := db.sent.is(jid, sent)
	err = db.together(ctx, "save journal of", jid, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.StmtContext(ctx, db.hot.journal).ExecContext(ctx, jid, string(rest)); err != nil {
			return unlinked(err)
		}
		if same {
			return nil
		}
		if _, err := tx.ExecContext(ctx, `
			DELETE FROM sent WHERE account = ? AND hash NOT IN (SELECT key FROM json_each(?))`, jid, string(sent)); err != nil {
			return err
		}
		// "WHERE true" keeps ON CONFLICT from being read as part of a join.
		_, err := tx.ExecContext(ctx, `
			INSERT INTO sent (account, hash, at) SELECT ?, key, value FROM json_each(?) WHERE true
			ON CONFLICT (account, hash) DO UPDATE SET at = excluded.at WHERE at IS NOT excluded.at`, jid, string(sent))
		return err
	})
	if err != nil {
		db.sent.forget(jid) // what is there is not known
		return err
	}
	db.sent.hold(jid, sent, time.Time{})
	return nil
}

// Pressing returns the accounts, ordered by JID, whose journals say that
// something is visible, begun, or staged for a time that has come at now. It
// reads all journals at once: a start with thousands of accounts begins with
// these.
func (db *DB) Pressing(ctx context.Context, now time.Time) ([]string, error) {
	rows, err := db.read.QueryContext(ctx, "SELECT account, journal FROM journals ORDER BY account")
	if err != nil {
		return nil, db.wrap("read journals", err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var jid string
		var text []byte
		if err := rows.Scan(&jid, &text); err != nil {
			return nil, db.wrap("read journals", err)
		}
		var j plan.Journal
		// One that cannot be read is reported when its account is taken up.
		if json.Unmarshal(text, &j) == nil && j.Presses(now) {
			list = append(list, jid)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, db.wrap("read journals", err)
	}
	return list, nil
}

// sentToKeep returns the hashes worth keeping, with their microseconds.
func sentToKeep(j plan.Journal) map[string]*int64 {
	var newest time.Time
	for _, at := range j.Sent {
		if at.After(newest) {
			newest = at
		}
	}
	seen := ""
	if j.Seen != nil {
		seen = j.Seen.Payload.Hash()
	}
	keep := make(map[string]*int64, len(j.Sent))
	for hash, at := range j.Sent {
		if hash != seen && newest.Sub(at) > sentKept {
			continue
		}
		keep[hash] = nil
		if m := micros(at); m.Valid {
			keep[hash] = &m.Int64
		}
	}
	return keep
}

func readSent(ctx context.Context, tx *sql.Tx, jid string) (map[string]time.Time, error) {
	rows, err := tx.QueryContext(ctx, "SELECT hash, at FROM sent WHERE account = ?", jid)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var sent map[string]time.Time
	for rows.Next() {
		var hash string
		var at sql.NullInt64
		if err := rows.Scan(&hash, &at); err != nil {
			return nil, err
		}
		if sent == nil {
			sent = make(map[string]time.Time)
		}
		sent[hash] = instant(at)
	}
	return sent, rows.Err()
}

// Observed returns what SaveObserved last recorded and when that was; the
// moment is zero when nothing was recorded yet.
func (db *DB) Observed(ctx context.Context, jid string) (plan.Observed, time.Time, error) {
	var text []byte
	var at sql.NullInt64
	err := db.read.QueryRowContext(ctx,
		"SELECT o.observed, o.at FROM accounts a LEFT JOIN observed o ON o.account = a.jid WHERE a.jid = ?", jid).Scan(&text, &at)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrUnknownAccount
	}
	var o plan.Observed
	if err == nil && text != nil {
		err = json.Unmarshal(text, &o)
	}
	if err != nil {
		return plan.Observed{}, time.Time{}, db.wrap("read observed node of "+jid, err)
	}
	return o, instant(at), nil
}

// soonAfter is how soon after a look the same sight is not worth a sync of the
// disk: at an instant everybody looks, and has looked four seconds before.
const soonAfter = 5 * time.Second

// SaveObserved records what the server held at that moment. What was recorded in
// the last five seconds, and has not changed, keeps the moment it has.
func (db *DB) SaveObserved(ctx context.Context, jid string, o plan.Observed, at time.Time) error {
	text, err := json.Marshal(o)
	if err != nil {
		return db.wrap("save observed node of "+jid, err)
	}
	if last, same := db.seen.is(jid, text); same && !at.Before(last) && at.Sub(last) < soonAfter {
		return nil
	}
	err = db.together(ctx, "save observed node of", jid, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.StmtContext(ctx, db.hot.observed).ExecContext(ctx, jid, string(text), micros(at))
		return unlinked(err)
	})
	if err != nil {
		db.seen.forget(jid)
		return err
	}
	db.seen.hold(jid, text, at)
	return nil
}

// Suppressions returns the suppressions of jid, those that are over included.
func (db *DB) Suppressions(ctx context.Context, jid string) ([]account.Suppression, error) {
	// The left join tells an account without suppressions from no account.
	rows, err := db.read.QueryContext(ctx, `
		SELECT s.uid, s.fingerprint, s.until FROM accounts a LEFT JOIN suppressions s ON s.account = a.jid
		WHERE a.jid = ? ORDER BY s.until, s.uid, s.fingerprint`, jid)
	if err != nil {
		return nil, db.wrap("read suppressions of "+jid, err)
	}
	defer rows.Close()
	var list []account.Suppression
	found := false
	for rows.Next() {
		found = true
		var uid, fingerprint sql.NullString
		var until sql.NullInt64
		if err := rows.Scan(&uid, &fingerprint, &until); err != nil {
			return nil, db.wrap("read suppressions of "+jid, err)
		}
		if uid.Valid {
			list = append(list, account.Suppression{UID: uid.String, Fingerprint: fingerprint.String, Until: instant(until)})
		}
	}
	err = rows.Err()
	if err == nil && !found {
		err = ErrUnknownAccount
	}
	if err != nil {
		return nil, db.wrap("read suppressions of "+jid, err)
	}
	return list, nil
}

// Suppress adds suppressions to those of jid.
func (db *DB) Suppress(ctx context.Context, jid string, list []account.Suppression) error {
	return db.tx(ctx, "save suppressions of", jid, func(tx *sql.Tx) error {
		if err := known(ctx, tx, jid); err != nil {
			return err
		}
		for _, s := range list {
			if _, err := tx.ExecContext(ctx, `
				INSERT INTO suppressions (account, uid, fingerprint, until) VALUES (?, ?, ?, ?)
				ON CONFLICT (account, uid, fingerprint) DO UPDATE SET until = excluded.until`,
				jid, s.UID, s.Fingerprint, micros(s.Until)); err != nil {
				return err
			}
		}
		return nil
	})
}

// PruneSuppressions forgets the suppressions that are over at now.
func (db *DB) PruneSuppressions(ctx context.Context, now time.Time) error {
	return db.tx(ctx, "prune", "suppressions", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM suppressions WHERE until <= ?", micros(now))
		return err
	})
}

// readJSON decodes one value, which may be NULL, of one row of an account.
func readJSON(ctx context.Context, tx *sql.Tx, into any, query, jid string) error {
	var text []byte
	switch err := tx.QueryRowContext(ctx, query, jid).Scan(&text); {
	case errors.Is(err, sql.ErrNoRows):
		return ErrUnknownAccount
	case err != nil:
		return err
	case text == nil:
		return nil
	}
	return json.Unmarshal(text, into)
}

// known returns ErrUnknownAccount unless jid is linked.
func known(ctx context.Context, tx *sql.Tx, jid string) error {
	var one int
	err := tx.QueryRowContext(ctx, "SELECT 1 FROM accounts WHERE jid = ?", jid).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrUnknownAccount
	}
	return err
}
