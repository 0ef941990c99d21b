package finding_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"awayd/sync/finding"
)

// A clock is a server that tells the time, half a second after it was asked.
type clock struct {
	at  time.Time
	err error
}

func (c clock) Time(context.Context) (time.Time, error) { return c.at, c.err }

func TestCompareClocks(t *testing.T) {
	now := time.Date(2026, 11, 24, 14, 5, 0, 0, time.UTC)
	ticking := func() func() time.Time {
		at := now.Add(-500 * time.Millisecond)
		return func() time.Time { at = at.Add(500 * time.Millisecond); return at }
	}
	half := 250 * time.Millisecond
	for name, test := range map[string]struct {
		server   clock
		known    bool
		severity finding.Severity
		detail   string
	}{
		"right":  {clock{at: now.Add(half - 10*time.Second)}, true, finding.OK, "agrees with that of the server"},
		"ahead":  {clock{at: now.Add(half - 11*time.Second)}, true, finding.Warning, "the clock of this machine is 11s ahead of that of the XMPP server"},
		"behind": {clock{at: now.Add(half + time.Hour)}, true, finding.Warning, "the clock of this machine is 1h0m0s behind that of the XMPP server"},
		"silent": {clock{}, false, "", ""},
		"broken": {clock{err: errors.New("no answer")}, false, "", ""},
	} {
		skew, known, err := finding.CompareClocks(t.Context(), test.server, ticking())
		if known != test.known || !errors.Is(err, test.server.err) {
			t.Errorf("%s: %v, %v", name, known, err)
		}
		if f := skew.Finding(); known && (f.Severity != test.severity || f.Detail != test.detail || (f.Hint == "") == skew.Off()) {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
