package control

import (
	"context"

	"awayd/sync/engine"
	"awayd/sync/finding"
)

// A Notifier is who is told what a person cannot be.
type Notifier interface {
	Recipient() string // empty: nobody
	// Dial logs in to the account that tells.
	Dial(context.Context) (engine.Connection, error)
}

// checkNotifier logs in as the account that tells notify_jid, and tells nothing.
func (s *Server) checkNotifier(ctx context.Context) []finding.Finding {
	session, err := s.Notifier.Dial(ctx)
	if err != nil {
		return []finding.Finding{finding.Failed("login", err)}
	}
	defer session.Close(ctx) //nolint:errcheck // nothing was said that could be lost
	return []finding.Finding{finding.Good("login", "can be told")}
}
