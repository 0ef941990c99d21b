package pep

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"

	"awayd/sync/plan"
)

// Look reads what the node holds and, if the audience is a roster group, who
// is in it.
func Look(ctx context.Context, n Node, audience plan.AccessModel) (plan.Observed, error) {
	groups, err := groupsFor(ctx, n, audience)
	if err != nil {
		return plan.Observed{}, err
	}
	access, err := n.Access(ctx)
	if errors.Is(err, ErrItemNotFound) {
		return plan.Observed{Circle: circle(audience, groups)}, nil
	}
	if err != nil {
		return plan.Observed{}, fmt.Errorf("read access model: %w", err)
	}
	items, err := n.Items(ctx)
	// ejabberd shows a node of the roster model to nobody outside the group, not
	// even to its owner.
	unread := access != plan.Whitelist && errors.Is(err, ErrForbidden)
	if err != nil && !unread && !errors.Is(err, ErrItemNotFound) {
		return plan.Observed{}, fmt.Errorf("read items: %w", err)
	}
	members, err := n.Members(ctx)
	if errors.Is(err, ErrItemNotFound) { // deleted since
		return plan.Observed{Circle: circle(audience, groups)}, nil
	}
	if err != nil {
		return plan.Observed{}, fmt.Errorf("read affiliations: %w", err)
	}
	o := plan.Observed{
		Exists: true, Access: access, Items: items, Guests: len(members) > 0, Unread: unread,
		ByMembers: access == plan.Whitelist && n.TellsMembers(), Circle: circle(audience, groups),
	}
	if o.ByMembers && o.Circle != nil {
		name, _ := audience.Group()
		o.Circle.Missing = len(without(groups[name], members)) > 0
		o.Circle.Strangers = len(without(members, groups[name])) > 0
	}
	return o, nil
}

// Circle describes the roster group that is the audience; nil if it is none, or
// if there is no roster to be read.
func Circle(ctx context.Context, n Node, audience plan.AccessModel) (*plan.Circle, error) {
	groups, err := groupsFor(ctx, n, audience)
	return circle(audience, groups), err
}

// groupsFor reads the roster if the audience is a group of it. One that cannot
// be read is nil: that must not keep a message visible.
func groupsFor(ctx context.Context, n Node, audience plan.AccessModel) (map[string][]string, error) {
	if _, ok := audience.Group(); !ok {
		return nil, nil
	}
	groups, err := n.Groups(ctx)
	if errors.Is(err, ErrUnsupported) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read roster: %w", err)
	}
	return groups, nil
}

// maxNames bounds the names of groups that are told in place of one that
// nobody is in.
const maxNames = 20

// circle describes the audience; nil, if it is no group or nothing is known of
// it.
func circle(audience plan.AccessModel, groups map[string][]string) *plan.Circle {
	name, ok := audience.Group()
	if !ok || groups == nil {
		return nil
	}
	c := &plan.Circle{Contacts: len(groups[name]), Digest: digest(groups[name])}
	if c.Contacts > 0 {
		return c
	}
	for _, other := range slices.Sorted(maps.Keys(groups)) {
		if len(groups[other]) > 0 && len(c.Others) < maxNames {
			c.Others = append(c.Others, other)
		}
	}
	return c
}

// digest identifies a list, in whichever order.
func digest(list []string) string {
	if len(list) == 0 {
		return ""
	}
	h := sha256.New()
	for _, x := range slices.Sorted(slices.Values(list)) {
		h.Write([]byte(x))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// without returns those of a who are not in b, in order.
func without(a, b []string) []string {
	known := make(map[string]bool, len(b))
	for _, x := range b {
		known[x] = true
	}
	var rest []string
	for _, x := range a {
		if !known[x] {
			rest = append(rest, x)
		}
	}
	slices.Sort(rest)
	return slices.Compact(rest)
}
