package configs

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
)

// An Address is where something listens. The zero value is nowhere.
type Address struct {
	Network string // tcp or unix
	Address string // HOST:PORT, or the path of a socket
}

// longestSocket is what the kernel takes as a path (unix(7), sun_path).
const longestSocket = 107

// parseAddress reads where to listen: nowhere, a unix socket, or a port of any
// interface. The examples are what one could write.
func parseAddress(s, port, socket string) (Address, error) {
	if s == "" {
		return Address{}, nil
	}
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		switch {
		case !filepath.IsAbs(path) || filepath.Clean(path) != path || strings.ContainsRune(path, 0):
			return Address{}, fmt.Errorf("%q is no absolute path of a socket: write one like %s", path, socket)
		case len(path) > longestSocket:
			return Address{}, fmt.Errorf("the path of a socket has at most %d bytes", longestSocket)
		}
		return Address{"unix", path}, nil
	}
	host, number, err := net.SplitHostPort(s)
	if err != nil || strings.ContainsAny(host, " /\x00") {
		return Address{}, fmt.Errorf("%q is no address: write one like %s or %s", s, port, socket)
	}
	if n, err := strconv.ParseUint(number, 10, 16); err != nil || n == 0 {
		return Address{}, fmt.Errorf("%q is no port", number)
	}
	return Address{"tcp", s}, nil
}
