package explore

import (
	"context"
	"slices"
	"strings"
)

// Result is what an exploration found under one setting.
type Result struct {
	Setting
	Disturbances int // at most, on each path
	States       int // between turns, distinct
	Turns        int // of awayd, run
	Steps        int // calls to server and store in them
	Depth        int // moves of the longest path
	Races        int // times that the person published while awayd was about to
	// Whole says that everything within the bounds was explored.
	Whole bool

	Violation *Violation // nil: none
	Trace     []string   // that leads to it
}

// Headline names the disturbances that led to the violation.
func (r Result) Headline() string {
	var list []string
	for _, line := range r.Trace {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "- ") && !strings.HasPrefix(line, "- at ") {
			list = append(list, line[len("- "):])
		}
	}
	if len(list) == 0 {
		return "undisturbed"
	}
	return strings.Join(list, "; ")
}

// Explore walks through everything that can happen with at most so many
// disturbances, and stops at the first violation, or when ctx ends.
func Explore(ctx context.Context, s Setting, disturbances int) Result {
	x := &explorer{
		setting: &s, most: disturbances, turner: newTurner(),
		seen: make(map[uint64]uint8), next: make([][]state, disturbances+1),
		result: Result{Setting: s, Disturbances: disturbances},
	}
	x.reach(begin(&s), 0)
	x.result.Whole = x.walk(ctx)
	x.result.Turns, x.result.Steps, x.result.Races = x.turns, x.taken, x.races
	x.result.States = len(x.seen)
	return x.result
}

// An explorer walks through the states of one setting. It is not for use by
// several goroutines: the copies of a keeper share parts.
type explorer struct {
	*turner
	setting *Setting
	most    int
	seen    map[uint64]uint8 // the fewest disturbances that lead to a state
	next    [][]state        // to be left, by the disturbances that led there
	past    []past
	races   int
	result  Result
}

// A state is a moment between two turns.
type state struct {
	world
	mind

	past  int32 // index of what led to the state before; -1: nothing did
	last  move  // led from there to here
	depth int16
}

// past is how a state was reached.
type past struct {
	before int32
	move   move
}

func begin(s *Setting) state {
	first := state{world: newWorld(s), past: -1, last: move{kind: starts}}
	first.live()
	return first
}

// walk leaves every state: of those that were reached first those that may not
// be disturbed any more, which keeps the list short, and then those that were
// disturbed least. It reports whether it came to the end.
func (x *explorer) walk(ctx context.Context) bool {
	for {
		cost := x.most
		for cost >= 0 && len(x.next[cost]) == 0 {
			cost--
		}
		if cost < 0 {
			return true
		}
		if cost < x.most {
			for cost = 0; len(x.next[cost]) == 0; cost++ {
			}
		}
		last := len(x.next[cost]) - 1
		s := x.next[cost][last]
		x.next[cost][last] = state{}
		x.next[cost] = x.next[cost][:last]
		if !x.leave(s, cost) || ctx.Err() != nil {
			return false
		}
	}
}

// reach notes a state that a move led to, unless it is known, and reports
// whether the walk is to go on.
func (x *explorer) reach(s state, cost int) bool {
	x.races += s.judge.races
	s.judge.races = 0
	if s.violation != nil {
		x.result.Violation = s.violation
		x.result.Trace = x.explain(s)
		return false
	}
	h := s.hash()
	if was, ok := x.seen[h]; ok && int(was) <= cost {
		return true
	}
	x.seen[h] = uint8(cost)
	x.remember(&s)
	x.result.Depth = max(x.result.Depth, int(s.depth))
	x.next[cost] = append(x.next[cost], s)
	return true
}

// make makes a move from s, which is not changed.
func (x *explorer) make(s state, m move) state {
	s.last = m
	s.depth++
	m.do(x.turner, &s)
	return s
}

// remember keeps the move that led to s, so that traces can be told.
func (x *explorer) remember(s *state) {
	x.past = append(x.past, past{s.past, s.last})
	s.past = int32(len(x.past) - 1)
}

