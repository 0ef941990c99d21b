package xmppout

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"mellium.im/xmpp/jid"

	"awayd/sync/finding"
	"awayd/sync/plan"
)

// outOfOffice tells what is on the real node.
func (x *examination) outOfOffice(ctx context.Context) error {
	o, err := x.Look(ctx)
	if refused, err := refusal(err); refused != nil {
		x.note(finding.Bad("node", "ask the server's administrator", "the out-of-office node cannot be read: %v", refused))
		return nil
	} else if err != nil {
		return err
	}
	if !o.Exists {
		x.note(finding.Good("node", "none yet"))
		return nil
	}
	others, err := x.others(ctx)
	if err != nil {
		return err
	}
	holds, foreign := x.holds(o)
	detail := fmt.Sprintf("access model %s, %s%s", o.Access, holds, others)
	if foreign {
		x.note(finding.Doubt("node", "if awayd is to act, take it off with the client that published it",
			"%s, which awayd leaves alone until it is over", detail))
		return nil
	}
	x.note(finding.Good("node", "%s", detail))
	return nil
}

// holds says whose items are on the node, and whether any is not awayd's.
func (x *examination) holds(o plan.Observed) (what string, foreign bool) {
	own := 0
	for _, i := range o.Items {
		if x.journal.Wrote(i) {
			own++
		}
	}
	switch {
	case o.Unread:
		return "whose items the server does not show to their owner", false
	case len(o.Items) == 0:
		return "empty", false
	case own < len(o.Items):
		return "holds a message that awayd did not write", true
	case o.Hidden():
		return "holds awayd's next message", false
	}
	return "holds awayd's message", false
}

// others says who beside the owner has to do with the node, as far as the
// server lists it (XEP-0060 §8.8, §8.9).
func (x *examination) others(ctx context.Context) (string, error) {
	var said []string
	for _, list := range []struct {
		q       query
		entries func(pubsub) []affiliation
		what    string
	}{
		{readSubscriptions(), func(p pubsub) []affiliation { return p.Subscribers.Subscriptions }, "subscriptions"},
		{readAffiliations(nodeName), func(p pubsub) []affiliation { return p.Affiliations.Entries }, "affiliations"},
	} {
		var answer pubsub
		refused, err := refusal(x.ask(ctx, list.q, &answer))
		if err != nil {
			return "", err
		}
		if refused != nil || answer.Subscribers == nil && answer.Affiliations == nil {
			continue
		}
		n := 0
		for _, a := range list.entries(answer) {
			if j, err := jid.Parse(a.JID); err == nil && !j.Bare().Equal(x.node.owner) {
				n++
			}
		}
		if n > 0 {
			said = append(said, fmt.Sprintf("%d %s of others", n, list.what))
		}
	}
	if len(said) == 0 {
		return "", nil
	}
	return ", " + strings.Join(said, ", "), nil
}

// contacts counts who will be told.
func (x *examination) contacts(ctx context.Context) error {
	var list roster
	refused, err := refusal(x.ask(ctx, readRoster(), &list))
	switch {
	case errors.Is(err, errTooLarge):
		x.note(finding.Good("contacts", "more than awayd reads at once"))
		return nil
	case err != nil:
		return err
	case refused != nil:
		x.note(finding.Doubt("contacts", "ask the server's administrator", "the roster cannot be read: %v", refused))
		return nil
	}
	told := 0
	for _, i := range list.Items {
		// Who may see the person's presence (RFC 6121 §2.1.2.5).
		if i.Subscription == "from" || i.Subscription == "both" {
			told++
		}
	}
	if told == 0 {
		x.note(finding.Doubt("contacts", "grant contacts the sight of your presence, with any client", "nobody will be told: no contact may see the person's presence"))
		return nil
	}
	x.note(finding.Good("contacts", "%d of %d in the roster may see the person's presence, and will be told", told, len(list.Items)))
	return nil
}
