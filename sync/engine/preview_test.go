package engine

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"awayd/sync/plan"
)

// What is on the node now is over when a window of later begins: it is not shown
// there as if it ended at that moment.
func TestPreviewOfLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.vacation("now", -time.Hour, 10*time.Hour)
		w.vacation("next", 20*time.Hour, 30*time.Hour)
		w.vacation("last", 60*time.Hour, 70*time.Hour)
		defer w.run()()
		w.expect(plan.Reveal)
		type step struct {
			kind   plan.Kind
			hours  int
			period int
		}
		began := time.Now().Truncate(time.Second)
		for from, want := range map[int][]step{
			0:  {{plan.Withdraw, 10, 0}, {plan.Stage, 10, 1}, {plan.Reveal, 20, 1}, {plan.Withdraw, 30, 1}, {plan.Stage, 30, 2}, {plan.Reveal, 60, 2}, {plan.Withdraw, 70, 2}},
			5:  {{plan.Withdraw, 10, 0}, {plan.Stage, 10, 1}, {plan.Reveal, 20, 1}, {plan.Withdraw, 30, 1}, {plan.Stage, 30, 2}, {plan.Reveal, 60, 2}, {plan.Withdraw, 70, 2}},
			15: {{plan.Reveal, 20, 0}, {plan.Withdraw, 30, 0}, {plan.Stage, 30, 1}, {plan.Reveal, 60, 1}, {plan.Withdraw, 70, 1}},
			30: {{plan.Stage, 30, 0}, {plan.Reveal, 60, 0}, {plan.Withdraw, 70, 0}},
			40: {{plan.Reveal, 60, 0}, {plan.Withdraw, 70, 0}},
			80: nil,
		} {
			p, err := w.engine.Preview(t.Context(), ada, began.Add(time.Duration(from)*time.Hour), began.Add(100*time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			var got []step
			for _, s := range p.Steps {
				got = append(got, step{s.Kind, int(s.At.Sub(began).Round(time.Hour).Hours()), plan.PeriodOf(p.Result.Timeline, s)})
			}
			if !slices.Equal(got, want) {
				t.Errorf("from hour %d: %v, want %v", from, got, want)
			}
		}
	})
}
