package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"net/http"

	"awayd/caldav"
	"awayd/cmd/awayd/metrics"
	"awayd/state"
	"awayd/xmppout"
)

// reasonOf sorts what failed into the few reasons that are counted.
func reasonOf(err error) string {
	if _, ok := errors.AsType[*state.Error](err); ok {
		return metrics.State
	}
	if e, ok := errors.AsType[*xmppout.Error](err); ok {
		return xmppReason(e.Kind)
	}
	if e, ok := errors.AsType[*caldav.Error](err); ok {
		return calendarReason(e)
	}
	if timedOut(err) {
		return metrics.Timeout
	}
	return metrics.Other
}

func xmppReason(k xmppout.Kind) string {
	switch k {
	case xmppout.Credentials, xmppout.NoMechanism:
		return metrics.Credentials
	case xmppout.Unresolved, xmppout.Unreachable, xmppout.Closed:
		return metrics.Unreachable
	case xmppout.NoAnswer:
		return metrics.Timeout
	case xmppout.NoTLS, xmppout.Untrusted:
		return metrics.TLS
	case xmppout.Stream:
		return metrics.Fault
	case xmppout.Stanza:
		return metrics.Refused
	}
	return metrics.Other
}

func calendarReason(e *caldav.Error) string {
	switch {
	case e.Credentials():
		return metrics.Credentials
	case e.Gone():
		return metrics.Gone
	case e.Status == http.StatusTooManyRequests, e.RetryAfter() > 0:
		return metrics.Busy
	case e.Status >= http.StatusInternalServerError:
		return metrics.Fault
	case e.Status != 0:
		return metrics.Refused
	case errors.Is(e, fs.ErrNotExist): // of files
		return metrics.Gone
	case errors.Is(e, fs.ErrPermission):
		return metrics.Credentials
	case timedOut(e):
		return metrics.Timeout
	case noTLS(e):
		return metrics.TLS
	}
	if _, ok := errors.AsType[net.Error](e); ok {
		return metrics.Unreachable
	}
	return metrics.Answer
}

func timedOut(err error) bool {
	n, ok := errors.AsType[net.Error](err)
	return errors.Is(err, context.DeadlineExceeded) || ok && n.Timeout()
}

func noTLS(err error) bool {
	_, record := errors.AsType[tls.RecordHeaderError](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, issuer := errors.AsType[x509.UnknownAuthorityError](err)
	return record || certificate || issuer || errors.Is(err, http.ErrSchemeMismatch)
}
