// Package socket opens and closes the addresses that the configuration names: a
// port, or a unix socket.
package socket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"
)

// Listen opens an address. The network is tcp or unix; a unix socket that nobody
// listens on any more is replaced.
func Listen(network, address string) (net.Listener, error) {
	if network == "unix" {
		if err := sweep(address); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	if network == "unix" {
		// Anybody may knock, as on loopback: the group awayd is no choice for
		// another service, since it would open the control socket too.
		if err := os.Chmod(address, 0o666); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	return l, nil
}

// sweep removes the socket that an earlier daemon left behind.
func sweep(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is there and is no socket", path)
	}
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		return errors.Join(fmt.Errorf("somebody listens on %s already", path), c.Close())
	}
	return os.Remove(path)
}

// End closes a server. Answers under way may take so long; then they are cut.
func End(s *http.Server, drain time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	if s.Shutdown(ctx) != nil {
		_ = s.Close()
	}
}
