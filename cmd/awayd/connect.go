package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"awayd/cmd/awayd/control"
	"awayd/state"
)

// How a command behaves when no daemon is running and it owns the state
// itself for a moment.
type manner int

const (
	reading manner = iota // answer from what is stored; nothing is polled or sent
	acting                // run the same engine as the daemon
	trying                // as reading, and there may be no state yet
)

// lockPatience is how long a command waits for another one to give the state
// back.
const (
	lockPatience = 5 * time.Second
	lockRetry    = 50 * time.Millisecond
	// pingLimit is how long a daemon may take to answer at all; one with many
	// accounts needs a while to load them.
	pingLimit = 20 * time.Second
)

// connect reaches the owner of the state: the daemon, or this process itself
// under the same lock. The caller closes the connection.
func (a *app) connect(ctx context.Context, m manner) (*connection, error) {
	deadline := time.Now().Add(lockPatience)
	for {
		c, err := a.knock(ctx)
		if err != nil || c != nil {
			return c, err
		}
		own, err := a.own(ctx, m)
		if err == nil || !errors.Is(err, state.ErrLocked) || time.Now().After(deadline) {
			return own, err
		}
		// The owner is a daemon that is about to listen, or another command.
		if err := pause(ctx, lockRetry); err != nil {
			return nil, err
		}
	}
}

// knock returns a connection to the daemon, or nil if none answers.
func (a *app) knock(ctx context.Context) (*connection, error) {
	socket := filepath.Join(a.state(), control.Socket)
	dial := func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	c, err := dial(ctx)
	switch {
	case err == nil:
		_ = c.Close() // only a knock
		client := control.NewClient(dial)
		ctx, cancel := context.WithTimeout(ctx, pingLimit)
		defer cancel()
		if err := client.Ping(ctx); err != nil {
			return nil, &hintedError{errors.New("the daemon does not answer"), "systemctl status awayd, or systemctl restart awayd"}
		}
		return &connection{Client: client, daemon: true}, nil
	case errors.Is(err, fs.ErrPermission):
		return nil, usagef("run it as root or as a member of the group awayd", "no access to the state in %s", a.state())
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// A connection reaches the owner of the state.
type connection struct {
	*control.Client
	daemon bool // the owner is a daemon, not this process
	close  func() error
}

// Close ends the connection, and the ownership if this process had it.
func (c *connection) Close() error {
	c.Client.Close()
	if c.close == nil {
		return nil
	}
	return c.close()
}

// own makes this process the owner of the state until the connection is
// closed.
func (a *app) own(ctx context.Context, m manner) (*connection, error) {
	if _, err := a.config(); err != nil {
		return nil, err
	}
	// Everything the flags name was read before: from here on this process is
	// who the state belongs to, so that no file is left to a wrong user.
	if err := becomeOwner(a.state()); err != nil {
		return nil, err
	}
	if _, err := os.Stat(a.state()); errors.Is(err, fs.ErrNotExist) && m == reading {
		return nil, usagef("--state DIR, or link an account first: awayd link", "there is no state in %s", a.state())
	}
	d, err := a.wire(ctx, a.quietLog())
	if errors.Is(err, state.ErrUnusable) && os.Geteuid() != 0 {
		return nil, usagef("systemctl start awayd, or run the command as root", "no daemon is running, and %v", err)
	}
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	engineDone := make(chan error, 1)
	if m != acting {
		engineDone <- d.engine.Load(ctx)
	} else {
		ready := make(chan struct{})
		go func() { engineDone <- d.engine.Run(ctx, func() { close(ready) }) }()
		select {
		case <-ready:
		case err := <-engineDone:
			stop()
			return nil, errors.Join(err, d.close())
		}
	}
	listener := newPipeListener()
	server := &http.Server{Handler: d.control.Handler()}
	go func() { _ = server.Serve(listener) }() // ends with Close below
	return &connection{
		Client: control.NewClient(listener.dial),
		close: func() error {
			err := server.Close()
			stop()
			return errors.Join(err, <-engineDone, d.close())
		},
	}, nil
}

// becomeOwner gives up root for the owner of the state directory.
func becomeOwner(dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at the state: %w", err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 {
		return nil
	}
	if err := syscall.Setgroups([]int{int(owner.Gid)}); err != nil {
		return fmt.Errorf("become the owner of %s: %w", dir, err)
	}
	if err := syscall.Setgid(int(owner.Gid)); err != nil {
		return fmt.Errorf("become the owner of %s: %w", dir, err)
	}
	if err := syscall.Setuid(int(owner.Uid)); err != nil {
		return fmt.Errorf("become the owner of %s: %w", dir, err)
	}
	return nil
}

// A pipeListener is a net.Listener within one process.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{make(chan net.Conn), make(chan struct{})}
}

func (l *pipeListener) dial(ctx context.Context) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *pipeListener) Close() error {
	close(l.closed)
	return nil
}

// Addr implements net.Listener.
func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }
