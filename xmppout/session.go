package xmppout

import (
	"context"
	"encoding/xml"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"mellium.im/xmlstream"
	"mellium.im/xmpp"
	"mellium.im/xmpp/jid"

	"awayd/sync/plan"
	"awayd/xmppout/pep"
)

// A Session is one person's login. Its methods are called by one goroutine at a
// time. It ends by itself when the connection is lost or the server stops
// answering; [Session.Done] says so.
//
// It has one goroutine, which reads the stream; a timer sends a ping now and
// then.
type Session struct {
	options
	end    end
	target target  // through which it came to be
	jid    jid.JID // full, as bound
	xs     *xmpp.Session
	wire   *wire
	node   node
	told   hearsay
	news   chan struct{} // holds a value after the node or the roster was changed

	// ctx ends with the session; its cause says why.
	ctx      context.Context
	cancel   context.CancelCauseFunc
	served   chan struct{} // closed when nothing reads the stream any more
	pinger   *time.Timer
	began    time.Time
	answered atomic.Int64 // time.Duration since began: the last answer
	once     sync.Once    // closing

	// The pace that [Session.Pace] sets.
	answer, pause atomic.Int64              // time.Duration
	hurried       atomic.Pointer[time.Time] // from when on; nil: always
	ticket        atomic.Int64              // its [gate.Ticket] while hurried; 0: none yet

	server softwareVersion
	named  bool // the server told what it is, or that it does not tell
	looks  looksState
	letter tellState
}

type options struct {
	audience             plan.AccessModel
	noPresence           bool
	iqTimeout, keepAlive time.Duration
	ghosts               *Ghosts
	turns                *Turns                      // of requests to the server; nil: any number at once
	lay                  func(alive context.Context) // ends the ghosts of earlier sessions
}

var errNoAnswer = errors.New("the server stopped answering")

func newSession(xs *xmpp.Session, w *wire, e end, o options) *Session {
	s := &Session{options: o, end: e, jid: xs.LocalAddr(), xs: xs, wire: w, served: make(chan struct{}), began: time.Now()}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	s.node = node{asker: s, me: s.jid, owner: s.jid.Bare(), name: nodeName, told: &s.told, yield: s.yield}
	s.news = make(chan struct{}, 1)
	s.looks.news = make(chan struct{}, 1)
	s.answer.Store(int64(o.iqTimeout))
	s.pause.Store(int64(o.keepAlive))
	w.refill()
	s.pinger = time.AfterFunc(time.Hour, s.ping)
	s.pinger.Reset(o.keepAlive) // not before ping and serve can find the timer
	go s.serve()
	return s
}

// serve reads the stream until it ends. Requests from others get the library's
// answer, service-unavailable, which for a ping is as good as any (XEP-0199
// §4.2); of everything else, only that contacts are online, that a message came
// back, and what is told of the person's own node and roster is of interest.
// Nothing may be sent from within a handler, which would wait for itself.
func (s *Session) serve() {
	defer close(s.served)
	err := s.xs.Serve(xmpp.HandlerFunc(func(r xmlstream.TokenReadEncoder, start *xml.StartElement) error {
		s.wire.refill()
		s.notice(start)
		s.letter.bounced(start)
		s.hear(r, start)
		disown(start)
		return nil
	}))
	if err == nil {
		err = errors.New("the server closed the stream")
	}
	s.lose(err)
}

// disown takes away a sender whose address the library does not take for one,
// though servers do: it would end the session instead of refusing the request, and
// so would be in the hands of whoever knows the person's resource.
func disown(start *xml.StartElement) {
	for i, a := range start.Attr {
		if a.Name.Local != "from" {
			continue
		}
		if _, err := jid.Parse(a.Value); err != nil {
			start.Attr[i].Value = "" // then the own account is told, which ignores it
		}
	}
}

// lose ends the session because of err, if it has not ended already.
func (s *Session) lose(err error) {
	s.cancel(s.end.explain("stay logged in as", err))
	s.pinger.Stop()
	s.wire.Close()
}

// ping finds out whether the server is still there (XEP-0199): a connection
// that is half open says nothing by itself. Any answer will do, also one to
// something else: while a thousand people leave at the same moment, every seventh
// stanza would be a ping.
func (s *Session) ping() {
	silent := time.Since(s.began) - time.Duration(s.answered.Load())
	if rest := time.Duration(s.pause.Load()) - silent; rest > 0 {
		s.pinger.Reset(rest)
		return
	}
	err := s.askWithin(context.Background(), s.iqTimeout, pingServer(s.jid.Domain()), nil)
	if s.ctx.Err() != nil {
		return
	}
	var refused *StanzaError
	if err != nil && !errors.As(err, &refused) {
		s.lose(err)
		return
	}
	s.pinger.Reset(time.Duration(s.pause.Load()))
	s.lay(s.ctx) // what the beginning of the session may have failed to
}

