package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"awayd/cmd/testbed"
)

// holds returns what is wrong with the node, as its owner reads it, and with
// what the contact sees.
func (c *crashCase) holds(ctx context.Context, want crashNode) error {
	access, items := "", []testbed.Item(nil)
	config, err := c.owner.Configuration(ctx, testbed.NodeOOO)
	switch {
	case err == nil:
		access = config["pubsub#access_model"]
		if items, err = c.owner.Fetch(ctx, "", testbed.NodeOOO); err != nil {
			return err
		}
	case testbed.Condition(err) != "item-not-found":
		return err
	}
	if err := want.matches(access, items); err != nil {
		return err
	}
	activity, err := c.watch.Contact.Fetch(ctx, c.person.JID, nodeActivity)
	if err != nil {
		return err
	}
	if len(activity) != 1 || onVacation(activity[0]) != (want.visible != nil) || isOwnActivity(activity[0]) == (want.visible != nil) {
		return fmt.Errorf("the activity is %+v", activity)
	}
	return c.contactSees(want.visible)
}

// onVacation reports whether an item is the activity that goes with a message.
func onVacation(i testbed.Item) bool { return strings.Contains(i.Payload, "on_vacation") }

// isOwnActivity reports whether an item is what the person had set.
func isOwnActivity(i testbed.Item) bool {
	return strings.Contains(i.Payload, "reading") && strings.Contains(i.Payload, "Faust")
}

// matches compares what is wanted with what a node holds; without a node there
// is no access model.
func (w crashNode) matches(access string, items []testbed.Item) error {
	model, id, entry := "whitelist", "archive", w.staged
	switch {
	case w.visible != nil:
		model, id, entry = "presence", "current", w.visible
	case w.open:
		model = "presence"
	}
	switch {
	case entry == nil && len(items) == 0 && (access == "" || access == model):
		return nil
	case entry != nil && access == model && len(items) == 1 && items[0].ID == id && tells(items[0], *entry):
		return nil
	}
	return fmt.Errorf("the node (%s) holds %+v", access, items)
}

// reported reports whether this is what awayd says of the node.
func (w crashNode) reported(s testbed.Status) bool {
	switch {
	case w.visible != nil:
		return s.Staged == nil && s.Visible != nil && s.Visible.Start.Equal(w.visible.Start) && s.Visible.End.Equal(w.visible.End)
	case w.staged != nil:
		return testbed.Staged(w.staged.Start)(s)
	}
	return s.Visible == nil && s.Staged == nil
}

// contactSees returns what is wrong with what the contact was answered and
// shown last.
func (c *crashCase) contactSees(want *testbed.Entry) error {
	answers := c.watch.Answers()
	if want == nil {
		if len(answers) > 0 && len(answers[len(answers)-1].Items) > 0 {
			return errors.New("the contact can read a message")
		}
		if c.online() {
			return errors.New("the contact sees the person online")
		}
		return nil
	}
	switch {
	case len(answers) == 0 || len(answers[len(answers)-1].Items) != 1 || !tells(answers[len(answers)-1].Items[0], *want):
		return errors.New("the contact cannot read the message")
	case !c.online():
		return errors.New("the contact does not see the person as away")
	}
	return nil
}

// online reports whether the contact sees the person online. Before the first
// presence there is nothing to be offline again.
func (c *crashCase) online() bool {
	return !c.watch.Offline() && slices.ContainsFunc(c.watch.Contact.Received(), func(r testbed.Received) bool {
		return r.Name == "presence" && r.Type == "" && strings.HasPrefix(r.From, c.person.JID+"/")
	})
}

// tells reports whether an item is the message of e.
func tells(i testbed.Item, e testbed.Entry) bool {
	start, err1 := time.Parse(time.RFC3339, i.Start)
	end, err2 := time.Parse(time.RFC3339, i.End)
	return i.OOO && i.Message != "" && err1 == nil && err2 == nil && start.Equal(e.Start) && end.Equal(e.End)
}
