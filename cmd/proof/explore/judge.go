package explore

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"awayd/sync/plan"
)

// A judge holds the promise against what contacts could fetch or were told. It
// knows the calendar, the clock and what everybody did; of awayd's memory it
// knows nothing.
type judge struct {
	lived said // what was the message of its moment once
	moment
	readings int // how often awayd read the access model
	counts   int // and the members
	// former are those for whom messages were meant before the last change of the
	// audience, until awayd had a turn to act on it.
	former    Who
	regrouped bool // the group changed since awayd read the roster
	// shown says that contacts could see a message of awayd's when the last turn
	// began.
	shown  bool
	within bool // a turn is under way
	// settled says that the last turn went through and nothing happened since.
	settled bool
	// taken is the message that the person took back after such a turn, until
	// its end: it is not to be shown again.
	taken plan.Payload
	// forgone is the start of the message that the person, or a server that crashed,
	// took off the node: it need not come back.
	forgone time.Time
	// theirs is until when the person's own doing counts.
	theirs time.Time
	acted  bool // the person did, at this hour

	withdrawn int // the turn in which awayd last withdrew a message

	// widened is the turn in or after which the person let everybody in: what
	// that turn and the next one do under that access model is their doing.
	widened int

	violation *Violation
	races     int
}

// A Violation is a broken promise.
type Violation struct {
	Kind string // early, stale, outsider, leak, overwrote, override, apart, twice
	What string
}

func (v *Violation) Error() string { return v.Kind + ": " + v.What }

func (w *world) violate(kind, format string, args ...any) {
	if w.violation == nil {
		w.violation = &Violation{kind, fmt.Sprintf(format, args...)}
	}
}

// passed reports whether a message says of itself that it is over.
func (w *world) passed(p plan.Payload) bool { return !p.End.IsZero() && !p.End.After(w.now()) }

// timely reports whether a message, or the news that it is over, comes not
// before its start.
func (w *world) timely(p plan.Payload) bool {
	if w.passed(p) {
		return w.lived.hasText(p.Message)
	}
	return w.lived.has(p)
}

// live marks what the calendar says at this moment.
func (w *world) live() {
	if p, ok := w.cal.live(w.now()); ok {
		w.lived = w.lived.with(p)
	}
	if w.passed(w.taken) {
		w.taken = plan.Payload{}
	}
}

// watch is called after everything that happens: what can contacts fetch now?
func (w *world) watch() {
	w.live()
	may := w.mayFetch(w.node) & w.online
	for _, i := range w.node.items {
		if i.own || i.bared || may == nobody {
			continue
		}
		w.judgeShown(false, may, i)
	}
	if w.status != "" && !w.lived.hasText(w.status) {
		w.violate("early", "the status text is %q", w.status)
	}
	if w.status != "" && (w.byGroup() || w.NoPresence) && w.former == nobody {
		w.violate("outsider", "the status text %q reaches more than it should", w.status)
	}
}

func (w *world) judgeTold(to Who, i item) {
	if i.own || i.bared {
		return
	}
	w.judgeShown(true, to, i)
}

// judgeOverride is called when awayd publishes.
func (w *world) judgeOverride(p plan.Payload) {
	if w.taken.Message != "" && !w.passed(p) && p.Start.Equal(w.taken.Start) && w.node.access != plan.Whitelist {
		w.violate("override", "awayd publishes %q again, which the person had taken back", p.Message)
	}
}

// judgeStaging is called when awayd publishes: what makes sense, and nobody is shown
// as away who was withdrawn while what comes is staged.
func (w *world) judgeStaging(i item) {
	if i.Payload.Start.After(i.Payload.End) {
		w.violate("apart", "%q begins after its end", i.Payload.Message)
	}
	if w.passed(i.Payload) {
		return
	}
	if _, isLive := w.cal.live(w.now()); !isLive && i.ID == plan.ItemArchive && w.status != "" && w.withdrawn == w.turn {
		w.violate("stale", "the person is still shown with %q while the next message is staged", w.status)
	}
}

func (w *world) judgeShown(told bool, who Who, i item) {
	how := "can fetch"
	if told {
		how = "was told"
	}
	if !w.timely(i.Payload) {
		w.violate("early", "%s %s %q of %d:00 at %d:00", who, how, i.Payload.Message, int(i.Payload.Start.Sub(origin).Hours()), w.clock())
	}
	meant := w.audience()
	if !told || w.passed(i.Payload) || w.regrouped {
		meant |= w.former
	}
	if extra := who &^ meant; extra != nobody && !w.node.theirs && w.turn-w.widened > 1 {
		w.violate("outsider", "%s %s %q", extra, how, i.Payload.Message)
	}
}

// judgeDeleted is called when awayd deletes a node and contacts are told who could
// not see it: so they learn that something was planned.
func (w *world) judgeDeleted(to Who) {
	if to != nobody {
		w.violate("leak", "%s is told of the deletion of a node that they could not see", to)
	}
}

// judgeWrite is called after awayd changed the node: what the person published
// themselves stays, unless it came between the last look and the change.
func (w *world) judgeWrite(was node) {
	for _, i := range was.items {
		if !i.own || w.passed(i.Payload) {
			continue
		}
		kept := false
		for _, j := range w.node.items {
			kept = kept || (j.own && j.ID == i.ID)
		}
		if kept && w.mayFetch(was)&^w.mayFetch(w.node) == nobody {
			continue
		}
		if i.moment == w.moment || (w.observed.Unread && !(was.own && i.noted && was.changed < w.turn)) { // awayd could not know
			w.races++
			continue
		}
		w.violate("overwrote", "the person's own %q was removed or hidden", i.ID)
	}
}

