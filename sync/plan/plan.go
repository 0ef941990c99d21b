// Package plan decides what must be done on a person's out-of-office node.
//
// [Decide] compares what the calendars ask for (an [absence.Timeline]), what
// the server was observed to hold and what awayd remembers having done, and
// returns the next actions with their reasons. It is pure, total and
// idempotent: no I/O, no logger, no clock.
package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"reflect"
	"slices"
	"time"

	"awayd/sync/absence"
)

// A Kind is what an action does to the node.
type Kind string

// The kinds of action. The log and preview use the same words.
const (
	// Stage publishes the next message hidden under the whitelist model,
	// replacing one that was hidden there before.
	Stage Kind = "stage"
	// Unstage takes awayd's own items off a node that no contact may see.
	Unstage Kind = "unstage"
	// Reveal makes the message of a period that has begun visible.
	Reveal Kind = "reveal"
	// Amend publishes a changed message in a period that is visible.
	Amend Kind = "amend"
	// Withdraw tells contacts that the absence is over and hides the node.
	Withdraw Kind = "withdraw"
	// Yield touches nothing: it records that the person's own doing on the node
	// wins until the period is over.
	Yield Kind = "override"
)

// A Payload is the content of one <ooo/> element (XEP-0109 §4). Times are in
// UTC and whole seconds.
type Payload struct {
	Start   time.Time `json:"start"` // zero: <start/> was empty, meaning at once
	End     time.Time `json:"end"`   // zero: <end/> was empty, meaning never
	Message string    `json:"message"`
}

// NewPayload returns a payload whose times are what the wire can carry: a start
// between two seconds moves to the later one, so that it is never early.
func NewPayload(start, end time.Time, message string) Payload {
	up := start.Truncate(time.Second)
	if up.Before(start) {
		up = up.Add(time.Second)
	}
	return Payload{Start: up.UTC(), End: end.Truncate(time.Second).UTC(), Message: message}
}

