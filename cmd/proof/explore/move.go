package explore

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"awayd/sync/account"
	"awayd/sync/engine"
	"awayd/sync/plan"
)

// A move leads from one state to another.
type move struct {
	kind    kind
	arg     int      // of happens: which event
	to      calendar // of edited
	audit   bool     // of turns: awayd looks at the node whatever it believes
	disturb []disturbance
}

type kind uint8

const (
	starts kind = iota // is no move
	happens
	edited
	stepsBack
	dies // awayd is killed between two turns
	turns
)

// A mind is what awayd has in memory. The judge never looks into it.
type mind struct {
	running bool // else keeper means nothing
	keeper  engine.Keeper
	doubt   bool // there is a reason to look at the node in the next turn
	failed  int  // so many turns in a row, undisturbed
	due     bool // a living awayd has its next turn before more time passes
	retry   bool // the last one did, for whatever reason
}

// A turner runs turns of awayd.
type turner struct {
	*ports
	turns int
	taken int // steps
	log   *slog.Logger
}

func newTurner() *turner { return &turner{ports: &ports{}, log: slog.New(slog.DiscardHandler)} }

func (m move) do(t *turner, s *state) {
	switch m.kind {
	case happens:
		if m.arg > 0 {
			t.say("- %s", events[m.arg].name)
		}
		events[m.arg].do(&s.world)
		s.settled = s.settled && m.arg == 0
		s.due = s.due || m.arg == 0
		if m.arg == 0 && s.Plan.hour == s.clock() {
			t.comes(s)
		}
	case edited:
		t.say("- %s", s.cal.change(m.to))
		s.edit(m.to)
		s.doubt, s.due = true, true
	case stepsBack:
		s.stepBack()
		t.say("- %s to %d:00", setsBack, s.clock())
		s.doubt, s.due = true, true
	case dies:
		t.say("- " + kills)
		s.disconnect()
		s.mind = mind{}
	case turns:
		t.run(s, m)
	}
}

// comes has the plan come true. It is no reason to look at the node.
func (t *turner) comes(s *state) {
	if s.cal != s.Plan.to {
		t.say("- %s", s.cal.change(s.Plan.to))
		s.edit(s.Plan.to)
	}
	if a := s.Plan.audience; a != "" && s.reach != a {
		t.say("- the audience is %s", a)
		s.former |= s.audience()
		s.reach, s.settled = a, false
	}
}

// run gives awayd a turn.
func (t *turner) run(s *state, m move) {
	t.ports.w, t.disturb, t.steps, t.writes, t.notes = &s.world, m.disturb, t.steps[:0], 0, 0
	t.looking, t.looked, t.useless = false, false, false
	t.turns++
	s.turn++
	s.shown = s.shows()
	touched := s.node.touched
	s.settled = false
	t.say("- at %v: a turn of awayd", s.world.String())
	s.within = true
	err, alive := t.protected(s, m.audit)
	s.within = false
	t.taken += len(t.steps)
	if !alive {
		s.disconnect()
		s.mind = mind{}
		return
	}
	s.doubt, s.due, s.retry = false, false, err != nil
	if err != nil {
		t.say("  fails: %v", err)
	}
	if s.byGroup() && !s.Roster && !s.MembersTold {
		return // nobody may be told anything there, which is judged as it happens
	}
	switch {
	case len(m.disturb) > 0:
		s.failed = 0
	case err != nil:
		// One turn may fail that meets what somebody else left behind.
		if s.failed++; s.failed > 1 || !touched {
			s.violate("apart", "a turn fails although nothing happens: %v", err)
		}
	case t.looked:
		s.failed = 0
		s.judgeSettled()
		s.settled = true
	}
}

// protected runs the turn and reports whether awayd lived to its end.
func (t *turner) protected(s *state, audit bool) (err error, alive bool) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(killed); !ok {
				panic(r)
			}
		}
	}()
	ctx := context.Background()
	if !s.running {
		k, err := engine.NewKeeper(ctx, engine.KeeperConfig{
			JID: "juliet@example.org", Dial: t.dial, Store: t.ports, Now: t.clock, Log: t.log,
			Note: func(e account.Entry) {
				if e.Outcome != account.Failed {
					t.notes++
				}
			},
		})
		if err != nil {
			return err, true
		}
		s.keeper, s.running = *k, true
	}
	k := &s.keeper
	if !s.connected {
		k.HangUp() // as awayd does when it hears that its connection ended
	}
	k.Want(engine.Want{
		Wish:     plan.Wish{Timeline: timelines[s.cal], Audience: s.reach},
		Presence: !s.NoPresence, Zone: time.UTC,
	})
	if s.doubt || audit {
		k.Doubt()
	}
	if s.retry {
		k.Hurry() // the time that awayd waits before it tries again has passed
	}
	return k.Turn(ctx), true
}

func (t *turner) clock() time.Time { return t.ports.w.now() }

// explain plays the moves that led to a state once more and tells them.
func (x *explorer) explain(s state) []string {
	moves := []move{s.last}
	for to := s.past; to >= 0; to = x.past[to].before {
		moves = append(moves, x.past[to].move)
	}
	slices.Reverse(moves)
	var told []string
	t := newTurner()
	t.trace = func(format string, args ...any) { told = append(told, fmt.Sprintf(format, args...)) }
	s = begin(x.setting)
	for _, m := range moves {
		was := s.violation
		m.do(t, &s)
		if s.violation != nil && was == nil {
			told = append(told, "=> "+strings.ToUpper(s.violation.Kind)+": "+s.violation.What)
		}
	}
	return append(told, "now "+s.world.String())
}
