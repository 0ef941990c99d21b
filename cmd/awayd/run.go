package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"awayd/cmd/awayd/control"
	"awayd/state"
	"awayd/sync/engine"
)

const (
	// statusEvery is how often systemd is told how things stand.
	statusEvery = 5 * time.Second
	// pruneEvery is how often what is too old is forgotten.
	pruneEvery = 24 * time.Hour
	// drainLimit bounds how long a stop waits for commands under way.
	drainLimit = 3 * time.Second
)

func (a *app) runCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon in the foreground",
		Args:  exactly(0),
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.run(cmd.Context(), format) },
	}
	cmd.Flags().StringVar(&format, "log-format", "", "text or json (default from the configuration)")
	return cmd
}

// run is the daemon: it owns the state until ctx ends.
func (a *app) run(ctx context.Context, format string) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	if format != "" {
		cfg.LogFormat = format
	}
	// A panic and the watchdog's SIGABRT would end with exit code 2, which means
	// wrong configuration and is not restarted; so end by the signal.
	debug.SetTraceback("crash")
	level := new(slog.LevelVar)
	log, err := newLog(a.err, cfg, level)
	if err != nil {
		return err
	}
	if err := becomeOwner(a.state()); err != nil {
		return err
	}
	d, err := a.ownForGood(ctx, log)
	if err != nil {
		return err
	}
	err = a.serve(ctx, d, log, level)
	notify(log, daemon.SdNotifyStopping)
	return errors.Join(err, d.close())
}

// ownForGood opens the state. Another daemon is an error at once; a command
// that owns the state for a moment is waited for.
func (a *app) ownForGood(ctx context.Context, log *slog.Logger) (*wired, error) {
	deadline := time.Now().Add(lockPatience)
	for {
		d, err := a.wire(ctx, log)
		if !errors.Is(err, state.ErrLocked) || time.Now().After(deadline) {
			return d, err
		}
		if c, _ := a.knock(ctx); c != nil {
			c.Client.Close()
			return nil, err
		}
		if err := pause(ctx, lockRetry); err != nil {
			return nil, err
		}
	}
}

// serve runs the engine and answers commands until ctx ends or one of them
// fails.
func (a *app) serve(ctx context.Context, d *wired, log *slog.Logger, level *slog.LevelVar) error {
	listener, err := listen(filepath.Join(a.state(), control.Socket))
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	server := &http.Server{
		Handler:           d.control.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	served := make(chan error, 1)
	defer a.webPage(d, log)()
	a.openMetrics(d, log)
	defer d.metrics.Close()
	go a.reloads(ctx, d, log, level)

	log.Info("awayd runs", "version", version, "state", a.state())
	ready := false
	err = d.engine.Run(ctx, func() {
		// Not before the accounts are known: a command that came first would be
		// told that there are none. It waits in the socket's queue meanwhile.
		ready = true
		go func() {
			err := server.Serve(listener)
			if errors.Is(err, http.ErrServerClosed) {
				err = nil
			}
			stop(err)
			served <- err
		}()
		go attend(ctx, d, log)
		notify(log, daemon.SdNotifyReady)
	})
	if !ready {
		served <- listener.Close()
	}
	stop(err)
	log.Info("awayd stops")
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainLimit)
	defer cancel()
	if server.Shutdown(drain) != nil {
		err = errors.Join(err, server.Close())
	}
	return errors.Join(err, <-served)
}

// listen opens the control socket. Whoever holds the lock may remove one that
// an earlier daemon left behind.
func listen(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	// The directory keeps everybody else out already.
	if err := os.Chmod(path, 0o660); err != nil {
		return nil, errors.Join(fmt.Errorf("open the control socket: %w", err), l.Close())
	}
	return l, nil
}

// attend tells systemd that the daemon lives and how things stand, and forgets
// what is too old.
func attend(ctx context.Context, d *wired, log *slog.Logger) {
	every := statusEvery
	if watchdog, err := daemon.SdWatchdogEnabled(false); err == nil && watchdog > 0 {
		every = min(every, watchdog/2)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	var pruned time.Time
	var told string
	for {
		if t := now(); t.Sub(pruned) > pruneEvery {
			pruned = t
			if err := d.prune(ctx, t); err != nil {
				log.Error("old entries not pruned", "error", err)
			}
		}
		// Asking every account's owner would let one that hangs end the daemon;
		// that the engine answers at all is what the watchdog is for.
		if s, err := d.inOneLine(); err == nil {
			notify(log, daemon.SdNotifyWatchdog)
			if s != told {
				told = s
				notify(log, "STATUS="+s)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// inOneLine is how things stand, for systemctl status.
func (w *wired) inOneLine() (string, error) {
	list, err := w.engine.Status("")
	switch {
	case err != nil:
		return "", err
	case w.reloaded.examine() != nil:
		return "the new configuration is wrong, the old one holds: see awayd check", nil
	case len(list) == 0:
		return "no account is linked yet: awayd link", nil
	}
	away, ill := 0, 0
	for _, s := range list {
		if s.Visible != nil {
			away++
		}
		if s.Health != engine.HealthOK {
			ill++
		}
	}
	return fmt.Sprintf("accounts: %d, away now: %d, with problems: %d", len(list), away, ill), nil
}

// notify tells systemd, if it started this process.
func notify(log *slog.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("systemd not notified", "error", err)
	}
}
