// Package testbed starts the real servers that tests and the demonstration run
// against: Prosody, ejabberd, Radicale and Xandikos, on loopback, on free
// ports, each with its own folder and under a throw-away CA. It also has a
// [Contact], an XMPP client that shares no code with awayd's, and a [Proxy]
// that misbehaves as networks and attackers do.
//
// A server ends when it is stopped, or with the process that started it, however
// that ends. Nothing else on the machine is touched: no service, no
// other instance, no shared port.
//
// The package depends on no other package of awayd, so that it can contradict
// them.
package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// A Bed is a temporary folder, a CA, and at most one server of each kind, each
// started when first asked for. It is what the tests of a package share.
type Bed struct {
	Dir string
	CA  *CA

	mu     sync.Mutex
	xmpp   map[string]*XMPP
	dav    map[string]*DAV
	faults *Toxiproxy
}

// New makes an empty bed.
func New() (*Bed, error) {
	dir, err := os.MkdirTemp("", "awayd-testbed-")
	if err != nil {
		return nil, fmt.Errorf("make testbed: %w", err)
	}
	ca, err := NewCA(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &Bed{Dir: dir, CA: ca, xmpp: map[string]*XMPP{}, dav: map[string]*DAV{}}, nil
}

// XMPP returns the bed's server of a kind, Prosody or Ejabberd.
func (b *Bed) XMPP(ctx context.Context, kind string) (*XMPP, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if x := b.xmpp[kind]; x != nil {
		return x, nil
	}
	start := StartProsody
	if kind == Ejabberd {
		start = StartEjabberd
	}
	x, err := start(ctx, filepath.Join(b.Dir, kind), b.CA, XMPPOptions{})
	if err != nil {
		return nil, err
	}
	b.xmpp[kind] = x
	return x, nil
}

// Main runs the tests of a package with a bed that they share, for TestMain:
//
//	var bed *testbed.Bed
//
//	func TestMain(m *testing.M) { os.Exit(testbed.Main(m, &bed)) }
func Main(m interface{ Run() int }, bed **Bed) int {
	b, err := New()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	*bed = b
	code := m.Run()
	if err := b.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	return code
}

// BedUser and BedPassword are the one user of a bed's CalDAV servers.
const (
	BedUser     = "alice"
	BedPassword = "secret of alice's calendar"
)

// DAV returns the bed's server of a kind, Radicale or Xandikos, over plain
// HTTP.
func (b *Bed) DAV(ctx context.Context, kind string) (*DAV, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if d := b.dav[kind]; d != nil {
		return d, nil
	}
	dir := filepath.Join(b.Dir, kind)
	var d *DAV
	var err error
	if kind == Xandikos {
		d, err = StartXandikos(ctx, dir, BedUser)
	} else {
		d, err = StartRadicale(ctx, dir, RadicaleOptions{Users: map[string]string{BedUser: BedPassword}})
	}
	if err != nil {
		return nil, err
	}
	b.dav[kind] = d
	return d, nil
}

// Toxiproxy returns the bed's maker of faulty proxies.
func (b *Bed) Toxiproxy(ctx context.Context) (*Toxiproxy, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.faults != nil {
		return b.faults, nil
	}
	t, err := StartToxiproxy(ctx, filepath.Join(b.Dir, "toxiproxy"))
	if err != nil {
		return nil, err
	}
	b.faults = t
	return t, nil
}

// Close stops every server and removes the folder.
func (b *Bed) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var group sync.WaitGroup
	errs := make(chan error, len(b.xmpp)+len(b.dav)+1)
	for _, x := range b.xmpp {
		group.Go(func() { errs <- x.Stop() })
	}
	for _, d := range b.dav {
		group.Go(func() { errs <- d.Stop() })
	}
	if b.faults != nil {
		group.Go(func() { errs <- b.faults.Stop() })
	}
	group.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(append(all, os.RemoveAll(b.Dir))...)
}
