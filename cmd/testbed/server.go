package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	// startTimeout is generous: several packages start their servers at once,
	// on machines with two cores.
	startTimeout = 90 * time.Second
	stopTimeout  = 15 * time.Second
	pollInterval = 20 * time.Millisecond
)

// errPortTaken says that another process was faster.
var errPortTaken = errors.New("port is taken by another process")

// A server is one program with its own folder and its own ports, which it keeps
// when it is started again.
type server struct {
	kind  string
	dir   string
	ports []int
	cmd   command
	// ready asks a server that listens whether it answers, too.
	ready func(context.Context) error

	mu   sync.Mutex
	proc *process // nil before the first start
}

// startAnywhere starts the server on free ports, which configure is told.
func (s *server) startAnywhere(ctx context.Context, n int, configure func() error) error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return fmt.Errorf("make folder of %s: %w", s.kind, err)
	}
	var err error
	for range 5 {
		if s.ports, err = freePorts(n); err != nil {
			return fmt.Errorf("start %s: %w", s.kind, err)
		}
		if err := configure(); err != nil {
			return fmt.Errorf("configure %s: %w", s.kind, err)
		}
		if err = s.Restart(ctx); !errors.Is(err, errPortTaken) {
			return err
		}
	}
	return err
}

// Restart stops the server if it runs, and starts it with the data and the
// ports it had. ctx bounds the start only.
func (s *server) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil && s.proc.running() {
		if err := s.proc.terminate(stopTimeout); err != nil {
			return fmt.Errorf("restart %s: %w", s.kind, err)
		}
	}
	if err := s.start(ctx); err != nil {
		return fmt.Errorf("start %s: %w", s.kind, err)
	}
	return nil
}

// Stop ends the server in the orderly way and waits until it is gone. Its data
// stays. Stopping a server that does not run is no error.
func (s *server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil || !s.proc.running() {
		return nil
	}
	if err := s.proc.terminate(stopTimeout); err != nil {
		return fmt.Errorf("stop %s: %w", s.kind, err)
	}
	return nil
}

// Kill ends the server with SIGKILL, as a crash would, and waits until it is
// gone. What it had not written is lost.
func (s *server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		return nil
	}
	if err := s.proc.kill(); err != nil {
		return fmt.Errorf("kill %s: %w", s.kind, err)
	}
	return nil
}

// Log returns the file that holds everything the server said.
func (s *server) Log() string { return filepath.Join(s.dir, s.kind+".log") }

// Pid returns the process id of the server, or of the one that ran last.
func (s *server) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc.pid()
}

// start runs the program and waits until it answers on its own ports.
func (s *server) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	p, err := run(s.cmd, s.Log())
	if err != nil {
		return err
	}
	if err := s.await(ctx, p); err != nil {
		if killErr := p.kill(); killErr != nil {
			err = errors.Join(err, killErr)
		}
		return fmt.Errorf("%w\n%s", err, tail(s.Log()))
	}
	s.proc = p
	return nil
}

// await returns when p answers, or cannot any more.
func (s *server) await(ctx context.Context, p *process) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	var last error
	for {
		bound, err := s.bound(p)
		if err != nil {
			return err
		}
		if bound {
			if last = s.ready(ctx); last == nil {
				return nil
			}
		}
		select {
		case <-p.done:
			// It may have ended because it found a port taken.
			if _, err := s.bound(p); err != nil {
				return err
			}
			return fmt.Errorf("server ended at once: %v", p.cmd.ProcessState)
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("wait for server to answer: %w", ctx.Err()), last)
		case <-tick.C:
		}
	}
}

// bound reports whether p listens on every port it was given.
func (s *server) bound(p *process) (bool, error) {
	for _, port := range s.ports {
		who, err := listener(p.pid(), port)
		switch {
		case err != nil:
			return false, err
		case who == somebodyElse:
			return false, fmt.Errorf("listen on %d: %w", port, errPortTaken)
		case who == nobody:
			return false, nil
		}
	}
	return true, nil
}
