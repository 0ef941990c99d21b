package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"awayd/sync/account"
)

// Accounts returns every account with its calendars, ordered by JID. Of one that
// cannot be read it returns the JID and why: that is no other account's trouble.
func (db *DB) Accounts(ctx context.Context) ([]account.Account, error) {
	tx, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, db.wrap("read accounts", err)
	}
	defer tx.Rollback() // it only read
	accounts, err := db.seal.readAccounts(ctx, tx, "")
	if err != nil {
		return nil, db.wrap("read accounts", err)
	}
	return accounts, nil
}

// Account returns one account with its calendars.
func (db *DB) Account(ctx context.Context, jid string) (account.Account, error) {
	tx, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return account.Account{}, db.wrap("read account "+jid, err)
	}
	defer tx.Rollback() // it only read
	accounts, err := db.seal.readAccounts(ctx, tx, jid)
	if err == nil && len(accounts) == 0 {
		err = ErrUnknownAccount
	}
	if err == nil {
		err = accounts[0].Unread
	}
	if err != nil {
		return account.Account{}, db.wrap("read account "+jid, err)
	}
	return accounts[0], nil
}

// SaveAccount inserts or updates an account with its calendars and returns it
// as it is now stored, with their IDs. Calendars it no longer names are
// forgotten with their objects.
//
// Cursor, LastPoll, LastOK and Error of a calendar are taken over when it is
// new; after that they are SavePoll's, so that saving settings never undoes a
// poll. A calendar whose URL changed starts over with an empty cursor.
func (db *DB) SaveAccount(ctx context.Context, a account.Account) (account.Account, error) {
	if a.Mode == "" {
		a.Mode = account.Auto
	}
	// It may be another one of that name.
	db.sent.forget(a.JID)
	db.seen.forget(a.JID)
	var saved account.Account
	err := db.tx(ctx, "save account", a.JID, func(tx *sql.Tx) error {
		if err := db.seal.saveLogin(ctx, tx, a); err != nil {
			return err
		}
		ids := make([]int64, 0, len(a.Calendars))
		settings := storedSettings{Settings: a.Settings}
		for _, c := range a.Calendars {
			id, err := db.seal.saveCalendar(ctx, tx, a.JID, c)
			if err != nil {
				return err
			}
			ids = append(ids, id)
			if c.Holidays {
				settings.Holidays = append(settings.Holidays, id)
			}
		}
		if err := settings.save(ctx, tx, a.JID); err != nil {
			return err
		}
		if err := forgetOthers(ctx, tx, a.JID, ids); err != nil {
			return err
		}
		read, err := db.seal.readAccounts(ctx, tx, a.JID)
		if err != nil {
			return err
		}
		saved = read[0]
		return saved.Unread
	})
	return saved, err
}

// DeleteAccount forgets an account and all that belongs to it but its log.
func (db *DB) DeleteAccount(ctx context.Context, jid string) error {
	defer db.sent.forget(jid)
	defer db.seen.forget(jid)
	return db.tx(ctx, "delete account", jid, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "DELETE FROM accounts WHERE jid = ?", jid)
		return oneRow(result, err, ErrUnknownAccount)
	})
}

