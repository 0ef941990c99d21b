package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"awayd/sync/account"
	"awayd/sync/plan"
)

const (
	// activityLimit bounds what the activity may take of a turn, as lookLimit does.
	activityLimit = time.Minute
	// activityRetry is when it is tried again after a failure.
	activityRetry = time.Minute
)

// An activityState is what a Keeper remembers of its dealings with the activity
// node. It saves requests and repeated lines of the log; what has to survive is
// in the journal.
type activityState struct {
	checked time.Time // of the look after which all was well
	text    *string   // that was then wanted
	retryAt time.Time
	said    string // what was logged last
}

// keepActivity has the activity node (XEP-0108) say what contacts can see, and
// nothing of awayd's else. It stands beside the message: that it fails is logged
// and tried again, and fails nothing else.
func (k *Keeper) keepActivity(ctx context.Context) {
	var text *string
	if p, ok := k.shown(); ok && k.want.Activity && k.want.Audience.Status(p) != "" {
		text = &p.Message
	}
	_ = k.setActivity(ctx, text) // logged
}

// setActivity brings the node to say text; nil: what the person had set before.
func (k *Keeper) setActivity(ctx context.Context, text *string) error {
	a := &k.activity
	if text == nil && k.journal.Activity == nil {
		a.text = nil
		return nil
	}
	known := !k.looked.IsZero() && k.looked.Equal(a.checked) && (text == nil) == (a.text == nil) && (text == nil || *text == *a.text)
	if known || k.Now().Before(a.retryAt) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, activityLimit)
	defer cancel()
	err := k.stepActivity(ctx, text)
	for n := 1; n < maxRounds && errors.Is(err, plan.ErrActivityChanged); n++ {
		err = k.stepActivity(ctx, text)
	}
	if err != nil {
		a.retryAt = k.Now().Add(activityRetry)
		k.sayActivity(account.Entry{Kind: account.KindError, Outcome: account.Failed, Reason: "the activity cannot be kept in step", Error: err.Error()})
		return err
	}
	a.checked, a.text, a.retryAt = k.looked, text, time.Time{}
	return nil
}

func (k *Keeper) stepActivity(ctx context.Context, text *string) error {
	n, err := k.session.Activity(ctx)
	if err != nil {
		return err
	}
	step := plan.DecideActivity(text, k.want.Audience, n, k.journal.Activity)
	if err := k.saveActivity(ctx, step.Before); err != nil {
		return err
	}
	if step.Acts() {
		if err := k.session.SetActivity(ctx, step); err != nil {
			return err
		}
	}
	if step.Reason != "" {
		k.sayActivity(account.Entry{Kind: account.KindHold, Reason: step.Reason})
	} else {
		k.activity.said = ""
	}
	return k.saveActivity(ctx, step.After)
}

func (k *Keeper) saveActivity(ctx context.Context, a *plan.Activity) error {
	j := k.journal
	j.Activity = a
	return k.saveJournal(ctx, j)
}

// sayActivity logs each thing once.
func (k *Keeper) sayActivity(e account.Entry) {
	if what := fmt.Sprint(e.Reason, e.Error); k.activity.said != what {
		k.activity.said = what
		k.Note(e)
	}
}

// RestoreActivity puts back what the person had set as their activity, and
// leaves the message as it is.
func (k *Keeper) RestoreActivity(ctx context.Context) error {
	if k.journal.Activity == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, activityLimit)
	defer cancel()
	if err := k.connect(ctx); err != nil {
		return err
	}
	k.activity.retryAt, k.looked = time.Time{}, time.Time{}
	return k.setActivity(ctx, nil)
}

// farewell puts back what the person had set as their activity, after the
// message was withdrawn and before they become unavailable.
func (k *Keeper) farewell(ctx context.Context) error {
	k.activity.retryAt = time.Time{}
	k.looked = time.Time{}
	_ = k.setActivity(ctx, nil) // logged
	return k.unshow(ctx)
}
