package main

import (
	"testing"

	"awayd/cmd/testbed"
)

// TestPolls measures a small calendar once, on the real server and beside the
// real programs. Its times prove nothing, but what is counted does.
func TestPolls(t *testing.T) {
	r := &report{rounds: 1}
	err := inBed(func(bed *testbed.Bed) error {
		s, err := newShelf(t.Context(), bed, 20)
		if err != nil {
			return err
		}
		return measurePolls(t.Context(), r, s)
	})
	if err != nil {
		t.Fatal(err)
	}
	if missed := r.missed(); len(missed) > 0 {
		t.Errorf("missed: %v\n%+v", missed, r.rows)
	}
}
