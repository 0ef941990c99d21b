package xmppout

import (
	"context"
	"crypto/rand"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"awayd/sync/finding"
	"awayd/sync/plan"
	"awayd/xmppout/pep"
)

// What servers announce of their access models says little (XEP-0060 §4.5), so
// it is tried: on a node with a name that nobody else can know, hidden from its
// first stanza, and removed in the end.

// probePrefix begins the names of such nodes. It begins like the real node's
// name, for servers that are configured by patterns of names.
const probePrefix = nodeName + "#check-"

const (
	// removeLimit bounds the removal of the node, which a cancelled examination
	// does all the same.
	removeLimit = 5 * time.Second
	// leftover is the age beyond which no examination still uses its node.
	leftover = 10 * time.Minute
	maxSwept = 8
)

func probeName(now time.Time) string {
	return probePrefix + strconv.FormatInt(now.Unix(), 10) + "-" + strings.ToLower(rand.Text()[:12])
}

// isLeftover reports whether an examination that was killed left this node.
func isLeftover(name string, now time.Time) bool {
	rest, ok := strings.CutPrefix(name, probePrefix)
	made, _, _ := strings.Cut(rest, "-")
	sec, err := strconv.ParseInt(made, 10, 64)
	return ok && err == nil && now.Sub(time.Unix(sec, 0)).Abs() > leftover
}

// abilities are what the server can do with nodes.
type abilities struct {
	announcesPEP     bool
	announcesOptions bool // publish-options
	nothing          bool // no PEP at all, so that there is nothing more to examine
}

// service asks what the server says that the account can do.
func (x *examination) service(ctx context.Context) error {
	var info discoInfo
	refused, err := refusal(x.ask(ctx, readFeatures(x.node.owner), &info))
	if err != nil || refused != nil {
		return err // a server that does not tell is tried all the same
	}
	x.can.announcesPEP = slices.Contains(info.Identities, identity{Category: "pubsub", Type: "pep"})
	x.can.announcesOptions = slices.Contains(info.Features, feature{nsPubSub + "#publish-options"})
	return nil
}

// sweep removes the nodes of examinations that could not.
func (x *examination) sweep(ctx context.Context) error {
	var list discoItems
	refused, err := refusal(x.ask(ctx, readNodes(x.node.owner), &list))
	if err != nil || refused != nil {
		return err
	}
	swept := 0
	for _, i := range list.Items {
		if swept == maxSwept || !isLeftover(i.Node, x.now) {
			continue
		}
		swept++
		if _, err := refusal(x.ask(ctx, deleteNode(i.Node), nil)); err != nil {
			return err
		}
	}
	return nil
}

// probe tries what awayd is going to do.
func (x *examination) probe(ctx context.Context) (err error) {
	p := &trial{examination: x, at: probeName(x.now)}
	defer func() { err = errors.Join(err, p.remove(ctx)) }()
	for _, step := range []func() error{p.make, p.guard, p.keep, p.configure} {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := step(); err != nil {
			return err
		}
		if p.over {
			break
		}
	}
	return nil
}

// A trial is one throw-away node. Its requests are not cut short, so that it is
// known what was made and the connection is there to remove it.
type trial struct {
	*examination
	at   string // its name
	over bool   // there is nothing more to try
	was  map[string]string
}

// askAgain is how often something is asked for that the server refuses for the
// moment. ejabberd says internal-server-error when many make nodes at once.
const askAgain = 3

// ask returns a refusal that stands.
func (t *trial) ask(q query, answer any) (*StanzaError, error) {
	return insist(func() (*StanzaError, error) { return refusal(t.Session.ask(context.Background(), q, answer)) })
}

// insist asks again, after a pause, while the answer is a refusal for the moment.
func insist(ask func() (*StanzaError, error)) (*StanzaError, error) {
	refused, err := backoff.Retry(context.Background(), func() (*StanzaError, error) {
		refused, err := ask()
		switch {
		case err != nil:
			return nil, backoff.Permanent(err)
		case refused != nil && refused.Temporary():
			return refused, refused
		}
		return refused, nil
	}, backoff.WithMaxTries(askAgain))
	if refused != nil {
		return refused, nil
	}
	return nil, err
}

