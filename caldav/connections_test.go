package caldav

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"awayd/sync/account"
)

// A host is a calendar server that keeps book of its connections and of who
// asked on which.
type host struct {
	server *httptest.Server

	mu    sync.Mutex
	conns map[string]int      // requests by the address of the other end
	users map[string][]string // paths asked for, by user and password
}

// newHost is a server with TLS whose calendars are whatever is asked for.
func newHost(t *testing.T) *host {
	h := &host{conns: map[string]int{}, users: map[string][]string{}}
	h.server = httptest.NewUnstartedServer(h)
	h.server.Config.ErrorLog = log.New(io.Discard, "", 0) // one handshake is to fail
	h.server.StartTLS()
	t.Cleanup(h.server.Close)
	return h
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, ok := r.BasicAuth()
	h.mu.Lock()
	h.conns[r.RemoteAddr]++
	if ok {
		h.users[user+":"+password] = append(h.users[user+":"+password], r.URL.Path)
	}
	h.mu.Unlock()
	if !ok {
		w.Header().Set("WWW-Authenticate", `Basic realm="calendars"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.WriteHeader(http.StatusMultiStatus)
	fmt.Fprint(w, multistatus(props(r.URL.Path, calendarType)))
}

// ca is the certificate of the server, as --tls-ca has it; another text around
// it makes it another CA.
func (h *host) ca(around string) string {
	return around + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.server.Certificate().Raw}))
}

// calendar opens a calendar of a user whose password and folder are their own.
func (h *host) calendar(t *testing.T, shared *Connections, user, ca string) *Source {
	t.Helper()
	src, err := Client{Connections: shared}.Open(account.Calendar{
		URL: account.NewSecret(h.server.URL + "/" + user + "/"), User: user, Password: account.NewSecret("of-" + user), TLSCA: ca,
	})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// Accounts of one server share a connection, and nothing but that: each request
// has the credentials of its own account.
func TestAccountsShareConnections(t *testing.T) {
	h, shared := newHost(t), new(Connections)
	ada, bob := h.calendar(t, shared, "ada", h.ca("")), h.calendar(t, shared, "bob", h.ca(""))
	for range 3 {
		mustPoll(t, ada, "")
		mustPoll(t, bob, "")
	}
	if len(h.conns) != 1 {
		t.Errorf("%d connections for two accounts that took turns", len(h.conns))
	}
	h.mineOnly(t, "ada", "bob")
}

// mineOnly fails unless each of the users asked, and only for what is theirs.
func (h *host) mineOnly(t *testing.T, users ...string) {
	t.Helper()
	for _, user := range users {
		key := user + ":of-" + user
		if len(h.users[key]) == 0 {
			t.Errorf("%s never asked", user)
		}
		for _, path := range h.users[key] {
			if path != "/"+user+"/" {
				t.Errorf("%s asked for %s", user, path)
			}
		}
	}
	if len(h.users) != len(users) {
		t.Errorf("%d sets of credentials for %d users", len(h.users), len(users))
	}
}

// Whom one account trusts is no matter of another's: neither is its connection.
func TestOtherCAsShareNothing(t *testing.T) {
	h, shared := newHost(t), new(Connections)
	mustPoll(t, h.calendar(t, shared, "ada", h.ca("")), "")
	mustPoll(t, h.calendar(t, shared, "bob", h.ca("another\n")), "")
	if len(h.conns) != 2 {
		t.Errorf("%d connections for two CAs", len(h.conns))
	}
	_, _, err := h.calendar(t, shared, "eve", "").Poll(t.Context(), "")
	if err == nil || !strings.Contains(err.Error(), "certificate not trusted") {
		t.Errorf("the CA of another account was trusted: %v", err)
	}
	h.mineOnly(t, "ada", "bob")
	// What cannot be used is nobody's.
	if _, err := shared.transport("no PEM"); err == nil || len(shared.byCA) != 3 {
		t.Errorf("%v, %d", err, len(shared.byCA))
	}
}

// Many polls at once mix up no credentials, and leave no more connections
// behind than are kept.
func TestSharedConnectionsAreBounded(t *testing.T) {
	const users = 12
	h, shared := newHost(t), new(Connections)
	// Requests wait for one another, so that there is a connection for each.
	var together sync.WaitGroup
	together.Add(users)
	h.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, ok := r.BasicAuth(); !ok {
			together.Done()
			together.Wait()
		}
		h.ServeHTTP(w, r)
	})
	open := watchIdle(shared, t, h)
	var names []string
	var polls sync.WaitGroup
	for i := range users {
		name := fmt.Sprint("user", i)
		names = append(names, name)
		src := h.calendar(t, shared, name, h.ca(""))
		polls.Go(func() {
			if _, _, err := src.Poll(t.Context(), ""); err != nil {
				t.Error(err)
			}
		})
	}
	polls.Wait()
	h.mineOnly(t, names...)
	for range 500 { // closing is no part of a poll
		if open() <= idleShared {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := open(); n > idleShared || n == 0 {
		t.Errorf("%d connections kept, %d at most", n, idleShared)
	}
	if len(h.conns) < users {
		t.Errorf("%d connections for %d requests at once", len(h.conns), users)
	}
	tr, err := shared.transport(h.ca(""))
	if err != nil || tr.MaxIdleConnsPerHost != idleShared || tr.IdleConnTimeout <= 0 || tr.IdleConnTimeout >= 5*time.Minute {
		t.Errorf("%v: %d kept for %v", err, tr.MaxIdleConnsPerHost, tr.IdleConnTimeout)
	}
}

// watchIdle counts the connections that awayd holds open.
func watchIdle(shared *Connections, t *testing.T, h *host) func() int {
	t.Helper()
	tr, err := shared.transport(h.ca(""))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	n := 0
	dial := tr.DialContext
	tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		mu.Lock()
		n++
		mu.Unlock()
		return &counted{Conn: c, closed: sync.OnceFunc(func() { mu.Lock(); n--; mu.Unlock() })}, nil
	}
	return func() int { mu.Lock(); defer mu.Unlock(); return n }
}

// A counted connection says once that it was closed.
type counted struct {
	net.Conn
	closed func()
}

func (c *counted) Close() error {
	c.closed()
	return c.Conn.Close()
}

// A redirect to another host takes no credentials along, be there a connection
// to that host already, by which another account is known there, or none.
func TestRedirectsTakeNoCredentialsAlong(t *testing.T) {
	h, other, shared := newHost(t), newHost(t), new(Connections)
	both := h.ca("") + other.ca("")
	mustPoll(t, other.calendar(t, shared, "bob", both), "")
	before := len(other.users["bob:of-bob"])
	h.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, ok := r.BasicAuth(); ok {
			w.Header().Set("Location", other.server.URL+"/bob/")
			w.WriteHeader(http.StatusTemporaryRedirect)
			return
		}
		h.ServeHTTP(w, r)
	})
	_, _, err := h.calendar(t, shared, "ada", both).Poll(t.Context(), "")
	if err == nil || !strings.Contains(err.Error(), "where the password is not sent") {
		t.Errorf("got %v", err)
	}
	other.mineOnly(t, "bob")
	if got := other.users["bob:of-bob"]; len(got) != before {
		t.Errorf("asked again for another: %v", got)
	}
}
