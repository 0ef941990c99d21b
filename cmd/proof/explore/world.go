package explore

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"awayd/sync/plan"
)

// A Setting is what a path of the exploration is run under.
type Setting struct {
	Facts
	Audience plan.AccessModel
	Hours    []int // at which something happens, in order
	// Plan is what becomes of the calendar by itself, from an hour on. It is no
	// disturbance.
	Plan Plan
	// NoPresence has the person not shown as away.
	NoPresence bool
	// Only are the disturbances that come; nil: all.
	Only []string
}

// A Plan is what awayd hears at an hour: another edition of the calendar, and
// another audience unless it is empty. Of hour 0 there is none.
type Plan struct {
	Name     string
	hour     int
	to       calendar
	audience plan.AccessModel
}

// The plans that are explored besides a calendar that stays as it is.
var (
	Renamed    = Plan{"the first has another text, known at 8:00", 8, calendar{3, 1}, ""}
	Cancelled  = Plan{"the first is removed at 15:00", 15, calendar{0, 1}, ""}
	Extended   = Plan{"the first ends at 24:00, known at 15:00", 15, calendar{4, 1}, ""}
	BackToBack = Plan{"the second begins when the first ends, known at 15:00", 15, calendar{1, 2}, ""}
	Narrowed   = Plan{"the audience is presence from 15:00", 15, beginning, plan.Presence}
	ToFriends  = Plan{"the audience is the group from 15:00", 15, beginning, Friends}
	ToAll      = Plan{"the audience is open from 15:00", 15, beginning, plan.Open}
)

// A world is everything outside of awayd's memory: a server with the person's
// node and connections, the contacts and what they know, the calendar, the
// clock, what awayd stored; and what the judge of the exploration remembers.
//
// It is a value: a copy is independent of the original.
type world struct {
	*Setting
	hour    int // index into Hours
	cal     calendar
	reach   plan.AccessModel // the audience now
	friends Who              // who is in the group of the roster
	node    node
	// recent holds what the node was before each of the last writes, oldest
	// first: a crash may bring it back.
	recent []node

	connected bool // awayd is
	available bool // awayd's connection is, to contacts
	status    string
	reached   Who  // contacts whose presence has come to awayd's connection
	hears     bool // awayd's connection was told of its own node, while available
	heard     []plan.Item
	phone     bool // the person's other client is available
	online    Who
	// missed are those who came online while nobody was there through whom the
	// server could tell them. They see the status text, and may ask.
	missed Who
	held   [5]held // by contact

	journal  plan.Journal // stored
	tried    plan.Journal // the last that was to be stored
	observed plan.Observed
	looked   int // index into Hours, of the last look

	judge
	told func(to Who, what string) // of a probe
}

// held is what a contact was told last and has not been told the end of.
type held struct {
	id    string // empty: nothing
	p     plan.Payload
	bared bool
	lost  bool // awayd did not see that it was bared
	own   bool
	over  bool // it said so when it was told
}

func newWorld(s *Setting) world {
	return world{Setting: s, cal: beginning, reach: s.Audience, friends: group, online: all &^ Nurse, judge: judge{widened: -2, withdrawn: -1}}
}

func (w *world) now() time.Time { return at(w.clock()) }

// clock is the hour that it is.
func (w *world) clock() int { return w.Hours[w.hour] }

// everybody who is meant to see messages.
func (w *world) audience() Who {
	switch w.reach {
	case plan.Open:
		return all
	case plan.Presence:
		return roster
	}
	return w.friends
}

// become makes n the node, which a crash may undo.
func (w *world) become(n node) {
	if w.LosesWrites {
		w.recent = append(w.recent[:len(w.recent):len(w.recent)], w.node)
	}
	w.node = n
	w.subscribe()
	w.watch()
}

// unseen reports whether the person let contacts in and hid the node again, on a
// server that keeps who subscribed meanwhile and does not list them: awayd cannot
// know unless it looked in between, or was told.
func (w *world) unseen(n node) bool {
	return n.theirs && n.access == plan.Whitelist && n.subscribers != nobody && !n.known
}

// subscribe has Mercutio do so if he may. He is sent the last item at once
// (XEP-0060 §6.1.7).
func (w *world) subscribe() {
	if w.online&Mercutio != 0 && w.node.subscribers&Mercutio == 0 {
		_ = w.enroll(Mercutio) // he tries, and may be refused
	}
}

func (w *world) enroll(c Who) error {
	switch {
	case !w.node.exists:
		return errNoItem
	case w.mayFetch(w.node)&c == 0:
		return errForbidden
	}
	w.node.subscribers |= c
	w.sendLast(c)
	return nil
}

func (w *world) sendLast(to Who) {
	if n := len(w.node.items); n > 0 {
		w.tell(to, w.node.items[n-1])
	}
}

// hear is which of the listeners a notification reaches: some servers send it
// through the owner's own available connections. Explicit subscribers are sent
// it by the node itself.
func (w *world) hear(n node) Who {
	who := w.listeners(n) & w.online
	if !w.NeedsPresence || w.phone {
		return who
	}
	if !w.available {
		return who & n.subscribers
	}
	return who & (w.reached | n.subscribers)
}

// tell sends an item to contacts.
func (w *world) tell(to Who, i item) {
	if to == nobody {
		return
	}
	w.judgeTold(to, i)
	if w.told != nil {
		w.told(to, fmt.Sprintf("%s %q", i.ID, i.Payload.Message))
	}
	for c := range w.held {
		if to&(1<<c) != 0 {
			w.held[c] = held{id: i.ID, p: i.Payload, bared: i.bared, lost: i.unseen, own: i.own, over: w.passed(i.Payload)}
		}
	}
}

