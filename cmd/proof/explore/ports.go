package explore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"awayd/sync/engine"
	"awayd/sync/plan"
	"awayd/xmppout/pep"
)

// ports are awayd's sides of a world: the store, and the session with its node
// and presence. Every call is a step, at which a turn can be disturbed.
type ports struct {
	w *world
	// disturb are what happens in this turn, in the order of the steps.
	disturb []disturbance
	steps   []step // taken so far in this turn
	looking bool   // at the node, to decide
	looked  bool   // in this turn
	writes  int    // of which changed the node
	notes   int    // entries in the log, of what went well
	useless bool   // a disturbance could not happen
	acting  plan.Kind
	// hidden says that the person had hidden the node when the first step of the
	// action was taken, which then could notice.
	begun, hidden bool
	trace         func(format string, args ...any)
}

// A disturbance happens at one step of a turn.
type disturbance struct {
	at    int // the step
	fault fault
	event int // of events, if fault is none
}

type fault uint8

const (
	none    fault = iota
	crash         // awayd is killed before the step
	refused       // the step fails, and so does the connection
	denied        // the server refuses the step for the moment
	lost          // the step is done, but its answer is lost with the connection
)

// A step is a call that awayd made.
type step struct {
	remote bool // to the server
	write  bool
}

// over is what a session that is lost has for Done.
var over = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// killed is what a crash panics with.
type killed struct{}

var (
	errLost = errors.New("connection lost")
	errDisk = errors.New("disk full")
	errBusy = errors.New("resource-constraint")
)

// do takes a step, unless it is to be disturbed.
func (p *ports) do(s step, name string, f func() error) error {
	n := len(p.steps)
	p.steps = append(p.steps, s)
	var broken bool
	for len(p.disturb) > 0 && p.disturb[0].at == n {
		d := p.disturb[0]
		p.disturb = p.disturb[1:]
		switch d.fault {
		case none:
			if can := events[d.event].can; can != nil && !can(p.w) {
				p.useless = true
				continue
			}
			p.say("    - %s", events[d.event].name)
			events[d.event].do(p.w)
		case crash:
			p.say("    - awayd is killed before: %s", name)
			panic(killed{})
		case refused:
			p.say("    - fails: %s", name)
			if !s.remote {
				return errDisk
			}
			p.w.disconnect()
			return errLost
		case denied:
			p.say("    - the server refuses: %s", name)
			return errBusy
		case lost:
			broken = true
		}
	}
	if s.remote && !p.w.connected {
		p.say("    %s: no connection", name)
		return errLost
	}
	was := p.w.node
	if s.remote && !p.begun {
		p.begun, p.hidden = true, was.theirs && was.access == plan.Whitelist && was.members == nobody
	}
	err := f()
	if s.write {
		p.writes++
		p.w.judgeWrite(was)
	}
	if p.trace != nil {
		p.say("    %s%s", name, outcome(err))
	}
	if broken {
		p.say("    - the answer to that is lost")
		p.w.disconnect()
		return errLost
	}
	return err
}

