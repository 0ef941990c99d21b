package explore

import (
	"errors"
	"fmt"
	"strings"

	"awayd/sync/plan"
	"awayd/xmppout/pep"
)

// A Bench is a person with a node and three contacts on some server, real or
// modelled: Romeo, who is in the person's group, Benvolio, who is in the roster
// alone, and Tybalt, who is a stranger. The person's client is connected, and
// not available to contacts.
//
// What can be refused returns "ok", or a condition in the words of [Outcome].
type Bench interface {
	// Publish publishes a text as the item id; guard may be empty.
	Publish(id, text string, guard plan.AccessModel) string
	Retract(id string, notify bool) string
	Configure(plan.AccessModel) string
	Delete() string
	// Member lets Romeo in by affiliation.
	Member() string
	// Items is what the owner may read.
	Items() string
	// Available makes the person's client available, or no longer.
	Available(bool)
	// Fetch is what a contact gets who asks.
	Fetch(Who) string
	// Subscribe subscribes a contact explicitly.
	Subscribe(Who) string
	// Offline and Online end and begin a contact's session.
	Offline(Who)
	Online(Who)
	// Heard is what a contact was told since it was last asked for.
	Heard(Who) string
}

// Conditions, as probes tell them: servers differ in the words for a refusal.
const (
	OK      = "ok"
	Refused = "refused"
	Missing = "not found"
	Guarded = "precondition not met"
	Unknown = "not acceptable"
	Nothing = "nothing"
)

// A Probe is a small experiment on the behaviour of a server.
type Probe struct {
	Name string
	run  func(Bench, func(what, outcome string))
}

// Run makes the experiment and returns what happened, a line for each step.
func (p Probe) Run(b Bench) []string {
	var lines []string
	p.run(b, func(what, outcome string) { lines = append(lines, what+": "+outcome) })
	return lines
}

