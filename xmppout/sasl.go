package xmppout

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"mellium.im/sasl"
	"mellium.im/xmpp"
)

const nsChannelBinding = "urn:xmpp:sasl-cb:0"

// maxIterations bounds the work that a server may demand for one login. Ten
// times what the most careful ones ask for today; about a second.
const maxIterations = 2_000_000

// mechanisms are the ones awayd knows, in the order of preference. Those that
// are bound to the TLS channel come first, because they notice a man in the
// middle whose certificate was trusted. PLAIN is the last resort, for servers
// that check passwords elsewhere (LDAP): it hands the password to a server
// whose certificate was verified, and to nobody else.
func mechanisms() []sasl.Mechanism {
	return []sasl.Mechanism{
		guarded(sasl.ScramSha256Plus), guarded(sasl.ScramSha1Plus),
		guarded(sasl.ScramSha256), guarded(sasl.ScramSha1),
		sasl.Plain,
	}
}

// authenticate is the feature of RFC 6120 §6 with a choice of mechanism that
// looks at the channel.
func (l login) authenticate(w *wire, e end) xmpp.StreamFeature {
	f := xmpp.SASL("", "", sasl.Plain) // for its name, its conditions and its parser
	f.Negotiate = func(ctx context.Context, xs *xmpp.Session, data any) (xmpp.SessionState, io.ReadWriter, error) {
		offered, _ := data.([]string)
		types, _ := xs.Feature(nsChannelBinding)
		announced, _ := types.([]string)
		m, ok := choose(offered, bindable(xs.ConnectionState(), announced))
		if !ok {
			return 0, nil, &Error{
				Kind: NoMechanism, What: "log in as " + e.String(),
				Err:  errors.New("the server offers no login that awayd knows, only: " + tidy(strings.Join(offered, " "))),
				hint: "enable SCRAM-SHA-256 on the server",
			}
		}
		w.mechanism = m.Name
		mask, rw, err := xmpp.SASL("", l.password.Reveal(), m).Negotiate(ctx, xs, data)
		if errors.Is(err, sasl.ErrAuthn) {
			// RFC 5802 §5: the server must know the password, too.
			err = &Error{
				Kind: Untrusted, What: "log in as " + e.String(),
				Err: errors.New("the server did not prove that it knows the password"),
			}
		} else if condition, text, ok := saslFailure(err); ok {
			err = e.refused(condition, text)
		}
		return mask, rw, err
	}
	return f
}

// choose returns the first mechanism that the server offers; those that need
// channel binding only if plus.
func choose(offered []string, plus bool) (sasl.Mechanism, bool) {
	for _, m := range mechanisms() {
		if strings.HasSuffix(m.Name, "-PLUS") && !plus {
			continue
		}
		if slices.Contains(offered, m.Name) {
			return m, true
		}
	}
	return sasl.Mechanism{}, false
}

// bindable reports whether a -PLUS mechanism will work. On TLS 1.3 it takes
// tls-exporter (RFC 9266), which servers that do not announce it (XEP-0440) are
// seen to refuse as if the password were wrong; before, tls-unique.
func bindable(state tls.ConnectionState, announced []string) bool {
	if state.Version >= tls.VersionTLS13 {
		return slices.Contains(announced, "tls-exporter")
	}
	return len(state.TLSUnique) > 0 && (announced == nil || slices.Contains(announced, "tls-unique"))
}

// guarded returns m with a check of the server's first message (RFC 5802 §5.1)
// in front of it: the library reads a malformed one forever, and does as many
// iterations as it is told.
func guarded(m sasl.Mechanism) sasl.Mechanism {
	next := m.Next
	m.Next = func(n *sasl.Negotiator, challenge []byte, data any) (bool, []byte, any, error) {
		if n.State()&sasl.StepMask == sasl.AuthTextSent {
			if err := checkFirstMessage(challenge); err != nil {
				return false, nil, nil, &Error{Kind: Stream, What: "log in with " + m.Name, Err: err}
			}
		}
		return next(n, challenge, data)
	}
	return m
}

func checkFirstMessage(challenge []byte) error {
	for field := range bytes.SplitSeq(challenge, []byte{','}) {
		if len(field) < 3 || field[1] != '=' {
			return errors.New("the server's SCRAM message is malformed")
		}
		if field[0] != 'i' {
			continue
		}
		n, err := strconv.Atoi(string(field[2:]))
		if err != nil || n < 1 || n > maxIterations {
			return errors.New("the server asks for an absurd number of SCRAM iterations")
		}
	}
	return nil
}