// end stops the trial at what was found.
func (t *trial) end(f finding.Finding) error {
	t.note(f)
	t.over = true
	return nil
}

// make makes the node hidden: by its first item, as awayd does, where
// publish-options are announced, else empty (XEP-0060 §8.1.3).
func (t *trial) make() error {
	hidden := field{Var: fieldAccess, Values: []string{string(plan.Whitelist)}}
	q := createNode(t.at, hidden)
	if t.can.announcesOptions {
		q = publishNothing(t.at, "1", field{Var: fieldPersist, Values: []string{"true"}}, hidden)
	}
	refused, err := t.ask(q, nil)
	if err != nil {
		return err
	}
	if refused != nil && !t.can.announcesPEP {
		t.can.nothing = true
		return t.end(finding.Bad("PEP", t.server.enablePEP(), "the account has no personal eventing (XEP-0163): %v", refused))
	}
	said := "announced"
	if !t.can.announcesPEP {
		said = "not announced, but works"
	}
	t.note(finding.Good("PEP", "%s", said))
	if !t.can.announcesOptions {
		t.note(finding.Doubt("publish-options", t.server.enablePublishOptions(),
			"missing: nothing can be hidden ahead of time, so a message is published when the absence begins"))
	}
	if refused != nil {
		return t.end(t.unhideable("no node can be made with the model whitelist: %v", refused))
	}
	if t.was, refused, err = t.configuration(); err != nil {
		return err
	}
	if refused != nil {
		return t.end(finding.Bad("access models", t.server.unpinAccess(), "the configuration of a node cannot be read: %v", refused))
	}
	switch is := t.was[fieldAccess]; {
	case is == string(plan.Whitelist):
		// ejabberd tells the person's own clients of every item, asked or not:
		// the first is enough. Where that cannot be switched off, it is no harm.
		_, err := t.ask(configure(t.at, field{Var: "pubsub#deliver_notifications", Values: []string{"false"}}), nil)
		return err
	case t.can.announcesOptions: // a message would be seen as soon as it is staged
		return t.end(finding.Bad("access models", t.server.unpinAccess(),
			"an item that is to be published under the model whitelist is published under %s", is))
	default:
		return t.end(t.unhideable("a node that is to have the model whitelist gets %s", is))
	}
}

// unhideable finds a server on which awayd stages nothing.
func (t *trial) unhideable(format string, args ...any) finding.Finding {
	return finding.Doubt("access models", t.server.unpinAccess(),
		format+"; so nothing can be hidden ahead of time, and a message is published when the absence begins", args...)
}

// guard tries whether a publish that would be seen is refused (§7.1.5).
func (t *trial) guard() error {
	if !t.can.announcesOptions {
		return nil
	}
	refused, err := t.ask(publishNothing(t.at, "1", field{Var: fieldAccess, Values: []string{string(plan.Open)}}), nil)
	if err != nil {
		return err
	}
	if refused == nil || !errors.Is(refused, pep.ErrPreconditionNotMet) {
		t.note(finding.Bad("publish-options", "ask the server's administrator for a server that heeds them (XEP-0060 §7.1.5)",
			"announced but not heeded: an item is not refused on a node with another access model"))
		return nil
	}
	t.note(finding.Good("publish-options", "heeded: nothing is published on a node that has another access model"))
	return nil
}

// keep tries how many items a node holds. A second one beside the message does
// not matter to awayd, which takes off what is not to be there.
func (t *trial) keep() error {
	if !t.can.announcesOptions {
		return nil
	}
	if refused, err := t.ask(publishNothing(t.at, "2"), nil); err != nil || refused != nil {
		return err
	}
	var answer pubsub
	if refused, err := t.ask(readItems(t.at), &answer); err != nil || refused != nil || answer.Items == nil {
		return err
	}
	held := "one item, so that a new one takes the place of the last"
	if len(answer.Items.Items) > 1 {
		held = "more than one item"
	}
	option := "may ask for another number"
	refused, err := t.ask(publishNothing(t.at, "2", field{Var: fieldMaxItems, Values: []string{"2"}}), nil)
	if err != nil {
		return err
	}
	if refused != nil && !errors.Is(refused, pep.ErrPreconditionNotMet) {
		option = "may not ask for another number"
	}
	t.note(finding.Good("max_items", "a node keeps %s; publish-options %s", held, option))
	// What follows shows the node to others, so it is to be empty.
	for _, id := range []string{"1", "2"} {
		if _, err := t.ask(retractItem(t.at, id, false), nil); err != nil {
			return err
		}
	}
	return nil
}

