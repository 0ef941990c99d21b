package testbed

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Ports are taken from below the range that Linux gives to outgoing
// connections (ip_local_port_range, from 32768 on), so that a server that is
// stopped for a moment finds its port free again.
const (
	portMin = 10000
	portMax = 32000
)

// freePorts returns n ports on which nobody listened a moment ago. Another
// test may be faster; [server.start] notices.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range 200 {
		port := portMin + rand.IntN(portMax-portMin)
		l, err := net.Listen("tcp4", loopback(port))
		if err != nil {
			continue
		}
		defer l.Close() // held to the end, so that the ports differ
		if ports = append(ports, port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, fmt.Errorf("find %d free ports: every one tried is taken", n)
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// A holder is who listens on a port.
type holder int

const (
	nobody holder = iota
	itself
	somebodyElse
)

// listener tells whether process pid listens on port, or another one does. A
// bare connection could not tell the two apart, and every testbed's servers
// look the same.
func listener(pid, port int) (holder, error) {
	inode, err := listeningInode(port)
	if err != nil || inode == "" {
		return nobody, err
	}
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		return nobody, err
	}
	for _, fd := range fds {
		if link, err := os.Readlink(fd); err == nil && link == "socket:["+inode+"]" {
			return itself, nil
		}
	}
	return somebodyElse, nil
}

// listeningInode returns the inode of the socket that listens on port, or an
// empty string (proc(5), /proc/net/tcp).
func listeningInode(port int) (string, error) {
	const stateListen = "0A"
	suffix := fmt.Sprintf(":%04X", port)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if os.IsNotExist(err) {
			continue // no IPv6 here
		}
		if err != nil {
			return "", fmt.Errorf("read listening sockets: %w", err)
		}
		for line := range bytes.Lines(text) {
			f := strings.Fields(string(line))
			if len(f) > 9 && f[3] == stateListen && strings.HasSuffix(f[1], suffix) {
				return f[9], nil
			}
		}
	}
	return "", nil
}

// FreePort returns a port on which nobody listened a moment ago.
func FreePort() (int, error) {
	ports, err := freePorts(1)
	if err != nil {
		return 0, err
	}
	return ports[0], nil
}
