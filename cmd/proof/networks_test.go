package main

import (
	"strings"
	"testing"
	"time"

	"awayd/cmd/testbed"
)

// A few networks that break, the worst ones among them, and a few healthy
// accounts beside those who hang.
func TestNetworks(t *testing.T) {
	h, err := openHouse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Run("faults", func(t *testing.T) {
		t.Parallel()
		times := faultTimes{lead: 12 * time.Second, length: 13 * time.Second, before: 3 * time.Second, after: 2 * time.Second, apart: 1}
		cases := worstFaults()
		if err := runFaults(t.Context(), h, cases, times); err != nil {
			t.Error(err)
		}
		for _, row := range faultTable(cases).rows {
			t.Log(row)
		}
	})
	t.Run("pings", func(t *testing.T) {
		t.Parallel()
		took, err := runPings(t.Context(), h)
		if err != nil {
			t.Error(err)
		}
		t.Log(took)
	})
	t.Run("isolation", func(t *testing.T) {
		t.Parallel()
		times := isolationTimes{healthy: 2, lead: 12 * time.Second, length: 6 * time.Second, apart: 1}
		crowds, err := runIsolation(t.Context(), h, times)
		if err != nil {
			t.Error(err)
		}
		for _, row := range isolationTable(crowds).rows {
			t.Log(row)
		}
	})
}

func worstFaults() []*faultCase {
	var cases []*faultCase
	for i, f := range networkFaults() {
		kind := []string{testbed.Prosody, testbed.Ejabberd}[i%2]
		switch {
		case strings.HasPrefix(f.name, "half open"), strings.HasPrefix(f.name, "answers lost"), strings.HasPrefix(f.name, "cut within a request"):
			cases = append(cases, &faultCase{fault: f, kind: kind})
		case strings.HasPrefix(f.name, "connections refused"):
			cases = append(cases, &faultCase{fault: f, kind: kind, calendar: true})
		}
	}
	return cases
}
