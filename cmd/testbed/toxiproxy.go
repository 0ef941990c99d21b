package testbed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"
)

// toxiproxy is the program that breaks networks. It is run as a tool, through
// its HTTP API, so that nothing of it is among the requirements of awayd.
const toxiproxy = "github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0"

// A Toxiproxy makes proxies that misbehave as networks do: each [Faulty] one by
// itself. What attackers do, and what only awayd's tests need, a [Proxy] does.
type Toxiproxy struct {
	*server
	proxies atomic.Int64
}

// StartToxiproxy builds toxiproxy into dir and starts it. ctx bounds the start
// only.
func StartToxiproxy(ctx context.Context, dir string) (*Toxiproxy, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("build toxiproxy: %w", err)
	}
	build := exec.CommandContext(ctx, "go", "install", toxiproxy)
	build.Env = append(os.Environ(), "GOBIN="+dir)
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build toxiproxy: %w\n%s", err, out)
	}
	t := &Toxiproxy{server: &server{kind: "toxiproxy", dir: dir}}
	t.ready = func(ctx context.Context) error { return t.call(ctx, http.MethodGet, "/version", nil) }
	err := t.startAnywhere(ctx, 1, func() error {
		// The same dice in every run.
		t.cmd = command{args: []string{filepath.Join(dir, "server"), "-host", "127.0.0.1", "-port", fmt.Sprint(t.ports[0]), "-seed", "1"}, dir: dir}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// A Faulty is a proxy of a [Toxiproxy]. At first it forwards everything.
type Faulty struct {
	Addr string // host:port to connect to

	of   *Toxiproxy
	path string // in the API
}

// A Toxic is one thing that is wrong with a network, as toxiproxy names them.
type Toxic struct {
	Type string `json:"type"`
	// Stream is downstream, what the server answers, or upstream, what it is
	// asked.
	Stream     string         `json:"stream"`
	Attributes map[string]int `json:"attributes"`
}

// Before returns a proxy before upstream, a host:port.
func (t *Toxiproxy) Before(ctx context.Context, upstream string) (*Faulty, error) {
	// A port of the testbed's range: it is given back for a while when the proxy
	// refuses connections, and nobody is to take it then.
	ports, err := freePorts(1)
	if err != nil {
		return nil, fmt.Errorf("start faulty proxy: %w", err)
	}
	name := fmt.Sprintf("p%d", t.proxies.Add(1))
	f := &Faulty{Addr: loopback(ports[0]), of: t, path: "/proxies/" + name}
	return f, t.call(ctx, http.MethodPost, "/proxies",
		map[string]any{"name": name, "listen": f.Addr, "upstream": upstream, "enabled": true})
}

// Poison adds toxics, which change what runs through the connections that are
// open, too.
func (f *Faulty) Poison(ctx context.Context, toxics ...Toxic) error {
	for _, t := range toxics {
		if err := f.of.call(ctx, http.MethodPost, f.path+"/toxics", t); err != nil {
			return err
		}
	}
	return nil
}

// Refuse closes the connections that are open and accepts none.
func (f *Faulty) Refuse(ctx context.Context) error {
	return f.of.call(ctx, http.MethodPost, f.path, map[string]any{"enabled": false})
}

// Redirect closes the connections that are open and leads new ones to another
// host:port.
func (f *Faulty) Redirect(ctx context.Context, upstream string) error {
	if err := f.of.call(ctx, http.MethodPost, f.path, map[string]any{"enabled": false, "upstream": upstream}); err != nil {
		return err
	}
	return f.of.call(ctx, http.MethodPost, f.path, map[string]any{"enabled": true})
}

// Heal makes everything flow again. What a toxic of type timeout or reset_peer
// held is lost, and its connections are closed.
func (f *Faulty) Heal(ctx context.Context, toxics ...Toxic) error {
	for _, t := range toxics {
		if err := f.of.call(ctx, http.MethodDelete, f.path+"/toxics/"+t.Type+"_"+t.Stream, nil); err != nil {
			return err
		}
	}
	return f.of.call(ctx, http.MethodPost, f.path, map[string]any{"enabled": true})
}

// call sends one request to the API.
func (t *Toxiproxy) call(ctx context.Context, method, path string, body any) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("call toxiproxy: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+loopback(t.ports[0])+path, bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("call toxiproxy: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("call toxiproxy: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return fmt.Errorf("call toxiproxy: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("call toxiproxy: %s %s: %s: %s", method, path, resp.Status, answer)
	}
	return nil
}
