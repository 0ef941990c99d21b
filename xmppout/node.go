package xmppout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

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

// A node is a PEP node of owner's, reached through IQs.
type node struct {
	asker
	me    jid.JID // who is told
	owner jid.JID // bare
	name  string
	// tells is what [pep.Node.TellsMembers] says.
	tells bool
	told  *hearsay // what the owner's connection was told of the node; may be nil
	// yield is called once contacts were told: what else is to be done with the
	// node may wait. It may be nil.
	yield func()
}

var _ pep.Node = node{}

func (n node) Access(ctx context.Context) (plan.AccessModel, error) {
	var answer pubsub
	if err := n.ask(ctx, readConfiguration(n.name), &answer); err != nil {
		return "", err
	}
	if answer.Configure == nil || answer.Configure.Form == nil {
		return "", errors.New("the server's answer holds no configuration")
	}
	access, groups := answer.Configure.Form.values(fieldAccess), answer.Configure.Form.values(fieldGroups)
	switch {
	case len(access) != 1:
		return "", errors.New("the server's answer names no access model")
	case access[0] == modelRoster && len(groups) == 1:
		return plan.Group(groups[0]), nil
	}
	return plan.AccessModel(tidy(access[0])), nil
}

// Items asks for the items. What the owner's connection was told stands in for
// what the server does not show.
func (n node) Items(ctx context.Context) ([]plan.Item, error) {
	var answer pubsub
	err := n.ask(ctx, readItems(n.name), &answer)
	if errors.Is(err, pep.ErrForbidden) && n.told != nil {
		if items, ok := n.told.items(ctx); ok {
			return items, nil
		}
	}
	if err != nil {
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

// Members asks for the affiliations. A server that does not tell them to the
// owner, and on which awayd gives none, is taken to have none: no server lets a
// contact give themselves one.
func (n node) Members(ctx context.Context) ([]string, error) {
	var answer pubsub
	err := n.ask(ctx, readAffiliations(n.name), &answer)
	var refused *StanzaError
	if errors.As(err, &refused) && !refused.Temporary() && !errors.Is(err, pep.ErrItemNotFound) && !n.tells {
		return nil, nil
	}
	if err != nil || answer.Affiliations == nil {
		return nil, err
	}
	var members []string
	for _, a := range answer.Affiliations.Entries {
		switch j, err := jid.Parse(a.JID); {
		case a.Affiliation == "", a.Affiliation == "none", a.Affiliation == "outcast":
		case err != nil:
			members = append(members, a.JID)
		case !j.Bare().Equal(n.owner):
			members = append(members, j.Bare().String())
		}
	}
	return members, nil
}

// Admit asks for a few at a time. Prosody writes the whole node anew for each of
// them and does nothing else meanwhile, cuts off who sends a stanza of more than
// 256 KiB, and as packaged reads no more than 10 kB a second. What is done stays
// done when a later request fails: the next look finds who is missing.
func (n node) Admit(ctx context.Context, contacts []string) error {
	for some := range slices.Chunk(contacts, maxAdmit) {
		if err := n.ask(ctx, makeMembers(n.name, some), nil); err != nil {
			return err
		}
	}
	return nil
}

func (n node) TellsMembers() bool { return n.tells }

// tellsMembers says of a server, by its name, whether it notifies the members of
// a node that is hidden, and them alone. It cannot be asked for. Prosody does
// (0.12.3 was tried); ejabberd does not.
func tellsMembers(server string) bool {
	name, _, _ := strings.Cut(server, " ")
	return strings.EqualFold(name, "prosody")
}

// Groups reads the roster (RFC 6121 §2.1.3).
func (n node) Groups(ctx context.Context) (map[string][]string, error) {
	var answer roster
	err := n.ask(ctx, readRoster(), &answer)
	var refused *StanzaError
	if errors.As(err, &refused) && !refused.Temporary() {
		return nil, fmt.Errorf("%w: %w", pep.ErrUnsupported, err)
	}
	if err != nil {
		return nil, err
	}
	if len(answer.Items) > maxContacts {
		return nil, fmt.Errorf("%w: the roster has more than %d contacts", pep.ErrUnsupported, maxContacts)
	}
	groups := make(map[string][]string)
	for _, i := range answer.Items {
		j, err := jid.Parse(i.JID)
		if err != nil {
			continue // nobody who could be told
		}
		for _, g := range i.Groups {
			groups[g] = append(groups[g], nil...)
			if i.Subscription == "from" || i.Subscription == "both" {
				groups[g] = append(groups[g], j.Bare().String())
			}
		}
	}
	return groups, nil
}

func (n node) Hides(ctx context.Context) (bool, error) {
	var answer discoInfo
	if err := n.ask(ctx, readFeatures(n.owner), &answer); err != nil {
		return false, err
	}
	return slices.Contains(answer.Features, feature{nsPubSub + "#publish-options"}), nil
}

func (n node) Publish(ctx context.Context, id string, p plan.Payload, guard plan.AccessModel) error {
	if _, group := guard.Group(); group && n.told != nil {
		n.told.expect(id, p)
	}
	err := n.ask(ctx, publishItem(n.name, id, p, guard), nil)
	if id == plan.ItemCurrent && err == nil && n.yield != nil {
		n.yield()
	}
	return err
}

// Configure asks that a node to be hidden does not tell of its deletion either:
// some servers tell everybody, also those who may not see the node.
func (n node) Configure(ctx context.Context, m plan.AccessModel) error {
	if m == plan.Whitelist {
		err := n.ask(ctx, configureHidden(n.name), nil)
		var refused *StanzaError
		if !errors.As(err, &refused) || refused.Temporary() || errors.Is(err, pep.ErrItemNotFound) {
			return err
		}
	}
	if _, group := m.Group(); group && n.told != nil {
		if err := n.listen(ctx); err != nil {
			return err
		}
	}
	return n.ask(ctx, configureAccess(n.name, m), nil)
}

// listen has the server tell this connection what the node holds. ejabberd shows
// a node of the roster model to nobody but the group, and tells the owner of it
// only at connections with another priority than awayd's, or that subscribed
// while the node was still hidden. The subscription ends with the node. A server
// that refuses is none the worse: what is there is then not verified.
func (n node) listen(ctx context.Context) error {
	err := n.ask(ctx, subscribe(n.name, n.me), nil)
	var refused *StanzaError
	if errors.As(err, &refused) {
		return nil
	}
	return err
}

func (n node) Retract(ctx context.Context, id string, notify bool) error {
	err := n.ask(ctx, retractItem(n.name, id, notify), nil)
	if n.told != nil && (err == nil || errors.Is(err, pep.ErrItemNotFound)) {
		n.told.gone(id)
	}
	return err
}

func (n node) Delete(ctx context.Context) error {
	if n.told != nil {
		n.told.forget()
	}
	return n.ask(ctx, deleteNode(n.name), nil)
}

const (
	// maxItems bounds the items that are read from a node. A PEP node holds one
	// unless somebody changed that.
	maxItems = 16
	// maxContacts bounds the roster that is read.
	maxContacts = 20_000
	// maxAdmit bounds the people in one request to let them in.
	maxAdmit = 20
)
