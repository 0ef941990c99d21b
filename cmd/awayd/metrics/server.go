package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"

	"awayd/cmd/awayd/socket"
	"awayd/sync/engine"
	"awayd/sync/finding"
)

// Config is what a Server tells of.
type Config struct {
	Counters  *Counters
	Status    func() ([]engine.Status, error)
	Usage     func(context.Context) (logEntries, bytes int64, err error)
	Now       func() time.Time
	Log       *slog.Logger
	Started   time.Time
	Version   string
	GoVersion string // empty: of this program
}

const (
	maxConnections = 16
	maxScrapes     = 2 // at once; Prometheus sends one
	maxHeader      = 16 << 10
	scrapeLimit    = 10 * time.Second
	// drain is how long a scrape under way may take when the server closes.
	drain = time.Second
)

// A Server answers Prometheus, wherever the configuration says.
type Server struct {
	handler http.Handler
	log     *slog.Logger

	mu               sync.Mutex
	network, address string // where it listens; empty: nowhere
	failed           error  // why it does not, though it should
	server           *http.Server
}

// New returns a server that listens nowhere.
func New(c Config) *Server { return &Server{handler: handler(c), log: c.Log} }

// handler answers GET /metrics and nothing else.
func handler(c Config) http.Handler {
	if c.GoVersion == "" {
		c.GoVersion = runtime.Version()
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(c.Counters.collectors()...)
	registry.MustRegister(gauges{c},
		// Memory as the kernel counts it is in the first, so not again in the second.
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewGoCollector(collectors.WithGoCollectorMemStatsMetricsDisabled()),
	)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		// What can be told is told: the rest shows in the counter of errors.
		ErrorHandling:       promhttp.ContinueOnError,
		ErrorLog:            slog.NewLogLogger(c.Log.Handler(), slog.LevelWarn),
		Registry:            registry,
		MaxRequestsInFlight: maxScrapes,
		Timeout:             scrapeLimit,
	}))
	return mux
}

// Configure has the server listen at an address; an empty network is nowhere.
// If that fails, nothing changes.
func (s *Server) Configure(network, address string) error {
	return socket.Now(s.Prepare(network, address))
}

// Prepare is the part of Configure that can fail; the rest is the move's.
func (s *Server) Prepare(network, address string) (socket.Move, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil && s.network == network && s.address == address {
		return socket.Move{}, nil
	}
	var listener net.Listener
	if network != "" {
		var err error
		if listener, err = socket.Listen(network, address); err != nil {
			err = fmt.Errorf("open the metrics: %w", err)
			if s.server == nil {
				s.failed = err
			}
			return socket.Move{}, err
		}
	}
	return socket.NewMove(listener, func(l net.Listener) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.close()
		s.failed = nil
		if l != nil {
			s.open(l, network, address)
		}
	}), nil
}

// Examine tells where the metrics can be asked for, or why they cannot;
// nothing, if they are not to be.
func (s *Server) Examine() []finding.Finding {
	const topic = "metrics"
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.failed != nil:
		return []finding.Finding{finding.Bad(topic,
			"free the address, or another one in the directive metrics, then systemctl reload awayd", "%v", s.failed)}
	case s.server != nil:
		return []finding.Finding{finding.Good(topic, "open at %s", s.address)}
	}
	return nil
}

// open serves at l; s.mu is held.
func (s *Server) open(l net.Listener, network, address string) {
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       scrapeLimit,
		WriteTimeout:      scrapeLimit + 5*time.Second,
		IdleTimeout:       5 * time.Minute, // Prometheus keeps its connection
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	s.network, s.address, s.server = network, address, server
	s.log.Info("metrics are open", "address", address)
	go func() {
		if err := server.Serve(netutil.LimitListener(l, maxConnections)); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("the metrics ended", "error", err)
		}
	}()
}

// close ends the server; s.mu is held.
func (s *Server) close() {
	if s.server == nil {
		return
	}
	socket.End(s.server, drain)
	s.network, s.address, s.server = "", "", nil
	s.log.Info("metrics are closed")
}

// Close ends the server.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.close()
}
