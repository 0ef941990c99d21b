package absence

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkMerge joins the absences of a year: a day off each week, with
// evenings and weekends between them, and overlapping vacations.
func BenchmarkMerge(b *testing.B) {
	s := Defaults()
	s.Zone = in("Europe/Berlin")
	week := newWeek(s)
	var list []Absence
	for i := range 500 {
		start := time.Date(2025, 1, 1+i/2, 8*(i%2), 0, 0, 0, s.Zone)
		list = append(list, Absence{UID: fmt.Sprint(i), Start: start, End: start.Add(time.Duration(4+i%5*24) * time.Hour)})
	}
	b.ReportAllocs()
	for b.Loop() {
		if len(merge(list, week, true)) == 0 {
			b.Fatal("no periods")
		}
	}
}
