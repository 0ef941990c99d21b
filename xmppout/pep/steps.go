package pep

import (
	"context"
	"errors"
	"fmt"

	"awayd/sync/plan"
)

// The steps of a [Choreography]. Each says what it was doing when it fails.

// checkHideable refuses to stage on a server that would publish in the open.
func (c Choreography) checkHideable(ctx context.Context) error {
	ok, err := c.Node.Hides(ctx)
	if err != nil {
		return fmt.Errorf("ask what the server can do: %w", err)
	}
	if !ok {
		return plan.ErrUnhideable
	}
	return nil
}

// renew removes a node that contacts may be subscribed to. It is hidden first, and
// told to keep its deletion to itself, which some servers tell even those who
// could not see the node.
func (c Choreography) renew(ctx context.Context) error {
	if err := c.hide(ctx); err != nil {
		return err
	}
	return c.delete(ctx)
}

// expectHidden makes sure that the next publish is hidden: by the node as it
// is, or because it makes the node. A node that should be missing is somebody
// else's, who may have let contacts in before they hid it.
func (c Choreography) expectHidden(ctx context.Context, missing bool) error {
	access, err := c.Node.Access(ctx)
	switch {
	case errors.Is(err, ErrItemNotFound):
		if err := c.Ledger.Making(); err != nil {
			return fmt.Errorf("record new node: %w", err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("read access model: %w", err)
	case missing:
		return c.notClean("another client made a node meanwhile, so that nothing was put on it")
	case access != plan.Whitelist:
		return c.notClean("the node is visible (" + string(access) + "), so that nothing was put on it")
	}
	members, err := c.Node.Members(ctx)
	if err != nil && !errors.Is(err, ErrItemNotFound) {
		return fmt.Errorf("read affiliations: %w", err)
	}
	if len(members) > 0 {
		return c.notClean("somebody is a member of the node, so that nothing was put on it")
	}
	return nil
}

// stageForReveal brings p, and nothing else, onto a node that is still hidden,
// because all that is on it can be seen before p is published.
func (c Choreography) stageForReveal(ctx context.Context, p plan.Payload, fresh bool) error {
	access, err := c.Node.Access(ctx)
	missing := errors.Is(err, ErrItemNotFound)
	if err != nil && !missing {
		return fmt.Errorf("read access model: %w", err)
	}
	if !fresh && !missing {
		if access != plan.Whitelist {
			return nil
		}
		items, err := c.Node.Items(ctx)
		if err != nil && !errors.Is(err, ErrItemNotFound) {
			return fmt.Errorf("read items: %w", err)
		}
		if len(items) == 1 && items[0].ID == plan.ItemArchive && !items[0].Odd && items[0].Payload.Equal(p) {
			return nil
		}
		if c.byMembers() {
			members, err := c.Node.Members(ctx)
			if err != nil && !errors.Is(err, ErrItemNotFound) {
				return fmt.Errorf("read affiliations: %w", err)
			}
			if len(members) > 0 {
				return nil // it is open already
			}
		}
	}
	err = c.stage(ctx, plan.Action{Payload: p, Fresh: fresh})
	if _, group := c.Audience.Group(); errors.Is(err, plan.ErrUnhideable) && !group {
		if fresh {
			return c.renew(ctx)
		}
		return nil // it was not to be hidden any longer
	}
	return err
}

// appear makes the person available, with the message for a status text.
func (c Choreography) appear(ctx context.Context, p plan.Payload) error {
	var err error
	if c.NoPresence {
		err = c.Looks.Attend(ctx)
	} else {
		err = c.Looks.Show(ctx, c.Audience.Status(p))
	}
	if err != nil {
		return fmt.Errorf("become available: %w", err)
	}
	return nil
}

// attend makes the person available for as long as it takes to tell contacts,
// and waits until they can be told.
func (c Choreography) attend(ctx context.Context) error {
	if err := c.Looks.Attend(ctx); err != nil {
		return fmt.Errorf("become available: %w", err)
	}
	if err := c.Looks.Gather(ctx); err != nil {
		return fmt.Errorf("wait for contacts: %w", err)
	}
	return nil
}

// disappear makes the person unavailable.
func (c Choreography) disappear(ctx context.Context) error {
	if err := c.Looks.Hide(ctx); err != nil {
		return fmt.Errorf("become unavailable: %w", err)
	}
	return nil
}

// open lets the audience in, if there is a node; else the publish that follows
// makes one that they are let into. It returns the model to publish under.
func (c Choreography) open(ctx context.Context) (plan.AccessModel, error) {
	if err := c.Ledger.Opening(); err != nil {
		return "", fmt.Errorf("record opening of the node: %w", err)
	}
	err := c.Node.Configure(ctx, c.Audience)
	group, isGroup := c.Audience.Group()
	switch {
	case err == nil, errors.Is(err, ErrItemNotFound):
		return c.Audience, nil
	case isGroup && errors.Is(err, ErrUnsupported):
		return plan.Whitelist, c.admit(ctx, group)
	}
	return "", fmt.Errorf("set access model %s: %w", c.Audience, err)
}

// byMembers reports whether the audience may be let in as members.
func (c Choreography) byMembers() bool {
	_, group := c.Audience.Group()
	return group && c.Node.TellsMembers()
}

// admit makes those in the group the members of the node. It shuts nobody out: who
// left the group is to be told the end first, and only the deletion of the node
// takes from a subscriber what they have.
func (c Choreography) admit(ctx context.Context, group string) error {
	if !c.Node.TellsMembers() {
		return ErrNoGroups
	}
	groups, err := c.Node.Groups(ctx)
	if err != nil {
		return fmt.Errorf("read roster: %w", err)
	}
	members, err := c.Node.Members(ctx)
	if err != nil {
		return fmt.Errorf("read affiliations: %w", err)
	}
	if len(without(members, groups[group])) > 0 {
		return ChangedError("somebody is a member of the node who is not in the group")
	}
	in := without(groups[group], members)
	if len(in) == 0 {
		return nil
	}
	if err := c.Node.Admit(ctx, in); err != nil {
		return fmt.Errorf("let in group %q: %w", group, err)
	}
	return nil
}

// tell publishes p to the audience, and makes sure that it is there and that
// nobody was missed.
func (c Choreography) tell(ctx context.Context, p plan.Payload, guard plan.AccessModel) error {
	reached := c.Looks.Contacts()
	if err := c.publish(ctx, plan.ItemCurrent, p, guard); err != nil {
		return err
	}
	if err := c.retract(ctx, plan.ItemArchive, false); err != nil {
		return err
	}
	if err := c.confirm(ctx, p); err != nil {
		return err
	}
	if err := c.Looks.Gather(ctx); err != nil {
		return fmt.Errorf("wait for contacts: %w", err)
	}
	if c.Looks.Contacts() > reached {
		if err := c.publish(ctx, plan.ItemCurrent, p, guard); err != nil {
			return err
		}
		// It may have made a node, which of a group lets nobody in.
		if err := c.confirm(ctx, p); err != nil {
			return err
		}
	}
	if c.NoPresence {
		return c.disappear(ctx)
	}
	return nil
}

// hide lets nobody in but the owner and members, from whom only the deletion of
// the node takes what they have: Prosody refuses to put a subscriber out.
func (c Choreography) hide(ctx context.Context) error {
	if err := c.Node.Configure(ctx, plan.Whitelist); err != nil && !errors.Is(err, ErrItemNotFound) {
		return fmt.Errorf("set access model whitelist: %w", err)
	}
	return nil
}

// publish puts p on the node as the item id, guarded by an access model.
func (c Choreography) publish(ctx context.Context, id string, p plan.Payload, guard plan.AccessModel) error {
	if err := c.Ledger.Sending(p); err != nil {
		return fmt.Errorf("record message: %w", err)
	}
	err := c.Node.Publish(ctx, id, p, guard)
	if errors.Is(err, ErrPreconditionNotMet) {
		return c.notClean("the node's access model is not " + string(guard) + ", so that nothing was put on it")
	}
	if err != nil {
		return fmt.Errorf("publish %s: %w", id, err)
	}
	return nil
}

// notClean records that contacts may have been let in.
func (c Choreography) notClean(what string) error {
	if err := c.Ledger.Opening(); err != nil {
		return fmt.Errorf("record opening of the node: %w", err)
	}
	return ChangedError(what)
}

// retract removes an item; that it is not there is what is wanted.
func (c Choreography) retract(ctx context.Context, id string, notify bool) error {
	if err := c.Node.Retract(ctx, id, notify); err != nil && !errors.Is(err, ErrItemNotFound) {
		return fmt.Errorf("retract %s: %w", id, err)
	}
	return nil
}

// delete removes the node; that it is not there is what is wanted.
func (c Choreography) delete(ctx context.Context) error {
	if err := c.Node.Delete(ctx); err != nil && !errors.Is(err, ErrItemNotFound) {
		return fmt.Errorf("delete node: %w", err)
	}
	return c.deleted()
}

func (c Choreography) deleted() error {
	if err := c.Ledger.Deleted(); err != nil {
		return fmt.Errorf("record deletion of the node: %w", err)
	}
	return nil
}

// confirm reads back what contacts can see now.
func (c Choreography) confirm(ctx context.Context, p plan.Payload) error {
	o, err := Look(ctx, c.Node, c.Audience)
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	if !o.Fits(c.Audience) {
		return ChangedError("the node lets in others than was set")
	}
	if o.Unread {
		return nil // the server said yes, and shows no more to anybody but contacts
	}
	for _, i := range o.Items {
		if i.ID == plan.ItemCurrent && !i.Odd && i.Payload.Equal(p) {
			return nil
		}
	}
	return ChangedError("the node does not hold the message that was published")
}
