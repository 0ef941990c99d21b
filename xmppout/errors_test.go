package xmppout

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"mellium.im/xmpp/stream"
)

func TestExplain(t *testing.T) {
	here := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 54321} // another one with each attempt
	e := end{jid: "juliet@example.org", addr: "xmpp.example.org:5222"}
	for name, test := range map[string]struct {
		err       error
		kind      Kind
		temporary bool
		says      string
	}{
		"no such host":   {&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}}, Unresolved, false, "no such host"},
		"DNS down":       {&net.DNSError{Err: "server misbehaving", IsTemporary: true}, Unresolved, true, "misbehaving"},
		"refused":        {&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, Unreachable, true, "refused"},
		"timeout":        {&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, NoAnswer, true, "timeout"},
		"reset":          {&net.OpError{Op: "read", Net: "tcp", Source: here, Addr: here, Err: os.NewSyscallError("read", syscall.ECONNRESET)}, Unreachable, true, "5222: read: connection reset by peer"},
		"deadline":       {context.DeadlineExceeded, NoAnswer, true, "deadline"},
		"cancelled":      {context.Canceled, Closed, true, "canceled"},
		"end of stream":  {io.ErrUnexpectedEOF, Unreachable, true, "closed the connection"},
		"cut":            {&xml.SyntaxError{Msg: "unexpected EOF"}, Unreachable, true, "closed the connection"},
		"not TLS":        {tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, NoTLS, false, "does not speak TLS"},
		"alert":          {&net.OpError{Op: "remote error", Err: errors.New("tls: handshake failure")}, NoTLS, false, "handshake failure"},
		"host unknown":   {stream.HostUnknown, Stream, false, "does not serve"},
		"shutdown":       {stream.SystemShutdown, Stream, true, "system-shutdown"},
		"conflict":       {stream.Conflict, Stream, true, "conflict"},
		"wrapped":        {fmt.Errorf("negotiate: %w", stream.HostGone), Stream, false, "does not serve"},
		"too large":      {errTooLarge, Stream, false, "more than"},
		"bind refused":   {fmt.Errorf("bind: %w", &StanzaError{Type: "cancel", Condition: "not-allowed"}), Stanza, false, "not-allowed"},
		"bind later":     {&StanzaError{Type: "wait", Condition: "resource-constraint"}, Stanza, true, "resource-constraint"},
		"known":          {noTLS(e, "why"), NoTLS, false, "why"},
		"wrong password": {e.refused("not-authorized", ""), Credentials, false, "refused the password"},
		"disabled":       {e.refused("account-disabled", "see\nthe admin"), Credentials, false, "disabled: see the admin"},
		"expired":        {e.refused("credentials-expired", ""), Credentials, false, "expired"},
		"other":          {e.refused("aborted", ""), Credentials, false, "aborted"},
		"later":          {e.refused("temporary-auth-failure", ""), Stream, true, "at the moment"},
		"server's novel": {e.refused("not-authorized", strings.Repeat("x", 5000)), Credentials, false, "…"},
		"colours":        {e.refused("not-authorized", "\x1b[31mred"), Credentials, false, ": [31mred"},
	} {
		got := wantKind(t, e.explain("log in as", test.err), test.kind)
		text := got.Error()
		if got.Temporary() != test.temporary || !strings.Contains(text, test.says) {
			t.Errorf("%s: %q, temporary %t", name, text, got.Temporary())
		}
		if !strings.Contains(text, e.jid) || !strings.Contains(text, e.addr) || len(text) > 400 || strings.ContainsAny(text, "\n\x1b") || strings.Contains(text, "54321") {
			t.Errorf("%s: %q", name, text)
		}
	}
}
