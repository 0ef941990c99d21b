package xmppout

import (
	"context"

	"awayd/sync/plan"
)

// A pep is the out-of-office node of one person, seen with the rights of its
// owner. The choreography knows nothing else of a server. Its first
// implementation is the person's own login ([node]); a privileged component
// (XEP-0356) and the model that the tests use stand beside it.
//
// A missing node or item is an error that [ErrItemNotFound] matches.
type pep interface {
	// access returns the node's access model (XEP-0060 §8.2).
	access(context.Context) (plan.AccessModel, error)
	// items returns what the node holds, at most maxItems (§6.5).
	items(context.Context) ([]plan.Item, error)
	// guests reports whether anybody but the owner has an affiliation that lets
	// them in (§8.9).
	guests(context.Context) (bool, error)
	// hides reports whether the server can refuse a publish that would be
	// visible, and so keep an item hidden.
	hides(context.Context) (bool, error)
	// publish puts p on the node as the item id, if the node has the access
	// model guard or does not exist; then it is made with it (§7.1.5).
	publish(ctx context.Context, id string, p plan.Payload, guard plan.AccessModel) error
	// configure changes the access model and nothing else.
	configure(context.Context, plan.AccessModel) error
	// retract removes an item and, if notify, has contacts told (§7.2).
	retract(ctx context.Context, id string, notify bool) error
	// delete removes the node with its items, subscriptions and affiliations
	// (§8.4).
	delete(context.Context) error
}

// maxItems bounds the items that are read from a node. A PEP node holds one
// unless somebody changed that.
const maxItems = 16
