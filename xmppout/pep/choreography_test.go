package pep

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"awayd/sync/plan"
)

var (
	noon  = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	away  = plan.NewPayload(noon, noon.Add(time.Hour), "away")
	again = plan.NewPayload(noon.Add(48*time.Hour), noon.Add(72*time.Hour), "again")
	over  = plan.NewPayload(noon, noon.Add(time.Minute), "away")
)

func (m *model) holding(a plan.AccessModel, items ...plan.Item) *model {
	m.exists, m.access_, m.stored = true, a, items
	return m
}

func current(p plan.Payload) plan.Item { return plan.Item{ID: plan.ItemCurrent, Payload: p} }
func archive(p plan.Payload) plan.Item { return plan.Item{ID: plan.ItemArchive, Payload: p} }

// performances are the actions on the nodes that they meet, with each step that
// they take.
var performances = []struct {
	name   string
	node   func() *model
	action plan.Action
	steps  []string
	holds  *plan.Item // what the node holds at last, if it is there
	access plan.AccessModel
}{
	{
		name: "stage on a missing node", node: newModel,
		action: plan.Action{Kind: plan.Stage, Payload: away},
		steps: []string{
			"hides", "access", "ledger: making", `ledger: sending "away"`, `publish archive "away" under whitelist`,
			"retract current quietly",
		},
		holds: &plan.Item{ID: plan.ItemArchive, Payload: away}, access: plan.Whitelist,
	},
	{
		name: "stage in place of another", node: func() *model { return newModel().holding(plan.Whitelist, archive(away)) },
		action: plan.Action{Kind: plan.Stage, Payload: again},
		steps: []string{
			"hides", "access", "members", `ledger: sending "again"`, `publish archive "again" under whitelist`,
			"retract current quietly",
		},
		holds: &plan.Item{ID: plan.ItemArchive, Payload: again}, access: plan.Whitelist,
	},
	{
		name: "stage on a fresh node", node: func() *model { return newModel().holding(plan.Whitelist, archive(away)) },
		action: plan.Action{Kind: plan.Stage, Payload: again, Fresh: true},
		steps: []string{
			"hides", "configure whitelist", "delete", "ledger: deleted",
			"access", "ledger: making", `ledger: sending "again"`, `publish archive "again" under whitelist`,
			"retract current quietly",
		},
		holds: &plan.Item{ID: plan.ItemArchive, Payload: again}, access: plan.Whitelist,
	},
	{
		name: "unstage", node: func() *model { return newModel().holding(plan.Whitelist, archive(away)) },
		action: plan.Action{Kind: plan.Unstage},
		steps:  []string{"retract archive quietly", "retract current quietly"},
		access: plan.Whitelist,
	},
	{
		name: "reveal what is staged", node: func() *model { return newModel().holding(plan.Whitelist, archive(away)) },
		action: plan.Action{Kind: plan.Reveal, Payload: away},
		steps: []string{
			"access", "items", `show "away"`, "ledger: opening", "configure presence",
			`ledger: sending "away"`, `publish current "away" under presence`, "retract archive quietly",
			"access", "items", "members", "gather",
		},
		holds: &plan.Item{ID: plan.ItemCurrent, Payload: away}, access: plan.Presence,
	},
	{
		name: "reveal something else than is staged", node: func() *model { return newModel().holding(plan.Whitelist, archive(again)) },
		action: plan.Action{Kind: plan.Reveal, Payload: away},
		steps: []string{
			"access", "items", "hides", "access", "members", `ledger: sending "away"`, `publish archive "away" under whitelist`,
			"retract current quietly", `show "away"`, "ledger: opening", "configure presence",
			`ledger: sending "away"`, `publish current "away" under presence`, "retract archive quietly",
			"access", "items", "members", "gather",
		},
		holds: &plan.Item{ID: plan.ItemCurrent, Payload: away}, access: plan.Presence,
	},
	{
		name: "reveal on a missing node", node: newModel,
		action: plan.Action{Kind: plan.Reveal, Payload: away},
		steps: []string{
			"access", "hides", "access", "ledger: making", `ledger: sending "away"`, `publish archive "away" under whitelist`,
			"retract current quietly", `show "away"`, "ledger: opening", "configure presence",
			`ledger: sending "away"`, `publish current "away" under presence`, "retract archive quietly",
			"access", "items", "members", "gather",
		},
		holds: &plan.Item{ID: plan.ItemCurrent, Payload: away}, access: plan.Presence,
	},
	{
		name: "reveal on a server that cannot hide", node: func() *model { m := newModel(); m.unable = true; return m },
		action: plan.Action{Kind: plan.Reveal, Payload: away},
		steps: []string{
			"access", "hides", `show "away"`, "ledger: opening", "configure presence",
			`ledger: sending "away"`, `publish current "away" under presence`, "retract archive quietly",
			"access", "items", "members", "gather",
		},
		holds: &plan.Item{ID: plan.ItemCurrent, Payload: away}, access: plan.Presence,
	},
	{
		name: "reveal on a fresh node of a server that cannot hide", node: func() *model {
			m := newModel().holding(plan.Presence, current(again))
			m.unable = true
			return m
		},
		action: plan.Action{Kind: plan.Reveal, Payload: away, Fresh: true},
		steps: []string{
			"access", "hides", "configure whitelist", "delete", "ledger: deleted", `show "away"`, "ledger: opening", "configure presence",
			`ledger: sending "away"`, `publish current "away" under presence`, "retract archive quietly",
			"access", "items", "members", "gather",
		},
		holds: &plan.Item{ID: plan.ItemCurrent, Payload: away}, access: plan.Presence,
	},
	{
		name: "reveal to contacts who become known late", node: func() *model {
			m := newModel().holding(plan.Open, current(away))
			m.later = 1
			return m
		},
		action: plan.Action{Kind: plan.Reveal, Payload: away},
		steps: []string{
			"access", `show "away"`, "ledger: opening", "configure presence",
			`ledger: sending "away"`, `publish current "away" under presence`, "retract archive quietly",
			"access", "items", "members", "gather", `ledger: sending "away"`, `publish current "away" under presence`,
			"access", "items", "members",
		},
		holds: &plan.Item{ID: plan.ItemCurrent, Payload: away}, access: plan.Presence,
	},
	{
		name: "amend", node: func() *model { return newModel().holding(plan.Presence, current(again)) },
		action: plan.Action{Kind: plan.Amend, Payload: away},
		steps: []string{
			"access", `show "away"`, "ledger: opening", "configure presence",
			`ledger: sending "away"`, `publish current "away" under presence`, "retract archive quietly",
			"access", "items", "members", "gather",
		},
		holds: &plan.Item{ID: plan.ItemCurrent, Payload: away}, access: plan.Presence,
	},
	{
		name: "withdraw", node: func() *model { return newModel().holding(plan.Presence, current(away)) },
		action: plan.Action{Kind: plan.Withdraw, Payload: over},
		steps: []string{
			"access", "attend", "gather", `ledger: sending "away"`, `publish current "away" under presence`,
			"retract current", "retract archive", "configure whitelist", "delete", "ledger: deleted", "unshow",
		},
	},
	{
		name: "withdraw, with more to tell", node: func() *model { return newModel().holding(plan.Presence, current(away)) },
		action: plan.Action{Kind: plan.Withdraw, Payload: over, Linger: true},
		steps: []string{
			"access", "attend", "gather", `ledger: sending "away"`, `publish current "away" under presence`,
			"retract current", "retract archive", "configure whitelist", "delete", "ledger: deleted",
		},
	},
	{
		name: "withdraw what is gone", node: newModel,
		action: plan.Action{Kind: plan.Withdraw, Payload: over},
		steps:  []string{"access", "ledger: deleted", "unshow"},
	},
	{
		name: "withdraw quietly", node: func() *model { return newModel().holding(plan.Open, archive(away)) },
		action: plan.Action{Kind: plan.Withdraw, Quiet: true},
		steps: []string{
			"access", "items", "retract archive", "configure whitelist", "delete", "ledger: deleted", "unshow",
		},
	},
	{
		name: "withdraw quietly what cannot be read", node: func() *model {
			m := newModel().holding("roster", archive(away))
			m.unread = true
			return m
		},
		action: plan.Action{Kind: plan.Withdraw, Quiet: true},
		steps: []string{
			"access", "items", "retract archive", "retract current", "configure whitelist", "delete", "ledger: deleted", "unshow",
		},
	},
	{
		name: "withdraw beside the person's own", node: func() *model { return newModel().holding(plan.Presence, current(away)) },
		action: plan.Action{Kind: plan.Withdraw, Payload: over, Spare: true},
		steps: []string{
			"access", "attend", "gather", `ledger: sending "away"`, `publish current "away" under presence`,
			"retract current", "unshow",
		},
		access: plan.Presence,
	},
	{
		name: "withdraw quietly beside the person's own", node: func() *model { return newModel().holding(plan.Presence, current(again)) },
		action: plan.Action{Kind: plan.Withdraw, Quiet: true, Spare: true},
		steps:  []string{"access", "retract archive", "unshow"},
		holds:  &plan.Item{ID: plan.ItemCurrent, Payload: again}, access: plan.Presence,
	},
	{
		name: "reveal to a group by the roster model", node: func() *model { return newGroupModel().holding(plan.Whitelist, archive(away)) },
		action: plan.Action{Kind: plan.Reveal, Payload: away},
		steps: []string{
			"access", "items", `show ""`, "ledger: opening", "configure group:Work",
			`ledger: sending "away"`, `publish current "away" under group:Work`, "retract archive quietly",
			"groups", "access", "items", "members", "gather",
		},
		holds: &plan.Item{ID: plan.ItemCurrent, Payload: away}, access: work,
	},
	{
		name: "reveal to a group as members", node: func() *model { return newMembersModel().holding(plan.Whitelist, archive(away)) },
		action: plan.Action{Kind: plan.Reveal, Payload: away},
		steps: []string{
			"access", "items", `show ""`, "ledger: opening", "configure group:Work",
			"groups", "members", "admit [nurse romeo]",
			`ledger: sending "away"`, `publish current "away" under whitelist`, "retract archive quietly",
			"groups", "access", "items", "members", "gather",
		},
		holds: &plan.Item{ID: plan.ItemCurrent, Payload: away}, access: plan.Whitelist,
	},
	{
		name: "reveal to a group that has grown", node: func() *model {
			m := newMembersModel().holding(plan.Whitelist, current(away))
			m.members = []string{"nurse"}
			return m
		},
		action: plan.Action{Kind: plan.Reveal, Payload: away},
		steps: []string{
			"access", "items", "members", `show ""`, "ledger: opening", "configure group:Work",
			"groups", "members", "admit [romeo]",
			`ledger: sending "away"`, `publish current "away" under whitelist`, "retract archive quietly",
			"groups", "access", "items", "members", "gather",
		},
		holds: &plan.Item{ID: plan.ItemCurrent, Payload: away}, access: plan.Whitelist,
	},
	{
		name: "amend what members see", node: func() *model {
			m := newMembersModel().holding(plan.Whitelist, current(again))
			m.members = []string{"nurse", "romeo"}
			return m
		},
		action: plan.Action{Kind: plan.Amend, Payload: away},
		steps: []string{
			"access", `show ""`, "ledger: opening", "configure group:Work", "groups", "members",
			`ledger: sending "away"`, `publish current "away" under whitelist`, "retract archive quietly",
			"groups", "access", "items", "members", "gather",
		},
		holds: &plan.Item{ID: plan.ItemCurrent, Payload: away}, access: plan.Whitelist,
	},
	{
		name: "withdraw from members", node: func() *model {
			m := newMembersModel().holding(plan.Whitelist, current(away))
			m.members = []string{"nurse", "romeo"}
			return m
		},
		action: plan.Action{Kind: plan.Withdraw, Payload: over},
		steps: []string{
			"access", "attend", "gather", `ledger: sending "away"`, `publish current "away" under whitelist`,
			"retract current", "retract archive", "configure whitelist", "delete", "ledger: deleted", "unshow",
		},
	},
	{
		name: "yield", node: func() *model { return newModel().holding(plan.Open, current(again)) },
		action: plan.Action{Kind: plan.Yield},
		holds:  &plan.Item{ID: plan.ItemCurrent, Payload: again}, access: plan.Open,
	},
}