func outcome(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

func (p *ports) say(format string, args ...any) {
	if p.trace != nil {
		p.trace(format, args...)
	}
}

var (
	read  = step{remote: true}
	write = step{remote: true, write: true}
	note  = step{}
)

// Node, for the choreography.

type side struct{ *ports }

var (
	_ pep.Node       = side{}
	_ pep.Looks      = side{}
	_ engine.Session = side{}
)

func (s side) Access(context.Context) (a plan.AccessModel, err error) {
	err = s.do(read, "read access model", func() error {
		if !s.w.node.exists {
			return errNoItem
		}
		a = s.w.node.access
		s.w.readings++
		return nil
	})
	return a, err
}

func (s side) Items(context.Context) (list []plan.Item, err error) {
	err = s.do(read, "read items", func() error {
		if s.looking {
			s.w.look++
		}
		list, err = s.w.read(s.w.node)
		if errors.Is(err, errForbidden) && s.w.hears {
			list, err = s.w.heard, nil
		}
		return err
	})
	return list, err
}

func (s side) Members(context.Context) (list []string, err error) {
	err = s.do(read, "read affiliations", func() error {
		if !s.w.node.exists {
			return errNoItem
		}
		list = s.w.node.members.names()
		s.w.counts++
		return nil
	})
	return list, err
}

func (s side) Admit(_ context.Context, contacts []string) error {
	return s.do(write, s.name("let in %v", contacts), func() error {
		return s.w.admit(s.w.node.members|named(contacts), false)
	})
}

func (s side) TellsMembers() bool { return s.w.MembersTold }

func (s side) Groups(context.Context) (groups map[string][]string, err error) {
	err = s.do(read, "read roster", func() error {
		// The read-back of a node of the roster model cannot tell who was let in.
		if s.looking || s.w.node.access == plan.Whitelist {
			s.w.regrouped = false
		}
		if s.w.RosterDenied {
			return errNoRoster
		}
		groups = map[string][]string{friends: s.w.friends.names()}
		return nil
	})
	return groups, err
}

func (s side) Hides(context.Context) (bool, error) {
	return s.w.PublishOptions, s.do(read, "read features", func() error { return nil })
}

func (s side) Publish(_ context.Context, id string, p plan.Payload, guard plan.AccessModel) error {
	if s.acting == plan.Withdraw {
		s.w.withdrawn = s.w.turn
	}
	return s.do(write, s.name("publish %s %q until %d:00 under %s", id, p.Message, int(p.End.Sub(origin).Hours()), guard), func() error {
		return s.w.publish(item{Item: plan.Item{ID: id, Payload: p}}, guard)
	})
}

func (s side) Configure(_ context.Context, a plan.AccessModel) error {
	// Where a group may be members, a hidden node is one whose group is empty.
	if s.acting == plan.Amend && s.hidden && !(s.w.byGroup() && s.w.MembersTold) {
		s.w.violate("override", "awayd goes on to amend what the person had hidden before")
	}
	return s.do(write, s.name("set access model %s", a), func() error { return s.w.configure(a, false) })
}

func (s side) Retract(_ context.Context, id string, notify bool) error {
	return s.do(write, s.name("retract %s, notify %t", id, notify), func() error { return s.w.retract(id, notify, false) })
}

func (s side) Delete(context.Context) error {
	return s.do(write, "delete node", func() error { return s.w.remove(false) })
}

// name formats the name of a step, if somebody reads it.
func (s side) name(format string, args ...any) string {
	if s.trace == nil {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

// Looks, for the choreography.

func (s side) Show(_ context.Context, status string) error {
	if s.w.available && s.w.status == status {
		return nil
	}
	return s.do(read, s.name("become available, %q", status), func() error { s.w.appear(status); return nil })
}

func (s side) Attend(ctx context.Context) error {
	if s.w.available {
		return nil
	}
	return s.Show(ctx, "")
}

func (s side) Hide(context.Context) error {
	if !s.w.available {
		return nil
	}
	return s.do(read, "become unavailable", func() error { s.w.disappear(); return nil })
}

func (s side) Gather(context.Context) error {
	return s.do(read, "wait for contacts", func() error { s.w.gather(); return nil })
}

func (s side) Contacts() int64 { return s.w.contacts() }

// Session, for the keeper.

func (p *ports) dial(context.Context) (engine.Session, error) {
	p.w.connected = true
	return side{p}, nil
}

func (s side) Look(ctx context.Context) (plan.Observed, error) {
	s.looking = true
	o, err := pep.Look(ctx, s, s.w.reach)
	s.looking = false
	if err == nil {
		s.looked, s.w.looked = true, s.w.hour
	}
	return o, err
}

func (s side) Do(ctx context.Context, a plan.Action, l plan.Ledger) error {
	s.say("  %s: %s", a.Kind, a.Reason)
	s.acting, s.begun, s.hidden = a.Kind, false, false
	return pep.Choreography{Node: s, Looks: s, Ledger: l, Audience: s.w.reach, NoPresence: s.w.NoPresence}.Do(ctx, a)
}

func (s side) Pace(_, _, _ time.Duration) {} // time stands still in a turn

// Activity and what follows is not what is explored.

func (s side) Activity(context.Context) (plan.ActivityNode, error)  { return plan.ActivityNode{}, nil }
func (s side) SetActivity(context.Context, plan.ActivityStep) error { return nil }
func (s side) Reach(context.Context) (plan.Reach, error)            { return plan.Reach{}, nil }
func (s side) News() <-chan struct{}                                { return nil }

func (s side) Server() string { return s.w.Name }
func (s side) Err() error     { return nil }

func (s side) Done() <-chan struct{} {
	if s.w.connected {
		return nil
	}
	return over
}

func (s side) Close(context.Context) error {
	s.w.disconnect()
	return nil
}

// The store.

func (p *ports) Journal(context.Context, string) (plan.Journal, error) { return p.w.journal, nil }

func (p *ports) SaveJournal(_ context.Context, _ string, j plan.Journal) error {
	p.w.tried = j
	return p.do(note, "write journal", func() error { p.w.journal = j; return nil })
}

func (p *ports) SaveObserved(_ context.Context, _ string, o plan.Observed, _ time.Time) error {
	p.w.observed = o
	return nil
}

func (p *ports) Observed(context.Context, string) (plan.Observed, time.Time, error) {
	return p.w.observed, time.Time{}, nil
}