// Pace sets how long a request may wait for its answer before the server is
// taken for gone, for how long it may have answered nothing before it is pinged,
// and after how long requests go before those of other sessions, the ones that
// wait by then too. Once they do, the session keeps its place until it has told
// contacts, or is called calm. A ping may wait for as long as a [Dialer] says,
// however short the answers to be: a server that is slow is not gone.
func (s *Session) Pace(answer, ping, calm time.Duration) {
	s.answer.Store(int64(answer))
	hurried := time.Now().Add(calm)
	s.hurried.Store(&hurried)
	if calm > 0 {
		s.yield()
	}
	if was := s.pause.Swap(int64(ping)); was != int64(ping) && s.ctx.Err() == nil {
		s.pinger.Reset(ping)
	}
}

// begin learns what is good to know of the server but rarely needed.
func (s *Session) begin(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	_ = s.learnServer(ctx) // else later, where it is needed
}

// learnServer asks what the server is, unless it has answered that.
func (s *Session) learnServer(ctx context.Context) error {
	if s.named {
		return nil
	}
	var v softwareVersion
	err := s.ask(ctx, readVersion(s.jid.Domain()), &v)
	var refused *StanzaError
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	s.named = true
	if err == nil {
		s.server = softwareVersion{Name: tidy(v.Name), Version: tidy(v.Version)}
		s.node.tells = tellsMembers(s.server.Name)
	}
	return nil
}

// Server names the server's software and version (XEP-0092); empty if it did
// not tell.
func (s *Session) Server() string { return s.server.String() }

// Audience is the access model under which messages are revealed.
func (s *Session) Audience() plan.AccessModel { return s.audience }

// News holds a value after the server told that the person's out-of-office node
// or their roster was changed, by whomever.
func (s *Session) News() <-chan struct{} { return s.news }

// Done is closed when the session has ended; Err then says why.
func (s *Session) Done() <-chan struct{} { return s.ctx.Done() }

// Err returns nil while the session lives.
func (s *Session) Err() error { return context.Cause(s.ctx) }

// Close ends the session. It says goodbye as long as ctx allows, but not longer
// than a second, and returns when the connection is closed. The server makes
// the person unavailable by itself.
func (s *Session) Close(ctx context.Context) error {
	s.once.Do(func() {
		s.pinger.Stop()
		heard := false
		if s.ctx.Err() == nil {
			s.cancel(&Error{Kind: Closed, What: "session of " + s.end.String() + " was closed"})
			heard = s.farewell(ctx)
		}
		if s.looks.ever && !heard {
			s.ghosts.add(s.node.owner.String(), s.jid.Resourcepart())
		}
		s.wire.Close()
	})
	<-s.served
	return nil
}

// farewell closes the stream in both directions (RFC 6120 §4.4), and reports
// whether the server did too. The write may block in a connection that nobody
// reads; closing that frees it.
func (s *Session) farewell(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	go s.xs.Close()
	select {
	case <-s.served:
		return true
	case <-ctx.Done():
		return false
	}
}

// Look reads the node from the server.
func (s *Session) Look(ctx context.Context) (plan.Observed, error) {
	var o plan.Observed
	var err error
	// What lets a group in depends on what the server is; taken for another, it
	// would go on showing the message to who left the group.
	if _, group := s.audience.Group(); group {
		err = s.learnServer(ctx)
	}
	if err == nil {
		o, err = pep.Look(ctx, s.node, s.audience)
	}
	if err != nil {
		return plan.Observed{}, s.end.about("look at out-of-office node of", err)
	}
	return o, nil
}

// Do carries out one action up to its read-back. It can be repeated after a
// failure or a crash at any point; see [pep.Choreography].
func (s *Session) Do(ctx context.Context, a plan.Action, l plan.Ledger) error {
	err := fit(a.Payload)
	if err == nil {
		c := pep.Choreography{Node: s.node, Looks: stage{s}, Ledger: l, Audience: s.audience, NoPresence: s.noPresence}
		err = c.Do(ctx, a)
	}
	if err != nil {
		return s.end.about(string(a.Kind)+" message of", err)
	}
	return nil
}
