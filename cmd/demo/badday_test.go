package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"awayd/cmd/testbed"
)

// badDayLog is each cause and each end, told once.
var badDayLog = []string{
	"link", "poll", "change", "change", "stage", // the trip and the honeymoon
	"poll failed", "hold", "error", "poll", "error", // the calendar refuses, and takes, the password; Ada is told both
	"error failed", "reveal", "error", // the server is down at the start
	// awayd is killed, and its connection cut: nothing to do
	"change", "amend", // Ada stays longer
	"hold", "poll", // the calendar is empty, and restored
	"override",         // Ada removes the message
	"change", "reveal", // and changes the event
	"change", "withdraw", "stage", // she is back early
	"hold", "poll", "change", "stage", // the calendar is empty for good
}

// A vacation in which everything goes wrong: contacts see what they should, and
// the log tells it as it was.
func TestBadDay(t *testing.T) {
	for _, kind := range []string{testbed.Prosody, testbed.Ejabberd} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			bed, binary := newBed(t)
			d := &badDay{Cast: testbed.Cast{Kind: kind, Bed: bed, Dir: t.TempDir(), Binary: binary, Alone: true}, say: t.Logf}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			if err := d.tell(ctx); err != nil {
				t.Fatal(err)
			}
			out, err := d.Daemon.Run(ctx, "log", "--json") // answered from what is stored
			if err != nil {
				t.Fatal(err)
			}
			var told []string
			for line := range strings.Lines(out) {
				var e struct{ Kind, Outcome, Reason string }
				if err := json.Unmarshal([]byte(line), &e); err != nil || e.Reason == "" {
					t.Errorf("%v: %s", err, line)
				}
				told = append(told, strings.TrimSuffix(e.Kind+" "+e.Outcome, " ok"))
			}
			if !slices.Equal(told, badDayLog) {
				t.Errorf("the log tells %q, not %q:\n%s", told, badDayLog, d.log)
			}
		})
	}
}
