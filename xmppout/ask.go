package xmppout

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"time"

	"mellium.im/xmlstream"
	"mellium.im/xmpp/stanza"

	"awayd/xmppout/pep"
)

// Bounds of one answer, beside the bytes that a wire lets through.
const (
	maxDepth  = 32
	maxTokens = 20_000
	// A roster of some thousand contacts is no attack.
	maxTokensLarge = 500_000
	maxLarge       = 8 << 20 // bytes
)

// ask implements [asker]. A request that is not answered in time ends the
// session: what the server made of it is not known, and a new session begins by
// looking.
func (s *Session) ask(ctx context.Context, q query, answer any) error {
	leave, err := s.takeTurn(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return s.askWithin(ctx, time.Duration(s.answer.Load()), q, answer)
}

// askWithin takes no turn: whether the server is there, which a ping asks, must
// not wait for what others ask of it.
func (s *Session) askWithin(ctx context.Context, limit time.Duration, q query, answer any) error {
	body, err := q.encode()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errNoAnswer)
	defer cancel()
	// The library waits for its context even when the connection is gone.
	defer context.AfterFunc(s.ctx, cancel)()
	resp, err := s.xs.SendIQ(ctx, stanza.IQ{Type: q.Type, To: q.To}.Wrap(tokens(body)))
	if err != nil {
		return s.unanswered(ctx, err)
	}
	// From here on, reading blocks like any read of the connection does, and
	// nothing else is read until resp is closed.
	defer context.AfterFunc(ctx, func() { s.wire.Close() })()
	defer resp.Close()
	most := maxTokens
	if q.Large {
		most = maxTokensLarge
		s.wire.allow(maxLarge)
	} else {
		s.wire.refill()
	}
	err = readAnswer(bound(resp, most), answer)
	var refused *StanzaError
	switch {
	case err == nil, errors.As(err, &refused):
		s.answered.Store(int64(time.Since(s.began)))
		return err
	case ctx.Err() != nil:
		return s.unanswered(ctx, err)
	}
	return s.end.explain("read answer to", err)
}

// unanswered explains why there is no answer, and ends the session if that is
// the server's fault.
func (s *Session) unanswered(ctx context.Context, err error) error {
	switch cause := context.Cause(ctx); {
	case s.ctx.Err() != nil:
		return s.Err()
	case errors.Is(cause, errNoAnswer):
		s.lose(&Error{Kind: NoAnswer, What: "stay logged in as " + s.end.String(), Err: errNoAnswer, temporary: true})
		return s.Err()
	case cause != nil:
		return s.end.explain("ask server of", cause)
	default:
		s.lose(err)
		return s.Err()
	}
}

// send sends a stanza that has no answer.
func (s *Session) send(ctx context.Context, stanza any) error {
	b, err := xml.Marshal(stanza)
	if err != nil {
		return fmt.Errorf("encode stanza: %w", err)
	}
	if s.ctx.Err() != nil {
		return s.Err()
	}
	if err := s.xs.Send(ctx, tokens(b)); err != nil {
		return s.unanswered(ctx, err)
	}
	return nil
}

// about says what was being done when err came up.
func (e end) about(doing string, err error) error {
	var known *Error
	if errors.As(err, &known) {
		return fmt.Errorf("%s %s: %w", doing, e.jid, err) // which says where already
	}
	if errors.Is(err, pep.ErrNoGroups) {
		return &Error{Kind: NoGroups, What: doing + " " + e.String(), Err: err,
			hint: "use --audience presence (all contacts), or ask the server's administrator for the access model roster"}
	}
	var refused *StanzaError
	if errors.As(err, &refused) {
		return &Error{Kind: Stanza, What: doing + " " + e.String(), Err: err, temporary: refused.Temporary()}
	}
	return fmt.Errorf("%s %s: %w", doing, e, err)
}

// readAnswer decodes an IQ (RFC 6120 §8.2.3): its payload into answer, or its
// error. A result without a payload leaves answer as it is.
func readAnswer(r xml.TokenReader, answer any) error {
	d := xml.NewTokenDecoder(r)
	iq, err := nextElement(d)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	for _, a := range iq.Attr {
		if a.Name.Local == "type" && a.Value == string(stanza.ErrorIQ) {
			var failed struct {
				Error errorBody `xml:"error"`
			}
			if err := d.DecodeElement(&failed, &iq); err != nil {
				return fmt.Errorf("read error: %w", err)
			}
			return failed.Error.err()
		}
	}
	if answer == nil {
		return nil
	}
	payload, err := nextElement(d)
	if errors.Is(err, errEnd) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if err := d.DecodeElement(answer, &payload); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}

// bound limits the depth and the number of the tokens of r.
func bound(r xml.TokenReader, most int) xml.TokenReader {
	depth, count := 0, 0
	return xmlstream.ReaderFunc(func() (xml.Token, error) {
		tok, err := r.Token()
		switch tok.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
		if count++; depth > maxDepth || count > most {
			return nil, errTooLarge
		}
		return tok, err
	})
}
