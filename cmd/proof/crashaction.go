package main

import (
	"context"
	"time"

	"awayd/cmd/testbed"
)

const (
	crashTitle     = "Secret trip to Rome"
	crashNextTitle = "Even more secret honeymoon"
	// crashLead is how long before an instant the calendar is read, at most; on
	// a busy machine it may not be enough for what has to be done until then,
	// and is doubled up to crashLeadMost.
	crashLead     = 5 * time.Second
	crashLeadMost = 40 * time.Second
)

// A crashAction is one action of the daemon's, with what leads to it.
type crashAction struct {
	name string
	kind string // in the sync log
	// begin says what there is before and what after, if it begins now, and the
	// instant, if there is one, is ahead by lead.
	begin func(now time.Time, lead time.Duration) crashStory
	// node, if there is one, is done to the node before all else.
	node func(ctx context.Context, owner, contact *testbed.Contact) error
}

// A crashStory is what a calendar holds before and after a change, or before
// and after an instant, and what the node is to hold then.
type crashStory struct {
	was, is []testbed.Entry // in the calendar
	from    crashNode       // before
	to      crashNode       // after
	at      time.Time       // the instant; zero: the change of the calendar is what counts
}

// A crashNode is what a node is to hold.
type crashNode struct {
	visible *testbed.Entry
	staged  *testbed.Entry
	open    bool // with nothing on it, contacts may see that
}

// crashActions are the actions of the choreography, each in the circumstances
// that make it take other steps.
var crashActions = []crashAction{
	{"stage", "stage", func(now time.Time, _ time.Duration) crashStory {
		a := trip(now.Add(time.Hour), time.Hour)
		return crashStory{is: entries(a), to: staged(a)}
	}, nil},
	{"stage another in its place", "stage", func(now time.Time, _ time.Duration) crashStory {
		a, b := trip(now.Add(time.Hour), time.Hour), trip(now.Add(2*time.Hour), time.Hour)
		return crashStory{was: entries(a), from: staged(a), is: entries(b), to: staged(b)}
	}, nil},
	{"stage where contacts had been let in", "stage", func(now time.Time, _ time.Duration) crashStory {
		a := trip(now.Add(time.Hour), time.Hour)
		return crashStory{from: crashNode{open: true}, is: entries(a), to: staged(a)}
	}, leaveOpenNode},
	{"unstage", "stage", func(now time.Time, _ time.Duration) crashStory {
		a := trip(now.Add(time.Hour), time.Hour)
		return crashStory{was: entries(a), from: staged(a), is: entries(cancelled(a))}
	}, nil},
	{"reveal", "reveal", func(now time.Time, lead time.Duration) crashStory {
		a, next := trip(now.Truncate(time.Second).Add(lead), time.Hour), honeymoon(now)
		return crashStory{was: entries(a, next), from: staged(a), is: entries(a, next), to: visible(a), at: a.Start}
	}, nil},
	{"reveal what was not staged", "reveal", func(now time.Time, _ time.Duration) crashStory {
		a, next := trip(now.Add(-time.Minute), time.Hour), honeymoon(now)
		return crashStory{is: entries(a, next), to: visible(a)}
	}, nil},
	{"amend", "amend", func(now time.Time, _ time.Duration) crashStory {
		a, b, next := trip(now.Add(-time.Minute), time.Hour), trip(now.Add(-time.Minute), 2*time.Hour), honeymoon(now)
		return crashStory{was: entries(a, next), from: visible(a), is: entries(b, next), to: visible(b)}
	}, nil},
	{"withdraw at the end", "withdraw", func(now time.Time, lead time.Duration) crashStory {
		end := now.Truncate(time.Second).Add(lead)
		a, next := trip(end.Add(-time.Minute), time.Minute), honeymoon(now)
		return crashStory{was: entries(a, next), from: visible(a), is: entries(a, next), to: staged(next), at: end}
	}, nil},
	{"withdraw before the end", "withdraw", func(now time.Time, _ time.Duration) crashStory {
		a, next := trip(now.Add(-time.Minute), time.Hour), honeymoon(now)
		return crashStory{was: entries(a, next), from: visible(a), is: entries(cancelled(a), next), to: staged(next)}
	}, nil},
}

func entries(list ...testbed.Entry) []testbed.Entry { return list }

func staged(e testbed.Entry) crashNode  { return crashNode{staged: &e} }
func visible(e testbed.Entry) crashNode { return crashNode{visible: &e} }

// cancelled is e called off in a way that is believed at once, as one that is
// missing would not be.
func cancelled(e testbed.Entry) testbed.Entry {
	e.Cancelled = true
	return e
}

// trip is the absence that the action is about.
func trip(start time.Time, length time.Duration) testbed.Entry {
	start = start.Truncate(time.Second)
	return testbed.Entry{UID: "rome", Title: crashTitle, Start: start, End: start.Add(length)}
}

// honeymoon is the one after it, which no contact is to hear of.
func honeymoon(now time.Time) testbed.Entry {
	start := now.Truncate(time.Second).AddDate(0, 0, 40)
	return testbed.Entry{UID: "honeymoon", Title: crashNextTitle, Start: start, End: start.AddDate(0, 0, 14)}
}

// leaveOpenNode leaves an empty node that contacts may see, as a person's other
// client does, with the contact subscribed to it.
func leaveOpenNode(ctx context.Context, owner, contact *testbed.Contact) error {
	if err := firstPublish(ctx, owner, testbed.NodeOOO, "<ooo xmlns='"+testbed.NodeOOO+"'/>"); err != nil {
		return err
	}
	if err := owner.Retract(ctx, testbed.NodeOOO, "current", false); err != nil {
		return err
	}
	return contact.Subscribe(ctx, owner.Bare(), testbed.NodeOOO)
}

const (
	nodeActivity = "http://jabber.org/protocol/activity"
	// ownActivity is what the person had set (XEP-0108).
	ownActivity = "<activity xmlns='" + nodeActivity + "'><relaxing><reading/></relaxing><text>Faust</text></activity>"
)

// firstPublish publishes the item current on a node that does not exist yet,
// for contacts. ejabberd has been seen to answer that with item-not-found.
func firstPublish(ctx context.Context, owner *testbed.Contact, node, payload string) error {
	return testbed.Until(ctx, "the node is made", func() (bool, error) {
		err := owner.Publish(ctx, node, "current", payload, map[string]string{"pubsub#access_model": "presence"})
		return err == nil, err
	})
}
