package xmppout

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"mellium.im/xmlstream"
	"mellium.im/xmpp"
	"mellium.im/xmpp/jid"
	"mellium.im/xmpp/stanza"
)

// Namespaces of stream negotiation (RFC 6120 §5, §7).
const (
	nsTLS  = "urn:ietf:params:xml:ns:xmpp-tls"
	nsBind = "urn:ietf:params:xml:ns:xmpp-bind"
)

// negotiate takes the stream to the point where stanzas may be sent: encrypted,
// authenticated, with a resource bound. It ends when w is closed.
func (l login) negotiate(ctx context.Context, w *wire, e end, direct bool) (*xmpp.Session, error) {
	var state xmpp.SessionState
	if direct {
		cfg := l.tls()
		cfg.NextProtos = []string{"xmpp-client"} // XEP-0368 §4
		if err := w.secure(cfg).HandshakeContext(ctx); err != nil {
			return nil, err
		}
		state = xmpp.Secure
	}
	features := []xmpp.StreamFeature{l.startTLS(w, e), channelBindings(), l.authenticate(w, e), bind(w, l.resource)}
	config := func(*xmpp.Session, *xmpp.StreamConfig) xmpp.StreamConfig {
		return xmpp.StreamConfig{Features: features}
	}
	xs, err := xmpp.NewSession(ctx, l.jid.Domain(), l.jid, w, state, xmpp.NewNegotiator(config))
	if err != nil {
		return nil, err
	}
	// The library takes a stream whose features it does not know for a
	// finished one, in clear and without a login if it comes to that.
	switch {
	case xs.State()&xmpp.Secure == 0, w.ConnectionState().Version == 0:
		return nil, noTLS(e, "the stream was not encrypted")
	case xs.State()&xmpp.Authn == 0, xs.LocalAddr().Resourcepart() == "":
		return nil, &Error{Kind: Stream, What: "log in as " + e.String(), Err: errors.New("the server offers no login")}
	}
	return xs, nil
}

// startTLS is the feature of RFC 6120 §5. Unlike the library's it is mandatory
// whatever the server says, and not sent to a server that does not offer it:
// then somebody in between removed the offer, or there is no TLS to be had.
func (l login) startTLS(w *wire, e end) xmpp.StreamFeature {
	return xmpp.StreamFeature{
		Name:       xml.Name{Space: nsTLS, Local: "starttls"},
		Prohibited: xmpp.Secure,
		Parse: func(_ context.Context, d *xml.Decoder, start *xml.StartElement) (bool, any, error) {
			var ignored struct{}
			return true, nil, d.DecodeElement(&ignored, start)
		},
		Negotiate: func(ctx context.Context, xs *xmpp.Session, _ any) (xmpp.SessionState, io.ReadWriter, error) {
			if _, offered := xs.Feature(nsTLS); !offered {
				return 0, nil, noTLS(e, "the server does not offer STARTTLS, or something between removes the offer")
			}
			if _, err := io.WriteString(w, "<starttls xmlns='"+nsTLS+"'/>"); err != nil {
				return 0, nil, err
			}
			r := xs.TokenReader()
			defer r.Close()
			d := xml.NewTokenDecoder(r)
			start, err := nextElement(d)
			if err != nil {
				return 0, nil, err
			}
			if start.Name != (xml.Name{Space: nsTLS, Local: "proceed"}) {
				return 0, nil, noTLS(e, "the server offers STARTTLS but refuses it")
			}
			if err := d.Skip(); err != nil {
				return 0, nil, err
			}
			if err := w.secure(l.tls()).HandshakeContext(ctx); err != nil {
				return 0, nil, err
			}
			return xmpp.Secure, w, nil
		},
	}
}

func noTLS(e end, why string) error {
	return &Error{
		Kind: NoTLS, What: "log in as " + e.String() + ": no encryption", Err: errors.New(why),
		hint: "nothing was sent in clear; check the address and what lies between, or ask the server's administrator to enable TLS",
	}
}

