package caldav

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// An Error is why a calendar server could not be asked or did not answer well.
// It names the host but never a path, a query or a password, because the
// address of a calendar can itself be a secret.
type Error struct {
	Op     string // what was tried, as "read calendar"
	Host   string // host and port, empty if the URL has none
	Status int    // HTTP status, 0 if it did not come to one

	kind    kind
	wait    time.Duration
	misuse  bool   // what was given cannot be right, whatever servers answer
	offline bool   // no HTTP answer at all
	what    string // in words, beside err
	hint    string
	err     error
}

type kind int

const (
	permanent kind = iota
	temporary
	credentials
	gone
)

func (e *Error) Error() string {
	s := e.Op
	if e.Host != "" {
		s += " from " + e.Host
	}
	if e.what != "" {
		s += ": " + e.what
	}
	if e.err != nil {
		s += ": " + e.err.Error()
	}
	return s
}

// Unwrap returns the cause, if there is one beneath HTTP.
func (e *Error) Unwrap() error { return e.err }

// Usage reports whether what was given cannot be right, whatever servers do.
func (e *Error) Usage() bool { return e.misuse }

// Temporary reports whether the same request may succeed later.
func (e *Error) Temporary() bool { return e.kind == temporary }

// Credentials reports whether the server refused the person's name and
// password, or what they may see.
func (e *Error) Credentials() bool { return e.kind == credentials }

// Gone reports whether the server says that there is nothing at the URL.
func (e *Error) Gone() bool { return e.kind == gone }

// RetryAfter is how long the server asked to be left alone (RFC 9110 §10.2.3);
// 0 if it did not.
func (e *Error) RetryAfter() time.Duration { return e.wait }

// Hint says what to do about it, or is empty.
func (e *Error) Hint() string { return e.hint }

// maxRetryAfter bounds what a server can make us wait.
const maxRetryAfter = 24 * time.Hour

// statusError describes an answer that is no success.
func statusError(host string, h *http.Response) *Error {
	e := &Error{Host: host, Status: h.StatusCode, wait: retryAfter(h.Header)}
	e.what = fmt.Sprintf("the server answered %d", h.StatusCode)
	e.hint = "check the URL; awayd asks again by itself"
	if text := http.StatusText(h.StatusCode); text != "" {
		e.what += " " + text
	}
	switch s := h.StatusCode; {
	case s == http.StatusUnauthorized:
		e.kind, e.hint = credentials, "check the calendar's user and password; some providers want an app password"
		if d, basic := challenges(h.Header); d == nil && !basic {
			e.what += ", and wants a way of logging in that awayd does not have"
			e.hint = "if the provider offers a private iCalendar address (an .ics URL), link that"
		}
	case s == http.StatusForbidden:
		e.kind, e.hint = credentials, "check that this user may read the calendar"
	case s == http.StatusNotFound, s == http.StatusGone:
		e.kind, e.hint = gone, "check the calendar's URL; if the calendar was deleted, awayd unlink JID --calendar NAME drops it"
	case s == http.StatusMethodNotAllowed, s == http.StatusNotImplemented:
		e.what += ", which is not CalDAV"
		e.hint = "give the URL of a CalDAV server, principal or calendar"
	case s == http.StatusTooManyRequests, s == http.StatusRequestTimeout, s >= 500:
		e.kind, e.hint = temporary, "wait; awayd asks again by itself"
	}
	return e
}

// retryAfter reads Retry-After. A date is measured against the server's own
// clock, so that ours does not matter.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if v == "" {
		return 0
	}
	if d, err := time.ParseDuration(v + "s"); err == nil {
		return min(max(d, 0), maxRetryAfter)
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// networkError describes a request that got no answer.
func networkError(host string, err error) *Error {
	// A *url.Error shows the whole URL.
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	e := &Error{Host: host, kind: temporary, offline: true, err: err}
	// Without the addresses: the port at this end is another one each time, and
	// so the same trouble would look like a new one.
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Source != nil {
		e.err = op.Err
	}
	_, badCert := errors.AsType[*tls.CertificateVerificationError](err)
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	noTLS = noTLS || errors.Is(err, http.ErrSchemeMismatch)
	unknown, _ := errors.AsType[x509.UnknownAuthorityError](err)
	dns, _ := errors.AsType[*net.DNSError](err)
	switch {
	case unknown.Cert != nil:
		e.kind, e.what = permanent, "certificate not trusted"
		e.hint = "give the private CA with --tls-ca, if this is the right server"
	case badCert:
		e.kind, e.what, e.hint = permanent, "certificate not valid", "check the host name and have the server's certificate renewed"
	case noTLS:
		e.kind, e.what, e.hint = permanent, "no TLS there", "check the port in the URL"
	case dns != nil && dns.IsNotFound:
		e.what, e.hint = "unknown host", "check the host name in the URL"
	case errors.Is(err, context.Canceled):
		e.what = "interrupted"
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		e.what, e.hint = "no answer in time", "check that the server is up and reachable from here"
	case isDial(err):
		e.what, e.hint = "cannot reach the server", "check that the server is up and reachable from here"
	default:
		e.what, e.hint = "the connection broke", "wait; awayd asks again by itself"
	}
	return e
}

func isTimeout(err error) bool {
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout()
}

func isDial(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// answerError describes an answer that came but cannot be used.
func answerError(host string, err error) *Error {
	return &Error{
		Host: host, kind: temporary, what: "the answer cannot be used", err: err,
		hint: "check that the URL is of a CalDAV server; if it is, wait",
	}
}

// doing names what failed, in an error of this package.
func doing(op string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok && e.Op == "" {
		e.Op = op
		return err
	}
	return fmt.Errorf("%s: %w", op, err)
}
