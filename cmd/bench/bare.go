package main

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"mellium.im/sasl"
	"mellium.im/xmlstream"
	"mellium.im/xmpp"
	"mellium.im/xmpp/jid"
	"mellium.im/xmpp/stanza"

	"awayd/cmd/testbed"
)

// A script is what awayd was seen to send for one move, stanza by stanza.
type script []string

// requests counts what is answered.
func (s script) requests() int {
	n := 0
	for _, text := range s {
		if strings.HasPrefix(text, "<iq") {
			n++
		}
	}
	return n
}

// publishing returns the one stanza of s that publishes an item.
func (s script) publishing(id string) (script, error) {
	for _, text := range s {
		if strings.Contains(text, "<publish ") && strings.Contains(text, `id="`+id+`"`) {
			return script{text}, nil
		}
	}
	return nil, fmt.Errorf("awayd was not seen to publish %s", id)
}

// changes leaves out what only asks.
func (s script) changes() script {
	var list script
	for _, text := range s {
		if strings.HasPrefix(text, "<iq") && strings.Contains(text, `type="set"`) {
			list = append(list, text)
		}
	}
	return list
}

// A bare client does what a script says and nothing else: no calendar, no
// journal, no decisions. It uses the XMPP library that awayd uses.
type bare struct {
	who    string // bare JID
	as     string // who is in the scripts
	xs     *xmpp.Session
	conn   io.Closer
	served chan struct{}
}

// bareTimeout bounds a login, and each answer.
const bareTimeout = 2 * time.Minute

func loginBare(ctx context.Context, x *testbed.XMPP, p testbed.Person, as string) (*bare, error) {
	ctx, cancel := context.WithTimeout(ctx, bareTimeout)
	defer cancel()
	me, err := jid.Parse(p.JID)
	if err != nil {
		return nil, err
	}
	conn, err := (&tls.Dialer{Config: x.CA.TLS(x.Domain)}).DialContext(ctx, "tcp", x.TLSAddr)
	if err != nil {
		return nil, fmt.Errorf("connect bare client: %w", err)
	}
	features := []xmpp.StreamFeature{xmpp.SASL("", p.Password, sasl.ScramSha1), xmpp.BindResource()}
	xs, err := xmpp.NewSession(ctx, me.Domain(), me, conn, xmpp.Secure,
		xmpp.NewNegotiator(func(*xmpp.Session, *xmpp.StreamConfig) xmpp.StreamConfig {
			return xmpp.StreamConfig{Features: features}
		}))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("log bare client in: %w", err), conn.Close())
	}
	b := &bare{who: p.JID, as: as, xs: xs, conn: conn, served: make(chan struct{})}
	go func() {
		defer close(b.served)
		_ = xs.Serve(nil) // whoever waits for an answer is told by its absence
	}()
	return b, nil
}

// Close ends the connection.
func (b *bare) Close() error {
	err := b.conn.Close()
	<-b.served
	return err
}

// play sends the stanzas of a script, each after the answer to the one before.
func (b *bare) play(ctx context.Context, s script) error {
	ctx, cancel := context.WithTimeout(ctx, bareTimeout)
	defer cancel()
	for _, text := range s {
		text = strings.ReplaceAll(text, b.as, b.who)
		var err error
		if strings.HasPrefix(text, "<iq") {
			err = b.ask(ctx, text)
		} else {
			err = b.xs.Send(ctx, xml.NewDecoder(strings.NewReader(text)))
		}
		if err != nil {
			return fmt.Errorf("send for %s: %w", b.who, err)
		}
	}
	return nil
}

// ask sends one request and reads the answer, whatever it says.
func (b *bare) ask(ctx context.Context, text string) error {
	var iq struct {
		Type    stanza.IQType `xml:"type,attr"`
		To      jid.JID       `xml:"to,attr"`
		Payload string        `xml:",innerxml"`
	}
	if err := xml.Unmarshal([]byte(text), &iq); err != nil {
		return fmt.Errorf("read %s: %w", text, err)
	}
	answer, err := b.xs.SendIQ(ctx, stanza.IQ{Type: iq.Type, To: iq.To}.Wrap(xml.NewDecoder(strings.NewReader(iq.Payload))))
	if err != nil {
		return err
	}
	_, err = xmlstream.Copy(xmlstream.Discard(), answer)
	return errors.Join(err, answer.Close())
}
