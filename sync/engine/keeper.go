package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"awayd/sync/account"
	"awayd/sync/plan"
)

const (
	// Before an instant the node is looked at, so that a connection that broke
	// unnoticed is a new one by then: in good time, and once more shortly before.
	// Each account does so by a time of its own sooner, at most by the spread, so
	// that those who leave at the same moment do not all look at once.
	lookAhead      = 10 * time.Second
	lookSpread     = 20 * time.Second
	lastLookAhead  = 4 * time.Second
	lastLookSpread = lookAhead - lastLookAhead
	dialLimit      = 30 * time.Second
	// lookLimit bounds a look as a whole. Most of it may be waiting behind others who
	// ask the same server; that it is gone is told by one answer that does not come.
	lookLimit   = 2 * time.Minute
	answerLimit = 10 * time.Second
	// hurriedLimit bounds each answer close to an instant or while a message is
	// live: a connection that stays silent for longer is better replaced. It is
	// for every other attempt only, or a slow server would never be looked at.
	hurriedLimit = 3 * time.Second
	byeLimit     = 2 * time.Second
	// A dead connection is found by pings: with these and answerLimit within
	// half a minute when something is live or due within soon, and else before
	// what lies between forgets an idle connection.
	soon      = 2 * time.Minute
	closePing = 15 * time.Second
	calmPing  = 4 * time.Minute
	// auditEvery is how old the last look may become, however rarely calendars
	// are polled.
	auditEvery = 24 * time.Hour
	// overdueRetry bounds the time from one attempt to the next while contacts
	// see, or miss, something because of the failure.
	overdueRetry = 2 * time.Second
	// refusedRetry bounds it where the server answers, and refuses: what may pass
	// by itself has not passed after a few attempts close together.
	refusedRetry = time.Minute
	// maxRounds bounds how often one turn looks and acts: each action converges
	// in one, so more means that somebody else is at work on the node.
	maxRounds = 4
)

// A Want is what a Keeper is to bring about.
type Want struct {
	plan.Wish
	// Presence has the person shown as away while a message is visible.
	Presence bool
	// Activity has their activity (XEP-0108) say so too.
	Activity bool
	Zone     *time.Location // of times in the log
}

// A Keeper keeps one node in step with what is wanted. It sleeps never: its
// owner calls [Keeper.Turn] whenever something may have changed, and by
// [Keeper.Next] at the latest. What it did before it was made it knows from the
// journal and from the server alone.
//
// It is not for use by several goroutines.
type Keeper struct {
	KeeperConfig
	want     Want
	journal  plan.Journal
	session  Session // nil: not connected
	observed plan.Observed
	looked   time.Time // zero: what was observed can no longer be relied on
	activity activityState
	retry    *backoff.ExponentialBackOff
	retryAt  time.Time // zero: at any time
	trouble  string    // why the last attempt failed; empty: it did not
	passing  bool      // the trouble may pass by itself
	since    time.Time // the first attempt that failed, for telling how long
	failing  setback   // the last action that failed, as the log tells it
	refusals int       // in a row, over a connection that works
	warned   bool      // the log has said that the server cannot hide a message
	patient  bool      // the server was hurried, and did not answer in time
	met      bool      // in this turn contacts were told what they were to be told

	told   bool      // what is wanted was said
	inStep time.Time // contacts saw what they should, as far as is known; zero: never yet
	late   time.Time // since when they see something else; zero: they do not
}

// KeeperConfig is what a Keeper is made of.
type KeeperConfig struct {
	JID   string
	Dial  func(context.Context) (Session, error)
	Store NodeStore
	Now   func() time.Time    // the wall clock
	Note  func(account.Entry) // enters something into the sync log
	Log   *slog.Logger        // for those who run the daemon
	// Observer measures; nil: nobody does.
	Observer Observer
}

// NewKeeper returns a keeper that remembers what the store does.
func NewKeeper(ctx context.Context, c KeeperConfig) (*Keeper, error) {
	k := &Keeper{KeeperConfig: c, retry: backoff.NewExponentialBackOff()}
	if k.Observer == nil {
		k.Observer = nobody{}
	}
	k.retry.InitialInterval, k.retry.MaxInterval = time.Second, 5*time.Minute
	var err error
	if k.journal, err = c.Store.Journal(ctx, c.JID); err != nil {
		return nil, fmt.Errorf("load the journal of %s: %w", c.JID, err)
	}
	// Good for status until the server was looked at; never for a decision.
	if k.observed, _, err = c.Store.Observed(ctx, c.JID); err != nil {
		return nil, fmt.Errorf("load what %s had published: %w", c.JID, err)
	}
	k.warned = k.observed.Openly
	return k, nil
}

// Want sets what is to be brought about from the next turn on.
func (k *Keeper) Want(w Want) {
	if k.told {
		k.assess(k.pending()) // what was not wanted until now was not late until now
	}
	k.want, k.told = w, true
}