func (s sealer) saveLogin(ctx context.Context, tx *sql.Tx, a account.Account) error {
	password, err := s.seal(accountPassword(a.JID), a.Login.Password)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO accounts (jid, mode, password, address, tls_ca, settings, linked) VALUES (?, ?, ?, ?, ?, '{}', ?)
		ON CONFLICT (jid) DO UPDATE SET mode = excluded.mode, password = excluded.password,
			address = excluded.address, tls_ca = excluded.tls_ca, linked = excluded.linked`,
		a.JID, a.Mode, password, a.Login.Address, a.Login.TLSCA, micros(a.Linked))
	return err
}

// storedSettings are the settings of an account as its row holds them, and which
// of its calendars are of public holidays: a database of an older awayd has no
// column for that, and needs none.
type storedSettings struct {
	account.Settings
	Holidays []int64 `json:"holiday_calendars,omitempty"`
}

func (s storedSettings) save(ctx context.Context, tx *sql.Tx, jid string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "UPDATE accounts SET settings = ? WHERE jid = ?", string(text), jid)
	return err
}

// saveCalendar inserts c if it has no ID yet, and updates it.
func (s sealer) saveCalendar(ctx context.Context, tx *sql.Tx, jid string, c account.Calendar) (int64, error) {
	cursor := "cursor"
	if c.ID == 0 {
		// The secrets are sealed for the row's id, so the row comes first.
		result, err := tx.ExecContext(ctx, `
			INSERT INTO calendars (account, name, url, login, password, tls_ca, every_event, zone, cursor, last_poll, last_ok, error)
			VALUES (?, '', x'', '', x'', '', 0, '', ?, ?, ?, ?)`,
			jid, c.Cursor, micros(c.LastPoll), micros(c.LastOK), c.Error)
		if err != nil {
			return 0, err
		}
		if c.ID, err = result.LastInsertId(); err != nil {
			return 0, err
		}
	} else {
		var sealed []byte
		err := tx.QueryRowContext(ctx, "SELECT url FROM calendars WHERE id = ? AND account = ?", c.ID, jid).Scan(&sealed)
		if errors.Is(err, sql.ErrNoRows) {
			return 0, fmt.Errorf("calendar %d: %w", c.ID, ErrUnknownCalendar)
		}
		if err != nil {
			return 0, err
		}
		old, err := s.open(calendarURL(c.ID), sealed)
		if err != nil {
			return 0, fmt.Errorf("calendar %d: %w", c.ID, err)
		}
		if old != c.URL {
			cursor = "''"
		}
	}
	url, err := s.seal(calendarURL(c.ID), c.URL)
	if err != nil {
		return 0, err
	}
	password, err := s.seal(calendarPassword(c.ID), c.Password)
	if err != nil {
		return 0, err
	}
	_, err = tx.ExecContext(ctx, `
		UPDATE calendars SET name = ?, url = ?, login = ?, password = ?, tls_ca = ?, every_event = ?, zone = ?, cursor = `+cursor+`
		WHERE id = ?`,
		c.Name, url, c.User, password, c.TLSCA, c.EveryEvent, c.Zone, c.ID)
	return c.ID, err
}

// forgetOthers deletes the account's calendars but those with these ids.
func forgetOthers(ctx context.Context, tx *sql.Tx, jid string, ids []int64) error {
	keep, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx,
		"DELETE FROM calendars WHERE account = ? AND id NOT IN (SELECT value FROM json_each(?))", jid, string(keep))
	return err
}

// readAccounts reads the account jid, or all of them if it is empty.
func (s sealer) readAccounts(ctx context.Context, tx *sql.Tx, jid string) ([]account.Account, error) {
	calendars, err := s.readCalendars(ctx, tx, jid)
	if err != nil {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, `
		SELECT jid, mode, password, address, tls_ca, settings, linked
		FROM accounts WHERE jid `+matching(jid)+` ORDER BY jid`, jid)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var accounts []account.Account
	for rows.Next() {
		a, err := s.readAccount(rows, calendars)
		if a.JID == "" {
			return nil, err
		}
		if err != nil {
			a = account.Account{JID: a.JID, Unread: err}
		}
		accounts = append(accounts, a)
	}
	return accounts, rows.Err()
}

// readAccount reads one row. What is wrong with it has the JID beside it.
func (s sealer) readAccount(row *sql.Rows, calendars map[string]linked) (a account.Account, err error) {
	var password, settings []byte
	var since sql.NullInt64
	if err := row.Scan(&a.JID, &a.Mode, &password, &a.Login.Address, &a.Login.TLSCA, &settings, &since); err != nil {
		return a, err
	}
	if a.Login.Password, err = s.open(accountPassword(a.JID), password); err != nil {
		return a, fmt.Errorf("password of %s: %w", a.JID, err)
	}
	var stored storedSettings
	if err := json.Unmarshal(settings, &stored); err != nil {
		return a, fmt.Errorf("settings of %s: %w", a.JID, err)
	}
	a.Settings, a.Linked = stored.Settings, instant(since)
	a.Calendars = calendars[a.JID].calendars
	for i := range a.Calendars {
		a.Calendars[i].Holidays = slices.Contains(stored.Holidays, a.Calendars[i].ID)
	}
	return a, calendars[a.JID].err
}

// linked are the calendars of one account, or why they cannot be read.
type linked struct {
	calendars []account.Calendar
	err       error
}

// readCalendars reads the calendars of jid, or of all accounts, by account.
func (s sealer) readCalendars(ctx context.Context, tx *sql.Tx, jid string) (map[string]linked, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT account, id, name, url, login, password, tls_ca, every_event, zone, cursor, last_poll, last_ok, error
		FROM calendars WHERE account `+matching(jid)+` ORDER BY id`, jid)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := make(map[string]linked)
	for rows.Next() {
		owner, c, err := s.readCalendar(rows)
		if owner == "" {
			return nil, err
		}
		l := all[owner]
		l.calendars = append(l.calendars, c)
		if l.err == nil {
			l.err = err
		}
		all[owner] = l
	}
	return all, rows.Err()
}

// readCalendar reads one row. What is wrong with it has the owner beside it.
func (s sealer) readCalendar(row *sql.Rows) (owner string, c account.Calendar, err error) {
	var url, password []byte
	var lastPoll, lastOK sql.NullInt64
	if err := row.Scan(&owner, &c.ID, &c.Name, &url, &c.User, &password, &c.TLSCA, &c.EveryEvent, &c.Zone,
		&c.Cursor, &lastPoll, &lastOK, &c.Error); err != nil {
		return owner, c, err
	}
	if c.URL, err = s.open(calendarURL(c.ID), url); err != nil {
		return owner, c, fmt.Errorf("URL of calendar %d of %s: %w", c.ID, owner, err)
	}
	if c.Password, err = s.open(calendarPassword(c.ID), password); err != nil {
		return owner, c, fmt.Errorf("password of calendar %d of %s: %w", c.ID, owner, err)
	}
	c.LastPoll, c.LastOK = instant(lastPoll), instant(lastOK)
	return owner, c, nil
}

// matching compares a column with the first argument, or takes every row if jid
// is empty: in a way that uses the index.
func matching(jid string) string {
	if jid == "" {
		return ">= ?1"
	}
	return "= ?1"
}

// oneRow turns a statement that found no row into the error none.
func oneRow(result sql.Result, err, none error) error {
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return none
}
