package plan

import (
	"fmt"
	"testing"
)

// BenchmarkDecide decides over a year with a vacation every two weeks, of which
// one is live and the next is not staged yet, and nothing is to be done.
func BenchmarkDecide(b *testing.B) {
	var w Wish
	for i := range 26 {
		p := period(fmt.Sprint(i), float64(i*14*24-1), float64(i*14*24+120))
		w.Periods = append(w.Periods, p)
	}
	w.Audience = Presence
	live := item(ItemCurrent, w.Periods[0])
	j := Journal{Sent: sent(live), Seen: &live, Audience: Presence}
	for i := range 100 { // what was sent in the years before
		j.Sent[fmt.Sprint("hash ", i)] = t0
	}
	o := node(Presence, live)
	if actions := Decide(w, o, j, t0); len(actions) != 0 {
		b.Fatal(actions)
	}
	b.ReportAllocs()
	for b.Loop() {
		Decide(w, o, j, t0)
	}
}
