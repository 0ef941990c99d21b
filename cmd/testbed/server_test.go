package testbed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestXMPPKeepsDataAndPorts(t *testing.T) {
	eachXMPP(t, func(t *testing.T, kind string) {
		x := XMPPFor(t, kind, XMPPOptions{})
		addr, tlsAddr := x.Addr, x.TLSAddr
		p := x.PersonFor(t, "rosaline")
		for _, kill := range []bool{false, true} {
			end := x.Stop
			if kill {
				end = x.Kill
			}
			c := x.LoginFor(t, p, ContactOptions{})
			if err := c.Publish(t.Context(), NodeOOO, "current", OOO(time.Now(), time.Now(), "kept"), map[string]string{"pubsub#persist_items": "true"}); err != nil {
				t.Fatal(err)
			}
			if kill && kind == Ejabberd {
				settle(t)
			}
			if err := end(); err != nil {
				t.Fatal(err)
			}
			<-c.Done()
			gone(t, x.server)
			if err := x.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			if x.Addr != addr || x.TLSAddr != tlsAddr {
				t.Errorf("addresses were %s and %s, are %s and %s", addr, tlsAddr, x.Addr, x.TLSAddr)
			}
			c = x.LoginFor(t, p, ContactOptions{})
			if items, err := c.Fetch(t.Context(), c.Bare(), NodeOOO); err != nil || len(items) != 1 {
				t.Errorf("after a restart the node holds %v, %v", items, err)
			}
		}
		if err := x.Stop(); err != nil {
			t.Error(err)
		}
		if err := x.Stop(); err != nil {
			t.Errorf("stop twice: %v", err)
		}
		gone(t, x.server)
	})
}

// settle waits until ejabberd has written what it acknowledged. Killed one
// second after a publish, it has lost the item; after two and a half, it has not.
func settle(t *testing.T) {
	select {
	case <-time.After(2500 * time.Millisecond):
	case <-t.Context().Done():
	}
}

// gone fails unless the process and its ports are.
func gone(t *testing.T, s *server) {
	t.Helper()
	if _, err := os.Stat(filepath.Join("/proc", strconv.Itoa(s.Pid()))); !os.IsNotExist(err) {
		t.Errorf("process %d is still there: %v", s.Pid(), err)
	}
	for _, port := range s.ports {
		inode, err := listeningInode(port)
		if err != nil || inode != "" {
			t.Errorf("port %d is still open: %v", port, err)
		}
	}
}

const event = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//awayd//testbed//EN\r\nBEGIN:VEVENT\r\nUID:e1\r\nDTSTAMP:20260101T000000Z\r\n" +
	"DTSTART;VALUE=DATE:20260801\r\nDTEND;VALUE=DATE:20260815\r\nSUMMARY:Vacation\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

func TestDAVKeepsDataAndPorts(t *testing.T) {
	users := map[string]string{"ada": "secret"}
	for name, start := range map[string]func() *DAV{
		"radicale": func() *DAV { return RadicaleFor(t, RadicaleOptions{Users: users}) },
		"radicale with TLS": func() *DAV {
			ca, err := NewCA(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			return RadicaleFor(t, RadicaleOptions{Users: users, TLS: ca})
		},
		"xandikos": func() *DAV { return XandikosFor(t, "ada") },
	} {
		t.Run(name, func(t *testing.T) {
			d := start()
			url := d.URL
			calendar, err := d.MakeCalendar(t.Context(), "ada", "Away & home")
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Put(t.Context(), calendar+"e1.ics", event); err != nil {
				t.Fatal(err)
			}
			if err := d.Kill(); err != nil {
				t.Fatal(err)
			}
			gone(t, d.server)
			if err := d.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			if d.URL != url {
				t.Errorf("URL was %s, is %s", url, d.URL)
			}
			resp, body, err := d.Do(t.Context(), "GET", calendar+"e1.ics", nil, "")
			if err != nil || resp.StatusCode != 200 || !strings.Contains(string(body), "UID:e1") {
				t.Errorf("GET after a restart: %v, %s", err, body)
			}
			if err := d.Delete(t.Context(), calendar+"e1.ics"); err != nil {
				t.Error(err)
			}
			if err := d.Delete(t.Context(), calendar+"e1.ics"); err == nil {
				t.Error("an object could be deleted twice")
			}
			if err := d.Stop(); err != nil {
				t.Error(err)
			}
			gone(t, d.server)
		})
	}
}

// TestServersEndWithTheirStarter runs this test binary again, has it start
// servers, and kills it.
func TestServersEndWithTheirStarter(t *testing.T) {
	const asStarter = "AWAYD_TESTBED_STARTER"
	if os.Getenv(asStarter) != "" {
		for _, s := range []*server{
			bed.XMPPFor(t, Prosody).server, bed.XMPPFor(t, Ejabberd).server,
			bed.DAVFor(t, Radicale).server, bed.DAVFor(t, Xandikos).server,
		} {
			fmt.Println("pid", s.Pid())
		}
		fmt.Println("dir", bed.Dir)
		select {} // until killed
	}

	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*startTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), asStarter+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []string
	dir := ""
	for lines := bufio.NewScanner(out); dir == "" && lines.Scan(); {
		switch word, value, _ := strings.Cut(lines.Text(), " "); word {
		case "pid":
			pids = append(pids, value)
		case "dir":
			dir = value
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // "signal: killed", as intended
	if dir == "" || len(pids) != 4 {
		t.Fatalf("starter named folder %q and servers %v", dir, pids)
	}
	defer os.RemoveAll(dir)

	deadline := time.Now().Add(10 * time.Second)
	for _, pid := range pids {
		for alive(pid) {
			if time.Now().After(deadline) {
				t.Fatalf("server %s outlives its starter", pid)
			}
			time.Sleep(pollInterval)
		}
	}
}

// alive reports whether a process is there and more than a zombie.
func alive(pid string) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestPortOfAnotherProcessIsNoticed(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := &server{
		kind: "sleeper", dir: t.TempDir(), ports: []int{l.Addr().(*net.TCPAddr).Port},
		cmd:   command{args: []string{"sleep", "60"}},
		ready: func(context.Context) error { return nil },
	}
	if err := s.Restart(t.Context()); !errors.Is(err, errPortTaken) {
		t.Errorf("start on a port of another process: %v", err)
	}
}

func TestFailedStartSaysWhy(t *testing.T) {
	ca, err := NewCA(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	_, err = StartProsody(t.Context(), filepath.Join(t.TempDir(), "prosody"), ca, XMPPOptions{Extra: "this is not Lua"})
	if err == nil || !strings.Contains(err.Error(), "prosody.cfg.lua") {
		t.Errorf("start with a broken configuration: %v", err)
	}

	s := &server{kind: "absent", dir: t.TempDir(), cmd: command{args: []string{"awayd-no-such-server"}}}
	err = s.Restart(t.Context())
	if missing, ok := errors.AsType[*MissingError](err); !ok || !strings.Contains(missing.Error(), "Try: make servers") {
		t.Errorf("start what is not installed: %v", err)
	}
}
