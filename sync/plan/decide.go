package plan

import (
	"time"

	"awayd/sync/absence"
)

// A Wish is what should be true of one person's node.
type Wish struct {
	absence.Timeline
	// Audience is the access model of a visible message.
	Audience AccessModel
}

// Decide returns what is to be done now to bring the node in line with the
// wish, in order. It returns nothing when nothing is to be done, and it never
// touches what awayd did not write.
func Decide(w Wish, o Observed, j Journal, now time.Time) []Action {
	d := decision{wish: w, seen: o, journal: j, now: now}
	d.live, d.isLive = w.At(now)
	d.next, d.hasNext = w.After(now)
	for _, i := range o.Items {
		switch {
		case j.Wrote(i) && i.ID == ItemCurrent:
			d.current = &i
		case j.Wrote(i):
			d.archive = &i
		case i.Payload.End.IsZero() || i.Payload.End.After(now):
			d.foreign = true
		}
	}
	if o.Unread {
		d.standIn()
	}
	return d.decide()
}

// standIn takes what awayd published last for what the server does not show.
// What awayd never published there is the person's own.
func (d *decision) standIn() {
	seen := d.journal.Seen
	revealed := Item{ID: ItemCurrent}
	if d.begun() == Reveal {
		revealed.Payload = d.journal.Begun.Payload
	}
	switch {
	case d.journal.Wrote(revealed): // perhaps published already
		d.current = &revealed
	case seen == nil && (d.journal.Clean || d.seen.Access == d.journal.Audience || d.begun() == Withdraw):
		// Perhaps staged, or brought back by a server that crashed, or not yet taken off.
		d.archive = &Item{ID: ItemArchive}
	case seen == nil:
		d.foreign = true
	case seen.ID == ItemCurrent:
		d.current = seen
	default:
		d.archive = seen
	}
}

// A decision is one run of Decide.
type decision struct {
	wish    Wish
	seen    Observed
	journal Journal
	now     time.Time

	live, next      absence.Period
	isLive, hasNext bool
	current         *Item // awayd's own items on the node
	archive         *Item
	foreign         bool // the person has something of their own there, and it is not over
}

func (d *decision) decide() []Action {
	switch {
	case d.foreign:
		return d.besideForeign()
	case d.isLive:
		return d.during()
	default:
		return d.between()
	}
}

// besideForeign leaves the person's own item alone: only what awayd itself has
// visible at the wrong time goes.
func (d *decision) besideForeign() []Action {
	if !d.isLive && d.mine() && !d.seen.Hidden() {
		a := d.withdraw()
		a.Spare = true
		return []Action{a}
	}
	if d.isLive && !d.overridden(d.live) {
		return []Action{d.yield(d.live, "something on the node was not published by awayd")}
	}
	return nil
}

// during decides within a period.
func (d *decision) during() []Action {
	if d.overridden(d.live) {
		return nil
	}
	want := NewPayload(d.live.Start, d.live.End, d.live.Message(d.now))
	if !d.seen.Exists {
		return []Action{d.reveal(want, false, d.journal.Seen != nil)}
	}
	if d.vanished() && isOf(d.journal.Seen.Payload, d.live) {
		return []Action{d.yield(d.live, "awayd's message was removed from the node by another client")}
	}
	switch {
	case !d.changing() && d.current != nil && isOf(d.current.Payload, d.live) && d.journal.Audience != "" && !d.seen.openTo(d.journal.Audience):
		return []Action{d.yield(d.live, "who may see the node was changed by another client")}
	case d.strangers():
		// They are told the end, and lose the node they may be subscribed to.
		return []Action{d.withdraw(), d.reveal(want, false, false)}
	case d.current == nil || d.archive != nil || !d.seen.Fits(d.wish.Audience) || d.begun() == Reveal:
		fresh := !d.journal.Clean && !d.mine()
		return []Action{d.reveal(want, fresh, false)}
	case !d.current.Payload.Equal(want) || d.begun() == Amend:
		return []Action{d.amend(want)}
	}
	return nil
}

// strangers reports whether somebody can see awayd's message for whom it is not
// meant, because the audience is a narrower one now.
func (d *decision) strangers() bool {
	if !d.mine() || d.seen.Hidden() {
		return false
	}
	if d.seen.openTo(d.wish.Audience) {
		return d.seen.Circle != nil && (d.seen.Circle.Strangers || d.regrouped())
	}
	// Members of a hidden node stay what they are when it is opened to others,
	// whom then they need not be among for ever: that takes another node too.
	return d.seen.Access == Whitelist || !d.seen.Access.within(d.wish.Audience)
}

// regrouped reports whether others are in the group than when the server was
// asked to let it in. On some servers who left keeps what they subscribed to, and
// who joined was told of nothing.
func (d *decision) regrouped() bool {
	return d.seen.Access != Whitelist && d.seen.Circle.Digest != d.journal.Circle
}

// between decides outside every period.
func (d *decision) between() []Action {
	if !d.seen.Exists {
		return d.stageNext(false, true)
	}
	unfinished := d.begun() == Withdraw && !d.journal.Clean
	if (d.mine() && !d.seen.Hidden()) || unfinished {
		return append([]Action{d.withdraw()}, d.stageNext(false, true)...)
	}
	if d.vanished() && d.hasNext && !d.overridden(d.next) && d.journal.Seen.Payload.Equal(staged(d.next)) {
		return []Action{d.yield(d.next, "the staged message was removed from the node by another client")}
	}
	if !d.hasNext || d.overridden(d.next) || d.seen.Openly {
		if d.mine() {
			return []Action{d.unstage()}
		}
		return nil
	}
	// A node is not trusted that is empty or holds something older: a server that
	// crashed may have brought back one that was deleted a second before, with all
	// who were subscribed to it.
	clean := d.seen.Hidden() && d.journal.Clean && d.archive != nil && d.latest(d.archive.Payload)
	if clean && d.current == nil && d.archive.Payload.Equal(staged(d.next)) {
		return nil
	}
	return d.stageNext(!clean, false)
}

