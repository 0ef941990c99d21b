package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"awayd/configs"
	"awayd/sync/account"
	"awayd/sync/engine"
)

var _ engine.Notifier = notifier{}

// notifyCredential is the name of the credential that stands in for
// notify_password_file.
const notifyCredential = "awayd.notify_password"

// A notifier sends messages to notify_jid, as the configuration that holds now
// says. It logs in for each: they are rare.
type notifier struct {
	current *atomic.Pointer[configs.Notify]
	dialer  dialer
}

func newNotifier(c configs.Config, d dialer) notifier {
	n := notifier{new(atomic.Pointer[configs.Notify]), d}
	n.configure(c)
	return n
}

// configure makes c hold from the next message on.
func (n notifier) configure(c configs.Config) { n.current.Store(&c.Notify) }

// Recipient is notify_jid; empty: nobody is to be told.
func (n notifier) Recipient() string { return n.current.Load().JID }

// Ready implements engine.Notifier.
func (n notifier) Ready() bool {
	c := n.current.Load()
	return c.JID != "" && (c.PasswordFile != "" || hasCredential(notifyCredential))
}

// Notify implements engine.Notifier.
func (n notifier) Notify(ctx context.Context, text string) error {
	s, err := n.Dial(ctx)
	if err != nil {
		return err
	}
	err = s.Tell(ctx, n.Recipient(), text)
	return errors.Join(err, s.Close(ctx))
}

// Dial logs in to the account that tells.
func (n notifier) Dial(ctx context.Context) (engine.Connection, error) {
	c := *n.current.Load()
	acct := account.Account{JID: c.From, Mode: account.Auto, Login: account.Login{Address: c.Address}}
	var err error
	if acct.Login.Password, err = notifyPassword(c); err != nil {
		return nil, err
	}
	if acct.Login.Password.Empty() {
		return nil, &hintedError{errors.New("no password for " + c.From), "name its file in notify_password_file, or pass it as the credential " + notifyCredential}
	}
	if c.TLSCA != "" {
		if acct.Login.TLSCA, err = readSmall(c.TLSCA); err != nil {
			return nil, fmt.Errorf("read notify_tls_ca: %w", err)
		}
	}
	return n.dialer.Dial(ctx, acct)
}

// notifyPassword reads the password anew each time, so that a changed one
// counts; empty: none is given.
func notifyPassword(c configs.Notify) (account.Secret, error) {
	if c.PasswordFile != "" {
		text, err := readSmall(c.PasswordFile)
		if err != nil {
			return account.Secret{}, fmt.Errorf("read notify_password_file: %w", err)
		}
		return account.NewSecret(text), nil
	}
	s, err := credential(notifyCredential)
	return account.NewSecret(strings.TrimRight(s.Reveal(), "\r\n")), err
}
