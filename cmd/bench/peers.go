package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"awayd/cmd/testbed"
)

// command runs a program and returns what it printed.
func command(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("run %s: %w: %s", name, err, bytes.TrimSpace(complaint.Bytes()))
	}
	return out, nil
}

// replay writes a configuration by which curl sends requests that awayd was
// seen to send, headers and all, to the server at host.
func replay(dir, host string, requests []request) (config string, err error) {
	if dir, err = os.MkdirTemp(dir, "curl-"); err != nil {
		return "", fmt.Errorf("make configuration of curl: %w", err)
	}
	var b strings.Builder
	for i, q := range requests {
		if i > 0 {
			b.WriteString("next\n")
		}
		fmt.Fprintf(&b, "url = \"http://%s%s\"\nrequest = %s\nhttp1.1\nsilent\nshow-error\noutput = /dev/null\n", host, q.path, q.method)
		b.WriteString(`write-out = "%{http_code} %{time_total}\n"` + "\n")
		for name, values := range q.header {
			if name != "Content-Length" {
				fmt.Fprintf(&b, "header = %q\n", name+": "+values[0])
			}
		}
		body := filepath.Join(dir, fmt.Sprintf("%d.xml", i))
		if err := os.WriteFile(body, q.body, 0o600); err != nil {
			return "", fmt.Errorf("write request: %w", err)
		}
		fmt.Fprintf(&b, "data-binary = \"@%s\"\n", body)
	}
	config = filepath.Join(dir, "config")
	if err := os.WriteFile(config, []byte(b.String()), 0o600); err != nil {
		return "", fmt.Errorf("write configuration of curl: %w", err)
	}
	return config, nil
}

// curl sends what replay wrote, and returns the time that curl itself measured
// for the transfers: without the start of its process.
func curl(config string, requests int) func(context.Context) (time.Duration, error) {
	return func(ctx context.Context) (time.Duration, error) {
		out, err := command(ctx, "curl", "--disable", "--config", config)
		if err != nil {
			return 0, err
		}
		var total float64
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		for _, line := range lines {
			status, took, _ := strings.Cut(line, " ")
			s, err := strconv.ParseFloat(took, 64)
			if err != nil || (status != "207" && status != "401") {
				return 0, fmt.Errorf("read answer of curl: %q", line)
			}
			total += s
		}
		if len(lines) != requests {
			return 0, fmt.Errorf("curl made %d requests instead of %d", len(lines), requests)
		}
		return time.Duration(total * float64(time.Second)), nil
	}
}

const vdirsyncerConfig = `[general]
status_path = "%[1]s/status/"
[pair calendar]
a = "local"
b = "remote"
collections = null
[storage local]
type = "filesystem"
path = "%[1]s/local/"
fileext = ".ics"
[storage remote]
type = "caldav"
url = "%[2]s"
username = "%[3]s"
password = "%[4]s"
`

// A vdirsyncer copies a calendar into a folder.
type vdirsyncer struct{ dir, config string }

func newVdirsyncer(dir, url string) (*vdirsyncer, error) {
	dir, err := os.MkdirTemp(dir, "vdirsyncer-")
	if err != nil {
		return nil, fmt.Errorf("make configuration of vdirsyncer: %w", err)
	}
	v := &vdirsyncer{dir, filepath.Join(dir, "config")}
	text := fmt.Sprintf(vdirsyncerConfig, dir, url, testbed.BedUser, testbed.BedPassword)
	if err := os.WriteFile(v.config, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write configuration of vdirsyncer: %w", err)
	}
	return v, nil
}

// forget brings it back to where it knows nothing.
func (v *vdirsyncer) forget(ctx context.Context) error {
	for _, name := range []string{"status", "local"} {
		if err := os.RemoveAll(filepath.Join(v.dir, name)); err != nil {
			return fmt.Errorf("forget calendar: %w", err)
		}
	}
	if err := os.Mkdir(filepath.Join(v.dir, "local"), 0o755); err != nil {
		return fmt.Errorf("forget calendar: %w", err)
	}
	_, err := command(ctx, "vdirsyncer", "--config", v.config, "discover")
	return err
}

func (v *vdirsyncer) sync(ctx context.Context) error {
	_, err := command(ctx, "vdirsyncer", "--config", v.config, "sync")
	return err
}

// copied is how many objects are in the folder.
func (v *vdirsyncer) copied() (int, error) {
	list, err := filepath.Glob(filepath.Join(v.dir, "local", "*.ics"))
	return len(list), err
}