// Probes are the experiments behind the [Facts].
func Probes() []Probe {
	type note = func(what, outcome string)
	return []Probe{
		{"a guarded publish makes a hidden node", func(b Bench, n note) {
			b.Available(true)
			n("publish", b.Publish("archive", "a", plan.Whitelist))
			n("Romeo is told", b.Heard(Romeo))
			n("Romeo fetches", b.Fetch(Romeo))
			n("Tybalt fetches", b.Fetch(Tybalt))
			n("the owner reads", b.Items())
		}},
		{"a guarded publish is refused on a node with another access model", func(b Bench, n note) {
			b.Available(true)
			n("publish", b.Publish("current", "a", plan.Presence))
			n("Romeo is told", b.Heard(Romeo))
			n("publish under whitelist", b.Publish("archive", "b", plan.Whitelist))
			n("publish under open", b.Publish("archive", "c", plan.Open))
			n("Romeo is told", b.Heard(Romeo))
			n("Romeo fetches", b.Fetch(Romeo))
		}},
		{"an unguarded publish makes a node for the roster", func(b Bench, n note) {
			b.Available(true)
			n("publish", b.Publish("current", "a", ""))
			n("Benvolio is told", b.Heard(Benvolio))
			n("Tybalt is told", b.Heard(Tybalt))
			n("Tybalt fetches", b.Fetch(Tybalt))
		}},
		{"another access model tells nobody", func(b Bench, n note) {
			b.Available(true)
			b.Publish("archive", "a", plan.Whitelist)
			n("show", b.Configure(plan.Presence))
			n("Romeo is told", b.Heard(Romeo))
			n("Romeo fetches", b.Fetch(Romeo))
			n("hide", b.Configure(plan.Whitelist))
			n("Romeo is told", b.Heard(Romeo))
			n("Romeo fetches", b.Fetch(Romeo))
		}},
		{"a node holds one item", func(b Bench, n note) {
			b.Publish("archive", "a", plan.Whitelist)
			n("publish another", b.Publish("current", "b", plan.Whitelist))
			n("the owner reads", b.Items())
		}},
		{"a retraction with notify", func(b Bench, n note) {
			b.Available(true)
			b.Publish("current", "a", plan.Presence)
			n("Romeo is told", b.Heard(Romeo))
			n("retract", b.Retract("current", true))
			n("Romeo is told", b.Heard(Romeo))
			n("again", b.Retract("current", true))
		}},
		{"a retraction without notify", func(b Bench, n note) {
			b.Available(true)
			b.Publish("current", "a", plan.Presence)
			n("Romeo is told", b.Heard(Romeo))
			n("retract", b.Retract("current", false))
			n("Romeo is told", b.Heard(Romeo))
		}},
		{"a retraction on a hidden node", func(b Bench, n note) {
			b.Available(true)
			b.Publish("current", "a", plan.Presence)
			b.Configure(plan.Whitelist)
			n("Romeo is told", b.Heard(Romeo))
			n("retract", b.Retract("current", true))
			n("Romeo is told", b.Heard(Romeo))
		}},
		{"the deletion of a hidden node", func(b Bench, n note) {
			b.Available(true)
			b.Publish("archive", "a", plan.Whitelist)
			n("delete", b.Delete())
			n("Romeo is told", b.Heard(Romeo))
			n("Tybalt is told", b.Heard(Tybalt))
		}},
		{"the deletion of a visible node", func(b Bench, n note) {
			b.Available(true)
			b.Publish("current", "a", plan.Presence)
			n("Romeo is told", b.Heard(Romeo))
			n("delete", b.Delete())
			n("Romeo is told", b.Heard(Romeo))
			n("again", b.Delete())
		}},
		{"a node that is missing", func(b Bench, n note) {
			n("configure", b.Configure(plan.Whitelist))
			n("retract", b.Retract("current", true))
			n("the owner reads", b.Items())
			n("Romeo fetches", b.Fetch(Romeo))
		}},
		{"a publish while the person is not available", func(b Bench, n note) {
			n("publish", b.Publish("current", "a", plan.Presence))
			n("Romeo is told", b.Heard(Romeo))
			b.Available(true)
			n("Romeo is told once the person is available", b.Heard(Romeo))
			n("publish again", b.Publish("current", "b", plan.Presence))
			n("Romeo is told", b.Heard(Romeo))
		}},
		{"who comes online while the person is not available", func(b Bench, n note) {
			b.Publish("current", "a", plan.Presence)
			n("Romeo is told", b.Heard(Romeo))
			b.Offline(Romeo)
			b.Online(Romeo)
			n("Romeo is told", b.Heard(Romeo))
		}},
		{"who comes online while the person is available", func(b Bench, n note) {
			b.Offline(Romeo)
			b.Available(true)
			b.Publish("current", "a", plan.Presence)
			b.Online(Romeo)
			n("Romeo is told", b.Heard(Romeo))
		}},
		{"who comes online while the node is hidden", func(b Bench, n note) {
			b.Offline(Romeo)
			b.Available(true)
			b.Publish("archive", "a", plan.Whitelist)
			b.Online(Romeo)
			n("Romeo is told", b.Heard(Romeo))
		}},
		{"who may subscribe", func(b Bench, n note) {
			b.Available(true)
			b.Publish("archive", "a", plan.Whitelist)
			n("Romeo, hidden", b.Subscribe(Romeo))
			b.Configure(plan.Presence)
			n("Romeo, visible", b.Subscribe(Romeo))
			n("Romeo is told", b.Heard(Romeo))
		}},
		{"who subscribed explicitly, on a node that is hidden again", func(b Bench, n note) {
			b.Available(true)
			b.Publish("current", "a", plan.Presence)
			b.Subscribe(Romeo)
			n("Romeo is told", b.Heard(Romeo))
			n("retract", b.Retract("current", false))
			n("hide", b.Configure(plan.Whitelist))
			n("publish under whitelist", b.Publish("archive", "b", plan.Whitelist))
			n("Romeo is told", b.Heard(Romeo))
			n("Romeo fetches", b.Fetch(Romeo))
			n("Benvolio fetches", b.Fetch(Benvolio))
		}},
		{"who subscribed explicitly, while the person is not available", func(b Bench, n note) {
			b.Publish("current", "a", plan.Presence)
			b.Subscribe(Romeo)
			b.Heard(Romeo)
			n("publish", b.Publish("current", "b", plan.Presence))
			n("Romeo is told", b.Heard(Romeo))
			n("Benvolio is told", b.Heard(Benvolio))
		}},
		{"who subscribed explicitly, on a node that was deleted and made anew", func(b Bench, n note) {
			b.Available(true)
			b.Publish("current", "a", plan.Presence)
			b.Subscribe(Romeo)
			b.Delete()
			b.Heard(Romeo)
			n("publish under whitelist", b.Publish("archive", "b", plan.Whitelist))
			n("Romeo is told", b.Heard(Romeo))
			n("Romeo fetches", b.Fetch(Romeo))
		}},
		{"an open node", func(b Bench, n note) {
			b.Available(true)
			n("publish", b.Publish("current", "a", plan.Open))
			n("Benvolio is told", b.Heard(Benvolio))
			n("Tybalt is told", b.Heard(Tybalt))
			n("Tybalt fetches", b.Fetch(Tybalt))
		}},
		{"a member of a hidden node", func(b Bench, n note) {
			b.Available(true)
			b.Publish("archive", "a", plan.Whitelist)
			n("let Romeo in", b.Member())
			n("Romeo fetches", b.Fetch(Romeo))
			n("publish under whitelist", b.Publish("current", "b", plan.Whitelist))
			n("Romeo is told", b.Heard(Romeo))
			n("Benvolio is told", b.Heard(Benvolio))
			n("Benvolio fetches", b.Fetch(Benvolio))
		}},
		{"a node for a group of the roster", func(b Bench, n note) {
			b.Available(true)
			b.Publish("archive", "a", plan.Whitelist)
			accepted := b.Configure(Roster)
			n("let the group in", accepted)
			if accepted != OK {
				return
			}
			n("publish", b.Publish("current", "b", Roster))
			n("Romeo is told", b.Heard(Romeo))
			n("Benvolio is told", b.Heard(Benvolio))
			n("Romeo fetches", b.Fetch(Romeo))
			n("Benvolio fetches", b.Fetch(Benvolio))
			n("Tybalt fetches", b.Fetch(Tybalt))
			n("the owner reads", b.Items())
		}},
	}
}

