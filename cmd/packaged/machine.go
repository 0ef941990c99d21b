package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A machine is a Debian with a real systemd, in a container that shares the
// network of this one. What it writes is gone with it.
type machine struct {
	nspawn *exec.Cmd
	leader string // the process id of its systemd, as seen from here
	output bytes.Buffer
}

// debian makes a minimal Debian 12 in dir, unless it is there.
func debian(ctx context.Context, dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "etc", "debian_version")); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	half := dir + ".half"
	if err := os.RemoveAll(half); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, "debootstrap", "--variant=minbase",
		"--include=systemd,systemd-sysv,dbus,passwd,util-linux", "bookworm", half).CombinedOutput()
	if err != nil {
		return fmt.Errorf("make a Debian: %w\n%s", err, tail(out))
	}
	return os.Rename(half, dir)
}

func tail(b []byte) []byte { return b[max(0, len(b)-2000):] }

// boot starts a machine over root, which stays as it is. The folder share
// appears in it under the same name.
func boot(ctx context.Context, root, share string) (*machine, error) {
	m := &machine{}
	m.nspawn = exec.Command("systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--volatile=overlay",
		"--directory="+root, "--machine=awayd-package-test", "--console=passive", "--bind-ro="+share)
	m.nspawn.Stdout, m.nspawn.Stderr = &m.output, &m.output
	m.nspawn.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGTERM}
	if err := m.nspawn.Start(); err != nil {
		return nil, fmt.Errorf("boot a Debian: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		if up, err := m.up(ctx); err != nil || up {
			if err != nil {
				return nil, errors.Join(err, m.close())
			}
			return m, nil
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("the Debian does not boot: %w\n%s", ctx.Err(), m.output.String()), m.close())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// up reports whether the machine has booted.
func (m *machine) up(ctx context.Context) (bool, error) {
	pid := strconv.Itoa(m.nspawn.Process.Pid)
	if _, err := os.Stat("/proc/" + pid + "/root"); err != nil {
		return false, fmt.Errorf("boot a Debian: it ended: %s", m.output.String())
	}
	children, err := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children")
	if err != nil {
		return false, fmt.Errorf("find the Debian's systemd: %w", err)
	}
	fields := strings.Fields(string(children))
	if len(fields) == 0 {
		return false, nil
	}
	m.leader = fields[0]
	state, _ := m.run(ctx, "systemctl", "is-system-running")
	state = strings.TrimSpace(state)
	return state == "running" || state == "degraded", nil
}

// run carries out a command as root of the machine.
func (m *machine) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "nsenter", append([]string{"--target", m.leader, "--all", "--"}, args...)...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, tail(out))
	}
	return string(out), nil
}

// as carries out a command as another user of the machine.
func (m *machine) as(ctx context.Context, user string, args ...string) (string, error) {
	return m.run(ctx, append([]string{"runuser", "-u", user, "--"}, args...)...)
}

// write makes a file of the machine.
func (m *machine) write(ctx context.Context, path, text string) error {
	_, err := m.run(ctx, "sh", "-c", `mkdir -p "$(dirname "$0")" && printf %s "$1" >"$0"`, path, text)
	return err
}

// close powers the machine off.
func (m *machine) close() error {
	if err := m.nspawn.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("power off: %w", err)
	}
	killed := time.AfterFunc(10*time.Second, func() { _ = m.nspawn.Process.Kill() })
	defer killed.Stop()
	_ = m.nspawn.Wait() // its exit status tells nothing
	return nil
}
