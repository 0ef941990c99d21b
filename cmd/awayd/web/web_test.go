package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"awayd/cmd/awayd/control"
)

func TestConfigure(t *testing.T) {
	s := New(config(nil, func() time.Time { return noon }))
	t.Cleanup(s.Close)
	advised := func(want string) {
		t.Helper()
		_, err := s.Link()
		var e *control.Error
		if !errors.As(err, &e) || e.Usage || !strings.Contains(e.Message, want) || !strings.Contains(e.Advice, "systemctl reload awayd") {
			t.Errorf("%+v, want %q and advice", err, want)
		}
	}
	advised("the web page is off")

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if s.Configure(Place{Network: "tcp", Address: taken.Addr().String()}) == nil {
		t.Error("a taken address was opened")
	}
	advised("address already in use")

	socket := filepath.Join(t.TempDir(), "web.sock")
	outside, _ := url.Parse("https://ooo.example.org/ooo/")
	place := Place{Network: "unix", Address: socket, URL: outside}
	configure := func(p Place) {
		t.Helper()
		if err := s.Configure(p); err != nil {
			t.Fatal(err)
		}
	}
	link := func(begin string) {
		t.Helper()
		l, err := s.Link()
		if err != nil || !strings.HasPrefix(l.URL, begin+"enter?token=") || !l.Expires.Equal(noon.Add(linkLife)) {
			t.Errorf("%+v %v, want one at %s", l, err, begin)
		}
	}
	answers := func(network, address, path string) bool {
		client := http.Client{Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, address)
			},
		}}
		resp, err := client.Get("http://localhost" + path)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}
	stale, err := net.Listen("unix", socket) // as a daemon that was killed leaves it
	if err != nil {
		t.Fatal(err)
	}
	stale.(*net.UnixListener).SetUnlinkOnClose(false)
	if s.Configure(place) == nil {
		t.Error("the socket of somebody who listens was taken")
	}
	stale.Close()
	configure(place)
	link("https://ooo.example.org/ooo/")
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o666 {
		t.Errorf("the socket: %v %v", info, err)
	}
	site := s.site
	configure(place)
	if s.site != site || !answers("unix", socket, "/ooo/enter") {
		t.Error("an unchanged configuration changed something")
	}
	if s.Configure(Place{Network: "tcp", Address: taken.Addr().String()}) == nil || !answers("unix", socket, "/ooo/enter") {
		t.Error("a wrong configuration ended the old page")
	}
	link("https://ooo.example.org/ooo/")
	configure(Place{Network: "unix", Address: socket, URL: &url.URL{Scheme: "https", Host: "other.example.org", Path: "/"}})
	link("https://other.example.org/")
	given, err := s.Prepare(place)
	if err != nil {
		t.Fatal(err)
	}
	given.Drop()
	link("https://other.example.org/")
	if !answers("unix", socket, "/enter") {
		t.Error("the page at another URL of the same socket does not answer")
	}

	free := taken.Addr().String()
	taken.Close()
	configure(Place{Network: "tcp", Address: free})
	link(fmt.Sprintf("http://%s/", free))
	if !answers("tcp", free, "/enter") || answers("unix", socket, "/enter") {
		t.Error("the page did not move")
	}
	if _, err := os.Stat(socket); err == nil {
		t.Error("the socket was left behind")
	}
	configure(Place{})
	advised("the web page is off")
	if answers("tcp", free, "/enter") {
		t.Error("the page is still there")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if s.Configure(Place{Network: "unix", Address: file}) == nil {
		t.Error("a file was replaced by a socket")
	}
}
