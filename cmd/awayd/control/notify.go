package control

import (
	"context"
	"slices"
	"strings"

	"awayd/sync/engine"
)

// A Notifier is who is told what a person cannot be.
type Notifier interface {
	Recipient() string // empty: nobody
	// Dial logs in to the account that tells.
	Dial(context.Context) (engine.Connection, error)
}

// checkNotifier logs in as the account that tells notify_jid, and tells nothing.
func (s *Server) checkNotifier(ctx context.Context) []Finding {
	if s.Notifier == nil || s.Notifier.Recipient() == "" {
		return nil
	}
	f := Finding{Subject: "notify_jid " + s.Notifier.Recipient()}
	session, err := s.Notifier.Dial(ctx)
	if err != nil {
		f.Detail, f.Hint = err.Error(), hint(err)
		return []Finding{f}
	}
	defer session.Close(ctx) //nolint:errcheck // nothing was said that could be lost
	f.OK, f.Detail = true, "can be told"
	return []Finding{f}
}

const clockSubject = "clock, compared with "

// checkClock compares this machine's clock with that of a person's server, if
// that tells the time.
func (s *Server) checkClock(ctx context.Context, session engine.Connection, jid string) []Finding {
	_, domain, _ := strings.Cut(jid, "@")
	f := Finding{Subject: clockSubject + domain}
	skew, known, err := engine.CompareClocks(ctx, session, s.Now)
	switch {
	case err != nil:
		f.Detail, f.Hint = err.Error(), hint(err)
	case !known:
		return nil
	case skew.Off():
		f.Detail, f.Hint = skew.String(), "keep both in step with NTP: timedatectl"
	default:
		f.OK, f.Detail = true, "right"
	}
	return []Finding{f}
}

// onePerClock leaves one finding for each server whose accounts all say the
// same.
func onePerClock(list []Finding) []Finding {
	seen := make(map[string]bool)
	return slices.DeleteFunc(list, func(f Finding) bool {
		if !strings.HasPrefix(f.Subject, clockSubject) {
			return false
		}
		again := seen[f.Subject]
		seen[f.Subject] = true
		return again
	})
}