// configure tries the access models, each by a form with that one field, which
// must leave the others as they are (§8.2.5).
func (t *trial) configure() error {
	var failed []string
	var reason string
	for _, m := range []plan.AccessModel{plan.Presence, plan.Open, plan.Whitelist} {
		refused, err := t.ask(configure(t.at, field{Var: fieldAccess, Values: []string{string(m)}}), nil)
		if err != nil {
			return err
		}
		if refused != nil {
			failed, reason = append(failed, string(m)), refused.Error()
			continue
		}
		is, refused, err := t.configuration()
		if err != nil {
			return err
		}
		switch {
		case refused != nil:
			failed, reason = append(failed, string(m)), refused.Error()
		case is[fieldAccess] != string(m):
			failed, reason = append(failed, string(m)), "the node has "+is[fieldAccess]
		default:
			if lost := changed(t.was, is); lost != "" {
				t.note(finding.Doubt("configuration", "ask the server's administrator whether that is meant (XEP-0060 §8.2.5)",
					"setting the access model alone changes %s as well", lost))
			}
		}
	}
	switch {
	case len(failed) == 0:
		t.note(finding.Good("access models", "presence, open and whitelist can be set, and leave the rest of the configuration as it is"))
	case slices.Contains(failed, string(t.audience)):
		t.note(finding.Bad("access models", t.server.unpinAccess(), "cannot be set: %s (%s)", strings.Join(failed, ", "), reason))
	case slices.Contains(failed, string(plan.Whitelist)):
		t.note(t.unhideable("cannot be set: %s (%s)", strings.Join(failed, ", "), reason))
	default:
		t.note(finding.Good("access models", "cannot be set, but are not asked for either: %s (%s)", strings.Join(failed, ", "), reason))
	}
	return nil
}

// changed names a field that differs beside the access model.
func changed(was, is map[string]string) string {
	for _, name := range []string{fieldPersist, fieldMaxItems} {
		if was[name] != is[name] {
			return fmt.Sprintf("%s from %q to %q", name, was[name], is[name])
		}
	}
	return ""
}

// configuration reads the single-valued fields of the node.
func (t *trial) configuration() (map[string]string, *StanzaError, error) {
	var answer pubsub
	refused, err := t.ask(readConfiguration(t.at), &answer)
	fields := make(map[string]string)
	if answer.Configure != nil && answer.Configure.Form != nil {
		for _, f := range answer.Configure.Form.Fields {
			if len(f.Values) == 1 {
				fields[f.Var] = tidy(f.Values[0])
			}
		}
	}
	return fields, refused, err
}

// remove deletes the node, whatever became of the examination.
func (t *trial) remove(ctx context.Context) error {
	if t.Err() != nil {
		return nil // that is told already, and the next examination sweeps
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeLimit)
	defer cancel()
	refused, err := refusal(t.Session.ask(ctx, deleteNode(t.at), nil))
	if refused != nil && t.was != nil && !errors.Is(refused, pep.ErrItemNotFound) {
		t.note(finding.Doubt("throw-away node", "delete the node "+t.at+" with another client",
			"it could not be removed again: %v", refused))
	}
	return err
}

const fieldMaxItems = "pubsub#max_items"

// publishNothing publishes an item that says nothing.
func publishNothing(node, id string, options ...field) query {
	content := element{XMLName: xml.Name{Space: nsOOO, Local: "check"}}
	body := pubsub{Publish: &nodeItems{Node: node, Items: []item{{ID: id, Content: []element{content}}}}}
	if len(options) > 0 {
		body.Options = &formHolder{Form: submit(nsPubSub+"#publish-options", options...)}
	}
	return toNode(body).set()
}
