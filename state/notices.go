package state

import (
	"context"
	"database/sql"

	"awayd/sync/account"
)

// Notices returns what was told about the troubles of jid, ordered by cause.
func (db *DB) Notices(ctx context.Context, jid string) ([]account.Notice, error) {
	// The left join tells an account without notices from no account.
	rows, err := db.read.QueryContext(ctx, `
		SELECT n.cause, n.since, n.told, n.ended, n.open FROM accounts a LEFT JOIN notices n ON n.account = a.jid
		WHERE a.jid = ? ORDER BY n.cause`, jid)
	if err != nil {
		return nil, db.wrap("read notices of "+jid, err)
	}
	defer rows.Close()
	var list []account.Notice
	found := false
	for rows.Next() {
		found = true
		var cause sql.NullString
		var since, told, ended sql.NullInt64
		var open sql.NullBool
		if err := rows.Scan(&cause, &since, &told, &ended, &open); err != nil {
			return nil, db.wrap("read notices of "+jid, err)
		}
		if cause.Valid {
			list = append(list, account.Notice{
				Cause: cause.String, Since: instant(since), Told: instant(told), Ended: instant(ended), Open: open.Bool,
			})
		}
	}
	err = rows.Err()
	if err == nil && !found {
		err = ErrUnknownAccount
	}
	if err != nil {
		return nil, db.wrap("read notices of "+jid, err)
	}
	return list, nil
}

// SaveNotices replaces the notices of jid.
func (db *DB) SaveNotices(ctx context.Context, jid string, list []account.Notice) error {
	return db.tx(ctx, "save notices of", jid, func(tx *sql.Tx) error {
		if err := known(ctx, tx, jid); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM notices WHERE account = ?", jid); err != nil {
			return err
		}
		for _, n := range list {
			if _, err := tx.ExecContext(ctx, `
				INSERT INTO notices (account, cause, since, told, ended, open) VALUES (?, ?, ?, ?, ?, ?)`,
				jid, n.Cause, micros(n.Since), micros(n.Told), micros(n.Ended), n.Open); err != nil {
				return err
			}
		}
		return nil
	})
}