// Doubt has the next turn look at the node again.
func (k *Keeper) Doubt() { k.looked = time.Time{} }

// Hurry has the next turn look again and wait for no retry.
func (k *Keeper) Hurry() {
	k.looked, k.retryAt, k.activity.retryAt = time.Time{}, time.Time{}, time.Time{}
}

// Turn looks at the server and acts until nothing is left to do. What fails is
// tried again in a later turn, not before some time has passed; until then a
// turn does nothing.
func (k *Keeper) Turn(ctx context.Context) error {
	began := k.Now()
	k.assess(k.pending())
	if began.Before(k.retryAt) {
		return nil
	}
	k.met = false
	for range maxRounds {
		done, err := k.round(ctx)
		if err != nil {
			return k.failed(ctx, began, err)
		}
		if done {
			k.succeeded()
			return nil
		}
	}
	return k.failed(ctx, began, errBusyNode)
}

// errBusyNode ends a turn that does not come to an end.
var errBusyNode = errors.New("the node keeps changing: another client may be at work on it")

// Next is when the next turn is due, if nothing happens before; false: never.
func (k *Keeper) Next() (time.Time, bool) {
	now := k.Now()
	// The last turn may have taken longer than until the instant it ended for.
	if k.retryAt.IsZero() && !k.looked.IsZero() && k.lookDue(now) {
		return now, true
	}
	var wake time.Time
	sooner := func(t time.Time) {
		if t.After(now) && (wake.IsZero() || t.Before(wake)) {
			wake = t
		}
	}
	if next, ok := k.want.Next(now); ok {
		sooner(next.Add(-soon))
		sooner(next.Add(-lookAhead))
		for _, t := range k.aheadOf(next) {
			sooner(t)
		}
	}
	if !k.looked.IsZero() {
		sooner(k.looked.Add(auditEvery))
	}
	sooner(k.activity.retryAt)
	if !k.retryAt.IsZero() {
		if !k.retryAt.After(now) {
			return now, true
		}
		sooner(k.retryAt)
	}
	return wake, !wake.IsZero()
}

// aheadOf lists when to look because of an instant, and the instant.
func (k *Keeper) aheadOf(t time.Time) []time.Time {
	return []time.Time{
		t.Add(-lookAhead - spread(k.JID, lookSpread)),
		t.Add(-lastLookAhead - spread(k.JID, lastLookSpread)),
		t,
	}
}

// round connects, looks, decides and acts once. It reports whether nothing was
// left to do.
func (k *Keeper) round(ctx context.Context) (bool, error) {
	if err := k.connect(ctx); err != nil {
		return false, err
	}
	k.pace(!k.met)
	looked, err := k.look(ctx)
	if err != nil {
		return false, err
	}
	if err := k.recognize(ctx); err != nil {
		return false, err
	}
	if err := k.settleBegun(ctx); err != nil {
		return false, err
	}
	actions := k.pending()
	k.assess(actions)
	// Time alone can call for an action long after a look. What the person did
	// meanwhile counts.
	if len(actions) > 0 && !looked {
		k.Doubt()
		return false, nil
	}
	for _, action := range actions {
		k.pace(!k.met || flips(action.Kind))
		if err := k.perform(ctx, action); err != nil {
			return false, err
		}
		k.met = k.met || flips(action.Kind)
	}
	if len(actions) > 0 {
		k.looked = time.Time{}
		return false, nil
	}
	if err := k.saveJournal(ctx, k.journal.Saw(k.observed, k.Now())); err != nil {
		return false, err
	}
	// Who is available for the last moments can still tell all contacts.
	if _, ok := k.shown(); !ok {
		k.keepActivity(ctx)
		return true, k.showPresence(ctx)
	}
	if err := k.showPresence(ctx); err != nil {
		return false, err
	}
	k.keepActivity(ctx)
	return true, nil
}

// recognize takes for awayd's own what cannot be anybody else's, and says so.
func (k *Keeper) recognize(ctx context.Context) error {
	j := k.want.Recognize(k.observed, k.journal, k.Now())
	if j.Equal(k.journal) {
		return nil
	}
	k.Note(account.Entry{
		Time: k.Now(), Kind: account.KindRecover,
		Reason: "the node holds a message of awayd's that the state does not know of, being older or new: it is awayd's own again",
	})
	return k.saveJournal(ctx, j)
}

// lookDue reports whether a moment to look lies between the last look and now.
func (k *Keeper) lookDue(now time.Time) bool {
	next, ok := k.want.Next(k.looked)
	return ok && slices.ContainsFunc(k.aheadOf(next), func(t time.Time) bool {
		return t.After(k.looked) && !t.After(now)
	})
}

