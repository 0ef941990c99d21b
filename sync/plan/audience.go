package plan

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// An AccessModel says who may see a node: a value of pubsub#access_model
// (XEP-0060 §4.5), or group:NAME, which is the contacts in one group of the
// person's roster, by whichever means the server has.
type AccessModel string

// The access models awayd asks for, beside those of groups. A server may report
// others.
const (
	Whitelist AccessModel = "whitelist"
	Presence  AccessModel = "presence"
	Open      AccessModel = "open"
)

const groupPrefix = "group:"

// Group is the model that lets in the contacts of a roster group.
func Group(name string) AccessModel { return AccessModel(groupPrefix + name) }

// Group returns the roster group that m lets in, if it is such a model.
func (m AccessModel) Group() (string, bool) { return strings.CutPrefix(string(m), groupPrefix) }

// maxGroup bounds the name of a roster group, in bytes (RFC 7622 bounds no
// names of groups, but servers do).
const maxGroup = 1023

// ParseAudience reads the audience as people write it: presence, open, or
// group:NAME.
func ParseAudience(s string) (AccessModel, error) {
	m := AccessModel(s)
	name, group := m.Group()
	switch {
	case m == Presence, m == Open:
		return m, nil
	case !group:
		return "", fmt.Errorf("audience %q is unknown: write presence, open, or group:NAME", s)
	case strings.TrimSpace(name) == "":
		return "", fmt.Errorf("audience %q names no group of the roster", s)
	case len(name) > maxGroup || !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }):
		return "", fmt.Errorf("audience %q names no possible group of a roster", s)
	}
	return m, nil
}

// Status is what presence may say of the message of p, which m lets in some to
// see: presence goes to all contacts.
func (m AccessModel) Status(p Payload) string {
	if _, group := m.Group(); group {
		return ""
	}
	return p.Message
}

// within reports whether everybody whom m lets in is let in by wider too. Of a
// model that awayd never asks for it is not known.
func (m AccessModel) within(wider AccessModel) bool {
	_, group := m.Group()
	return m == wider || wider == Open || (group && wider == Presence)
}

// A Circle is the roster group that is the audience, as the server has it.
type Circle struct {
	// Contacts counts those in the group who may be shown a message.
	Contacts int `json:"contacts"`
	// Digest identifies who they are; empty: nobody.
	Digest string `json:"digest,omitempty"`
	// Others are names of groups that exist, if nobody is in this one.
	Others []string `json:"others,omitempty"`
	// Missing says that somebody in the group is not let into the node, and
	// Strangers that somebody is who is not in the group. Neither is the
	// person's doing on the node: the roster was changed.
	Missing   bool `json:"missing,omitempty"`
	Strangers bool `json:"strangers,omitempty"`
}

// Warning says what is wrong with the group that m lets in; nothing, if
// somebody is in it.
func (c Circle) Warning(m AccessModel) string {
	name, _ := m.Group()
	if c.Contacts > 0 {
		return ""
	}
	s := fmt.Sprintf("no contact is in the roster group %q, so that nobody sees a message", name)
	if len(c.Others) == 0 {
		return s + "; the roster has no groups with contacts in them"
	}
	return s + fmt.Sprintf("; there are %q", c.Others)
}

// openTo reports whether the node is as awayd leaves it when it has let m in.
// Where servers let a group in as members of a node that is hidden from
// everybody else, the group may be empty.
func (o Observed) openTo(m AccessModel) bool {
	if o.Access == m {
		return true
	}
	_, group := m.Group()
	return group && o.Access == Whitelist && (o.Guests || o.ByMembers)
}

// Fits reports whether the node lets in whom m means, and nobody else.
func (o Observed) Fits(m AccessModel) bool {
	return o.openTo(m) && (o.Circle == nil || !o.Circle.Missing && !o.Circle.Strangers)
}

// A Reach is how a message gets to its audience and to nobody else.
type Reach struct {
	By     string  `json:"by"`               // for people: the access model, or what stands in for it
	Circle *Circle `json:"circle,omitempty"` // nil if the audience is no group
}
