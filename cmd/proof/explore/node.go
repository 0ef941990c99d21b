package explore

import (
	"slices"

	"awayd/sync/plan"
	"awayd/xmppout/pep"
)

// Who is a set of contacts.
type Who uint8

// The contacts. All but Tybalt are in the person's roster and have clients that
// ask for the events of the node; all but Benvolio and Tybalt are in the group
// at first.
const (
	Romeo    Who = 1 << iota // online throughout
	Mercutio                 // subscribes to the node explicitly whenever he may
	Benvolio                 // not in the group
	Nurse                    // comes and goes
	Tybalt                   // a stranger

	nobody Who = 0
	roster     = Romeo | Mercutio | Benvolio | Nurse
	group      = Romeo | Mercutio | Nurse
	all        = roster | Tybalt
)

// Access models that let in groups of the roster (XEP-0060 §4.5): Roster as the
// person's own client sets it, Friends as awayd does for its audience, and one
// with no group, which is what a guarded publish makes.
const (
	Roster  plan.AccessModel = "roster"
	Friends plan.AccessModel = "group:" + friends
	empty   plan.AccessModel = "roster without groups"

	friends = "Friends"
)

// A node is the out-of-office node as a server keeps it. It is a value: items
// is never changed in place.
type node struct {
	exists      bool
	access      plan.AccessModel
	items       []item // oldest first
	silent      bool   // its deletion is not told
	subscribers Who    // explicitly
	members     Who
	theirs      bool // the person set the access model or the members
	// known says that awayd can know that contacts were let in: the person made
	// the node, which awayd then did not, or it was refused because they were.
	known bool
	own   bool // the person made it
	// changed is the turn of awayd's in or after which the person last set the access
	// model.
	changed int
	// made and opened are how often awayd had read the access model when the person
	// made the node and last changed that, admitted how often the members when they
	// last let somebody in as one.
	made, opened, admitted int
	// touched says that the person, or a crash, left it as it is: awayd need not
	// clear it away.
	touched bool
}

type item struct {
	plan.Item
	own    bool // the person's
	moment moment
	// bared says that the person's own client let contacts see it before its
	// time.
	bared bool
	// unseen says that this was in the middle of a turn of awayd's, which then
	// takes it off as quietly as what nobody could see.
	unseen bool
	// noted says that awayd had a whole turn with it there.
	noted bool
	// revived says that a server that crashed brought it back.
	revived bool
}

// A moment is when the person did something, by turns and looks of awayd's: what
// came within a turn and after its look could not be known to awayd.
type moment struct{ turn, look int }

var (
	errNoItem    = pep.ErrItemNotFound
	errNoRoster  = pep.ErrUnsupported
	errForbidden = pep.ErrForbidden
)

// mayFetch is who the node lets read.
func (w *world) mayFetch(n node) Who {
	who := nobody
	if !n.exists {
		return who
	}
	switch n.access {
	case plan.Open:
		who = all
	case plan.Presence:
		who = roster
	case Roster, Friends:
		who = w.friends
	case plan.Whitelist:
		who = n.members
	}
	if w.KeepsSubscribers {
		who |= n.subscribers
	}
	return who
}

// listeners is who the node tells of a new item.
func (w *world) listeners(n node) Who {
	who := w.mayFetch(n)
	if n.access == plan.Whitelist && !w.MembersTold {
		who &^= n.members &^ n.subscribers
	}
	return who&roster | who&n.subscribers
}

// put returns the node with an item published (XEP-0060 §7.1).
func (f *Facts) put(n node, i item, guard plan.AccessModel) (node, error) {
	switch {
	case !n.exists:
		n = node{exists: true, access: plan.Presence, theirs: i.own, known: i.own, own: i.own}
		if guard != "" && f.PublishOptions {
			n.access = guard
			if guard == Friends {
				n.access = empty
			}
		}
	case f.PublishOptions && !f.IgnoresGuard && guard != "" && n.access != guard && !(guard == Friends && byRoster(n.access)):
		return n, pep.ErrPreconditionNotMet
	}
	most := 1
	if f.ManyItems {
		most = 4
	}
	n.items = append(slices.Clip(n.without(i.ID)), i)
	n.items = n.items[max(0, len(n.items)-most):]
	return n, nil
}

// without returns the items but the one of this id.
func (n node) without(id string) []item {
	at := slices.IndexFunc(n.items, func(i item) bool { return i.ID == id })
	if at < 0 {
		return n.items
	}
	return slices.Concat(n.items[:at], n.items[at+1:])
}

// note returns the node with all items noted.
func (n node) note() node {
	n.items = slices.Clone(n.items)
	for i := range n.items {
		n.items[i].noted = true
	}
	return n
}

// revive returns the node with all items revived.
func (n node) revive() node {
	n.items = slices.Clone(n.items)
	for i := range n.items {
		n.items[i].revived = true
	}
	return n
}

// take returns the node without an item (§7.2).
func (f *Facts) take(n node, id string) (node, error) {
	if !n.exists || len(n.without(id)) == len(n.items) {
		return n, errNoItem
	}
	n.items = n.without(id)
	return n, nil
}

// setAccess returns the node under another access model (§8.2). Some servers
// then forget who may not stay subscribed.
func (w *world) setAccess(n node, a plan.AccessModel) (node, error) {
	switch {
	case !n.exists:
		return n, errNoItem
	case byRoster(a) && !w.Setting.Roster:
		return n, errNoRoster
	}
	n.access = a
	if !w.KeepsSubscribers {
		n.subscribers &= w.mayFetch(n)
	}
	return n, nil
}

// read is what the owner may read of the items (§6.5).
func (f *Facts) read(n node) ([]plan.Item, error) {
	switch {
	case !n.exists:
		return nil, errNoItem
	case byRoster(n.access) && !f.OwnerReadsRoster:
		return nil, errForbidden
	}
	var list []plan.Item
	for _, i := range n.items {
		list = append(list, i.Item)
	}
	return list, nil
}

// byRoster reports whether a lets in groups, or none of them.
func byRoster(a plan.AccessModel) bool { return a == Roster || a == Friends || a == empty }