// modelBench is the model of a server.
type modelBench struct {
	w     world
	heard map[Who][]string
}

// NewModelBench returns the bench of a server as the model has it.
func NewModelBench(f Facts) Bench {
	b := &modelBench{w: newWorld(&Setting{Facts: f, Audience: plan.Presence, Hours: Short}), heard: make(map[Who][]string)}
	b.w.online = Romeo | Benvolio | Tybalt
	b.w.connected = true
	b.w.told = func(to Who, what string) {
		for c := Romeo; c <= Tybalt; c <<= 1 {
			if to&c != 0 {
				b.heard[c] = append(b.heard[c], what)
			}
		}
	}
	return b
}

// Outcome tells an error of the model, or of the product's way to a server, in
// the words of the probes.
func Outcome(err error) string {
	switch {
	case err == nil:
		return OK
	case errors.Is(err, pep.ErrItemNotFound):
		return Missing
	case errors.Is(err, pep.ErrPreconditionNotMet):
		return Guarded
	case errors.Is(err, pep.ErrForbidden):
		return Refused
	case errors.Is(err, errNoRoster):
		return Unknown
	}
	return err.Error()
}

func (b *modelBench) Publish(id, text string, guard plan.AccessModel) string {
	return Outcome(b.w.publish(item{Item: plan.Item{ID: id, Payload: plan.Payload{Message: text}}}, guard))
}

func (b *modelBench) Retract(id string, notify bool) string {
	return Outcome(b.w.retract(id, notify, false))
}
func (b *modelBench) Configure(a plan.AccessModel) string { return Outcome(b.w.configure(a, false)) }
func (b *modelBench) Delete() string                      { return Outcome(b.w.remove(false)) }
func (b *modelBench) Member() string                      { return Outcome(b.w.admit(Romeo, false)) }
func (b *modelBench) Offline(c Who)                       { b.w.depart(c) }
func (b *modelBench) Online(c Who)                        { b.w.arrive(c) }

func (b *modelBench) Items() string {
	list, err := b.w.read(b.w.node)
	return Listing(list, err)
}

// Listing tells the items that were read, or why they were not.
func Listing(list []plan.Item, err error) string {
	if err != nil {
		return Outcome(err)
	}
	var words []string
	for _, i := range list {
		words = append(words, fmt.Sprintf("%s %q", i.ID, i.Payload.Message))
	}
	return Several(words)
}

// Several joins what was told or read. What comes twice in a row counts once:
// some servers send an event both to a client that asks for it and to the
// subscriber behind it.
func Several(words []string) string {
	var list []string
	for i, w := range words {
		if i == 0 || words[i-1] != w {
			list = append(list, w)
		}
	}
	if len(list) == 0 {
		return Nothing
	}
	return strings.Join(list, ", ")
}

func (b *modelBench) Available(yes bool) {
	if !yes {
		b.w.disappear()
		return
	}
	b.w.appear("")
	b.w.gather()
}

func (b *modelBench) Fetch(c Who) string {
	switch {
	case !b.w.node.exists:
		return Missing
	case b.w.mayFetch(b.w.node)&c == 0:
		return Refused
	}
	var list []plan.Item
	for _, i := range b.w.node.items {
		list = append(list, i.Item)
	}
	return Listing(list, nil)
}

func (b *modelBench) Subscribe(c Who) string { return Outcome(b.w.enroll(c)) }

func (b *modelBench) Heard(c Who) string {
	list := b.heard[c]
	delete(b.heard, c)
	return Several(list)
}