// Hash identifies the payload in the journal. It depends on nothing but the
// three values, so a server may rewrite the XML.
func (p Payload) Hash() string {
	h := sha256.New()
	for _, s := range []string{stamp(p.Start), stamp(p.End), p.Message} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Equal reports whether p and q say the same.
func (p Payload) Equal(q Payload) bool { return p.Hash() == q.Hash() }

// endsBy reports whether p says of the same message as q that it ended, and no
// later. What had not begun when it ended has no start of its own.
func (p Payload) endsBy(q Payload) bool {
	same := p.Start.Equal(q.Start) || p.Start.Equal(p.End) && q.Start.Equal(q.End)
	return same && p.Message == q.Message && !p.End.IsZero() && !p.End.After(q.End)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// Item ids on the node (XEP-0109 §4, §5).
const (
	ItemCurrent = "current" // what contacts are to see
	ItemArchive = "archive" // what is staged
)

// An Item is one item as the server returned it.
type Item struct {
	ID      string  `json:"id"`
	Payload Payload `json:"payload"`
	// Odd marks an item that does not read as an <ooo/> element at all. awayd
	// never wrote it.
	Odd bool `json:"odd,omitempty"`
}

// Observed is what the server was seen to hold.
type Observed struct {
	Exists bool        `json:"exists"` // the node is there
	Access AccessModel `json:"access,omitempty"`
	Items  []Item      `json:"items,omitempty"`
	// Guests says that somebody but the owner has an affiliation with the node.
	Guests bool `json:"guests,omitempty"`
	// Unread says that the server does not show the items to their owner, as
	// some do under the roster model, and that the owner was not told of them
	// either: what was seen last stands in for them.
	Unread bool `json:"unread,omitempty"`
	// Openly says that the server cannot hide an item, see [ErrUnhideable]: nothing
	// is staged there.
	Openly bool `json:"openly,omitempty"`
	// ByMembers says that this server tells the members of a node that is
	// hidden, which is how a roster group is let in where there is no roster
	// model.
	ByMembers bool `json:"by_members,omitempty"`
	// Circle is the group that is the audience; nil if the audience is none.
	Circle *Circle `json:"circle,omitempty"`
}

// Hidden reports whether no contact may fetch the node's items.
func (o Observed) Hidden() bool { return !o.Exists || (o.Access == Whitelist && !o.Guests) }

// A Journal is what awayd remembers of one node across restarts. It is written
// before the server is told, so that a crash between any two steps leaves
// nothing unexplained.
type Journal struct {
	// Sent holds the hash of every payload that may be on the node because
	// awayd put it there, with the moment it was recorded.
	Sent map[string]time.Time `json:"sent,omitempty"`
	// Clean says that awayd made the node that is there and no contact was ever
	// let into it. Only such a node may carry a staged message, because
	// subscriptions and affiliations outlive a change of the access model.
	Clean bool `json:"clean,omitempty"`
	// Begun is the action that was begun and is not known to be finished. It is
	// whole, so that the log can tell of it after a crash.
	Begun *Action `json:"begun,omitempty"`
	// Seen is awayd's own item as the server last showed it, or said to have
	// taken it.
	Seen *Item `json:"seen,omitempty"`
	// Audience is the access model that awayd last opened the node with. Another
	// one is the person's doing.
	Audience AccessModel `json:"audience,omitempty"`
	// Circle is the [Circle.Digest] of the group when awayd last opened the node
	// to one.
	Circle string `json:"circle,omitempty"`
	// Override is the period that the person took into their own hands.
	Override *Override `json:"override,omitempty"`
	// Activity is what is known of the activity node; nil: nothing of awayd's is
	// there.
	Activity *Activity `json:"activity,omitempty"`
}

// Wrote reports whether awayd put this item on the node.
func (j Journal) Wrote(i Item) bool {
	_, ok := j.Sent[i.Payload.Hash()]
	return ok && !i.Odd
}

// Presses reports whether contacts may see, or miss, something at now for as
// long as nobody looks: something is visible, begun, or staged for a time that
// has come.
func (j Journal) Presses(now time.Time) bool {
	return j.Begun != nil || j.Seen != nil && (j.Seen.ID == ItemCurrent || !j.Seen.Payload.Start.After(now))
}

// Equal reports whether both journals remember the same.
func (j Journal) Equal(k Journal) bool {
	if (j.Seen == nil) != (k.Seen == nil) || (j.Override == nil) != (k.Override == nil) {
		return false
	}
	if j.Seen != nil && (j.Seen.ID != k.Seen.ID || !j.Seen.Payload.Equal(k.Seen.Payload)) {
		return false
	}
	if j.Override != nil && (!slices.Equal(j.Override.Absences, k.Override.Absences) || !j.Override.Until.Equal(k.Override.Until)) {
		return false
	}
	if (j.Begun == nil) != (k.Begun == nil) || (j.Begun != nil && !reflect.DeepEqual(*j.Begun, *k.Begun)) {
		return false
	}
	return j.Activity.equal(k.Activity) && j.Clean == k.Clean && j.Audience == k.Audience && j.Circle == k.Circle && maps.EqualFunc(j.Sent, k.Sent, time.Time.Equal)
}

// Begin returns the journal as it must be kept before a is tried.
func (j Journal) Begin(a Action) Journal {
	j.Begun = &a
	if a.Audience != "" {
		j.Audience = a.Audience
		j.Circle = a.Circle
	}
	return j
}

// Finished returns the action that was begun, if o shows that it was carried
// out in full all the same. A Reveal or an Amend never counts as such: that the
// item is there does not prove that contacts were told, because some servers
// tell them through awayd's own connection.
func (j Journal) Finished(o Observed) (Action, bool) {
	if j.Begun == nil {
		return Action{}, false
	}
	var mine, right bool
	for _, i := range o.Items {
		mine = mine || j.Wrote(i)
		right = right || (i.ID == ItemArchive && i.Payload.Equal(j.Begun.Payload))
	}
	done := false
	switch j.Begun.Kind {
	case Stage:
		done = right && o.Hidden()
	case Withdraw:
		done = !mine && (!o.Exists || j.Begun.Spare)
	case Unstage:
		done = !mine
	}
	return *j.Begun, done
}

// Done returns the journal after a succeeded.
func (j Journal) Done(a Action) Journal {
	j.Begun = nil
	switch a.Kind {
	case Yield:
		j.Override = &Override{Absences: a.Absences, Until: a.Until, Why: a.Reason}
	case Stage:
		j.Seen = &Item{ID: ItemArchive, Payload: a.Payload}
	case Reveal, Amend:
		j.Seen = &Item{ID: ItemCurrent, Payload: a.Payload}
	case Unstage, Withdraw:
		j.Seen = nil
	}
	return j
}

// Saw returns the journal after o was observed and nothing was left to do.
func (j Journal) Saw(o Observed, now time.Time) Journal {
	j.Begun = nil
	if !o.Unread {
		j.Seen = nil
	}
	for _, i := range o.Items {
		if j.Wrote(i) && (j.Seen == nil || i.ID == ItemCurrent) {
			j.Seen = &i
		}
	}
	if j.Override != nil && !j.Override.Until.After(now) {
		j.Override = nil
	}
	return j
}

// Sending returns the journal as it must be kept before p is published.
func (j Journal) Sending(p Payload, now time.Time) Journal {
	sent := maps.Clone(j.Sent)
	if sent == nil {
		sent = make(map[string]time.Time)
	}
	sent[p.Hash()] = now
	j.Sent = sent
	return j
}

// Recognize returns the journal with what nobody but awayd can have put on the
// node, though the journal does not know of it, as after a backup was restored or the
// account linked anew: an item with the very times and a text of one of the periods.
func (w Wish) Recognize(o Observed, j Journal, now time.Time) Journal {
	for _, i := range o.Items {
		if !i.Odd && !j.Wrote(i) && slices.ContainsFunc(w.Periods, func(p absence.Period) bool { return says(i.Payload, p) }) {
			j = j.Sending(i.Payload, now)
			j.Override = nil // which was for its sake
		}
	}
	return j
}

// says reports whether p is what is published for the period q at some time.
func says(p Payload, q absence.Period) bool {
	return slices.ContainsFunc(q.Texts, func(t absence.Text) bool { return p.Equal(NewPayload(q.Start, q.End, t.Message)) })
}

// Making returns the journal as it must be kept before a missing node is made.
func (j Journal) Making() Journal {
	j.Clean = true
	return j
}

// Opening returns the journal as it must be kept before contacts are let in.
func (j Journal) Opening() Journal {
	j.Clean = false
	return j
}

// Deleted returns the journal once the node is gone. What was sent stays known:
// a server that crashes, or is restored from a backup, brings it back.
func (j Journal) Deleted() Journal {
	j.Clean = false
	j.Seen = nil
	return j
}

// An Override is a period in which awayd leaves the node alone, because the
// person published or removed something themselves.
type Override struct {
	// Absences are the fingerprints of what the period consisted of. A period
	// that has one of them is still the one the person decided about; an event
	// with other times or another text is not.
	Absences []string  `json:"absences"`
	Until    time.Time `json:"until"` // the period's end
	Why      string    `json:"why"`
}

// Overrides reports whether p is the period that the person took into their own
// hands, and they still hold it.
func (j Journal) Overrides(p absence.Period, now time.Time) bool {
	o := j.Override
	return o != nil && o.Until.After(now) && slices.ContainsFunc(p.Absences, func(a absence.Absence) bool {
		return slices.Contains(o.Absences, a.Fingerprint())
	})
}

// An Action is one thing to do on the node, and why.
type Action struct {
	Kind    Kind    `json:"kind"`
	Payload Payload `json:"payload"` // what to publish; of a Withdraw, the closing message
	// Quiet withdraws without publishing a closing message, because no contact
	// was ever sent the message that is to go.
	Quiet bool `json:"quiet,omitempty"`
	// Fresh asks to delete the node first, because contacts may be subscribed
	// to the one that is there.
	Fresh bool `json:"fresh,omitempty"`
	// Missing says of a Stage that there was no node. One that is there all the
	// same is not awayd's.
	Missing bool `json:"missing,omitempty"`
	// Spare asks a Withdraw to leave the node and its access model as they are,
	// because it also holds something of the person's own.
	Spare bool `json:"spare,omitempty"`
	// Linger has a Withdraw leave the person available, if they are, because
	// there is more to tell their contacts.
	Linger bool `json:"linger,omitempty"`
	// Recover says that the server lost what it held.
	Recover bool   `json:"recover,omitempty"`
	Reason  string `json:"reason"`
	// Period is the key of the period it is for, if there is one.
	Period string   `json:"period,omitempty"`
	UIDs   []string `json:"uids,omitempty"` // the events behind it
	// Audience is who a Reveal lets in, and Circle who that is if it is a group.
	Audience AccessModel `json:"audience,omitempty"`
	Circle   string      `json:"circle,omitempty"`
	// Until and Absences say of a Yield what becomes the Override.
	Until    time.Time `json:"until,omitzero"`
	Absences []string  `json:"absences,omitempty"`
}

// A Ledger keeps the journal while an action runs. Each call is durable before
// it returns, and an action stops at the first that fails.
type Ledger interface {
	// Sending is called before a payload is handed to the server.
	Sending(Payload) error
	// Making is called before a publish that creates the node.
	Making() error
	// Opening is called before contacts are let into the node, and when the
	// node turns out not to be what the journal took it for.
	Opening() error
	// Deleted is called after the server confirmed that the node is gone.
	Deleted() error
}

// ErrUnhideable says that the server cannot keep an item hidden, so that
// nothing was staged: the message is published when the absence begins.
var ErrUnhideable = errors.New("the server cannot keep a message hidden: it lacks publish-options (XEP-0060 §7.1.5); it will be published when the absence begins")