// takeBack tells contacts that an item is gone; an empty id, that the node is.
func (w *world) takeBack(from Who, id string) {
	if w.told != nil {
		w.told(from, strings.TrimSpace("gone: "+id))
	}
	for c, h := range w.held {
		if from&(1<<c) != 0 && (id == "" || h.id == id) {
			w.held[c] = held{}
		}
	}
}

// The owner's rights, used by awayd as well as by the person's other client.

func (w *world) publish(i item, guard plan.AccessModel) error {
	// No guard names the members (XEP-0060 has none for affiliations).
	if !i.own && w.node.members&^w.audience() != nobody && w.node.admitted == w.counts {
		i.bared = true
		w.races++
	}
	if !i.own && w.node.known && w.node.made == w.readings { // nor who made the node
		w.node.known = false
		w.races++
	}
	if !i.own && (w.unseen(w.node) || w.closes(i)) {
		i.bared = true
	}
	if !i.own && w.IgnoresGuard && w.node.opened == w.readings { // nor does this one care
		i.bared = true
		w.races++
	}
	n, err := w.put(w.node, i, guard)
	if err != nil {
		w.node.known = w.node.known || !i.own
		return err
	}
	if i.own && !w.node.exists {
		n.made = w.readings
	}
	if !i.own {
		w.judgeStaging(i)
	}
	w.become(n)
	w.missed = nobody // all who are online are to hear of it
	if !i.own {
		w.judgeOverride(i.Payload)
	}
	// After the contacts could fetch it, since they hear of it then.
	w.tell(w.hear(n), n.items[len(n.items)-1])
	w.listen()
	return nil
}

// closes reports whether i tells the end of what the person had let contacts see.
func (w *world) closes(i item) bool {
	return w.passed(i.Payload) && slices.ContainsFunc(w.node.items, func(was item) bool {
		return was.bared && was.Payload.Message == i.Payload.Message
	})
}

func (w *world) retract(id string, notify, theirs bool) error {
	n, err := w.take(w.node, id)
	if err != nil {
		return err
	}
	if notify && w.RetractTells {
		w.takeBack(w.hear(n), id)
	}
	w.become(n)
	if !theirs || w.RetractTells {
		w.heard = slices.DeleteFunc(slices.Clone(w.heard), func(i plan.Item) bool { return i.ID == id })
	}
	return nil
}

func (w *world) configure(a plan.AccessModel, theirs bool) error {
	n, err := w.setAccess(w.node, a)
	if err != nil {
		return err
	}
	n.touched = n.touched || theirs
	n.theirs = theirs || n.members&Tybalt != 0 // whom nobody but the person lets in
	if theirs {
		n.items, n.opened, n.changed = w.bare(n), w.readings, w.turn
	}
	n.silent = n.silent || (a == plan.Whitelist && !theirs) // pubsub#notify_delete
	w.become(n)
	return nil
}

func (w *world) admit(members Who, theirs bool) error {
	if !w.node.exists {
		return errNoItem
	}
	if !theirs && !w.MembersTold {
		w.violate("apart", "members are let in on a server that tells them nothing")
	}
	n := w.node
	n.members, n.theirs = members, theirs || n.theirs
	if theirs {
		n.items, n.admitted, n.touched = w.bare(n), w.counts, true
	}
	w.become(n)
	return nil
}

func (w *world) remove(theirs bool) error {
	if !w.node.exists {
		return errNoItem
	}
	n := w.node
	if w.TellsDeletion && !n.silent {
		to := w.hear(n) | roster&w.online
		if !theirs {
			w.judgeDeleted(to &^ w.mayFetch(n))
		}
		w.takeBack(to, "")
	}
	w.become(node{})
	if !theirs || w.TellsDeletion {
		w.heard = nil
	}
	return nil
}

// appear makes awayd's connection available. Contacts' presence comes to it
// some moments later, see gather.
func (w *world) appear(status string) {
	if !w.available {
		w.reached = nobody
		w.available = true
		w.listen()
	}
	w.status = status
	w.watch()
}

// listen is what awayd's own available connection hears: the last item, when it
// is published and when the connection becomes available.
func (w *world) listen() {
	if n := len(w.node.items); w.available && n > 0 && !w.OwnerDeaf {
		w.hears, w.heard = true, []plan.Item{w.node.items[n-1].Item}
	}
}

func (w *world) disappear() {
	w.available, w.status, w.reached = false, "", nobody
	w.hears, w.heard = false, nil
}

func (w *world) gather() {
	if w.available {
		w.reached = w.online & roster
	}
}

func (w *world) contacts() int64 { return int64(bits.OnesCount8(uint8(w.reached))) }

func (w *world) disconnect() {
	w.connected = false
	w.disappear()
}

// arrive has a contact come online: they are sent the last item of every node
// that they may see (XEP-0163 §4.3.4).
func (w *world) arrive(c Who) {
	w.online |= c
	if w.available {
		w.reached |= c & roster
	}
	w.subscribe()
	told := w.hear(w.node) & c
	w.sendLast(told)
	w.missed |= c &^ told
	w.watch()
}

// depart has contacts go offline; what their clients knew is gone.
func (w *world) depart(who Who) {
	w.online &^= who
	w.reached &^= who
	for c := range w.held {
		if who&(1<<c) != 0 {
			w.held[c] = held{}
		}
	}
}

func (w *world) String() string {
	s := fmt.Sprintf("%d:00", w.clock())
	if !w.node.exists {
		return s + ", no node"
	}
	s += ", " + string(w.node.access)
	if w.node.subscribers != 0 {
		s += ", subscribed to"
	}
	for _, i := range w.node.items {
		s += fmt.Sprintf(", %s %q", i.ID, i.Payload.Message)
	}
	return s
}
