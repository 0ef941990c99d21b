package engine

import (
	"context"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"awayd/sync/plan"
)

// What is remembered of what comes next is what would be played anew, at any
// time: before, during and after absences, beside a message of the person's own,
// and after it was ended or is over.
func TestOutlook(t *testing.T) {
	for name, do := range map[string]struct {
		at time.Duration
		do func(*world)
	}{
		"undisturbed": {time.Hour, func(*world) {}},
		"own message": {8 * time.Hour, func(w *world) {
			p := plan.NewPayload(time.Now().Add(-time.Hour), time.Now().Add(4*time.Hour+40*time.Minute), "own")
			o := plan.Observed{Exists: true, Access: plan.Presence, Items: []plan.Item{{ID: plan.ItemCurrent, Payload: p}}}
			w.change(func() { w.node = o })
		}},
		"taken away": {4 * time.Hour, func(w *world) { w.change(func() { w.node.Items = nil }) }},
		"node lost":  {4 * time.Hour, func(w *world) { w.change(func() { w.node = plan.Observed{} }) }},
		"planned anew": {time.Hour, func(w *world) {
			w.change(func() { w.calm = false })
			w.vacation("c", 90*time.Minute, 3*time.Hour)
		}},
		"nothing at all": {0, func(w *world) { w.change(func() { w.events = nil }) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.vacation("a", 3*time.Hour, 6*time.Hour)
				w.vacation("b", 12*time.Hour, 14*time.Hour)
				defer w.run()()
				synctest.Wait()
				w.change(func() { w.calm = true })
				foreseen := 0
				const step = 10 * time.Minute
				for at := time.Duration(0); at < 16*time.Hour; at += step {
					if at == do.at {
						do.do(w)
						if _, err := w.engine.Sync(t.Context(), ada, false); err != nil {
							t.Error(err)
						}
						synctest.Wait()
					}
					foreseen += w.compareOutlook(name)
					time.Sleep(step)
				}
				if foreseen == 0 && name != "nothing at all" {
					t.Error("nothing was ever foreseen")
				}
			})
		})
	}
}

// compareOutlook compares what is remembered with what is played anew, and
// returns how much that was.
func (w *world) compareOutlook(name string) (foreseen int) {
	err := w.engine.command(w.t.Context(), ada, func(_ context.Context, a *actor) error {
		now := w.now()
		next, flip := a.foretell(now)
		kept := a.outlook
		a.outlook = outlook{}
		if n, f := a.foretell(now); !reflect.DeepEqual(n, next) || !reflect.DeepEqual(f, flip) {
			w.t.Errorf("%s at %s: remembered %+v and %+v, played anew %+v and %+v", name, now, next, flip, n, f)
		}
		a.outlook = kept
		if flip != nil {
			foreseen = 1
		}
		return nil
	})
	if err != nil {
		w.t.Error(err)
	}
	return foreseen
}
