package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
)

// ItemActivity is the id of awayd's own item on the node of XEP-0108.
const ItemActivity = "awayd"

// An ActivityItem is an item of the person's activity node (XEP-0108), of
// whatever content.
type ActivityItem struct {
	ID  string `json:"id"`
	XML string `json:"xml"`
}

// An ActivityNode is the person's activity node as the server shows it.
type ActivityNode struct {
	Exists bool
	Access AccessModel
	Item   *ActivityItem // the newest; nil if there is none
	// Away is the text of the item if it says what awayd's own items say and
	// nothing else.
	Away *string
	// Unsaveable says why Item could not be put back later; empty if it could.
	Unsaveable string
}

// An Activity is what awayd remembers of the activity node for as long as an
// item of its own may be there.
type Activity struct {
	// Saved is what the person had set before; nil: nothing.
	Saved *ActivityItem `json:"saved,omitempty"`
	// Ours holds the hashes of awayd's texts that may be there.
	Ours []string `json:"ours"`
	// Shown says that the server has taken one of them. What is there later and
	// is none of them is the person's doing.
	Shown bool `json:"shown,omitempty"`
	// Theirs says that the person has set something else since, which stays.
	Theirs bool `json:"theirs,omitempty"`
}

func (a *Activity) equal(b *Activity) bool {
	if a == nil || b == nil {
		return a == b
	}
	if (a.Saved == nil) != (b.Saved == nil) || (a.Saved != nil && *a.Saved != *b.Saved) {
		return false
	}
	return a.Shown == b.Shown && a.Theirs == b.Theirs && slices.Equal(a.Ours, b.Ours)
}

// An ActivityStep is what is to be done on the activity node. The zero value is
// nothing.
type ActivityStep struct {
	Show    *string       // publish this text
	Restore *ActivityItem // publish what the person had set
	Clear   bool          // publish that there is no activity
	// Guard is the access model that the node must still have; it is made with
	// it if it is missing.
	Guard AccessModel
	// On is the item that the node must still hold; nil: none.
	On *ActivityItem
	// Before and After are what is to be remembered before it is tried, and
	// after it has succeeded.
	Before, After *Activity
	Reason        string // of doing nothing although a text is wanted
}

// Fits reports whether the node holds what the step was decided on. Between the
// two the person may have set another activity.
func (s ActivityStep) Fits(n ActivityNode) bool { return sameItem(s.On, n.Item) }

// ErrActivityChanged says that the activity node does not hold what a step was
// decided on, so that nothing was put on it.
var ErrActivityChanged = errors.New("another activity was set meanwhile")

// Acts reports whether anything is to be sent.
func (s ActivityStep) Acts() bool { return s.Show != nil || s.Restore != nil || s.Clear }

// DecideActivity returns what is to be done to have the activity node say text,
// or nothing of awayd's if text is nil. Nothing is shown to anybody outside the
// audience, nothing that the person had set is lost, and what they set
// meanwhile stays.
func DecideActivity(text *string, audience AccessModel, n ActivityNode, a *Activity) ActivityStep {
	s := decideActivity(text, audience, n, a)
	s.On = n.Item
	return s
}

func decideActivity(text *string, audience AccessModel, n ActivityNode, a *Activity) ActivityStep {
	if text == nil {
		return endActivity(n, a)
	}
	if a != nil && a.Theirs {
		return ActivityStep{Before: a, After: a}
	}
	keep := func(reason string) ActivityStep { return ActivityStep{Before: a, After: a, Reason: reason} }
	guard := Presence
	if n.Exists {
		guard = n.Access
	}
	if !narrow(guard) && !guard.within(audience) {
		// It may have become so while awayd's was there.
		step := endActivity(n, a)
		step.Reason = "the activity node may be seen by others (" + string(guard) + ") than the message"
		return step
	}
	next := Activity{Ours: []string{hashText(*text)}}
	switch {
	case a == nil && n.Unsaveable != "":
		return keep("the activity that is set could not be put back: " + n.Unsaveable)
	case a == nil:
		if n.Item != nil && (n.Item.ID != ItemActivity || n.Away == nil) { // else it is awayd's, and the journal was lost
			next.Saved = n.Item
		}
	case n.ours(a), !a.Shown && sameItem(n.Item, a.Saved), !n.Exists:
		next.Saved, next.Shown = a.Saved, a.Shown
		for _, h := range a.Ours {
			if !slices.Contains(next.Ours, h) {
				next.Ours = append(next.Ours, h)
			}
		}
	default:
		theirs := *a
		theirs.Theirs = true
		return ActivityStep{Before: &theirs, After: &theirs, Reason: "the person set another activity, which stays"}
	}
	done := next
	done.Shown = true
	step := ActivityStep{Before: &next, After: &done, Guard: guard}
	if n.Away == nil || *n.Away != *text {
		step.Show = text
	}
	return step
}

// endActivity puts back what the person had set, unless they set something else.
func endActivity(n ActivityNode, a *Activity) ActivityStep {
	if a == nil || !n.Exists || !n.ours(a) {
		return ActivityStep{Before: a}
	}
	return ActivityStep{Restore: a.Saved, Clear: a.Saved == nil, Guard: n.Access, Before: a}
}

// ours reports whether the item is one that awayd may have published.
func (n ActivityNode) ours(a *Activity) bool {
	return n.Item != nil && n.Item.ID == ItemActivity && n.Away != nil && slices.Contains(a.Ours, hashText(*n.Away))
}

func sameItem(a, b *ActivityItem) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }

// narrow reports whether m is a model of XEP-0060 §4.5 that lets in no more than
// those who see the person's presence.
func narrow(m AccessModel) bool {
	_, group := m.Group()
	return group || m == Presence || m == Whitelist || m == "roster" || m == "authorize"
}

func hashText(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}