// judgeSettled is called after a turn in which nothing was disturbed.
func (w *world) judgeSettled() {
	w.former = nobody
	w.node = w.node.note()
	want, isLive := w.cal.live(w.now())
	// Where the person took over while another text was right, that one stays.
	theirs := w.now().Before(w.theirs)
	if isLive && theirs && w.readable() && w.ownItem() {
		w.taken = want // awayd saw that the person speaks for themselves
	}
	right := func(p plan.Payload) bool {
		return isLive && p.Start.Equal(want.Start) && p.End.Equal(want.End) && (theirs || p.Message == want.Message)
	}
	for _, i := range w.node.items {
		if w.passed(i.Payload) && i.revived && w.node.theirs && !w.readable() {
			continue // as the person had made it visible; and it says that it is over
		}
		if may := w.mayFetch(w.node) & w.online; may != nobody && !i.own && !right(i.Payload) && !(i.bared && (w.unseen(w.node) || w.unreadable())) {
			w.violate(w.wrong(i.Payload), "%s can still fetch %q after a turn at %d:00", may, i.Payload.Message, w.clock())
		}
	}
	for c, h := range w.held {
		if h.id == "" || h.own || h.over || w.passed(h.p) || right(h.p) {
			continue
		}
		if h.bared && (h.lost || !w.RetractTells) {
			continue // nothing that could be said would be heard
		}
		w.violate(w.wrong(h.p), "%s still holds %q after a turn at %d:00", Who(1<<c), h.p.Message, w.clock())
	}
	if (!isLive || w.NoPresence) && w.available {
		w.violate("stale", "the person is shown as away when they should not be")
	}
	if theirs || w.unreadable() {
		return
	}
	if isLive {
		if !want.Start.Equal(w.forgone) {
			w.judgeLive(want)
		}
	} else {
		w.judgeEmpty()
		p, ok := w.cal.ahead(w.now())
		switch {
		case ok && w.PublishOptions && !p.Start.Equal(w.forgone):
			w.judgeStaged(p)
		case !ok && slices.ContainsFunc(w.node.items, func(i item) bool { return !i.own }):
			w.violate("apart", "something is on the node although nothing is planned: %v", w)
		}
	}
}

// ownItem reports whether something of the person's own is on the node, and not
// over.
func (w *world) ownItem() bool {
	return slices.ContainsFunc(w.node.items, func(i item) bool { return i.own && !w.passed(i.Payload) })
}

// readable reports whether awayd may read the items.
func (w *world) readable() bool { return !byRoster(w.node.access) || w.OwnerReadsRoster }

// unreadable reports whether the person did something on a node that awayd may
// not read, and was not told of by the server: it leaves such a node alone.
func (w *world) unreadable() bool {
	return w.node.touched && !w.readable() && !w.hears
}

// wrong names a message that should not be there.
func (w *world) wrong(p plan.Payload) string {
	if p.Start.After(w.now()) {
		return "early"
	}
	return "stale"
}

func (w *world) judgeLive(want plan.Payload) {
	if lacking := w.audience() &^ w.mayFetch(w.node); lacking != nobody {
		w.violate("apart", "%s cannot fetch the live message", lacking)
	}
	if len(w.node.items) != 1 || !same(w.node.items[0].Payload, want) || w.node.items[0].ID != plan.ItemCurrent {
		w.violate("apart", "the node does not hold the live message alone: %v", w)
	}
	informed := w.listeners(w.node) & w.audience() & w.online &^ w.missed
	for c, h := range w.held {
		if informed&(1<<c) != 0 && !same(h.p, want) {
			w.violate("apart", "%s was not told the live message", Who(1<<c))
		}
	}
	if w.NoPresence {
		return
	}
	shown := w.status == want.Message || w.byGroup() && w.status == ""
	if !shown || (!w.available && (!w.byGroup() || w.NeedsPresence)) {
		w.violate("apart", "the person is not shown as away")
	}
}

// byGroup reports whether the audience is a group of the roster.
func (w *world) byGroup() bool { return w.reach == Friends }

func (w *world) shows() bool {
	for _, i := range w.node.items {
		if !i.own && i.ID == plan.ItemCurrent && w.mayFetch(w.node) != nobody {
			return true
		}
	}
	return false
}

// judgeEmpty wants nothing to be left of what is over: not for those who come
// later, and not for those who were let in.
func (w *world) judgeEmpty() {
	n := w.node
	if w.mayFetch(n) != nobody && !n.touched && !n.theirs && w.turn-w.withdrawn <= 1 {
		w.violate("apart", "contacts are still let into the node: %v", w)
	}
	for c, h := range w.held {
		if h.id != "" && !h.own && !h.bared && w.RetractTells && w.shown && w.online&(1<<c) != 0 {
			w.violate("apart", "%s was not told that %q is gone", Who(1<<c), h.p.Message)
		}
	}
}

func (w *world) judgeStaged(want plan.Payload) {
	n := w.node
	switch {
	case w.unseen(n):
	case !n.exists || len(n.items) != 1 || !same(n.items[0].Payload, want):
		w.violate("apart", "the next message is not staged: %v", w)
	case n.access != plan.Whitelist || n.members != nobody || n.subscribers != nobody:
		w.violate("apart", "the next message is staged where contacts were let in: %v", w)
	}
}

var names = []string{"Romeo", "Mercutio", "Benvolio", "the Nurse", "Tybalt"}

// names lists who is in the set; named is its inverse.
func (who Who) names() []string {
	var list []string
	for c, name := range names {
		if who&(1<<c) != 0 {
			list = append(list, name)
		}
	}
	return list
}

func named(list []string) Who {
	who := nobody
	for c, name := range names {
		if slices.Contains(list, name) {
			who |= 1 << c
		}
	}
	return who
}

func (who Who) String() string { return strings.Join(who.names(), ", ") }
