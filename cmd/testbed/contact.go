package testbed

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// NodeOOO is the node and the namespace of XEP-0109.
const NodeOOO = "urn:xmpp:ooo:0"

const (
	loginTimeout = 20 * time.Second
	iqTimeout    = 10 * time.Second
	waitTimeout  = 15 * time.Second
	closeTimeout = 2 * time.Second
)

// ContactOptions say how a contact logs in.
type ContactOptions struct {
	Resource string // the server chooses if empty
	Addr     string // where to connect; the server's TLSAddr if empty
	// Quiet sends no presence, so that nobody sees the contact online and no
	// event reaches it.
	Quiet bool
	// Patience is how long an answer may take, of a server that has much to do;
	// ten seconds if zero.
	Patience time.Duration
}

// A Contact is an XMPP client for tests. It keeps everything it is sent, asks
// and publishes what it is told to, and answers disco#info so that servers send
// it the events of [NodeOOO] (XEP-0163 §4.3.2). It can be the contact who
// watches as well as the person's own other client.
type Contact struct {
	JID  string // full
	XMPP *XMPP

	stream   *stream
	patience time.Duration
	done     chan struct{} // closed when the connection is over

	mu        sync.Mutex
	err       error // why it is over
	available bool
	inner     string // of the last presence
	lastID    int
	waiting   map[string]chan reply
	received  []Received
	news      chan struct{} // closed and replaced when something is received
}

type reply struct {
	raw []byte
	err error
}

// Login logs a person in. ctx bounds the login only.
func (x *XMPP) Login(ctx context.Context, p Person, o ContactOptions) (*Contact, error) {
	ctx, cancel := context.WithTimeout(ctx, max(loginTimeout, 3*o.Patience))
	defer cancel()
	addr := o.Addr
	if addr == "" {
		addr = x.TLSAddr
	}
	s, jid, err := dialStream(ctx, x, addr, p, o.Resource)
	if err != nil {
		return nil, fmt.Errorf("log in %s: %w", p.User, err)
	}
	c := &Contact{
		JID: jid, XMPP: x, stream: s, patience: cmp.Or(o.Patience, iqTimeout),
		done: make(chan struct{}), news: make(chan struct{}), waiting: map[string]chan reply{},
	}
	go c.serve()
	// Asking for the roster makes the server push changes of it (RFC 6121 §2.2).
	if _, err = c.IQ(ctx, "get", "", "<query xmlns='jabber:iq:roster'/>"); err == nil && !o.Quiet {
		err = c.Available(ctx, "")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("log in %s: %w", p.User, err), c.Close())
	}
	return c, nil
}

// Bare returns the contact's bare JID.
func (c *Contact) Bare() string {
	bare, _, _ := strings.Cut(c.JID, "/")
	return bare
}

// Send sends a stanza, or anything else, as it is.
func (c *Contact) Send(stanza string) error { return c.stream.send(stanza) }

// Available broadcasts presence with caps that ask for the events of [NodeOOO]
// and of activities (XEP-0108), and gives the server the time to look the caps
// up. inner is added to the stanza: a show, a status.
func (c *Contact) Available(ctx context.Context, inner string) error {
	if err := c.Send(availablePresence(inner)); err != nil {
		return err
	}
	c.mu.Lock()
	c.available, c.inner = true, inner
	c.mu.Unlock()
	// When the first request is answered, the server has asked for the caps;
	// when the second one is, it has read the answer.
	for range 2 {
		if err := c.ping(ctx); err != nil {
			return fmt.Errorf("become available: %w", err)
		}
	}
	return nil
}

// ping returns when the server has carried out everything sent before.
func (c *Contact) ping(ctx context.Context) error {
	_, err := c.IQ(ctx, "get", c.XMPP.Domain, "<ping xmlns='urn:xmpp:ping'/>")
	return err
}

// IQ sends a request of type get or set and returns the whole answer. An answer
// of type error is a [StanzaError]. An empty to is the own account.
func (c *Contact) IQ(ctx context.Context, typ, to, payload string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	answer := make(chan reply, 1)
	c.mu.Lock()
	c.lastID++
	id := fmt.Sprintf("bed%d", c.lastID)
	c.waiting[id] = answer
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, id)
		c.mu.Unlock()
	}()

	if to != "" {
		to = " to='" + escape(to) + "'"
	}
	if err := c.Send("<iq type='" + typ + "' id='" + id + "'" + to + ">" + payload + "</iq>"); err != nil {
		return "", err
	}
	select {
	case r := <-answer:
		return string(r.raw), r.err
	case <-c.done:
		return "", fmt.Errorf("wait for answer: %w", c.over())
	case <-ctx.Done():
		return "", fmt.Errorf("wait for answer: %w", ctx.Err())
	}
}

// Received returns everything received since the login or the last [Contact.Forget],
// oldest first.
func (c *Contact) Received() []Received {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.received)
}

// Forget forgets everything received so far.
func (c *Contact) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.received = nil
}

