package pep

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"awayd/sync/plan"
)

// A model is a person's node as servers keep it, the presence and the ledger
// beside it, and a record of every call to any of them in order.
type model struct {
	exists    bool
	access_   plan.AccessModel
	stored    []plan.Item
	maxItems  int
	subscribe bool // a contact who sees the node subscribes, and is pushed to ever after
	unread    bool // the server does not show the items to their owner
	unable    bool // the server has no publish-options
	later     int  // contacts who become known while gathering
	groups    map[string][]string
	noRoster  bool // no access model for groups
	tells     bool // tells the members of a hidden node
	members   []string

	subscribed bool
	shown      *string
	known      int64
	told       []plan.Payload // what contacts could see or were pushed

	calls []string
	// fail is asked before and after each call takes effect.
	fail func(n int, done bool) error
}

func newModel() *model { return &model{maxItems: 1} }

// call records what is asked for, and does it unless it is to fail.
func (m *model) call(what string, do func() error) error {
	m.calls = append(m.calls, what)
	n := len(m.calls)
	if m.fail != nil {
		if err := m.fail(n, false); err != nil {
			return err
		}
	}
	err := do()
	if m.exists && (m.access_ != plan.Whitelist || len(m.members) > 0) {
		for _, i := range m.stored {
			m.tell(i.Payload)
		}
		m.subscribed = m.subscribed || m.subscribe
	}
	if m.fail != nil {
		if err := m.fail(n, true); err != nil {
			return err
		}
	}
	return err
}

func (m *model) tell(p plan.Payload) {
	if !slices.ContainsFunc(m.told, p.Equal) {
		m.told = append(m.told, p)
	}
}

var errNoNode = ErrItemNotFound

func (m *model) there() error {
	if !m.exists {
		return errNoNode
	}
	return nil
}

func (m *model) Access(context.Context) (plan.AccessModel, error) {
	err := m.call("access", m.there)
	return m.access_, err
}

func (m *model) Items(context.Context) ([]plan.Item, error) {
	err := m.call("items", m.there)
	if err == nil && m.unread {
		return nil, ErrForbidden
	}
	return slices.Clone(m.stored), err
}

// strangerSees reports whether somebody outside the group Work could see the node.
func (m *model) strangerSees() bool {
	return m.exists && (m.access_ == plan.Presence || m.access_ == plan.Open ||
		m.access_ == plan.Whitelist && len(without(m.members, m.groups["Work"])) > 0)
}

func (m *model) Members(context.Context) ([]string, error) {
	err := m.call("members", m.there)
	return slices.Clone(m.members), err
}

func (m *model) Admit(_ context.Context, in []string) error {
	return m.call(fmt.Sprintf("admit %v", in), func() error {
		m.members = append(m.members, in...)
		return m.there()
	})
}

func (m *model) TellsMembers() bool { return m.tells }

func (m *model) Groups(context.Context) (map[string][]string, error) {
	return m.groups, m.call("groups", func() error { return nil })
}

func (m *model) Hides(context.Context) (bool, error) {
	return !m.unable, m.call("hides", func() error { return nil })
}

func (m *model) Publish(_ context.Context, id string, p plan.Payload, guard plan.AccessModel) error {
	return m.call(fmt.Sprintf("publish %s %q under %s", id, p.Message, guard), func() error {
		if !m.exists {
			m.exists, m.access_ = true, guard
		}
		if m.access_ != guard && !m.unable {
			return ErrPreconditionNotMet
		}
		m.remove(id)
		m.stored = append(m.stored, plan.Item{ID: id, Payload: p})
		m.stored = m.stored[max(0, len(m.stored)-m.maxItems):]
		if m.subscribed {
			m.tell(p)
		}
		return nil
	})
}

func (m *model) remove(id string) bool {
	before := len(m.stored)
	m.stored = slices.DeleteFunc(m.stored, func(i plan.Item) bool { return i.ID == id })
	return len(m.stored) < before
}

func (m *model) Configure(_ context.Context, a plan.AccessModel) error {
	return m.call("configure "+string(a), func() error {
		if _, group := a.Group(); group && m.noRoster {
			return ErrUnsupported
		}
		if m.exists {
			m.access_ = a
		}
		return m.there()
	})
}

func (m *model) Retract(_ context.Context, id string, notify bool) error {
	how := " quietly"
	if notify {
		how = ""
	}
	return m.call("retract "+id+how, func() error {
		if !m.remove(id) {
			return errNoNode
		}
		return nil
	})
}

func (m *model) Delete(context.Context) error {
	return m.call("delete", func() error {
		err := m.there()
		m.exists, m.access_, m.stored, m.subscribed, m.members = false, "", nil, false, nil
		return err
	})
}

func (m *model) Show(_ context.Context, status string) error {
	return m.call(fmt.Sprintf("show %q", status), func() error { m.shown = &status; return nil })
}

func (m *model) Attend(context.Context) error {
	return m.call("attend", func() error {
		if m.shown == nil {
			m.shown = new(string)
		}
		return nil
	})
}

func (m *model) Hide(context.Context) error {
	return m.call("unshow", func() error { m.shown = nil; return nil })
}

func (m *model) Gather(context.Context) error {
	return m.call("gather", func() error { m.known += int64(m.later); m.later = 0; return nil })
}

func (m *model) Contacts() int64 { return m.known }

// A modelLedger records into the same list.
type modelLedger struct{ *model }

func (l modelLedger) note(what string) error {
	return l.call("ledger: "+what, func() error { return nil })
}

func (l modelLedger) Sending(p plan.Payload) error {
	return l.note(fmt.Sprintf("sending %q", p.Message))
}
func (l modelLedger) Making() error  { return l.note("making") }
func (l modelLedger) Opening() error { return l.note("opening") }
func (l modelLedger) Deleted() error { return l.note("deleted") }

// run does a on the model, under the audience presence, or that of the model's
// groups.
func (m *model) run(a plan.Action) error {
	c := Choreography{Node: m, Looks: m, Ledger: modelLedger{m}, Audience: plan.Presence}
	if m.groups != nil {
		c.Audience = work
	}
	return c.Do(context.Background(), a)
}

const work = plan.AccessModel("group:Work")

var errBroken = errors.New("broken")
