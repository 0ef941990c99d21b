package explore

import (
	"slices"
	"time"

	"awayd/sync/plan"
)

// An event is something that happens without awayd: at a moment between two of
// its turns, or between two steps of a turn. Its name is what traces print.
type event struct {
	name string
	// can reports whether it can happen; nil: always.
	can func(*world) bool
	do  func(*world)
}

// tick is the passing of time until the next hour of interest. Between turns it
// costs nothing; in the middle of a turn it is a disturbance.
var tick = event{"time passes", func(w *world) bool { return w.hour < len(w.Hours)-1 }, func(w *world) {
	w.hour++
	w.acted = false
	w.recent = nil // the server has written everything by now
	w.watch()
}}

// forever is the hour after the last.
const forever = 1000

// ownHours is how long what the person publishes themselves is to be seen.
const ownHours = 7

// What [Setting.Only] may name.
const (
	kills        = "awayd is killed"
	fails        = "a step fails"
	setsBack     = "the clock is set back"
	restarts     = "the server is restarted"
	forgets      = "the server crashes and loses its last two writes"
	forgetsAll   = "the server crashes and loses all it wrote lately"
	publishesOwn = "the person publishes something of their own"
	removesOwn   = "the person removes what is on the node"
	opens        = "the person lets everybody into the node"
	shares       = "the person lets a group of the roster into the node"
	hides        = "the person hides the node"
	admits       = "the person makes Tybalt a member"
	deletes      = "the person's client deletes the node"
	arrives      = "the Nurse comes online"
)

// events are the disturbances from outside that can come at any moment.
var events = []event{
	tick,
	{publishesOwn, nil, func(w *world) {
		p := plan.NewPayload(w.now(), w.now().Add(ownHours*time.Hour), "own")
		w.takesOver(p.End)
		w.taken = plan.Payload{}
		// An own client may well expect a node that everybody sees, or none at all.
		_ = w.publish(item{Item: plan.Item{ID: plan.ItemCurrent, Payload: p}, own: true, moment: w.moment}, "")
		w.node.touched = true
	}},
	{"the person stages something of their own, without an end", nil, func(w *world) {
		p := plan.NewPayload(w.now().Add(ownHours*time.Hour), time.Time{}, "own")
		w.takesOver(at(forever))
		w.taken = plan.Payload{}
		_ = w.publish(item{Item: plan.Item{ID: plan.ItemArchive, Payload: p}, own: true, moment: w.moment}, "")
		w.node.touched = true
	}},
	{removesOwn, func(w *world) bool { return len(w.node.items) > 0 }, func(w *world) {
		w.takesBack()
		for _, i := range w.node.items {
			_ = w.retract(i.ID, true, true)
		}
		w.shutOut(all)
		w.node.touched = true
	}},
	{opens, func(w *world) bool { return w.node.exists && w.node.access != plan.Open }, func(w *world) {
		w.takesOver(time.Time{})
		w.widened = w.turn
		w.taken = plan.Payload{}
		_ = w.configure(plan.Open, true)
	}},
	{shares, func(w *world) bool { return w.node.exists && w.Setting.Roster && w.node.access != Roster }, func(w *world) {
		w.takesOver(time.Time{})
		w.widened = w.turn
		w.taken = plan.Payload{}
		w.shutOut(all &^ w.friends)
		_ = w.configure(Roster, true)
	}},
	{hides, func(w *world) bool { return w.node.exists && w.node.access != plan.Whitelist }, func(w *world) {
		w.takesBack()
		w.shutOut(all)
		_ = w.configure(plan.Whitelist, true)
	}},
	{admits, func(w *world) bool { return w.node.exists && w.node.members&Tybalt == 0 }, func(w *world) {
		w.takesOver(time.Time{})
		_ = w.admit(w.node.members|Tybalt, true)
	}},
	{deletes, func(w *world) bool { return w.node.exists }, func(w *world) {
		// Nothing tells this from a server that lost the node.
		w.taken = plan.Payload{}
		if w.node.theirs {
			w.widened = w.turn // awayd may be taking down what they opened
		}
		_ = w.remove(true)
		w.shutOut(all)
	}},
	{"the person's phone comes online", func(w *world) bool { return !w.phone }, func(w *world) { w.phone = true }},
	{"the person's phone goes offline", func(w *world) bool { return w.phone }, func(w *world) { w.phone = false }},
	{arrives, func(w *world) bool { return w.online&Nurse == 0 }, func(w *world) { w.arrive(Nurse) }},
	{"the Nurse goes offline", func(w *world) bool { return w.online&Nurse != 0 }, func(w *world) { w.depart(Nurse) }},
	{"Benvolio joins the group", func(w *world) bool { return w.byGroup() && w.friends&Benvolio == 0 }, func(w *world) { w.regroup(w.friends | Benvolio) }},
	{"Mercutio leaves the group", func(w *world) bool { return w.byGroup() && w.friends&Mercutio != 0 }, func(w *world) { w.regroup(w.friends &^ Mercutio) }},
	{restarts, nil, func(w *world) { w.restart() }},
	{"the server crashes and loses its last write", func(w *world) bool { return len(w.recent) > 0 }, func(w *world) { w.crash(1) }},
	{forgets, func(w *world) bool { return len(w.recent) > 1 }, func(w *world) { w.crash(2) }},
	{forgetsAll, func(w *world) bool { return len(w.recent) > 2 }, func(w *world) { w.crash(len(w.recent)) }},
	{"the server loses all data", func(w *world) bool { return w.node.exists }, func(w *world) {
		w.taken = plan.Payload{}
		w.node, w.recent = node{}, nil
		w.shutOut(all)
		w.restart()
	}},
	{"the connection breaks", func(w *world) bool { return w.connected }, func(w *world) { w.disconnect() }},
}

