// Package web is the daemon's web page: the coming year of each account, its
// health, its log, and the few things to do about it. It asks the handlers of
// the control socket and has no way of its own to anything; whoever is inside
// may do there what a member of the group awayd may do with commands.
//
// What it guards itself: who comes in (doors.go), and what a browser can be
// made to send by others (guard.go).
package web

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"awayd/cmd/awayd/control"
	"awayd/cmd/awayd/socket"
	"awayd/sync/finding"
)

// Config is what a Server is made of.
type Config struct {
	Client  *control.Client // of the process that owns the state
	Phrases Phrases
	Now     func() time.Time
	Log     *slog.Logger
	Version string
	File    string // of the configuration
}

// Phrases are how the terminal says things, so that the page says them in the
// same words.
type Phrases struct {
	During   func(start, end time.Time, allDay bool) string // a stretch of time
	Long     func(start, end time.Time) string              // how long it is
	Relative func(t, now time.Time) string                  // how far a moment is
	Because  func(rule string) string                       // which rule made it an absence
}

// A Place is where the page listens, and how the outside reaches it.
type Place struct {
	Network string // tcp or unix; empty: there is no page
	Address string
	URL     *url.URL // nil: at the address itself
}

func (p Place) same(q Place) bool { return p.Network == q.Network && p.Address == q.Address }

// A Server is the page, open or not.
type Server struct {
	config Config

	mu       sync.Mutex
	place    Place
	failed   error // why there is no page, though there was to be one
	site     *site
	server   *http.Server
	listener net.Listener
}

// New returns a page that is not open.
func New(c Config) *Server { return &Server{config: c} }

const (
	maxConnections = 64
	maxHeader      = 16 << 10
	// drain is how long answers under way may take when a page closes.
	drain = 3 * time.Second
)

// Configure opens, moves or closes the page. Sessions end when what a browser
// knows of it changes. If it cannot be opened, nothing changes.
func (s *Server) Configure(p Place) error {
	return socket.Now(s.Prepare(p))
}

// Prepare is the part of Configure that can fail; the rest is the move's.
func (s *Server) Prepare(p Place) (socket.Move, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stays := s.server != nil && s.place.same(p)
	if stays && sameURL(s.place.URL, p.URL) {
		return socket.Move{}, nil
	}
	var listener net.Listener
	var err error
	switch {
	case p.Network == "":
	case stays:
		listener, err = socket.Again(s.listener)
	default:
		listener, err = socket.Listen(p.Network, p.Address)
	}
	if err != nil {
		err = fmt.Errorf("open the web page: %w", err)
		if s.server == nil {
			s.failed = err
		}
		return socket.Move{}, err
	}
	return socket.NewMove(listener, func(l net.Listener) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if stays {
			socket.HandOver(s.listener, l)
		}
		s.close()
		s.place, s.failed = p, nil
		if l != nil {
			s.open(l)
		}
	}), nil
}

func sameURL(a, b *url.URL) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// open serves the page; s.mu is held.
func (s *Server) open(l net.Listener) {
	s.site = newSite(s.config, s.place)
	s.server, s.listener = serverOf(s.site, s.config.Log), l
	server, log := s.server, s.config.Log
	log.Info("the web page is open", "address", s.place.Address)
	go func() {
		if err := server.Serve(netutil.LimitListener(l, maxConnections)); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the web page ended", "error", err)
		}
	}()
}

// serverOf bounds what a connection may cost.
func serverOf(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      actionLimit + 15*time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),

		DisableGeneralOptionsHandler: true, // it answers before the guard
	}
}

// close ends the page; s.mu is held.
func (s *Server) close() {
	if s.server == nil {
		return
	}
	socket.End(s.server, drain)
	s.server, s.listener, s.site, s.place = nil, nil, nil, Place{}
	s.config.Log.Info("the web page is closed")
}

// Close ends the page and its sessions.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.close()
}

const adviceTaken = "free the address, or another one in the directive web, then systemctl reload awayd"

// Examine tells where the page is open, or why it is not; nothing, if there is
// to be none.
func (s *Server) Examine() []finding.Finding {
	const topic = "web page"
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.failed != nil:
		return []finding.Finding{finding.Bad(topic, adviceTaken, "%v", s.failed)}
	case s.server != nil:
		return []finding.Finding{finding.Good(topic, "open at %s", s.place.Address)}
	}
	return nil
}

// Link makes a link that opens the page once.
func (s *Server) Link() (control.WebLink, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.failed != nil:
		return control.WebLink{}, &control.Error{
			Message: s.failed.Error(), Advice: adviceTaken,
		}
	case s.site == nil:
		return control.WebLink{}, &control.Error{
			Message: "the web page is off",
			Advice:  "web = \"127.0.0.1:8109\" in " + cmp.Or(s.config.File, "the configuration") + ", then systemctl reload awayd",
		}
	}
	token, ends := s.site.doors.link()
	return control.WebLink{URL: s.site.root.JoinPath("enter").String() + "?token=" + token, Expires: ends}, nil
}
