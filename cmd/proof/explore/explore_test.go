package explore

import (
	"strings"
	"testing"
)

// A broken promise is printed in one line first, for those who read the output
// of mutants.
func TestBounded(t *testing.T) {
	for i, run := range Bounded() {
		if i%every > 0 {
			continue
		}
		r := Explore(t.Context(), run.Setting, run.Disturbances)
		if r.Violation != nil {
			t.Fatalf("broken: %v: %v: %s\n%s", r.Setting, r.Violation, r.Headline(), strings.Join(r.Trace, "\n"))
		}
		t.Logf("%v, %d disturbances: %d states, %d turns, %d steps, %d moves deep", r.Setting, r.Disturbances, r.States, r.Turns, r.Steps, r.Depth)
	}
}
