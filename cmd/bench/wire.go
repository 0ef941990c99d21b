package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
)

// A wire is a TCP proxy on loopback that counts what goes through it and keeps
// the requests.
type wire struct {
	addr     string
	upstream string
	listener net.Listener
	running  sync.WaitGroup

	mu     sync.Mutex
	sent   [][]byte // of each connection
	answer int      // bytes that came back
}

// A request is one HTTP request as it was sent.
type request struct {
	method, path string
	header       http.Header
	body         []byte
}

// A traffic is what went through a wire.
type traffic struct {
	requests    []request
	connections int
	bytes       int // both ways, with the headers
}

func newWire(upstream string) (*wire, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start wire: %w", err)
	}
	w := &wire{addr: l.Addr().String(), upstream: upstream, listener: l}
	w.running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.running.Go(func() { w.carry(c) })
		}
	})
	return w, nil
}

// carry forwards one connection until the server has said everything.
func (w *wire) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", w.upstream)
	if err != nil {
		return
	}
	w.mu.Lock()
	i := len(w.sent)
	w.sent = append(w.sent, nil)
	w.mu.Unlock()
	go func() {
		_, _ = io.Copy(server, io.TeeReader(client, writer(func(p []byte) { w.sent[i] = append(w.sent[i], p...) }, &w.mu)))
		_ = server.(*net.TCPConn).CloseWrite()
	}()
	defer server.Close()
	_, _ = io.Copy(client, io.TeeReader(server, writer(func(p []byte) { w.answer += len(p) }, &w.mu)))
}

// writer makes a Writer that calls f under a lock.
func writer(f func([]byte), mu *sync.Mutex) io.Writer { return locked{f, mu} }

type locked struct {
	f  func([]byte)
	mu *sync.Mutex
}

func (l locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.f(p)
	return len(p), nil
}

// take returns what went through since it was last asked, which is to be done
// with its answers.
func (w *wire) take() (traffic, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := traffic{connections: len(w.sent), bytes: w.answer}
	for _, text := range w.sent {
		t.bytes += len(text)
		list, err := readRequests(text)
		if err != nil {
			return t, fmt.Errorf("read what was sent: %w", err)
		}
		t.requests = append(t.requests, list...)
	}
	w.sent, w.answer = nil, 0
	return t, nil
}

func readRequests(text []byte) ([]request, error) {
	var list []request
	for r := bufio.NewReader(bytes.NewReader(text)); ; {
		q, err := http.ReadRequest(r)
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return nil, err
		}
		list = append(list, request{q.Method, q.RequestURI, q.Header, body})
	}
}

// Close ends the wire; connections end with their clients.
func (w *wire) Close() error {
	err := w.listener.Close()
	w.running.Wait()
	return err
}