func TestSteps(t *testing.T) {
	for _, p := range performances {
		t.Run(p.name, func(t *testing.T) {
			m := p.node()
			if err := m.run(p.action); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(p.steps, m.calls); diff != "" {
				t.Errorf("steps differ (-want +got):\n%s", diff)
			}
			m.expect(t, p.holds, p.access)
		})
	}
}

func (m *model) expect(t *testing.T, holds *plan.Item, access plan.AccessModel) {
	t.Helper()
	var want []plan.Item
	if holds != nil {
		want = []plan.Item{*holds}
	}
	if m.access_ != access || m.exists != (access != "") {
		t.Errorf("access model is %q, want %q", m.access_, access)
	}
	if !slices.Equal(m.stored, want) {
		t.Errorf("the node holds %v, want %v", m.stored, want)
	}
}

// An action that fails at any step, before or after the server or the ledger
// did what was asked, stops there, has let nobody see what is hidden, and comes
// to the same end when it is done again.
func TestFailureAtEachStep(t *testing.T) {
	for _, p := range performances {
		for n := 1; n <= len(p.steps); n++ {
			for _, done := range []bool{false, true} {
				m := p.node()
				m.subscribe = true
				staging := p.action.Kind == plan.Stage
				m.fail = func(call int, after bool) error {
					if call == n && after == done {
						return errBroken
					}
					return nil
				}
				if err := m.run(p.action); !errors.Is(err, errBroken) {
					t.Errorf("%s: step %d (%s) fails and the action says %v", p.name, n, p.steps[n-1], err)
				}
				if len(m.calls) != n {
					t.Errorf("%s: step %d fails and it goes on with %v", p.name, n, m.calls[n:])
				}
				m.fail = nil
				if err := m.run(p.action); err != nil {
					t.Errorf("%s: done again after step %d (%s) failed: %v", p.name, n, p.steps[n-1], err)
				}
				if staging && slices.ContainsFunc(m.told, p.action.Payload.Equal) {
					t.Errorf("%s: contacts were told after step %d failed", p.name, n)
				}
				m.expect(t, p.holds, p.access)
			}
		}
	}
}