// Wait returns the first thing received that match accepts, waiting for it if
// it is not there yet, but never for longer than 15 seconds.
func (c *Contact) Wait(ctx context.Context, match func(Received) bool) (Received, error) {
	ctx, cancel := context.WithTimeout(ctx, waitTimeout)
	defer cancel()
	for {
		c.mu.Lock()
		i := slices.IndexFunc(c.received, match)
		var found Received
		if i >= 0 {
			found = c.received[i]
		}
		news := c.news
		c.mu.Unlock()
		if i >= 0 {
			return found, nil
		}
		select {
		case <-news:
		case <-c.done:
			return Received{}, fmt.Errorf("wait for stanza: %w", c.over())
		case <-ctx.Done():
			return Received{}, fmt.Errorf("wait for stanza: %w; received: %s", ctx.Err(), c.transcript())
		}
	}
}

func (c *Contact) transcript() string {
	var b strings.Builder
	for _, r := range c.Received() {
		fmt.Fprintf(&b, "\n%s %s", r.At.Format("15:04:05.000"), r.Raw)
	}
	return b.String()
}

// Done is closed when the connection is over; Err then says why.
func (c *Contact) Done() <-chan struct{} { return c.done }

// Err returns why the connection is over: nil if it is not, or if it was ended
// in the orderly way.
func (c *Contact) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// over is Err for those who cannot do with nil.
func (c *Contact) over() error {
	if err := c.Err(); err != nil {
		return err
	}
	return net.ErrClosed
}

// Close says farewell and ends the connection, in two seconds at most. Closing
// twice is no error, nor is closing what the server has closed.
func (c *Contact) Close() error {
	timer := time.AfterFunc(closeTimeout, c.stream.drop)
	defer timer.Stop()
	// A connection that is lost cannot be told, and need not.
	_ = c.Send("<presence type='unavailable'/></stream:stream>")
	<-c.done
	return nil
}

// Drop cuts the connection without a word, as a lost network does.
func (c *Contact) Drop() {
	c.stream.drop()
	<-c.done
}

// serve reads until the stream ends. It is the only reader.
func (c *Contact) serve() {
	defer close(c.done)
	defer c.stream.drop()
	for {
		_, raw, err := c.stream.next()
		if err == nil {
			err = c.take(raw)
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				c.mu.Lock()
				c.err = err
				c.mu.Unlock()
			}
			return
		}
	}
}

// take keeps one stanza, or hands it to who waits for it.
func (c *Contact) take(raw []byte) error {
	r, st, err := parse(raw)
	if err != nil {
		return err
	}
	if r.Name == "iq" {
		switch r.Type {
		case "result", "error":
			c.mu.Lock()
			answer := c.waiting[st.ID]
			c.mu.Unlock()
			if answer != nil {
				answer <- reply{raw: raw, err: st.err(raw)}
			}
			return nil
		default:
			if err := c.answer(r, st); err != nil {
				return err
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.received = append(c.received, r)
	close(c.news)
	c.news = make(chan struct{})
	return nil
}

// answer answers a request, as RFC 6120 §8.2.3 demands.
func (c *Contact) answer(r Received, st stanza) error {
	head := "<iq id='" + escape(st.ID) + "' type='"
	tail := "'>"
	if r.From != "" {
		tail = "' to='" + escape(r.From) + "'>"
	}
	switch {
	case r.Type == "get" && st.Disco != nil:
		return c.Send(head + "result" + tail + discoInfo(st.Disco.Node) + "</iq>")
	case r.Type == "set" && st.Roster != nil:
		return c.Send(head + "result" + tail + "</iq>")
	}
	return c.Send(head + "error" + tail +
		"<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
}

// A StanzaError is an answer of type error (RFC 6120 §8.3).
type StanzaError struct {
	Type      string
	Condition string // such as item-not-found
	App       string // application-specific condition, such as precondition-not-met; may be empty
	Raw       string
}

func (e *StanzaError) Error() string {
	if e.App == "" {
		return e.Condition
	}
	return e.Condition + " (" + e.App + ")"
}

// Condition returns the condition of a [StanzaError] in err, or an empty string.
func Condition(err error) string {
	if e, ok := errors.AsType[*StanzaError](err); ok {
		return e.Condition
	}
	return ""
}

// stanza is what a contact reads of what it receives.
type stanza struct {
	XMLName xml.Name
	ID      string `xml:"id,attr"`
	From    string `xml:"from,attr"`
	Type    string `xml:"type,attr"`
	Show    string `xml:"show"`
	Status  string `xml:"status"`
	Body    string `xml:"body"`

	Event  *eventXML `xml:"http://jabber.org/protocol/pubsub#event event"`
	Roster *struct{} `xml:"jabber:iq:roster query"`
	Disco  *struct {
		Node string `xml:"node,attr"`
	} `xml:"http://jabber.org/protocol/disco#info query"`
	Error *struct {
		Type string `xml:"type,attr"`
		Any  []struct {
			XMLName xml.Name
		} `xml:",any"`
	} `xml:"error"`
}

func (st stanza) err(raw []byte) error {
	if st.Type != "error" {
		return nil
	}
	e := &StanzaError{Raw: string(raw)}
	if st.Error == nil {
		return e
	}
	e.Type = st.Error.Type
	for _, child := range st.Error.Any {
		switch {
		case child.XMLName.Space != "urn:ietf:params:xml:ns:xmpp-stanzas":
			e.App = child.XMLName.Local
		case child.XMLName.Local != "text":
			e.Condition = child.XMLName.Local
		}
	}
	return e
}