// leave makes every move from s.
func (x *explorer) leave(s state, cost int) bool {
	if tick.can(&s.world) && !(s.running && s.due) && !x.reach(x.make(s, move{kind: happens, arg: 0}), cost) {
		return false
	}
	// A turn in which awayd finds no reason to look does nothing, so then it is
	// one in which it does.
	usual := move{kind: turns}
	after := x.make(s, usual)
	if !x.looked && after.violation == nil {
		usual.audit = true
		after = x.make(s, usual)
	}
	steps := append([]step(nil), x.steps...)
	fresh := len(x.seen)
	if !x.reach(after, cost) || (len(x.seen) > fresh && !x.again(after)) {
		return false
	}
	if cost == x.most {
		return true
	}
	for _, m := range x.outside(s) {
		if !x.reach(x.make(s, m), cost+1) {
			return false
		}
	}
	return x.disturbed(s, usual, steps, cost+1)
}

// again makes sure that nothing is left to do after a turn that went through:
// neither for the same process nor for the next one.
func (x *explorer) again(s state) bool {
	if !s.settled || (byRoster(s.node.access) && !s.OwnerReadsRoster) {
		return true // what cannot be read is verified once awayd is told of it
	}
	kept := len(x.past)
	defer func() { x.past = x.past[:kept] }()
	for _, kind := range []kind{turns, dies} {
		t := s
		x.remember(&t)
		if kind == dies {
			if !s.tried.Equal(s.journal) {
				continue // the disk was full: the next process knows less
			}
			t = x.make(t, move{kind: dies})
			x.remember(&t)
		}
		t = x.make(t, move{kind: turns, audit: true})
		if x.writes > 0 || x.notes > 0 {
			t.violate("twice", "awayd acted again although nothing had happened")
		}
		if t.violation != nil {
			return x.reach(t, x.most)
		}
	}
	return true
}

// disturbed makes the turn m once for each way to disturb it at one more step.
func (x *explorer) disturbed(s state, m move, steps []step, cost int) bool {
	first := 0
	if n := len(m.disturb); n > 0 {
		first = m.disturb[n-1].at + 1
	}
	for at := first; at < len(steps); at++ {
		for _, d := range ways(x.setting, steps[at], at) {
			n := m
			n.disturb = append(m.disturb[:len(m.disturb):len(m.disturb)], d)
			after := x.make(s, n)
			if x.useless {
				continue
			}
			further := append([]step(nil), x.steps...)
			if !x.reach(after, cost) {
				return false
			}
			if cost < x.most && d.fault != crash && !x.disturbed(s, n, further, cost+1) {
				return false
			}
		}
	}
	return true
}

// ways are the disturbances of one step.
func ways(setting *Setting, s step, at int) []disturbance {
	var list []disturbance
	if setting.may(kills) {
		list = append(list, disturbance{at: at, fault: crash})
	}
	if setting.may(fails) {
		list = append(list, disturbance{at: at, fault: refused})
	}
	if setting.Only == nil {
		if s.write {
			list = append(list, disturbance{at: at, fault: lost})
		}
		if s.remote {
			list = append(list, disturbance{at: at, fault: denied})
		}
	}
	for e := range events {
		if s.remote && setting.may(events[e].name) {
			list = append(list, disturbance{at: at, event: e})
		}
	}
	return list
}

// may reports whether something is among the disturbances.
func (s *Setting) may(name string) bool { return s.Only == nil || slices.Contains(s.Only, name) }

// outside are the moves of s that are disturbances themselves.
func (x *explorer) outside(s state) []move {
	var list []move
	for e := 1; e < len(events); e++ { // but for the passing of time
		if can := events[e].can; s.may(events[e].name) && (can == nil || can(&s.world)) {
			list = append(list, move{kind: happens, arg: e})
		}
	}
	if s.running && s.may(kills) {
		list = append(list, move{kind: dies})
	}
	if s.hour > 0 && s.may(setsBack) {
		list = append(list, move{kind: stepsBack})
	}
	if s.Only != nil {
		return list
	}
	for _, to := range edits(s.cal) {
		list = append(list, move{kind: edited, to: to})
	}
	return list
}
