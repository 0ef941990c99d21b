package main

import (
	"context"
	"testing"

	"awayd/cmd/testbed"
)

// The whole story, on each server, undisturbed and with the daemon killed at
// every moment of interest.
func TestStory(t *testing.T) {
	binary, err := build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{testbed.Prosody, testbed.Ejabberd} {
		for name, crash := range map[string]func(string, *program) error{
			"undisturbed": nil,
			"killed":      killAndRestart(t.Context()),
		} {
			t.Run(kind+" "+name, func(t *testing.T) {
				t.Parallel()
				s := &story{kind: kind, binary: binary, say: t.Logf, crash: crash}
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				if err := s.tell(ctx); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

func killAndRestart(ctx context.Context) func(string, *program) error {
	return func(_ string, p *program) error {
		if err := p.kill(); err != nil {
			return err
		}
		return p.start(ctx)
	}
}
