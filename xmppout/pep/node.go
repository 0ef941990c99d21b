// Package pep knows the order of the steps by which an out-of-office message is
// hidden, revealed and withdrawn on a PEP node (XEP-0060, XEP-0163), which holds
// for every server and every way to reach it. What a step is in stanzas is the
// business of those who implement [Node] and [Looks].
//
// Of awayd it may import sync/plan, and nothing else.
package pep

import (
	"context"
	"errors"

	"awayd/sync/plan"
)

// A Node is the out-of-office node of one person, seen with the rights of its
// owner. The choreography knows nothing else of a server. Its first
// implementation is the person's own login; a privileged component (XEP-0356)
// and a model of a server can stand beside it.
//
// A missing node or item is an error that [ErrItemNotFound] matches.
type Node interface {
	// Access returns the node's access model (XEP-0060 §8.2).
	Access(context.Context) (plan.AccessModel, error)
	// Items returns what the node holds (§6.5).
	Items(context.Context) ([]plan.Item, error)
	// Guests reports whether anybody but the owner has an affiliation that lets
	// them in (§8.9).
	Guests(context.Context) (bool, error)
	// Hides reports whether the server can refuse a publish that would be
	// visible, and so keep an item hidden.
	Hides(context.Context) (bool, error)
	// Publish puts p on the node as the item id, if the node has the access
	// model guard or does not exist; then it is made with it (§7.1.5). Another
	// model is an error that [ErrPreconditionNotMet] matches.
	Publish(ctx context.Context, id string, p plan.Payload, guard plan.AccessModel) error
	// Configure changes the access model and nothing else.
	Configure(context.Context, plan.AccessModel) error
	// Retract removes an item and, if notify, has contacts told (§7.2).
	Retract(ctx context.Context, id string, notify bool) error
	// Delete removes the node with its items, subscriptions and affiliations
	// (§8.4).
	Delete(context.Context) error
}

// Looks is how the person appears to contacts while they are away.
type Looks interface {
	// Show makes the person available as away with this status text, unless
	// that is what contacts were last sent.
	Show(ctx context.Context, status string) error
	// Attend makes the person available without a text, unless they are
	// available already.
	Attend(context.Context) error
	// Hide makes the person unavailable.
	Hide(context.Context) error
	// Gather waits until the contacts who are online are known to the person's
	// connection, and Contacts says how many are by now.
	Gather(context.Context) error
	Contacts() int64
}

// Conditions of XEP-0060, which the errors of a [Node] match.
var (
	// ErrItemNotFound: there is no such node or item.
	ErrItemNotFound = errors.New("item-not-found")
	// ErrPreconditionNotMet: the node's configuration is not the one the
	// publish-options asked for (§7.1.5), and nothing was published.
	ErrPreconditionNotMet = errors.New("precondition-not-met")
	// ErrForbidden: not for this account.
	ErrForbidden = errors.New("forbidden")
)

// A ChangedError says that the node is not what the action was decided on. The
// caller looks again, and decides again.
type ChangedError string

func (e ChangedError) Error() string { return string(e) }

// Temporary reports that the same may succeed later.
func (e ChangedError) Temporary() bool { return true }

// ErrUnhideable says that the server cannot keep an item hidden, so that
// nothing was staged: the message is published when the absence begins.
var ErrUnhideable = errors.New("the server cannot keep a message hidden: it lacks publish-options (XEP-0060 §7.1.5); it will be published when the absence begins")
