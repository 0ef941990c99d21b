// Package engine runs the accounts: it polls calendars by cron, flips messages
// by a timer on the next instant of the timeline, and reconciles what the
// server holds with what [plan.Decide] says it should hold.
//
// It knows calendars, XMPP and storage only through the interfaces of this
// file. One goroutine owns each account; nothing else changes its journal.
package engine

import (
	"context"
	"time"

	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/plan"
)

// A Source is one calendar.
type Source interface {
	// Poll returns what changed since cursor, and the cursor to resume from. An
	// empty cursor asks for everything. An error leaves the cursor as it was.
	Poll(ctx context.Context, cursor string) (absence.Delta, string, error)
}

// A Calendars opens sources.
type Calendars interface {
	Open(account.Calendar) (Source, error)
}

// A Session is one person's authenticated XMPP connection. Its methods are
// called by one goroutine at a time.
type Session interface {
	// Look reads the node from the server.
	Look(context.Context) (plan.Observed, error)
	// Do carries out one action up to its read-back.
	Do(context.Context, plan.Action, plan.Ledger) error
	// Show makes the person available as away with this status text, if they
	// are not shown so already; Hide undoes it.
	Show(ctx context.Context, status string) error
	Hide(context.Context) error
	// Pace sets how long a request may wait for its answer, how often the server
	// is asked whether it is still there, and after how long requests go before
	// those of other sessions.
	Pace(answer, ping, calm time.Duration)
	// Activity reads the person's activity node (XEP-0108), and SetActivity
	// carries out one step on it, of which contacts are told.
	Activity(context.Context) (plan.ActivityNode, error)
	SetActivity(context.Context, plan.ActivityStep) error
	// Reach finds out by which means the server can show a message to the
	// session's audience and to nobody else, which it may have to try on a node
	// of its own. That there are none is an error.
	Reach(context.Context) (plan.Reach, error)
	// News holds a value after the server told that the person's node or roster
	// was changed; nil if it never does.
	News() <-chan struct{}
	// Server names the server's software and version, as far as it told.
	Server() string
	// Done is closed when the connection is lost, as it is when a request was not
	// answered in time; Err then says why.
	Done() <-chan struct{}
	Err() error
	// Close ends the session; ctx bounds the farewell, not the closing.
	Close(context.Context) error
}

// A Connection is a person's login: a session for their node, and what else
// goes over it.
type Connection interface {
	Session
	// Tell sends a message to an address, which may be the person's own, and
	// returns when the server has taken it.
	Tell(ctx context.Context, to, text string) error
	// Time asks the server what time it is; zero if it does not tell.
	Time(context.Context) (time.Time, error)
}

// A Dialer opens connections.
type Dialer interface {
	Dial(context.Context, account.Account) (Connection, error)
}

// A Notifier tells who looks after the daemon what a person cannot be told.
type Notifier interface {
	// Ready reports whether anybody is there to be told.
	Ready() bool
	Notify(ctx context.Context, text string) error
}

// A NodeStore keeps what is to be remembered of nodes. Every method is atomic
// and durable when it returns.
type NodeStore interface {
	Journal(ctx context.Context, jid string) (plan.Journal, error)
	SaveJournal(ctx context.Context, jid string, j plan.Journal) error
	// SaveObserved records what the server held, for status to show; Observed
	// returns it and when that was.
	SaveObserved(ctx context.Context, jid string, o plan.Observed, at time.Time) error
	Observed(ctx context.Context, jid string) (plan.Observed, time.Time, error)
}

// A Store keeps accounts, calendars, journals and the sync log. Every method is
// atomic and durable when it returns.
type Store interface {
	Accounts(context.Context) ([]account.Account, error)
	Account(ctx context.Context, jid string) (account.Account, error)
	// Pressing names the accounts whose journals say that something is visible,
	// begun, or staged for a time that has come at now.
	Pressing(ctx context.Context, now time.Time) ([]string, error)
	// SaveAccount inserts or updates an account with its calendars and returns
	// it with their IDs. Calendars it no longer names are forgotten with their
	// objects.
	SaveAccount(context.Context, account.Account) (account.Account, error)
	// DeleteAccount forgets an account and all that belongs to it but its log.
	DeleteAccount(ctx context.Context, jid string) error

	NodeStore

	Objects(ctx context.Context, calendar int64) ([]account.CachedObject, error)
	SavePoll(ctx context.Context, calendar int64, p account.Poll) error
	// SaveQuiet records when calendars answered that nothing has changed, and
	// their cursors. What is older than what is known already, by less than a
	// clock that was wrong explains, or of a calendar that is not, is left out.
	SaveQuiet(ctx context.Context, polls map[int64]account.Poll) error

	Suppressions(ctx context.Context, jid string) ([]account.Suppression, error)
	Suppress(ctx context.Context, jid string, s []account.Suppression) error

	// Notices are what was told of an account's troubles; SaveNotices replaces
	// them.
	Notices(ctx context.Context, jid string) ([]account.Notice, error)
	SaveNotices(ctx context.Context, jid string, list []account.Notice) error

	Append(context.Context, account.Entry) error
	Log(context.Context, account.LogFilter) ([]account.Entry, error)
}

// An Observer is told of what was done, for those who measure. Any goroutine
// calls it, with nothing that names a person, so it must be quick.
type Observer interface {
	// Polled tells how long a calendar took to answer, or to fail.
	Polled(took time.Duration, err error)
	// Acted tells that an action was tried.
	Acted(kind plan.Kind, err error)
	// Flipped tells that an action put right what contacts see, and for how
	// long they had seen something else than they should.
	Flipped(kind plan.Kind, late time.Duration)
	// Stumbled tells that a node could not be brought in step.
	Stumbled(err error)
}

// nobody observes when no Observer is given.
type nobody struct{}

func (nobody) Polled(time.Duration, error)      {}
func (nobody) Acted(plan.Kind, error)           {}
func (nobody) Flipped(plan.Kind, time.Duration) {}
func (nobody) Stumbled(error)                   {}
