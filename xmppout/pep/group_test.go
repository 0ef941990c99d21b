package pep

import (
	"errors"
	"slices"
	"testing"

	"awayd/sync/plan"
)

// newGroupModel is of a server with the roster model, on which the group Work
// is the audience.
func newGroupModel() *model {
	m := newModel()
	m.groups = map[string][]string{"Work": {"nurse", "romeo"}, "Family": {"tybalt"}, "Empty": nil}
	return m
}

// newMembersModel is of a server that lets a group in as members.
func newMembersModel() *model {
	m := newGroupModel()
	m.noRoster, m.tells = true, true
	return m
}

// A server that can do neither shows the message to nobody, and neither does one
// that cannot hide it.
func TestGroupRefused(t *testing.T) {
	m := newMembersModel().holding(plan.Whitelist, archive(away))
	m.tells = false
	if err := m.run(plan.Action{Kind: plan.Reveal, Payload: away}); !errors.Is(err, ErrNoGroups) {
		t.Errorf("a group on a server that can do no groups: %v", err)
	}
	unable := newGroupModel()
	unable.unable = true
	if err := unable.run(plan.Action{Kind: plan.Reveal, Payload: away}); !errors.Is(err, plan.ErrUnhideable) {
		t.Errorf("a group on a server that cannot hide: %v", err)
	}
	if len(m.told)+len(unable.told) > 0 {
		t.Errorf("contacts were told %v and %v", m.told, unable.told)
	}
}

// At no step of any action, whichever fails, can somebody outside the group see
// the node, and at the end nobody is left in it.
func TestNobodyOutsideGroup(t *testing.T) {
	for name, fresh := range map[string]func() *model{"roster": newGroupModel, "members": newMembersModel} {
		actions := []plan.Action{
			{Kind: plan.Stage, Payload: away}, {Kind: plan.Reveal, Payload: away}, {Kind: plan.Amend, Payload: again},
			{Kind: plan.Withdraw, Payload: over}, {Kind: plan.Stage, Payload: again},
		}
		for at := 1; ; at++ {
			m, calls, failed := fresh(), 0, false
			m.fail = func(_ int, done bool) error {
				if m.strangerSees() {
					t.Fatalf("%s: after %v a stranger sees %v", name, m.calls, m.stored)
				}
				if calls++; calls == at {
					failed = true
					return errBroken
				}
				return nil
			}
			for _, a := range actions {
				err := m.run(a)
				if errors.Is(err, errBroken) {
					err = m.run(a)
				}
				if err != nil {
					t.Fatalf("%s: %s after %v: %v", name, a.Kind, m.calls, err)
				}
			}
			if len(m.members) > 0 || m.shown != nil || m.access_ != plan.Whitelist {
				t.Errorf("%s: at last %v are members under %s, shown %v", name, m.members, m.access_, m.shown)
			}
			if !failed {
				break
			}
		}
	}
}

func TestLookAtGroup(t *testing.T) {
	tests := []struct {
		name string
		node func() *model
		want plan.Circle
		fits bool
	}{
		{"staged", func() *model { return newMembersModel().holding(plan.Whitelist, archive(away)) }, plan.Circle{Contacts: 2, Missing: true}, false},
		{"in", func() *model {
			m := newMembersModel().holding(plan.Whitelist, current(away))
			m.members = []string{"romeo", "nurse"}
			return m
		}, plan.Circle{Contacts: 2}, true},
		{"a stranger is in", func() *model {
			m := newMembersModel().holding(plan.Whitelist, current(away))
			m.members = []string{"romeo", "nurse", "paris"}
			return m
		}, plan.Circle{Contacts: 2, Strangers: true}, false},
		{"roster model", func() *model { return newGroupModel().holding(work, current(away)) }, plan.Circle{Contacts: 2}, true},
		{"another group", func() *model { return newGroupModel().holding(plan.Group("Family"), current(away)) }, plan.Circle{Contacts: 2}, false},
		{"nobody in it", func() *model {
			m := newGroupModel()
			m.groups["Work"] = nil
			return m.holding(work, current(away))
		}, plan.Circle{Others: []string{"Family"}}, true},
		{"missing node", newGroupModel, plan.Circle{Contacts: 2}, false},
	}
	for _, test := range tests {
		o, err := Look(t.Context(), test.node(), work)
		if err != nil {
			t.Fatal(err)
		}
		c := o.Circle
		if c == nil || c.Contacts != test.want.Contacts || c.Missing != test.want.Missing || c.Strangers != test.want.Strangers ||
			!slices.Equal(c.Others, test.want.Others) || o.Fits(work) != test.fits {
			t.Errorf("%s: looks like %+v with %+v", test.name, o, c)
		}
	}
}