// regroup changes who is in the group of the roster. Nobody who joins is told
// what is on the node.
func (w *world) regroup(friends Who) {
	w.former |= w.audience()
	w.regrouped = true
	w.missed |= friends &^ w.friends
	left := w.friends &^ friends
	w.friends = friends
	w.settled = false
	if !w.KeepsSubscribers {
		w.node.subscribers &= w.mayFetch(w.node)
	}
	w.shutOut(left &^ w.listeners(w.node)) // whom nobody can tell any more
	w.subscribe()
	w.watch()
}

// takesOver records that the person acted on the node, so that it need not be
// in step with the calendar until the period is over, or until what they
// published is.
func (w *world) takesOver(until time.Time) {
	w.settled, w.acted = false, true
	p, ok := w.cal.live(w.now())
	if !ok {
		p, ok = w.cal.ahead(w.now())
	}
	if ok && p.End.After(until) {
		until = p.End
	}
	// What they published reaches into a period: awayd leaves that one to them, too.
	if next, ok := w.cal.live(until.Add(-time.Second)); ok && next.End.After(until) {
		until = next.End
	}
	if until.After(w.theirs) {
		w.theirs = until
	}
}

// takesBack is takesOver by removing or hiding awayd's message: if awayd could
// know that it was whole before, it is not shown again.
func (w *world) takesBack() {
	settled := w.settled
	w.takesOver(time.Time{})
	w.forgo(w.node.items)
	w.forgive()
	// Where a group may be members too, a hidden node is one whose group is empty.
	ambiguous := w.byGroup() && w.MembersTold
	if !settled || !w.readable() || ambiguous || w.taken.Message != "" {
		return
	}
	for _, i := range w.node.items {
		if !i.own && !w.passed(i.Payload) {
			w.taken = i.Payload
		}
	}
}

// forgo remembers the last of awayd's items that were taken off, and reports
// whether there was one: who takes it off means the absence that it is for,
// whatever the calendar says by now.
func (w *world) forgo(items []item) bool {
	found := false
	for _, i := range items {
		if !i.own && (!found || i.Payload.Start.After(w.forgone)) {
			w.forgone, found = i.Payload.Start, true
		}
	}
	return found
}