// latest reports whether p is what awayd put on the node last.
func (d *decision) latest(p Payload) bool {
	return d.journal.Seen != nil && d.journal.Seen.Payload.Equal(p)
}

// staged is what is published ahead of p.
func staged(p absence.Period) Payload { return NewPayload(p.Start, p.End, p.Message(p.Start)) }

// shown is what awayd has on the node: what is visible rather than what is
// staged. The payload is empty if there is nothing.
func (d *decision) shown() Payload {
	switch {
	case d.current != nil:
		return d.current.Payload
	case d.archive != nil:
		return d.archive.Payload
	}
	return Payload{}
}

// periodOf returns the period that a payload was published for, if the calendar
// still has it.
func (d *decision) periodOf(p Payload) (absence.Period, bool) {
	for _, q := range d.wish.Periods {
		if isOf(p, q) {
			return q, true
		}
	}
	return absence.Period{}, false
}

// isOf reports whether p was published for the period q, with whichever of its
// texts.
func isOf(p Payload, q absence.Period) bool {
	s := staged(q)
	return s.Start.Equal(p.Start) && s.End.Equal(p.End)
}

func (d *decision) mine() bool { return d.current != nil || d.archive != nil }

// begun is the kind of the action that was cut short, if one was.
func (d *decision) begun() Kind {
	if d.journal.Begun == nil {
		return ""
	}
	return d.journal.Begun.Kind
}

// changing reports whether awayd itself may have been changing who may see the
// node.
func (d *decision) changing() bool {
	return d.begun() == Reveal || d.begun() == Amend || d.begun() == Withdraw
}

// vanished reports whether awayd's item disappeared from a node that is still
// there, without awayd having begun anything that could have removed it.
func (d *decision) vanished() bool {
	untouched := d.begun() == "" || d.begun() == Yield
	return d.journal.Seen != nil && untouched && !d.mine()
}

func (d *decision) overridden(p absence.Period) bool {
	return d.journal.Overrides(p, d.now)
}

func (d *decision) stageNext(fresh, missing bool) []Action {
	if !d.hasNext || d.overridden(d.next) || d.seen.Openly {
		return nil
	}
	return []Action{{
		Kind: Stage, Payload: staged(d.next), Fresh: fresh, Missing: missing,
		Recover: !d.seen.Exists && d.journal.Seen != nil,
		Reason:  d.reasonStage(), Period: d.next.Key(), UIDs: uids(d.next),
	}}
}

func (d *decision) reveal(p Payload, fresh, recovering bool) Action {
	a := Action{
		Kind: Reveal, Payload: p, Fresh: fresh, Recover: recovering, Audience: d.wish.Audience,
		Reason: d.reasonReveal(recovering), Period: d.live.Key(), UIDs: uids(d.live),
	}
	if d.seen.Circle != nil {
		a.Circle = d.seen.Circle.Digest
	}
	return a
}

func (d *decision) amend(p Payload) Action {
	return Action{
		Kind: Amend, Payload: p,
		Reason: d.reasonAmend(p), Period: d.live.Key(), UIDs: uids(d.live),
	}
}

func (d *decision) unstage() Action {
	return Action{Kind: Unstage, Reason: d.reasonUnstage() + ": the hidden message is taken off the node"}
}

func (d *decision) yield(p absence.Period, why string) Action {
	a := Action{
		Kind: Yield, Reason: why + "; left alone until " + clock(p.End, p),
		Period: p.Key(), Until: p.End, UIDs: uids(p),
	}
	for _, x := range p.Absences {
		a.Absences = append(a.Absences, x.Fingerprint())
	}
	return a
}

// withdraw closes what is visible. The closing message carries an end that has
// passed, because some servers never tell contacts of a retraction.
func (d *decision) withdraw() Action {
	a := Action{Kind: Withdraw, Reason: d.reasonWithdraw()}
	if was, ok := d.periodOf(d.shown()); ok {
		a.Period, a.UIDs = was.Key(), uids(was)
	}
	p := d.shown()
	// What was staged is told to those who come between the opening of the node and
	// the publish.
	unsaid := d.current == nil && (p.Start.IsZero() || p.Start.After(d.now)) && !d.told(p)
	if unsaid || (d.current == nil && d.foreign) {
		a.Quiet = true
		return a
	}
	if now := d.now.Truncate(time.Second).UTC(); p.End.IsZero() || p.End.After(now) {
		p.End = now
	}
	if p.Start.After(p.End) {
		p.Start = p.End
	}
	// What an attempt that was cut short was to tell is told again: another end
	// each time would be another hash each time, for the journal to keep.
	if d.begun() == Withdraw && d.journal.Begun.Payload.endsBy(p) {
		p = d.journal.Begun.Payload
	}
	a.Payload = p
	return a
}

// told reports whether contacts were told p, or met it on a node that was being
// opened, even if the server went back to what it was before and so did the
// clock.
func (d *decision) told(p Payload) bool {
	if begun := d.journal.Begun; d.begun() == Reveal && begun.Payload.Start.Equal(p.Start) {
		return true
	}
	seen := d.journal.Seen
	return seen != nil && seen.ID == ItemCurrent && seen.Payload.Equal(p)
}

func uids(p absence.Period) []string {
	var ids []string
	for _, a := range p.Absences {
		ids = append(ids, a.UID)
	}
	return ids
}