// bind is resource binding (RFC 6120 §7). The resource says whose it is and is
// otherwise random, so that an old connection that still hangs is no conflict,
// unless that is the purpose: see [Ghosts].
func bind(w *wire, resource string) xmpp.StreamFeature {
	return xmpp.StreamFeature{
		Name:      xml.Name{Space: nsBind, Local: "bind"},
		Necessary: xmpp.Secure | xmpp.Authn,
		Parse: func(_ context.Context, d *xml.Decoder, start *xml.StartElement) (bool, any, error) {
			var ignored struct{}
			return true, nil, d.DecodeElement(&ignored, start)
		},
		Negotiate: func(_ context.Context, xs *xmpp.Session, _ any) (xmpp.SessionState, io.ReadWriter, error) {
			resource := cmp.Or(resource, "awayd-"+strings.ToLower(rand.Text()[:10]))
			const request = "<iq xmlns='jabber:client' type='set' id='%s'><bind xmlns='%s'><resource>%s</resource></bind></iq>"
			if _, err := fmt.Fprintf(w, request, rand.Text(), nsBind, resource); err != nil {
				return 0, nil, err
			}
			r := xs.TokenReader()
			defer r.Close()
			d := xml.NewTokenDecoder(bound(r, maxTokens))
			start, err := nextElement(d)
			if err != nil {
				return 0, nil, err
			}
			var answer struct {
				JID   string     `xml:"urn:ietf:params:xml:ns:xmpp-bind bind>jid"`
				Error *errorBody `xml:"error"`
			}
			if err := d.DecodeElement(&answer, &start); err != nil {
				return 0, nil, err
			}
			if answer.Error != nil {
				return 0, nil, fmt.Errorf("bind resource: %w", answer.Error.err())
			}
			j, err := jid.Parse(answer.JID)
			if err != nil || start.Name != (xml.Name{Space: stanza.NSClient, Local: "iq"}) {
				return 0, nil, errors.New("bind resource: the server's answer names none")
			}
			xs.UpdateAddr(j)
			return xmpp.Ready, nil, nil
		},
	}
}

// channelBindings reads which types of channel binding the server can do
// (XEP-0440); there is nothing to negotiate.
func channelBindings() xmpp.StreamFeature {
	return xmpp.StreamFeature{
		Name:       xml.Name{Space: nsChannelBinding, Local: "sasl-channel-binding"},
		Necessary:  xmpp.Secure,
		Prohibited: xmpp.Authn,
		Parse: func(_ context.Context, d *xml.Decoder, start *xml.StartElement) (bool, any, error) {
			var offer struct {
				Bindings []struct {
					Type string `xml:"type,attr"`
				} `xml:"channel-binding"`
			}
			err := d.DecodeElement(&offer, start)
			types := make([]string, 0, len(offer.Bindings))
			for _, b := range offer.Bindings {
				types = append(types, b.Type)
			}
			return false, types, err
		},
	}
}

// errEnd: the enclosing element ended.
var errEnd = errors.New("element has no child")

// nextElement skips text up to the next element.
func nextElement(d *xml.Decoder) (xml.StartElement, error) {
	for {
		tok, err := d.Token()
		if err != nil {
			return xml.StartElement{}, err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			return tok, nil
		case xml.CharData:
		case xml.EndElement:
			return xml.StartElement{}, errEnd
		default:
			return xml.StartElement{}, fmt.Errorf("expected an element of the stream, got %T", tok)
		}
	}
}

// saslFailure reads the condition and the text of a SASL failure (RFC 6120
// §6.5), which the library keeps to itself except as XML.
func saslFailure(err error) (condition, text string, ok bool) {
	var m xmlstream.Marshaler
	if !errors.As(err, &m) {
		return "", "", false
	}
	var failure struct {
		XMLName    xml.Name
		Text       string                       `xml:"text"`
		Conditions []struct{ XMLName xml.Name } `xml:",any"`
	}
	if xml.NewTokenDecoder(m.TokenReader()).Decode(&failure) != nil || failure.XMLName.Local != "failure" {
		return "", "", false
	}
	i := slices.IndexFunc(failure.Conditions, func(c struct{ XMLName xml.Name }) bool { return c.XMLName.Local != "" })
	if i < 0 {
		return "", failure.Text, true
	}
	return failure.Conditions[i].XMLName.Local, failure.Text, true
}
