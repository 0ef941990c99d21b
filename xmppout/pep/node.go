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
// A missing node or item is an error that [ErrItemNotFound] matches. People are
// named by their bare JIDs.
type Node interface {
	// Access returns the node's access model (XEP-0060 §8.2). The roster model
	// with exactly one group is [plan.Group] of it; with other groups it is
	// called as the server calls it.
	Access(context.Context) (plan.AccessModel, error)
	// Items returns what the node holds (§6.5). Where a server does not show
	// that to the owner, what the owner was told of the node stands in; if
	// nothing was told, the error matches [ErrForbidden].
	Items(context.Context) ([]plan.Item, error)
	// Members returns who but the owner has an affiliation that lets them in
	// (§8.9.1).
	Members(context.Context) ([]string, error)
	// Admit makes members of contacts (§8.9.2). It may fail with some of that
	// done.
	Admit(ctx context.Context, contacts []string) error
	// TellsMembers reports whether the server is known to notify the members
	// of a node whose model is whitelist, and to let nobody else know of it. It
	// asks nobody.
	TellsMembers() bool
	// Groups returns the groups of the person's roster, each with those of its
	// contacts who are subscribed to the person's presence, whom alone servers
	// notify. If there is no roster to be read the error matches
	// [ErrUnsupported].
	Groups(context.Context) (map[string][]string, error)
	// Hides reports whether the server can refuse a publish that would be
	// visible, and so keep an item hidden.
	Hides(context.Context) (bool, error)
	// Publish puts p on the node as the item id, if the node has the access
	// model guard or does not exist; then it is made with it (§7.1.5). Another
	// model is an error that [ErrPreconditionNotMet] matches. Of a group, only
	// that the model is roster is guarded, and a node is made that lets nobody
	// in.
	Publish(ctx context.Context, id string, p plan.Payload, guard plan.AccessModel) error
	// Configure changes the access model, with the roster group if it names
	// one. It is done in one step or not at all; a model that the server does
	// not have is an error that [ErrUnsupported] matches. A node that becomes
	// whitelist is also told not to announce its own deletion, as far as the
	// server can be.
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
	// ErrUnsupported: the server cannot do this.
	ErrUnsupported = errors.New("not supported")
)

// A ChangedError says that the node is not what the action was decided on. The
// caller looks again, and decides again.
type ChangedError string

func (e ChangedError) Error() string { return string(e) }

// Temporary reports that the same may succeed later.
func (e ChangedError) Temporary() bool { return true }

// ErrNoGroups says that the server has no way to show a message to one group of
// the roster, so that it was shown to nobody.
var ErrNoGroups = errors.New("the server cannot show a message to one roster group alone: it has neither the roster model (XEP-0060 §4.5), nor is it known to tell the members of a hidden node")
