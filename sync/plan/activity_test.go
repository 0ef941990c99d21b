package plan

import (
	"testing"

	"pgregory.net/rapid"
)

func TestDecideActivity(t *testing.T) {
	text, old := "away until Monday", "away until Friday"
	reading := &ActivityItem{ID: "x", XML: "<activity/>"}
	ours := func(s string) ActivityNode {
		return ActivityNode{Exists: true, Access: Presence, Item: &ActivityItem{ID: ItemActivity, XML: s}, Away: &s}
	}
	theirs := func(m AccessModel) ActivityNode { return ActivityNode{Exists: true, Access: m, Item: reading} }
	large := theirs(Presence)
	large.Unsaveable = "it is large"
	wide := ours(old)
	wide.Access = Open
	saved := &Activity{Saved: reading, Ours: []string{hashText(old)}}
	shown := &Activity{Saved: reading, Ours: []string{hashText(old)}, Shown: true}
	none := &Activity{Ours: []string{hashText(old)}, Shown: true}
	yielded := &Activity{Saved: reading, Ours: []string{hashText(old)}, Shown: true, Theirs: true}

	tests := []struct {
		name     string
		text     *string
		audience AccessModel
		node     ActivityNode
		a        *Activity
		do       string
		guard    AccessModel
		more     func(ActivityStep) bool
	}{
		{"no node", &text, Presence, ActivityNode{}, nil, "show", Presence, func(s ActivityStep) bool { return s.Before != nil && s.Before.Saved == nil }},
		{"no node, audience open", &text, Open, ActivityNode{}, nil, "show", Presence, nil},
		{"theirs is saved", &text, Presence, theirs(Presence), nil, "show", Presence, func(s ActivityStep) bool {
			return *s.Before.Saved == *reading && !s.Before.Shown && s.After.Shown && *s.After.Saved == *reading
		}},
		{"narrower node", &text, Presence, theirs(Whitelist), nil, "show", Whitelist, nil},
		{"narrower node, of some groups", &text, Open, theirs("roster"), nil, "show", "roster", nil},
		{"wider node", &text, Presence, theirs(Open), nil, "", "", func(s ActivityStep) bool { return s.Before == nil && s.Reason != "" }},
		{"wider node since it is shown", &old, Presence, wide, shown, "restore", Open, func(s ActivityStep) bool { return s.Before.equal(shown) && s.After == nil && s.Reason != "" }},
		{"node of an unknown model", &text, Presence, theirs("mystery"), nil, "", "", func(s ActivityStep) bool { return s.Reason != "" }},
		{"wider node, audience open", &text, Open, theirs(Open), nil, "show", Open, nil},
		{"cannot be saved", &text, Presence, large, nil, "", "", func(s ActivityStep) bool { return s.Before == nil && s.Reason != "" }},
		{"cut short before it was published", &old, Presence, theirs(Presence), saved, "show", Presence, func(s ActivityStep) bool { return *s.Before.Saved == *reading }},
		{"cut short after it was published", &old, Presence, ours(old), saved, "", Presence, func(s ActivityStep) bool { return s.After.Shown && *s.After.Saved == *reading }},
		{"there already", &old, Presence, ours(old), shown, "", Presence, func(s ActivityStep) bool { return s.After.equal(shown) }},
		{"another text", &text, Presence, ours(old), shown, "show", Presence, func(s ActivityStep) bool { return len(s.Before.Ours) == 2 && *s.After.Saved == *reading }},
		{"lost by the server", &text, Presence, ActivityNode{}, shown, "show", Presence, func(s ActivityStep) bool { return *s.Before.Saved == *reading }},
		{"changed by the person", &old, Presence, theirs(Presence), shown, "", "", func(s ActivityStep) bool { return s.After.Theirs && s.Reason != "" }},
		{"removed by the person", &old, Presence, ActivityNode{Exists: true, Access: Presence}, shown, "", "", func(s ActivityStep) bool { return s.After.Theirs }},
		{"changed by the person before", &text, Presence, ours(old), yielded, "", "", func(s ActivityStep) bool { return s.After.equal(yielded) }},
		{"the journal was lost", &text, Presence, ours(old), nil, "show", Presence, func(s ActivityStep) bool { return s.Before.Saved == nil }},

		{"over, nothing of awayd's", nil, Presence, theirs(Presence), nil, "", "", nil},
		{"over, theirs comes back", nil, Presence, ours(old), shown, "restore", Presence, func(s ActivityStep) bool { return s.Before.equal(shown) && s.After == nil }},
		{"over, there was none", nil, Presence, ours(old), none, "clear", Presence, nil},
		{"over, the person set another", nil, Presence, theirs(Presence), shown, "", "", func(s ActivityStep) bool { return s.After == nil }},
		{"over, never published", nil, Presence, theirs(Presence), saved, "", "", func(s ActivityStep) bool { return s.After == nil }},
		{"over, no node", nil, Presence, ActivityNode{}, shown, "", "", func(s ActivityStep) bool { return s.After == nil }},
	}
	for _, test := range tests {
		s := DecideActivity(test.text, test.audience, test.node, test.a)
		do := map[bool]string{true: "show"}[s.Show != nil] + map[bool]string{true: "restore"}[s.Restore != nil] + map[bool]string{true: "clear"}[s.Clear]
		if do != test.do || (s.Acts() && s.Guard != test.guard) || (test.more != nil && !test.more(s)) {
			t.Errorf("%s: %q under %q: %+v, before %+v, after %+v", test.name, do, s.Guard, s, s.Before, s.After)
		}
	}
}

// Whatever happens in whatever order, with a crash after any half of a step, the
// person's own activity is on the node again when nothing is wanted any more,
// unless they set another meanwhile.
func TestActivityComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var n ActivityNode
		var a *Activity
		var want *ActivityItem // what the person set last
		set := func(i *ActivityItem) {
			n = ActivityNode{Exists: true, Access: Presence, Item: i}
			want = i
		}
		if rapid.Bool().Draw(t, "has one") {
			set(&ActivityItem{ID: "mine", XML: "0"})
		}
		texts := []string{"a", "b"}
		turn := func(text *string, halt int) {
			s := DecideActivity(text, Presence, n, a)
			if a = s.Before; halt == 0 {
				return
			}
			switch {
			case s.Show != nil:
				n = ActivityNode{Exists: true, Access: s.Guard, Item: &ActivityItem{ID: ItemActivity, XML: *s.Show}, Away: s.Show}
			case s.Restore != nil:
				n.Item, n.Away = s.Restore, nil
			case s.Clear:
				n.Item, n.Away = nil, nil
			}
			if halt > 1 {
				a = s.After
			}
		}
		for i := range rapid.IntRange(1, 12).Draw(t, "turns") {
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				set(&ActivityItem{ID: "mine", XML: string(rune('1' + i))})
			case 1:
				turn(nil, rapid.IntRange(0, 2).Draw(t, "halt"))
			default:
				turn(&texts[rapid.IntRange(0, 1).Draw(t, "text")], rapid.IntRange(0, 2).Draw(t, "halt"))
			}
		}
		turn(nil, 2)
		if !sameItem(n.Item, want) || a != nil {
			t.Fatalf("at last the node holds %+v, the person had set %+v; remembered is %+v", n.Item, want, a)
		}
	})
}
