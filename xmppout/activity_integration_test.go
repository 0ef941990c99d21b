package xmppout

import (
	"errors"
	"strings"
	"testing"
	"time"

	"awayd/cmd/testbed"
	"awayd/sync/plan"
)

const reading = "<activity xmlns='" + nsActivity + "'><relaxing><reading/></relaxing><text xml:lang='en'>Ovid &amp; co</text><x:mood xmlns:x='urn:example' b='2' a='1'/></activity>"

// What juliet had set as her activity is there again after a vacation, and her
// contact was told of both.
func TestActivity(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		for name, before := range map[string]string{"one": reading, "none": ""} {
			t.Run(name, func(t *testing.T) {
				p := newParty(t, x, "presence")
				if before != "" {
					p.client(func() { p.publish("hers", before) })
				}
				if err := (stage{p.session}).Attend(t.Context()); err != nil {
					t.Fatal(err)
				}
				text, longer := "Gone fishing & so on", "Gone fishing for longer"
				a := p.activity(&text, nil)
				a = p.activity(&longer, a)
				for _, s := range []string{text, longer} {
					p.toldActivity("Gone fishing", func(raw string) bool {
						return strings.Contains(raw, "on_vacation") && strings.Contains(raw, escaped(s))
					})
				}
				if again := p.activity(&longer, a); again == nil || !again.Shown {
					t.Errorf("remembered %+v", again)
				}
				p.romeo.Forget()
				if a = p.activity(nil, a); a != nil {
					t.Errorf("remembered %+v", a)
				}
				p.toldActivity("the end", func(raw string) bool {
					return !strings.Contains(raw, "on_vacation") && (before == "") != strings.Contains(raw, "Ovid")
				})
				n, err := p.session.Activity(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if before == "" && n.Item != nil || before != "" && (n.Item == nil || n.Item.ID != "hers" || !strings.Contains(n.Item.XML, "Ovid &amp; co")) {
					t.Errorf("at last the node holds %+v", n.Item)
				}
			})
		}
	})
}

// A person's other client that sets another activity meanwhile wins.
func TestActivityChangedMeanwhile(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		p := newParty(t, x, "presence")
		text := "Gone fishing"
		a := p.activity(&text, nil)
		p.client(func() { p.publish("hers", reading) })
		if a = p.activity(&text, a); a == nil || !a.Theirs {
			t.Errorf("remembered %+v", a)
		}
		p.activity(nil, a)
		if n, err := p.session.Activity(t.Context()); err != nil || n.Item == nil || n.Item.ID != "hers" {
			t.Errorf("at last the node holds %+v, %v", n.Item, err)
		}
		if p.session.looks.shown != nil {
			t.Error("juliet is left available")
		}
	})
}

// What juliet sets while awayd is about to set something, to say that she is away
// or that she is not any more, is not lost.
func TestActivityChangedAtThatMoment(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		p := newParty(t, x, "presence")
		text := "Gone fishing"
		var a *plan.Activity
		for i, wanted := range []*string{&text, nil} {
			n, err := p.session.Activity(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			step := plan.DecideActivity(wanted, p.session.Audience(), n, a)
			id := "hers" + string(rune('0'+i))
			p.client(func() { p.publish(id, reading) })
			if err := p.session.SetActivity(t.Context(), step); !errors.Is(err, plan.ErrActivityChanged) {
				t.Errorf("set with %v", err)
			}
			if n, err := p.session.Activity(t.Context()); err != nil || n.Item == nil || n.Item.ID != id {
				t.Errorf("the node holds %+v, %v", n.Item, err)
			}
			if i == 0 {
				a = p.activity(&text, nil)
			}
		}
	})
}

// A node that others than the audience may see is left alone; one that fewer may
// see stays as narrow.
func TestActivityKeepsToAudience(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		for model, shows := range map[string]bool{"open": false, "whitelist": true} {
			p := newParty(t, x, "presence")
			p.client(func() {
				if err := p.chat.Publish(t.Context(), nsActivity, "hers", reading, map[string]string{fieldAccess: model}); err != nil {
					t.Fatal(err)
				}
			})
			text := "Gone fishing"
			a := p.activity(&text, nil)
			n, err := p.session.Activity(t.Context())
			if err != nil || (a != nil) != shows || (n.Away != nil) != shows || string(n.Access) != model {
				t.Errorf("%s: remembered %+v, the node is %+v, %v", model, a, n, err)
			}
		}
	})
}

func (p *party) publish(id, payload string) {
	p.t.Helper()
	if err := p.chat.Publish(p.t.Context(), nsActivity, id, payload, nil); err != nil {
		p.t.Fatal(err)
	}
}

// activity does one turn, and returns what is to be remembered.
func (p *party) activity(text *string, a *plan.Activity) *plan.Activity {
	p.t.Helper()
	n, err := p.session.Activity(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	step := plan.DecideActivity(text, p.session.Audience(), n, a)
	if step.Acts() {
		if err := p.session.SetActivity(p.t.Context(), step); err != nil {
			p.t.Fatal(err)
		}
	}
	return step.After
}

func (p *party) toldActivity(what string, match func(raw string) bool) {
	p.t.Helper()
	p.wait(what, func(r testbed.Received) bool {
		return r.Event != nil && r.Event.Node == nsActivity && len(r.Event.Items) > 0 && match(r.Raw)
	})
	time.Sleep(50 * time.Millisecond)
}

func escaped(s string) string { return strings.ReplaceAll(s, "&", "&amp;") }
