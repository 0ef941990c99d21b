package xmppout

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"unicode"

	"mellium.im/xmpp/stream"

	"awayd/xmppout/pep"
)

// A Kind is the sort of trouble an [Error] is about.
type Kind int

// The kinds of error.
const (
	// BadAddress: the JID, HOST:PORT, audience or CA given cannot be used.
	BadAddress Kind = iota + 1
	// Unresolved: DNS knows no server for the domain.
	Unresolved
	// Unreachable: no connection, or it was lost.
	Unreachable
	// NoAnswer: the server said nothing in time.
	NoAnswer
	// NoTLS: the server, or something before it, offers no encryption. Nothing
	// of the account was sent.
	NoTLS
	// Untrusted: the server's certificate does not prove that it is the domain.
	Untrusted
	// Credentials: the server refused the password or the account.
	Credentials
	// NoMechanism: the server offers no way to log in that awayd knows.
	NoMechanism
	// Stream: the server ended the stream with an error, or broke the protocol.
	Stream
	// Stanza: the server refused one request; see [StanzaError].
	Stanza
	// Unfit: the message cannot be carried by XML or XEP-0082 as it is.
	Unfit
	// NoGroups: the server cannot show a message to a roster group alone.
	NoGroups
	// Closed: the session was closed by its owner.
	Closed
)

// An Error says what went wrong, with whom, and what may help. It never holds
// a password.
type Error struct {
	Kind Kind
	What string // with JID and HOST:PORT where there is one
	Err  error  // the cause, if it adds anything

	hint      string
	temporary bool
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.What
	}
	return e.What + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether the same may succeed later without anybody
// changing anything.
func (e *Error) Temporary() bool { return e.temporary }

// Usage reports whether what was given cannot be right, whatever servers do.
func (e *Error) Usage() bool { return e.Kind == BadAddress }

// Credentials reports whether the account's password is what was refused.
func (e *Error) Credentials() bool { return e.Kind == Credentials }

// Hint says what to do about it; it may be empty.
func (e *Error) Hint() string { return e.hint }

// A StanzaError is a request that the server refused (RFC 6120 §8.3).
type StanzaError struct {
	Type      string // cancel, continue, modify, auth or wait
	Condition string // RFC 6120 §8.3.3
	Specific  string // of XEP-0060, such as precondition-not-met; may be empty
	Text      string // as the server put it; may be empty
}

