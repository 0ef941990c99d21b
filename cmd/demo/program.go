package main

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

// A program is awayd, built and run as a person would.
type program struct {
	binary string
	state  string
	daemon *exec.Cmd
	stderr *os.File
}

// build compiles awayd into dir.
func build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "awayd")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "awayd/cmd/awayd").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build awayd: %w\n%s", err, out)
	}
	return binary, nil
}

// newProgram returns a program with an empty state in dir.
func newProgram(binary, dir string) (*program, error) {
	stderr, err := os.Create(filepath.Join(dir, "awayd.log"))
	if err != nil {
		return nil, err
	}
	return &program{binary: binary, state: filepath.Join(dir, "state"), stderr: stderr}, nil
}

// command is one invocation with the program's state.
func (p *program) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.binary, append([]string{"--state", p.state}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// run carries out one command and returns what it printed.
func (p *program) run(ctx context.Context, args ...string) (string, error) {
	var out, errs bytes.Buffer
	cmd := p.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("awayd %s: %w: %s", args[0], err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}

// start runs the daemon and waits until it answers.
func (p *program) start(ctx context.Context) error {
	p.daemon = p.command(context.WithoutCancel(ctx), "run")
	p.daemon.Stderr = p.stderr
	if err := p.daemon.Start(); err != nil {
		return fmt.Errorf("run awayd: %w", err)
	}
	return until(ctx, "awayd answers", func() (bool, error) {
		c, err := net.Dial("unix", filepath.Join(p.state, "control.sock"))
		if err != nil {
			return false, nil // not yet; or what a killed daemon left
		}
		return true, c.Close()
	})
}

// stop ends the daemon in the orderly way.
func (p *program) stop() error { return p.end(syscall.SIGTERM) }

// kill ends the daemon as a crash would.
func (p *program) kill() error { return p.end(syscall.SIGKILL) }

func (p *program) end(sig syscall.Signal) error {
	if p.daemon == nil {
		return nil
	}
	cmd := p.daemon
	p.daemon = nil
	if err := cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("stop awayd: %w", err)
	}
	if err := cmd.Wait(); err != nil && sig == syscall.SIGTERM {
		return fmt.Errorf("awayd did not stop well: %w\n%s", err, p.said())
	}
	return nil
}

// said returns what the daemons wrote to their log.
func (p *program) said() string {
	b, err := os.ReadFile(p.stderr.Name())
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// close stops what runs.
func (p *program) close() { _ = p.kill(); _ = p.stderr.Close() }

// until waits for a condition on a real server, for as long as ctx allows.
func until(ctx context.Context, what string, ok func() (bool, error)) error {
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

// secretFile writes a password for a flag that wants a file.
func secretFile(dir, name, secret string) (string, error) {
	path := filepath.Join(dir, name)
	return path, os.WriteFile(path, []byte(secret+"\n"), 0o600)
}
