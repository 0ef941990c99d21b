package engine

import (
	"context"
	"fmt"
	"time"

	"awayd/sync/account"
	"awayd/sync/plan"
)

// actionLimit bounds one action from its first step to its read-back.
const actionLimit = time.Minute

// settleBegun logs an action that had taken effect when awayd was cut short
// before it could say so.
func (k *Keeper) settleBegun(ctx context.Context) error {
	action, done := k.journal.Finished(k.observed)
	if !done {
		return nil
	}
	e := k.entry(action)
	e.Reason += " (noted after an interruption)"
	k.Note(e)
	return k.saveJournal(ctx, k.journal.Done(action))
}

// entry is what the sync log says of an action.
func (k *Keeper) entry(action plan.Action) account.Entry {
	e := account.Entry{Time: k.Now(), Kind: logKind(action.Kind), Reason: action.Reason, Period: k.span(action)}
	if len(action.UIDs) > 0 {
		e.UID = action.UIDs[0]
	}
	return e
}

// perform carries out one action, journalled before and after, and logs it.
func (k *Keeper) perform(ctx context.Context, action plan.Action) error {
	began := time.Now()
	entry := k.entry(action)
	// Told once, however often it takes.
	if begun := k.journal.Begun; action.Recover && (begun == nil || begun.Kind != action.Kind) {
		lost := entry
		lost.Kind, lost.Reason = account.KindRecover, "the node is gone from the server: publishing again"
		k.Note(lost)
	}
	// A broken state must not keep a message visible: withdrawing goes on, and
	// the log says what could not be kept.
	withdrawing := action.Kind == plan.Withdraw || action.Kind == plan.Unstage
	l := ledger{ctx, k, withdrawing}
	action.Linger = action.Kind == plan.Withdraw && k.journal.Activity != nil
	err := l.save(k.journal.Begin(action))
	if err == nil && action.Kind != plan.Yield {
		ctx, cancel := context.WithTimeout(ctx, actionLimit)
		err = k.session.Do(ctx, action, l)
		cancel()
	}
	if k.unstageable(action, err) {
		k.keepBack(entry)
		return nil
	}
	entry.Duration = time.Since(began)
	k.Observer.Acted(action.Kind, err)
	if err != nil {
		entry.Outcome, entry.Error = account.Failed, err.Error()
		k.looked = time.Time{}
	} else if flips(action.Kind) {
		k.flipped(action.Kind)
	}
	// Logged before it is journalled as done: a crash between the two says it
	// twice rather than never.
	if k.news(action, err) {
		k.Note(entry)
	}
	if err == nil {
		err = l.save(k.journal.Done(action))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", action.Kind, err)
	}
	if action.Linger {
		return k.farewell(ctx)
	}
	return nil
}

func (k *Keeper) span(action plan.Action) string {
	for _, p := range k.want.Periods {
		if action.Period != "" && p.Key() == action.Period {
			return periodSpan(p.Start, p.End)
		}
	}
	if p := action.Payload; !p.Start.IsZero() {
		return periodSpan(p.Start.In(k.want.Zone), p.End.In(k.want.Zone))
	}
	return ""
}

// logKind names an action as the log's kinds do: taking a staged message away
// is part of staging.
func logKind(k plan.Kind) account.Kind {
	if k == plan.Unstage {
		return account.KindStage
	}
	return account.Kind(k)
}

// saveJournal makes j the journal, durably, if it differs.
func (k *Keeper) saveJournal(ctx context.Context, j plan.Journal) error {
	if j.Equal(k.journal) {
		return nil
	}
	// Not cancelled by a stop: what was done must be remembered.
	if err := k.Store.SaveJournal(context.WithoutCancel(ctx), k.JID, j); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	k.journal = j
	return nil
}

// A ledger keeps the journal while an action runs.
type ledger struct {
	ctx         context.Context
	k           *Keeper
	withdrawing bool // a journal that cannot be written is then no obstacle
}

func (l ledger) save(j plan.Journal) error {
	err := l.k.saveJournal(l.ctx, j)
	if err != nil && l.withdrawing {
		l.k.Log.Error("journal not written, withdrawing all the same", "error", err)
		l.k.journal = j // true for as long as this process lives
		return nil
	}
	return err
}

// Sending implements [plan.Ledger].
func (l ledger) Sending(p plan.Payload) error {
	return l.save(l.k.journal.Sending(p, l.k.Now()))
}

// Making implements [plan.Ledger].
func (l ledger) Making() error { return l.save(l.k.journal.Making()) }

// Opening implements [plan.Ledger].
func (l ledger) Opening() error { return l.save(l.k.journal.Opening()) }

// Deleted implements [plan.Ledger].
func (l ledger) Deleted() error { return l.save(l.k.journal.Deleted()) }

// Clear takes everything of awayd's off the person's nodes, for a reason.
func (k *Keeper) Clear(ctx context.Context, reason string) error {
	for range maxRounds {
		if err := k.connect(ctx); err != nil {
			return err
		}
		k.Doubt()
		if _, err := k.look(ctx); err != nil {
			return err
		}
		actions := plan.Decide(plan.Wish{Audience: k.want.Audience}, k.observed, k.journal, k.Now())
		if len(actions) == 0 {
			k.activity.retryAt = time.Time{}
			return k.setActivity(ctx, nil)
		}
		for _, action := range actions {
			action.Reason = reason
			if err := k.perform(ctx, action); err != nil {
				return err
			}
		}
	}
	return errBusyNode
}
