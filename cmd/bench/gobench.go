package main

import (
	"context"
	"fmt"
)

// goBenchmarks has the Go benchmarks of awayd's own work summed up by benchstat.
func goBenchmarks(ctx context.Context, r *report) error {
	r.title = "awayd's own work"
	r.intro = goIntro
	table, err := command(ctx, "make", "-s", "bench-go", fmt.Sprintf("COUNT=%d", r.enough(8)))
	if err != nil {
		return err
	}
	r.verbatim = append(r.verbatim, string(table))
	return nil
}

const goIntro = `The Go benchmarks of reading (objects, and the answer of a server, a 207), expansion, merging, planning, and of what is written to the
state, polls and journals: what ` + "`make bench-go`" + ` prints, which is benchstat's. They are to be compared with those of another commit on the
same machine (docs/testing.md says how).`
