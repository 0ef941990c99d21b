package xmppout

import (
	"cmp"
	"context"
	"errors"
	"time"

	"awayd/sync/account"
	"awayd/sync/finding"
	"awayd/sync/plan"
)

// An examination is one look at all that an account needs of its server.
type examination struct {
	*Session
	acct    account.Account
	journal plan.Journal
	now     time.Time
	can     abilities
	found   []finding.Finding
}

func (x *examination) note(f finding.Finding) { x.found = append(x.found, f) }

// Examine logs in and finds out what the server can do for the account, and
// what is not as it should be. The journal says which items are awayd's own.
//
// It sends no presence, and changes nothing that lasts: what has to be tried is
// tried on a node that is made for it and removed again. The error is why there
// was no login, or why the connection broke; the findings have it, too.
func (d *Dialer) Examine(ctx context.Context, acct account.Account, j plan.Journal, now time.Time) (server string, found []finding.Finding, err error) {
	s, err := d.Dial(ctx, acct)
	if err != nil {
		return "", []finding.Finding{finding.Failed(topicOf(err), err)}, err
	}
	defer s.Close(ctx) //nolint:errcheck // nothing was said that could be lost
	x := &examination{Session: s, acct: acct, journal: j, now: now}
	x.connection()
	for _, step := range []func(context.Context) error{
		x.clock, x.service, x.sweep, x.probe, x.group, x.outOfOffice, x.habits, x.contacts,
	} {
		if x.can.nothing {
			break
		}
		if err := step(ctx); err != nil {
			err = s.end.about("examine the server of", err)
			x.note(finding.Failed("connection", err))
			return s.Server(), x.found, err
		}
	}
	return s.Server(), x.found, nil
}

// topicOf says which part of a login failed.
func topicOf(err error) string {
	var known *Error
	errors.As(err, &known)
	switch {
	case known == nil:
		return "login"
	case known.Kind == BadAddress, known.Kind == Unresolved, known.Kind == Unreachable, known.Kind == NoAnswer:
		return "address"
	case known.Kind == NoTLS:
		return "TLS"
	case known.Kind == Untrusted:
		return "certificate"
	}
	return "login"
}

// connection tells how the login went.
func (x *examination) connection() {
	how := "as given"
	switch {
	case x.target.srv:
		how = "named by an SRV record"
	case x.acct.Login.Address == "":
		how = "the domain itself, which has no SRV record"
	}
	x.note(finding.Good("address", "%s at %s, %s", cmp.Or(x.Server(), "a server that does not tell its name"), x.target.addr, how))
	how = " after STARTTLS"
	if x.target.direct {
		how = " from the first byte"
	}
	state := x.wire.ConnectionState()
	x.note(finding.TLS(state, how))
	x.note(finding.Certificate(state, x.acct.Login.TLSCA, x.now))
	login := x.wire.mechanism
	if login == "PLAIN" {
		login += ", since the server offers no SCRAM that awayd knows"
	}
	x.note(finding.Good("login", "%s", login))
}

// clock compares the server's clock with the one that awayd goes by.
func (x *examination) clock(ctx context.Context) error {
	began := time.Now()
	skew, known, err := finding.CompareClocks(ctx, x.Session, func() time.Time { return x.now.Add(time.Since(began)) })
	switch {
	case err != nil && x.Err() != nil:
		return err
	case err != nil:
		x.note(finding.Doubt("clock", "", "not known: %v", err))
	case known:
		x.note(skew.Finding())
	}
	return nil
}

// group finds out whether the server can show a message to a roster group, if
// that is the audience, and to whom that would be.
func (x *examination) group(ctx context.Context) error {
	if _, group := x.audience.Group(); !group {
		return nil
	}
	reach, err := x.Reach(ctx)
	switch {
	case err != nil && x.Err() != nil:
		return err
	case err != nil:
		x.note(finding.Failed("audience", err))
	case reach.Circle != nil && reach.Circle.Warning(x.audience) != "":
		x.note(finding.Doubt("audience", "put contacts into the group, or choose another: awayd set "+x.acct.JID+" --audience presence", "%s", reach.Circle.Warning(x.audience)))
	default:
		x.note(finding.Good("audience", "%s, by %s", x.audience, reach.By))
	}
	return nil
}

// refusal returns the refusal of a request, or nil and the error by which the
// examination ends.
func refusal(err error) (*StanzaError, error) {
	var refused *StanzaError
	if errors.As(err, &refused) {
		return refused, nil
	}
	return nil, err
}
