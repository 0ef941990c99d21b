package testbed

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A Daemon is awayd, built and run as a person would.
type Daemon struct {
	State string // its folder
	// Config is a file for --config; empty: none.
	Config string
	// Env is added to the environment of the daemon and of each command.
	Env []string

	binary string
	daemon *exec.Cmd
	stderr *os.File
}

// Build compiles awayd into dir and returns the file.
func Build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "awayd")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "awayd/cmd/awayd").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build awayd: %w\n%s", err, out)
	}
	return binary, nil
}

// NewDaemon returns a daemon that does not run yet, with an empty state in dir.
func NewDaemon(binary, dir string) (*Daemon, error) {
	stderr, err := os.Create(filepath.Join(dir, "awayd.log"))
	if err != nil {
		return nil, err
	}
	return &Daemon{binary: binary, State: filepath.Join(dir, "state"), stderr: stderr}, nil
}

// Command is one invocation with the daemon's state.
func (d *Daemon) Command(ctx context.Context, args ...string) *exec.Cmd {
	global := []string{"--state", d.State}
	if d.Config != "" {
		global = append(global, "--config", d.Config)
	}
	cmd := exec.CommandContext(ctx, d.binary, append(global, args...)...)
	cmd.Env = append(os.Environ(), d.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// Run carries out one command and returns what it printed.
func (d *Daemon) Run(ctx context.Context, args ...string) (string, error) {
	var out, errs bytes.Buffer
	cmd := d.Command(ctx, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("awayd %s: %w: %s", args[0], err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}

// Start runs the daemon and waits until it answers.
func (d *Daemon) Start(ctx context.Context) error {
	d.daemon = d.Command(context.WithoutCancel(ctx), "run")
	d.daemon.Stderr = d.stderr
	if err := d.daemon.Start(); err != nil {
		return fmt.Errorf("run awayd: %w", err)
	}
	return Until(ctx, "awayd answers", func() (bool, error) {
		c, err := net.Dial("unix", filepath.Join(d.State, "control.sock"))
		if err != nil {
			return false, nil // not yet; or what a killed daemon left
		}
		return true, c.Close()
	})
}

// Stop ends the daemon in the orderly way.
func (d *Daemon) Stop() error { _, err := d.End(syscall.SIGTERM); return err }

// Kill ends the daemon as a crash would.
func (d *Daemon) Kill() error { _, err := d.End(syscall.SIGKILL); return err }

// End sends a signal and waits until the daemon is gone. The state is nil if
// none was running.
func (d *Daemon) End(sig syscall.Signal) (*os.ProcessState, error) {
	if d.daemon == nil {
		return nil, nil
	}
	cmd := d.daemon
	d.daemon = nil
	if err := cmd.Process.Signal(sig); err != nil {
		return nil, fmt.Errorf("stop awayd: %w", err)
	}
	if err := cmd.Wait(); err != nil && sig == syscall.SIGTERM {
		return cmd.ProcessState, fmt.Errorf("awayd did not stop well: %w\n%s", err, d.Said())
	}
	return cmd.ProcessState, nil
}

// Process is what runs now; nil if nothing does.
func (d *Daemon) Process() *os.Process {
	if d.daemon == nil {
		return nil
	}
	return d.daemon.Process
}

// Said returns what the daemons wrote to their log.
func (d *Daemon) Said() string {
	b, err := os.ReadFile(d.stderr.Name())
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// Close stops what runs.
func (d *Daemon) Close() { _ = d.Kill(); _ = d.stderr.Close() }

// Until waits for a condition on a real server, for as long as ctx allows.
func Until(ctx context.Context, what string, ok func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		done, err := ok()
		if done && err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			if err != nil {
				return fmt.Errorf("waiting until %s: %w", what, err)
			}
			return fmt.Errorf("waiting until %s: %w", what, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// SecretFile writes a password for a flag that wants a file.
func SecretFile(dir, name, secret string) (string, error) {
	path := filepath.Join(dir, name)
	return path, os.WriteFile(path, []byte(secret+"\n"), 0o600)
}
