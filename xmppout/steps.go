package xmppout

import (
	"context"
	"errors"
	"fmt"

	"awayd/sync/plan"
)

// The steps of a [choreography]. Each says what it was doing when it fails.

// checkHideable refuses to stage on a server that would publish in the open.
func (c choreography) checkHideable(ctx context.Context) error {
	ok, err := c.pep.hides(ctx)
	if err != nil {
		return fmt.Errorf("ask what the server can do: %w", err)
	}
	if !ok {
		return &Error{
			Kind: Unhideable, What: "the server cannot keep a message hidden: it lacks publish-options (XEP-0060 §7.1.5)",
			hint: "nothing was staged; the message will be published when the absence begins",
		}
	}
	return nil
}

// renew removes a node that contacts may be subscribed to. It is emptied and
// hidden first, so that its deletion, which some servers tell even of a hidden
// node, is not the news of a message.
func (c choreography) renew(ctx context.Context) error {
	for _, id := range []string{plan.ItemArchive, plan.ItemCurrent} {
		if err := c.retract(ctx, id, false); err != nil {
			return err
		}
	}
	if err := c.hide(ctx); err != nil {
		return err
	}
	return c.delete(ctx)
}

// expectHidden makes sure that the next publish is hidden: by the node as it
// is, or because it makes the node.
func (c choreography) expectHidden(ctx context.Context) error {
	access, err := c.pep.access(ctx)
	switch {
	case errors.Is(err, ErrItemNotFound):
		if err := c.ledger.Making(); err != nil {
			return fmt.Errorf("record new node: %w", err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("read access model: %w", err)
	case access != plan.Whitelist:
		return c.notClean("the node is visible (" + string(access) + "), so that nothing was put on it")
	}
	return nil
}

// stageForReveal brings p, and nothing else, onto a node that is still hidden,
// because all that is on it can be seen before p is published.
func (c choreography) stageForReveal(ctx context.Context, p plan.Payload, fresh bool) error {
	access, err := c.pep.access(ctx)
	missing := errors.Is(err, ErrItemNotFound)
	if err != nil && !missing {
		return fmt.Errorf("read access model: %w", err)
	}
	if !fresh && !missing {
		if access != plan.Whitelist {
			return nil
		}
		items, err := c.pep.items(ctx)
		if err != nil && !errors.Is(err, ErrItemNotFound) {
			return fmt.Errorf("read items: %w", err)
		}
		if len(items) == 1 && items[0].ID == plan.ItemArchive && !items[0].Odd && items[0].Payload.Equal(p) {
			return nil
		}
	}
	err = c.stage(ctx, p, fresh)
	var known *Error
	if errors.As(err, &known) && known.Kind == Unhideable {
		return nil // it was not to be hidden any longer
	}
	return err
}

// appear makes the person available, with the message for a status text.
func (c choreography) appear(ctx context.Context, p plan.Payload) error {
	var err error
	if c.noPresence {
		err = c.looks.attend(ctx)
	} else {
		err = c.looks.Show(ctx, p.Message)
	}
	if err != nil {
		return fmt.Errorf("become available: %w", err)
	}
	return nil
}

// attend makes the person available for as long as it takes to tell contacts,
// and waits until they can be told.
func (c choreography) attend(ctx context.Context) error {
	if err := c.looks.attend(ctx); err != nil {
		return fmt.Errorf("become available: %w", err)
	}
	if err := c.looks.gather(ctx); err != nil {
		return fmt.Errorf("wait for contacts: %w", err)
	}
	return nil
}

// disappear makes the person unavailable.
func (c choreography) disappear(ctx context.Context) error {
	if err := c.looks.Hide(ctx); err != nil {
		return fmt.Errorf("become unavailable: %w", err)
	}
	return nil
}

// open lets the audience in, if there is a node; else the publish that follows
// makes one that they are let into.
func (c choreography) open(ctx context.Context) error {
	if err := c.ledger.Opening(); err != nil {
		return fmt.Errorf("record opening of the node: %w", err)
	}
	if err := c.pep.configure(ctx, c.audience); err != nil && !errors.Is(err, ErrItemNotFound) {
		return fmt.Errorf("set access model %s: %w", c.audience, err)
	}
	return nil
}

// tell publishes p to the audience, and makes sure that it is there and that
// nobody was missed.
func (c choreography) tell(ctx context.Context, p plan.Payload) error {
	reached := c.looks.contacts()
	if err := c.publish(ctx, plan.ItemCurrent, p, c.audience); err != nil {
		return err
	}
	if err := c.retract(ctx, plan.ItemArchive, false); err != nil {
		return err
	}
	if err := c.confirm(ctx, p); err != nil {
		return err
	}
	if err := c.looks.gather(ctx); err != nil {
		return fmt.Errorf("wait for contacts: %w", err)
	}
	if c.looks.contacts() > reached {
		if err := c.publish(ctx, plan.ItemCurrent, p, c.audience); err != nil {
			return err
		}
	}
	if c.noPresence {
		return c.disappear(ctx)
	}
	return nil
}

// hide lets nobody in but the owner.
func (c choreography) hide(ctx context.Context) error {
	if err := c.pep.configure(ctx, plan.Whitelist); err != nil && !errors.Is(err, ErrItemNotFound) {
		return fmt.Errorf("set access model whitelist: %w", err)
	}
	return nil
}

// publish puts p on the node as the item id, guarded by an access model.
func (c choreography) publish(ctx context.Context, id string, p plan.Payload, guard plan.AccessModel) error {
	if err := c.ledger.Sending(p); err != nil {
		return fmt.Errorf("record message: %w", err)
	}
	err := c.pep.publish(ctx, id, p, guard)
	if errors.Is(err, ErrPreconditionNotMet) {
		return c.notClean("the node's access model is not " + string(guard) + ", so that nothing was put on it")
	}
	if err != nil {
		return fmt.Errorf("publish %s: %w", id, err)
	}
	return nil
}

// notClean records that contacts may have been let in.
func (c choreography) notClean(what string) error {
	if err := c.ledger.Opening(); err != nil {
		return fmt.Errorf("record opening of the node: %w", err)
	}
	return changed(what)
}

// retract removes an item; that it is not there is what is wanted.
func (c choreography) retract(ctx context.Context, id string, notify bool) error {
	if err := c.pep.retract(ctx, id, notify); err != nil && !errors.Is(err, ErrItemNotFound) {
		return fmt.Errorf("retract %s: %w", id, err)
	}
	return nil
}

// delete removes the node; that it is not there is what is wanted.
func (c choreography) delete(ctx context.Context) error {
	if err := c.pep.delete(ctx); err != nil && !errors.Is(err, ErrItemNotFound) {
		return fmt.Errorf("delete node: %w", err)
	}
	return c.deleted()
}

func (c choreography) deleted() error {
	if err := c.ledger.Deleted(); err != nil {
		return fmt.Errorf("record deletion of the node: %w", err)
	}
	return nil
}

// confirm reads back what contacts can see now.
func (c choreography) confirm(ctx context.Context, p plan.Payload) error {
	o, err := look(ctx, c.pep)
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	if o.Access != c.audience {
		return changed("the node has another access model than was set")
	}
	for _, i := range o.Items {
		if i.ID == plan.ItemCurrent && !i.Odd && i.Payload.Equal(p) {
			return nil
		}
	}
	return changed("the node does not hold the message that was published")
}

func changed(what string) error {
	return &Error{Kind: Changed, What: what, temporary: true}
}