// shutOut forgets what those were told whom awayd cannot reach any more: it
// cannot tell them of the end, and their clients have the <end> they were told.
func (w *world) shutOut(who Who) {
	for c := range w.held {
		if who&(1<<c) != 0 {
			w.held[c] = held{}
		}
	}
}

// forgive forgets what contacts were told by the person's own doing, once the
// person undoes it: awayd may never have seen it.
func (w *world) forgive() {
	for c, h := range w.held {
		if h.bared {
			w.held[c] = held{}
		}
	}
}

// bare marks everything that contacts can see before its time by the person's
// own doing.
func (w *world) bare(n node) []item {
	items := make([]item, len(n.items))
	for k, i := range n.items {
		want, isLive := w.cal.live(w.now())
		if !i.own && !(isLive && same(i.Payload, want)) {
			i.bared, i.unseen = true, i.unseen || w.within
		}
		items[k] = i
	}
	return items
}

// bareStaged marks a staged message that contacts can see by the person's own
// doing, in time until the clock went back.
func (w *world) bareStaged() {
	items := slices.Clone(w.node.items)
	for k, i := range items {
		if i.own || i.ID != plan.ItemArchive || !i.Payload.Start.After(w.now()) {
			continue
		}
		items[k].bared = true
		for c, h := range w.held {
			w.held[c].bared = h.bared || h.id == i.ID && same(h.p, i.Payload)
		}
	}
	w.node.items = items
}

// restart ends every connection; clients come back at once.
func (w *world) restart() {
	w.disconnect()
	back := w.online
	w.depart(all)
	for c := Romeo; c <= Tybalt; c <<= 1 {
		if back&c != 0 {
			w.arrive(c)
		}
	}
}

// crash undoes the last n writes.
func (w *world) crash(n int) {
	if w.taken.Message != "" {
		w.taken = plan.Payload{}
	}
	had, audience := w.node.items, w.node.access
	w.node = w.recent[len(w.recent)-n].revive()
	w.recent = nil
	w.settled = false
	w.node.touched = w.node.exists
	if !w.shows() {
		w.shutOut(all)
	}
	left := slices.ContainsFunc(w.node.items, func(i item) bool { return !i.own })
	gone := w.node.exists && !left && w.forgo(had)
	// A node that was opened to others before the last change of the audience.
	reopened := w.node.exists && w.node.access != plan.Whitelist && w.node.access != audience && w.reach != w.Audience
	w.node.theirs = w.node.theirs || reopened
	if gone || reopened || !w.readable() {
		// To awayd it looks as if the person had removed its message or changed
		// who may see it, or as if nothing had happened.
		w.takesOver(time.Time{})
	}
	w.restart()
}

// edits are the changes of the calendar that lead to other editions.
func edits(from calendar) []calendar {
	var list []calendar
	for f := range firsts {
		list = append(list, calendar{uint8(f), from.second})
	}
	for s := range seconds {
		list = append(list, calendar{from.first, uint8(s)})
	}
	var other []calendar
	for _, c := range list {
		if c != from && c.fits() {
			other = append(other, c)
		}
	}
	return other
}

func (c calendar) change(to calendar) string {
	if c.first != to.first {
		return "calendar: " + firsts[to.first].what
	}
	return "calendar: " + seconds[to.second].what
}

func (w *world) edit(to calendar) {
	w.cal, w.settled, w.taken = to, false, plan.Payload{}
	if w.now().Before(w.theirs) {
		w.takesOver(w.theirs) // what is the person's doing holds for the period as it is now
	}
	w.live()
}

// stepBack sets the clock to the hour of interest before.
func (w *world) stepBack() {
	w.hour--
	w.settled, w.taken, w.recent = false, plan.Payload{}, nil
	if w.node.theirs {
		w.bareStaged()
	}
	if w.acted {
		w.takesOver(time.Time{})
	}
	w.watch()
}
