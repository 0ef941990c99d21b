package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"awayd/cmd/awayd/control"
	"awayd/cmd/testbed"
	"awayd/sync/finding"
)

// A configuration of which one address cannot be opened moves nothing, whichever
// it is, and check says so until it is mended.
func TestReloadIsWholeOrNothing(t *testing.T) {
	t.Parallel()
	h := newHousehold(t)
	binary, err := testbed.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d, err := testbed.NewDaemon(binary, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d.State = h.state
	status := listenAsSystemd(t, d)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	var free [4]string
	for i := range free {
		port, err := testbed.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		free[i] = fmt.Sprintf("127.0.0.1:%d", port)
	}
	config := func(page, metrics string) string { return fmt.Sprintf("web = %q\nmetrics = %q\n", page, metrics) }
	d.Config = write(t, "awayd.toml", config(taken.Addr().String(), free[0]))
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err, d.Said())
	}
	t.Cleanup(d.Close)

	// At the start, what can be opened is.
	found, code := h.findings()
	if code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	h.expect(found, control.SubjectDaemon, "web page", finding.Error, "address already in use", "another one in the directive web")
	h.expect(found, control.SubjectDaemon, "metrics", finding.OK, "open at "+free[0])

	reload := func(page, metrics string, refused bool) {
		t.Helper()
		if err := os.WriteFile(d.Config, []byte(config(page, metrics)), 0o600); err != nil {
			t.Fatal(err)
		}
		said := len(d.Said())
		if err := d.Process().Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		want := "configuration reloaded"
		if refused {
			want = "configuration not reloaded"
		}
		if err := testbed.Until(t.Context(), want, func() (bool, error) { return strings.Contains(d.Said()[said:], want), nil }); err != nil {
			t.Fatal(err, d.Said())
		}
		found, _ = h.findings()
	}
	open := func(want bool, addresses ...string) {
		t.Helper()
		for _, a := range addresses {
			c, err := net.DialTimeout("tcp", a, time.Second)
			if got := err == nil; got != want {
				t.Errorf("%s is open: %v", a, got)
			}
			if err == nil {
				_ = c.Close()
			}
		}
	}
	reload(free[1], free[0], false)
	open(true, free[0], free[1])
	h.expect(found, control.SubjectDaemon, "web page", finding.OK, "open at "+free[1])

	reload(free[2], taken.Addr().String(), true)
	open(true, free[0], free[1])
	open(false, free[2])
	h.expect(found, control.SubjectDaemon, "reload", finding.Error, "open the metrics", "address already in use", "systemctl reload awayd")
	status("the new configuration is wrong, the old one holds: see awayd check")
	reload(taken.Addr().String(), free[3], true)
	open(true, free[0], free[1])
	open(false, free[3])

	reload(free[2], free[3], false)
	status("no account is linked yet: awayd link")
	open(false, free[0], free[1])
	open(true, free[2], free[3])
	for _, f := range found {
		if f.Subject == control.SubjectDaemon && f.Severity != finding.OK {
			t.Errorf("%+v", f)
		}
	}
}

// listenAsSystemd has a daemon that is not started yet tell how it is; the
// returned function waits until that is what is wanted (sd_notify(3)).
func listenAsSystemd(t *testing.T, d *testbed.Daemon) func(want string) {
	t.Helper()
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	d.Env = append(d.Env, "NOTIFY_SOCKET="+socket.LocalAddr().String())
	var mu sync.Mutex
	var last string
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := socket.Read(b)
			if err != nil {
				return
			}
			if s, ok := strings.CutPrefix(string(b[:n]), "STATUS="); ok {
				mu.Lock()
				last = s
				mu.Unlock()
			}
		}
	}()
	return func(want string) {
		t.Helper()
		err := testbed.Until(t.Context(), want, func() (bool, error) {
			mu.Lock()
			defer mu.Unlock()
			return last == want, nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}
