package control

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"awayd/sync/engine"
)

// A clock is a connection to a server that tells the time, and nothing else.
type clock struct {
	engine.Connection
	at  time.Time
	err error
}

func (c clock) Time(context.Context) (time.Time, error) { return c.at, c.err }

func TestCheckClock(t *testing.T) {
	now := time.Date(2026, 11, 24, 14, 5, 0, 0, time.UTC)
	s := &Server{Now: func() time.Time { return now }}
	const subject, hint = "clock, compared with example.org", "keep both in step with NTP: timedatectl"
	for name, test := range map[string]struct {
		server clock
		want   []Finding
	}{
		"right":  {clock{at: now.Add(-10 * time.Second)}, []Finding{{Subject: subject, OK: true, Detail: "right"}}},
		"ahead":  {clock{at: now.Add(-11 * time.Second)}, []Finding{{Subject: subject, Detail: "the clock of this machine is 11s ahead of that of the XMPP server", Hint: hint}}},
		"behind": {clock{at: now.Add(time.Hour)}, []Finding{{Subject: subject, Detail: "the clock of this machine is 1h0m0s behind that of the XMPP server", Hint: hint}}},
		"silent": {clock{}, nil},
		"broken": {clock{err: errors.New("no answer")}, []Finding{{Subject: subject, Detail: "no answer"}}},
	} {
		if diff := cmp.Diff(test.want, s.checkClock(t.Context(), test.server, "ada@example.org")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	two := []Finding{{Subject: "a"}, {Subject: subject, OK: true}, {Subject: "a"}, {Subject: subject, OK: true}}
	if diff := cmp.Diff([]Finding{two[0], two[1], two[2]}, onePerClock(two)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
