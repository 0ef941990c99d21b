package xmppout

import (
	"context"
	"errors"
	"slices"

	"mellium.im/xmpp/jid"

	"awayd/sync/plan"
	"awayd/xmppout/pep"
)

// An asker has a request answered by the server. It is what differs between a
// login and a component.
type asker interface {
	// ask sends q and decodes the payload of the answer into answer, unless
	// that is nil. A refusal is a [StanzaError].
	ask(ctx context.Context, q query, answer any) error
}

// A node is the out-of-office node of owner, reached through IQs.
type node struct {
	asker
	owner jid.JID // bare
}

var _ pep.Node = node{}

func (n node) Access(ctx context.Context) (plan.AccessModel, error) {
	var answer pubsub
	if err := n.ask(ctx, readConfiguration(), &answer); err != nil {
		return "", err
	}
	if answer.Configure != nil && answer.Configure.Form != nil {
		for _, f := range answer.Configure.Form.Fields {
			if f.Var == fieldAccess && len(f.Values) == 1 {
				return plan.AccessModel(tidy(f.Values[0])), nil
			}
		}
	}
	return "", errors.New("the server's answer names no access model")
}

func (n node) Items(ctx context.Context) ([]plan.Item, error) {
	var answer pubsub
	if err := n.ask(ctx, readItems(), &answer); err != nil {
		return nil, err
	}
	if answer.Items == nil {
		return nil, nil
	}
	var items []plan.Item
	for _, i := range answer.Items.Items[:min(len(answer.Items.Items), maxItems)] {
		items = append(items, i.read())
	}
	return items, nil
}

// Guests asks for the affiliations. A server that does not tell them to the
// owner is taken to have none: awayd gives none, and no server lets a contact
// give themselves one.
func (n node) Guests(ctx context.Context) (bool, error) {
	var answer pubsub
	err := n.ask(ctx, readAffiliations(), &answer)
	var refused *StanzaError
	if errors.As(err, &refused) && !refused.Temporary() && !errors.Is(err, pep.ErrItemNotFound) {
		return false, nil
	}
	if err != nil || answer.Affiliations == nil {
		return false, err
	}
	return slices.ContainsFunc(answer.Affiliations.Entries, n.isGuest), nil
}

func (n node) isGuest(a affiliation) bool {
	switch a.Affiliation {
	case "", "none", "outcast":
		return false
	}
	j, err := jid.Parse(a.JID)
	return err != nil || !j.Bare().Equal(n.owner)
}

func (n node) Hides(ctx context.Context) (bool, error) {
	var answer discoInfo
	if err := n.ask(ctx, readFeatures(n.owner), &answer); err != nil {
		return false, err
	}
	return slices.Contains(answer.Features, feature{nsPubSub + "#publish-options"}), nil
}

func (n node) Publish(ctx context.Context, id string, p plan.Payload, guard plan.AccessModel) error {
	return n.ask(ctx, publishItem(id, p, guard), nil)
}

func (n node) Configure(ctx context.Context, m plan.AccessModel) error {
	return n.ask(ctx, configureAccess(m), nil)
}

func (n node) Retract(ctx context.Context, id string, notify bool) error {
	return n.ask(ctx, retractItem(id, notify), nil)
}

func (n node) Delete(ctx context.Context) error {
	return n.ask(ctx, deleteNode(), nil)
}

// maxItems bounds the items that are read from a node. A PEP node holds one
// unless somebody changed that.
const maxItems = 16