func (k *Keeper) connect(ctx context.Context) error {
	if k.session != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	s, err := k.Dial(ctx)
	if err != nil {
		return err
	}
	k.session, k.looked, k.observed.Openly = s, time.Time{}, false
	return nil
}

// pace tells the session how closely the connection is to be watched, and whether
// what is asked may be urgent: when many leave at the same moment, contacts are
// told of everybody before the next message of anybody is staged.
func (k *Keeper) pace(urgent bool) {
	answer, ping := answerLimit, calmPing
	if k.pressing(soon) {
		ping = closePing
	}
	if k.pressing(lookAhead) && !k.patient {
		answer = hurriedLimit
	}
	k.session.Pace(answer, ping, k.calm(urgent))
}

// calm is how long from now others may go first: until an instant is near.
func (k *Keeper) calm(urgent bool) time.Duration {
	if urgent && k.pressing(lookAhead) {
		return 0
	}
	now := k.Now()
	next, ok := k.want.Next(now)
	if !ok {
		return auditEvery // by then there is another look
	}
	return max(0, next.Sub(now)-lookAhead)
}

// pressing reports whether an instant is at most this far away, or was missed,
// or contacts see or miss something.
func (k *Keeper) pressing(within time.Duration) bool {
	now := k.Now()
	next, ok := k.want.Next(now.Add(-within))
	return ok && next.Sub(now) <= within || k.overdue()
}

// look reads the node, unless it was read since the last moment that calls for
// it, and reports whether it did. An instant itself calls for it: what the person
// did a second before counts.
func (k *Keeper) look(ctx context.Context) (done bool, err error) {
	now := k.Now()
	if !k.looked.IsZero() && now.Sub(k.looked) < auditEvery && !k.lookDue(now) {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	o, err := k.session.Look(ctx)
	if err != nil {
		return false, fmt.Errorf("look at the node: %w", err)
	}
	o.Openly = k.observed.Openly
	k.observed, k.looked = o, k.Now()
	if err := k.Store.SaveObserved(ctx, k.JID, o, k.looked); err != nil {
		k.Log.Error("observed node not saved", "error", err)
	}
	return true, nil
}

// showPresence keeps the person shown as away for as long as a message is
// visible, which today's clients show and some servers need.
func (k *Keeper) showPresence(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	if p, ok := k.shown(); ok && k.want.Presence {
		return k.session.Show(ctx, k.want.Audience.Status(p))
	}
	return k.session.Hide(ctx)
}

// shown returns awayd's own message if contacts can see it now.
func (k *Keeper) shown() (plan.Payload, bool) {
	if k.observed.Hidden() {
		return plan.Payload{}, false
	}
	for _, i := range k.items() {
		if i.ID == plan.ItemCurrent && k.journal.Wrote(i) {
			return i.Payload, true
		}
	}
	return plan.Payload{}, false
}

// beside reports whether contacts see a message that is none of awayd's, and no
// other.
func (k *Keeper) beside() bool {
	items := k.items()
	return !k.observed.Hidden() && !slices.ContainsFunc(items, k.journal.Wrote) && slices.ContainsFunc(items, k.foreign)
}

// foreign reports whether an item that counts is none of awayd's.
func (k *Keeper) foreign(i plan.Item) bool {
	return !k.journal.Wrote(i) && (i.Payload.End.IsZero() || i.Payload.End.After(k.Now()))
}

// items are what the node holds, as far as that is known.
func (k *Keeper) items() []plan.Item {
	if k.observed.Unread && k.journal.Seen != nil {
		return []plan.Item{*k.journal.Seen}
	}
	return k.observed.Items
}

// overdue reports whether contacts may see, or miss, something because of a
// failure: a period is live, or something of awayd's was visible last.
func (k *Keeper) overdue() bool {
	now := k.Now()
	if _, live := k.want.At(now); live {
		return true
	}
	return k.journal.Seen != nil && k.journal.Seen.ID == plan.ItemCurrent
}

// Lost is closed when the connection ends; nil if there is none.
func (k *Keeper) Lost() <-chan struct{} {
	if k.session == nil {
		return nil
	}
	return k.session.Done()
}

// News holds a value after the node or the roster was changed by somebody; nil
// if there is no connection.
func (k *Keeper) News() <-chan struct{} {
	if k.session == nil {
		return nil
	}
	return k.session.News()
}

// drop notes that the connection broke; the next turn connects again.
func (k *Keeper) drop() {
	k.Log.Info("connection lost", "error", k.session.Err())
	k.HangUp()
}

// HangUp ends the connection, if there is one. The server makes the person
// unavailable by itself.
func (k *Keeper) HangUp() {
	if k.session == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), byeLimit)
	defer cancel()
	if err := k.session.Close(ctx); err != nil {
		k.Log.Debug("session closed", "error", err)
	}
	k.session, k.looked = nil, time.Time{}
}
