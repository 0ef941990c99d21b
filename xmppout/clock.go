package xmppout

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Time asks the server what time it is (XEP-0202). The moment is zero if the
// server does not tell.
func (s *Session) Time(ctx context.Context) (time.Time, error) {
	var answer entityTime
	err := s.ask(ctx, askTime(s.jid.Domain()), &answer)
	var refused *StanzaError
	switch {
	case errors.As(err, &refused):
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, s.end.about("ask the time as", err)
	}
	at, err := answer.read()
	if err != nil {
		return time.Time{}, s.end.about("ask the time as", err)
	}
	return at, nil
}

// read returns the moment, which XEP-0202 §3 wants in UTC.
func (t entityTime) read() (time.Time, error) {
	at, err := time.Parse(time.RFC3339, strings.TrimSpace(t.UTC))
	if err != nil {
		return time.Time{}, fmt.Errorf("the server's time %q is none", tidy(t.UTC))
	}
	return at.UTC(), nil
}
