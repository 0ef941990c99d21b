package xmppout

import (
	"context"
	"crypto/rand"
	"encoding/xml"
	"errors"
	"fmt"
	"sync/atomic"

	"mellium.im/xmpp/jid"
)

// tellState is the message that was sent last.
type tellState struct {
	id       atomic.Pointer[string]
	returned atomic.Bool // the server sent it back
}

var errReturned = errors.New("the server sent it back")

// Tell sends a person a message. To the session's own address it is a message
// to oneself: the server gives it to the person's clients, or keeps it until
// the next of them comes, and never to this session, which is unavailable or of
// negative priority (RFC 6121 §8.5.2).
//
// It returns when the server has taken the message. A bounce that comes before
// that is an error, one from another server later on is not noticed.
func (s *Session) Tell(ctx context.Context, to, text string) error {
	err := s.tell(ctx, to, text)
	if err != nil {
		return s.end.about("send message to "+tidy(to)+" as", err)
	}
	return nil
}

func (s *Session) tell(ctx context.Context, to, text string) error {
	j, err := jid.Parse(to)
	if err != nil {
		return fmt.Errorf("use it as JID: %w", err)
	}
	id := rand.Text()
	s.letter.returned.Store(false)
	s.letter.id.Store(&id)
	if err := s.send(ctx, newMessage(j, id, text)); err != nil {
		return err
	}
	// Nothing acknowledges a message. A server that has answered what came
	// after it has dealt with it (RFC 6120 §10.1); what the answer is does not
	// matter.
	var refused *StanzaError
	if err := s.ask(ctx, pingServer(s.jid.Domain()), nil); err != nil && !errors.As(err, &refused) {
		return err
	}
	if s.letter.returned.Load() {
		return errReturned
	}
	return nil
}

// bounced notes that the last message came back (RFC 6120 §8.3). It runs on the
// goroutine that reads.
func (t *tellState) bounced(start *xml.StartElement) {
	id := t.id.Load()
	if id == nil || start.Name.Local != "message" {
		return
	}
	var failed, mine bool
	for _, a := range start.Attr {
		failed = failed || (a.Name.Local == "type" && a.Value == "error")
		mine = mine || (a.Name.Local == "id" && a.Value == *id)
	}
	if failed && mine {
		t.returned.Store(true)
	}
}
