package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"awayd/sync/account"
	"awayd/sync/plan"
)

// failed remembers why, and sets the time of the next attempt. A connection that
// works is kept: another login would end the same way, and contacts would see the
// person go and come.
func (k *Keeper) failed(ctx context.Context, began time.Time, err error) error {
	if ctx.Err() != nil {
		return err // stopping: nothing is wrong
	}
	k.noteTrouble(err)
	k.Observer.Stumbled(err)
	k.patient = k.session != nil && k.pressing(lookAhead) && !k.patient
	k.Doubt()
	switch {
	case !k.connected():
		k.HangUp()
		k.refusals = 0
	case k.telling() || k.unshow(ctx) == nil:
		k.refusals++
	default:
		k.HangUp()
	}
	now := k.Now()
	k.retryAt = now.Add(k.pause(now.Sub(began), err))
	// Whatever the backoff, an instant is prepared for and met.
	if next, ok := k.want.Next(now); ok {
		for _, t := range k.aheadOf(next) {
			if t.After(now) && t.Before(k.retryAt) {
				k.retryAt = t
			}
		}
	}
	return err
}

// pause is how long to wait after an attempt that took so long.
func (k *Keeper) pause(took time.Duration, err error) time.Duration {
	wait := k.retry.NextBackOff()
	switch {
	case !k.overdue(), !temporary(err):
		// A password that is refused is not tried every few seconds: servers would
		// lock the account.
	case k.refusals > 0:
		wait = min(wait, refusedRetry, overdueRetry<<min(k.refusals-1, 5))
	default:
		wait = min(wait, max(0, overdueRetry-took))
	}
	return wait
}

// connected reports whether the connection works as far as is known. A session
// knows: a request that is not answered in time ends it.
func (k *Keeper) connected() bool {
	if k.session == nil {
		return false
	}
	select {
	case <-k.session.Done():
		return false
	default:
		return true
	}
}

// telling reports whether the message of the live period was about to be told to
// contacts. How the person is shown then stays, as it says what is true; the text
// of what is to end does not.
func (k *Keeper) telling() bool {
	p, live := k.want.At(k.Now())
	b := k.journal.Begun
	return live && k.want.Presence && b != nil && (b.Kind == plan.Reveal || b.Kind == plan.Amend) && b.Period == p.Key()
}

// unshow makes the person unavailable, if they are not.
func (k *Keeper) unshow(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, byeLimit)
	defer cancel()
	if err := k.session.Hide(ctx); err != nil {
		return fmt.Errorf("become unavailable: %w", err)
	}
	return nil
}

func (k *Keeper) succeeded() {
	k.retry.Reset()
	k.retryAt, k.patient, k.refusals, k.failing = time.Time{}, false, 0, setback{}
	k.noteSuccess()
}

// A setback is what the log tells of an action that failed.
type setback struct {
	kind    plan.Kind
	period  string
	passing bool
	cause   string // of what does not pass by itself
}

// news reports whether the log is to tell of an action that ended with err: once,
// for as long as it fails for the same cause, as in noteTrouble.
func (k *Keeper) news(a plan.Action, err error) bool {
	if err == nil {
		return true
	}
	f := setback{kind: a.Kind, period: a.Period, passing: temporary(err)}
	if !f.passing {
		f.cause = err.Error()
	}
	known := f == k.failing
	k.failing = f
	return !known
}

// unstageable reports whether err says that the server cannot hide the message
// that was to be staged, which is then told when its time comes. To a group it
// could not be told either: that stays a trouble.
func (k *Keeper) unstageable(a plan.Action, err error) bool {
	_, group := k.want.Audience.Group()
	return a.Kind == plan.Stage && !group && errors.Is(err, plan.ErrUnhideable)
}

// keepBack has nothing staged until the next login, and says so in the log once.
func (k *Keeper) keepBack(e account.Entry) {
	k.observed.Openly = true
	if k.warned {
		return
	}
	k.warned = true
	e.Kind, e.Reason = account.KindHold, plan.ErrUnhideable.Error()
	k.Note(e)
}

// noteTrouble enters a failure into the sync log, once for each cause. A server
// that is away says so in other words at each attempt (refused, reset, no
// answer); what may pass by itself is one cause until it has passed. Status has
// the latest words.
func (k *Keeper) noteTrouble(err error) {
	passing := temporary(err)
	known := k.trouble != "" && k.passing == passing && (passing || k.trouble == err.Error())
	if k.trouble == "" {
		k.since = time.Now()
	}
	k.trouble, k.passing = err.Error(), passing
	if !known {
		k.Note(account.Entry{Kind: account.KindError, Outcome: account.Failed, Reason: "the node cannot be kept in step", Error: k.trouble})
	}
}

// temporary reports whether err may pass by itself. What does not say so may.
func temporary(err error) bool {
	var e interface{ Temporary() bool }
	return !errors.As(err, &e) || e.Temporary()
}

// noteSuccess enters the end of a trouble into the sync log.
func (k *Keeper) noteSuccess() {
	if k.trouble == "" {
		return
	}
	k.trouble = ""
	k.Note(account.Entry{Kind: account.KindError, Reason: fmt.Sprintf("the node is in step again, after %s", time.Since(k.since).Round(time.Second))})
}
