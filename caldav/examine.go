package caldav

import (
	"context"
	"crypto/tls"
	"errors"
	"os"
	"sync/atomic"
	"time"

	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/finding"
)

// Examine reads a calendar as a poll would and tells how that went. The delta
// is what changed since the calendar's cursor; it is nil if there is none.
func (c Client) Examine(ctx context.Context, cal account.Calendar, now time.Time) (*absence.Delta, []finding.Finding) {
	r, err := c.open(cal)
	if err != nil {
		return nil, []finding.Finding{finding.Failed("address", doing(reading, err))}
	}
	var state atomic.Pointer[tls.ConnectionState]
	s := serverOf(r)
	if s != nil {
		s.seen = &state
	}
	delta, next, err := r.read(ctx, readCursor(cal.Cursor))
	var found []finding.Finding
	if err == nil {
		found = append(found, finding.Good("address", "%s at %s", sortOf(r, next), account.ShortURL(cal.URL)))
	}
	if last := state.Load(); last != nil {
		found = append(found, finding.TLS(*last, ""), finding.Certificate(*last, cal.TLSCA, now))
	} else if err == nil && s != nil {
		found = append(found, finding.Good("TLS", "none, which is fine on this machine"))
	}
	if err != nil {
		return nil, append(found, finding.Failed(topicOf(err), doing(reading, err)))
	}
	if s != nil && s.login != nil {
		found = append(found, finding.Good("login", "as %s", s.login.user))
	}
	return &delta, append(found, unread(delta)...)
}

// unread tells what an examination did not come to.
func unread(d absence.Delta) []finding.Finding {
	if !d.More {
		return nil
	}
	why := "there was no time to read the rest"
	if d.Halted != nil {
		why = "the rest could not be read: " + d.Halted.Error()
	}
	return []finding.Finding{finding.Doubt("reading", "wait; the daemon reads on for as long as it takes",
		"%d objects are new, and %s", len(d.Changed), why)}
}

// serverOf returns the server that a reader asks, or nil.
func serverOf(r reader) *server {
	switch r := r.(type) {
	case *collection:
		return r.server
	case *feed:
		return r.server
	}
	return nil
}

// sortOf says what kind of calendar it is, and how a poll notices changes.
func sortOf(r reader, at cursor) string {
	switch r := r.(type) {
	case *feed:
		return "a feed"
	case *file:
		if info, err := os.Stat(r.path); err == nil && info.IsDir() {
			return "a folder"
		}
		return "a file"
	}
	switch {
	case at.Token != "":
		return "a CalDAV calendar that reports changes (sync-collection)"
	case at.CTag != "":
		return "a CalDAV calendar that says whether it changed (ctag)"
	}
	return "a CalDAV calendar that is listed at each poll"
}

// topicOf says which part of reading a calendar failed.
func topicOf(err error) string {
	e, ok := errors.AsType[*Error](err)
	if _, bad := errors.AsType[*tls.CertificateVerificationError](err); bad {
		return "certificate"
	}
	switch {
	case ok && e.Credentials():
		return "login"
	case ok && (e.offline || e.misuse || e.Gone()):
		return "address"
	}
	return "reading"
}