func (e *StanzaError) Error() string {
	s := e.Condition
	if e.Specific != "" {
		s += " (" + e.Specific + ")"
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

// Temporary reports whether the server invites to try again.
func (e *StanzaError) Temporary() bool {
	switch e.Condition {
	case "internal-server-error", "remote-server-timeout", "resource-constraint", "recipient-unavailable":
		return true
	}
	return e.Type == "wait"
}

// Is makes the conditions that a caller decides on comparable by errors.Is.
func (e *StanzaError) Is(target error) bool {
	switch target {
	case pep.ErrItemNotFound:
		return e.Condition == "item-not-found"
	case pep.ErrPreconditionNotMet:
		return e.Specific == "precondition-not-met"
	case pep.ErrForbidden:
		// Servers disagree on how to say it.
		return e.Condition == "forbidden" || e.Condition == "not-allowed" || e.Condition == "not-authorized"
	case pep.ErrUnsupported:
		// XEP-0060 §8.2 for an access model; Prosody says not-acceptable.
		return e.Condition == "not-acceptable" || e.Condition == "feature-not-implemented" || e.Condition == "service-unavailable"
	}
	return false
}

var errTooLarge = errors.New("server sent more than awayd reads at once")

// An end is one server that is being talked to on behalf of one person.
type end struct{ jid, addr string }

func (e end) String() string {
	if e.addr == "" {
		return e.jid
	}
	return e.jid + " at " + e.addr
}

// explain makes an [Error] of whatever doing failed with.
func (e end) explain(doing string, err error) error {
	var known *Error
	if errors.As(err, &known) {
		return err
	}
	x := &Error{Kind: Unreachable, What: doing + " " + e.String(), Err: err, temporary: true}
	var (
		streamErr stream.Error
		dns       *net.DNSError
		record    tls.RecordHeaderError
		syntax    *xml.SyntaxError
		network   net.Error
		op        *net.OpError
		refused   *StanzaError
	)
	switch {
	case errors.Is(err, context.Canceled):
		x.Kind = Closed
	case errors.Is(err, context.DeadlineExceeded):
		x.Kind, x.hint = NoAnswer, reachable
	case errors.As(err, &streamErr):
		e.explainStream(x, streamErr)
	case errors.As(err, &refused):
		x.Kind, x.temporary = Stanza, refused.Temporary()
	case untrusted(x, err):
	case errors.As(err, &dns):
		x.Kind, x.temporary = Unresolved, !dns.IsNotFound
		x.hint = "check the address; if the server has no DNS records, name it with --xmpp-address HOST:PORT"
	case errors.Is(err, errTooLarge):
		x.Kind, x.temporary = Stream, false
	case errors.As(err, &record):
		x.Kind, x.temporary, x.Err = NoTLS, false, errors.New("it does not speak TLS")
		x.hint = "check the port: clients usually connect to 5222, or with direct TLS to 5223"
	case errors.As(err, &op) && op.Op == "remote error": // how crypto/tls reports an alert
		x.Kind, x.temporary, x.Err = NoTLS, false, fmt.Errorf("the server refused TLS: %w", op.Err)
		x.hint = "check that the server serves the domain of the JID"
	case errors.As(err, &syntax), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		x.Err = errors.New("the server closed the connection")
	case errors.As(err, &network) && network.Timeout():
		x.Kind, x.hint = NoAnswer, reachable
	default:
		x.hint = reachable
	}
	// What failed on the wire, without the addresses: What names the server, and
	// the port at this end is another one each time.
	if errors.As(x.Err, &op) && (x.Kind == Unreachable || x.Kind == NoAnswer) {
		x.Err = op.Err
	}
	return x
}

const reachable = "check that the server runs and can be reached from here"

func (e end) explainStream(x *Error, err stream.Error) {
	x.Kind = Stream
	x.Err = errors.New("the server ended the stream: " + tidy(err.Err))
	switch err.Err {
	case "host-unknown", "host-gone":
		x.temporary = false
		x.Err = errors.New("the server does not serve this domain (" + tidy(err.Err) + ")")
		x.hint = "check the JID, and --xmpp-address if it was given"
	case "not-authorized", "unsupported-version", "invalid-namespace", "bad-format", "invalid-xml", "not-well-formed":
		x.temporary = false
	}
}

// untrusted reports whether err is about the server's certificate, and says in
// x what is wrong with it.
func untrusted(x *Error, err error) bool {
	var (
		verify  *tls.CertificateVerificationError
		issuer  x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
	)
	if !errors.As(err, &verify) {
		return false
	}
	x.Kind, x.temporary = Untrusted, false
	x.What += ": certificate not trusted"
	x.Err = verify.Err
	switch {
	case errors.As(err, &issuer):
		x.hint = "if the server's certificate comes from a private CA, give that CA with --tls-ca FILE"
	case errors.As(err, &host):
		x.hint = "ask the server's administrator for a certificate that names the domain of the JID"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		x.hint = "ask the server's administrator to renew the certificate, and check the clock of this machine"
	}
	return true
}

// refused explains a SASL failure (RFC 6120 §6.5).
func (e end) refused(condition, text string) error {
	x := &Error{Kind: Credentials, What: "log in as " + e.String()}
	switch condition {
	case "not-authorized":
		x.Err = errors.New("the server refused the password")
		x.hint = "check the password, then link again with --jid-password-file FILE"
	case "account-disabled":
		x.Err = errors.New("the account is disabled")
		x.hint = "ask the server's administrator"
	case "credentials-expired":
		x.Err = errors.New("the password has expired")
		x.hint = "set a new password, then link again with --jid-password-file FILE"
	case "temporary-auth-failure":
		x.Kind, x.temporary = Stream, true
		x.Err = errors.New("the server cannot check passwords at the moment")
	default:
		x.Err = errors.New("the server refused the login (" + tidy(condition) + ")")
		x.hint = "check the JID and the password"
	}
	if text = tidy(text); text != "" {
		x.Err = fmt.Errorf("%w: %s", x.Err, text)
	}
	return x
}

// tidy makes a server's words fit for one line of a log.
func tidy(s string) string {
	const most = 200
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return strings.TrimSpace(s)
}
