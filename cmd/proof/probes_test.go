package main

import (
	"slices"
	"strings"
	"testing"

	"awayd/cmd/proof/explore"
	"awayd/cmd/testbed"
)

func TestModelsAreLikeTheirServers(t *testing.T) {
	bed, err := testbed.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := bed.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, s := range probed {
		list := explore.Probes()
		results, err := probeAll(t.Context(), bed.XMPPFor(t, s.kind), s.facts, list)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range results {
			if !slices.Equal(r.real, r.model) {
				t.Errorf("%s: %s:\nreal:  %s\nmodel: %s", s.facts.Name, list[i].Name, strings.Join(r.real, "; "), strings.Join(r.model, "; "))
			}
		}
	}
}