// Whatever is on a node that contacts can see, nothing is staged on it.
func TestStageRefused(t *testing.T) {
	visible := newModel().holding(plan.Presence)
	wantChanged(t, visible.run(plan.Action{Kind: plan.Stage, Payload: away}))
	if last := visible.calls[len(visible.calls)-1]; last != "ledger: opening" {
		t.Errorf("the last step is %s", last)
	}

	// Opened between the look and the publish.
	raced := newModel().holding(plan.Whitelist)
	raced.fail = func(n int, done bool) error {
		if raced.calls[n-1] == "access" && done {
			raced.access_ = plan.Open
		}
		return nil
	}
	err := raced.run(plan.Action{Kind: plan.Stage, Payload: away})
	wantChanged(t, err)
	if last := raced.calls[len(raced.calls)-1]; last != "ledger: opening" || len(raced.told) > 0 {
		t.Errorf("the last step is %s, and contacts were told %v", last, raced.told)
	}

	// Made by somebody else after the look.
	made := newModel().holding(plan.Whitelist)
	wantChanged(t, made.run(plan.Action{Kind: plan.Stage, Payload: away, Missing: true}))
	if last := made.calls[len(made.calls)-1]; last != "ledger: opening" {
		t.Errorf("the last step is %s", last)
	}

	unable := newModel().holding(plan.Presence, current(again))
	unable.unable = true
	if err := unable.run(plan.Action{Kind: plan.Stage, Payload: away, Fresh: true}); !errors.Is(err, plan.ErrUnhideable) {
		t.Errorf("staging on a server that cannot hide says %v", err)
	}
	kept := current(again)
	unable.expect(t, &kept, plan.Presence)
}

