package pep

import (
	"context"
	"errors"
	"fmt"

	"awayd/sync/plan"
)

// A Choreography carries out actions in the order of steps that is right on
// every server: in any other, some contact keeps a stale message or sees one
// too early. Three things follow from how servers behave.
//
// Access model, subscriptions and affiliations belong to the node and not to
// the item, and some servers push to a contact who subscribed once even after
// the node was hidden again. So a node holds at most one message, and a message
// is staged only on a node that no contact was ever let into.
//
// Changing the access model tells nobody (although XEP-0060 §8.2 would have
// it), and some servers never tell of a retraction. So what contacts are to
// know is always published, the end of an absence too.
//
// Some servers notify contacts only through an available resource of the
// person's, and only those whose presence has reached it. So whenever contacts
// are to be told, the person is available first, and who became visible too
// late to be told is told again.
//
// A group of the roster is let in by the roster model, or where the server has
// none, as members of a node that stays hidden from all others. There the
// access model guards nothing: nothing is staged on a node that has members.
//
// Each step may be repeated: a crash between any two is mended by looking and
// acting again. What a step is about to make possible is in the ledger before
// the server hears of it, and the first step that fails ends the action.
type Choreography struct {
	Node     Node
	Looks    Looks
	Ledger   plan.Ledger
	Audience plan.AccessModel // who is let in by a Reveal
	// NoPresence keeps the person from being shown as away: they are made
	// available only for the moments in which some servers need it.
	NoPresence bool
}

// Do carries out one action up to its read-back. It may be done again after a
// failure or a crash at any point.
func (c Choreography) Do(ctx context.Context, a plan.Action) error {
	switch a.Kind {
	case plan.Stage:
		return c.stage(ctx, a)
	case plan.Unstage:
		return c.unstage(ctx)
	case plan.Reveal:
		return c.reveal(ctx, a.Payload, a.Fresh)
	case plan.Amend:
		return c.amend(ctx, a.Payload)
	case plan.Withdraw:
		return c.withdraw(ctx, a)
	case plan.Yield:
		return nil
	}
	return fmt.Errorf("unknown action %q", a.Kind)
}

// stage puts a message on the node where no contact sees it.
func (c Choreography) stage(ctx context.Context, a plan.Action) error {
	// First: where nothing can be hidden, nothing is touched for it.
	if err := c.checkHideable(ctx); err != nil {
		return err
	}
	if a.Fresh {
		if err := c.renew(ctx); err != nil {
			return err
		}
	}
	if err := c.expectHidden(ctx, a.Fresh || a.Missing); err != nil {
		return err
	}
	if err := c.publish(ctx, plan.ItemArchive, a.Payload, plan.Whitelist); err != nil {
		return err
	}
	// Where a node holds more than one item, an older one would be revealed
	// together with this.
	return c.retract(ctx, plan.ItemCurrent, false)
}

// unstage takes off what was staged. The empty node stays: on some servers its
// deletion would tell contacts that something had been planned.
func (c Choreography) unstage(ctx context.Context) error {
	if err := c.retract(ctx, plan.ItemArchive, false); err != nil {
		return err
	}
	return c.retract(ctx, plan.ItemCurrent, false)
}

// reveal lets the audience into the node and tells them p.
func (c Choreography) reveal(ctx context.Context, p plan.Payload, fresh bool) error {
	if err := c.stageForReveal(ctx, p, fresh); err != nil {
		return err
	}
	return c.show(ctx, p)
}

// amend tells the audience p in place of what they were told before.
func (c Choreography) amend(ctx context.Context, p plan.Payload) error {
	access, err := c.Node.Access(ctx)
	if err != nil && !errors.Is(err, ErrItemNotFound) {
		return fmt.Errorf("read access model: %w", err)
	}
	if err != nil || (access == plan.Whitelist && !c.byMembers()) {
		return ChangedError("the message to amend is not visible any more")
	}
	return c.show(ctx, p)
}

// show lets the audience into the node, if they are not, and tells them p.
func (c Choreography) show(ctx context.Context, p plan.Payload) error {
	if err := c.appear(ctx, p); err != nil {
		return err
	}
	guard, err := c.open(ctx)
	if err != nil {
		return err
	}
	return c.tell(ctx, p, guard)
}

// withdraw tells everybody who was told of the absence that it is over, and
// removes the node with all who were let into it.
func (c Choreography) withdraw(ctx context.Context, a plan.Action) error {
	access, err := c.Node.Access(ctx)
	switch {
	case errors.Is(err, ErrItemNotFound):
		if err := c.deleted(); err != nil {
			return err
		}
		return c.leave(ctx, a)
	case err != nil:
		return fmt.Errorf("read access model: %w", err)
	}
	if err := c.takeDown(ctx, a, access); err != nil {
		return err
	}
	if !a.Spare {
		if err := c.hide(ctx); err != nil {
			return err
		}
		if err := c.delete(ctx); err != nil {
			return err
		}
	}
	return c.leave(ctx, a)
}

// leave makes the person unavailable, unless whoever asked for the action will.
func (c Choreography) leave(ctx context.Context, a plan.Action) error {
	if a.Linger {
		return nil
	}
	return c.disappear(ctx)
}

// takeDown removes the message from a node that contacts may see, in the way
// that has most of them told.
func (c Choreography) takeDown(ctx context.Context, a plan.Action, access plan.AccessModel) error {
	if a.Quiet {
		return c.takeDownQuietly(ctx, a.Spare)
	}
	if err := c.attend(ctx); err != nil {
		return err
	}
	if err := c.publish(ctx, plan.ItemCurrent, a.Payload, access); err != nil {
		return err
	}
	if err := c.retract(ctx, plan.ItemCurrent, true); err != nil {
		return err
	}
	if a.Spare {
		return nil
	}
	return c.retract(ctx, plan.ItemArchive, true)
}

// takeDownQuietly publishes nothing more: what is there was not sent to anybody
// by awayd, and nobody is made to look online for it. Should the server have
// sent it, the retraction is what contacts get.
func (c Choreography) takeDownQuietly(ctx context.Context, spare bool) error {
	if spare {
		return c.retract(ctx, plan.ItemArchive, true)
	}
	items, err := c.Node.Items(ctx)
	if errors.Is(err, ErrForbidden) { // as in Look: then it is what awayd may have put there
		items, err = []plan.Item{{ID: plan.ItemArchive}, {ID: plan.ItemCurrent}}, nil
	}
	if err != nil && !errors.Is(err, ErrItemNotFound) {
		return fmt.Errorf("read items: %w", err)
	}
	for _, i := range items {
		if err := c.retract(ctx, i.ID, true); err != nil {
			return err
		}
	}
	return nil
}