func wantChanged(t *testing.T, err error) {
	t.Helper()
	if changed, ok := errors.AsType[ChangedError](err); !ok || !changed.Temporary() {
		t.Errorf("error is %v, want one that says to look again", err)
	}
}

func TestAmendWhatIsHidden(t *testing.T) {
	for _, m := range []*model{newModel(), newModel().holding(plan.Whitelist, archive(away))} {
		wantChanged(t, m.run(plan.Action{Kind: plan.Amend, Payload: again}))
		if len(m.told) > 0 || m.shown != nil {
			t.Errorf("contacts were told %v", m.told)
		}
	}
}

// The read-back notices a server that says yes and does no.
func TestReadBack(t *testing.T) {
	for name, lie := range map[string]func(*model){
		"access model": func(m *model) { m.access_ = plan.Open },
		"item":         func(m *model) { m.stored = nil },
		"payload":      func(m *model) { m.stored = []plan.Item{current(again)} },
		"odd payload":  func(m *model) { m.stored = []plan.Item{{ID: plan.ItemCurrent, Payload: away, Odd: true}} },
	} {
		m := newModel().holding(plan.Presence)
		m.fail = func(n int, done bool) error {
			if m.calls[n-1] == "retract archive quietly" {
				lie(m)
			}
			return nil
		}
		err := m.run(plan.Action{Kind: plan.Reveal, Payload: away})
		if _, ok := errors.AsType[ChangedError](err); !ok {
			t.Errorf("another %s is not noticed: %v", name, err)
		}
	}
}

func TestNoPresence(t *testing.T) {
	m := newModel().holding(plan.Whitelist, archive(away))
	c := Choreography{Node: m, Looks: m, Ledger: modelLedger{m}, Audience: plan.Open, NoPresence: true}
	if err := c.Do(t.Context(), plan.Action{Kind: plan.Reveal, Payload: away}); err != nil {
		t.Fatal(err)
	}
	if m.shown != nil || slices.Contains(m.calls, `show "away"`) || !slices.Contains(m.calls, "attend") {
		t.Errorf("the person was shown: %v", m.calls)
	}
	m.expect(t, &plan.Item{ID: plan.ItemCurrent, Payload: away}, plan.Open)
}

func TestUnknownAction(t *testing.T) {
	if err := newModel().run(plan.Action{Kind: "dance"}); err == nil {
		t.Error("an unknown action succeeds")
	}
}
