package web

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"sync"
	"time"
)

const (
	linkLife    = 5 * time.Minute
	sessionLife = 12 * time.Hour
	// The oldest goes when there are more.
	maxLinks    = 16
	maxSessions = 64
)

// A digest is what is kept of a secret: a copy of the memory opens nothing,
// and looking it up in a map tells nothing by its duration.
type digest [sha256.Size]byte

func digestOf(secret string) digest { return sha256.Sum256([]byte(secret)) }

// secret returns 256 random bits.
func secret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, see its documentation
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// The doors of a page: links that open it once, and the sessions of those who
// came in. They are in memory only, so a restart closes them all.
type doors struct {
	now func() time.Time

	mu       sync.Mutex
	links    map[digest]time.Time // when they end
	sessions map[digest]*session
}

// A session is one browser that came in.
type session struct {
	csrf string // what its forms have to carry
	ends time.Time
	said *notice // to be shown on the next page
}

// A notice is the outcome of an action.
type notice struct {
	Failed bool
	Text   string
	Advice string
}

func newDoors(now func() time.Time) *doors {
	return &doors{now: now, links: make(map[digest]time.Time), sessions: make(map[digest]*session)}
}

// link makes a link's token.
func (d *doors) link() (token string, ends time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	token, ends = secret(), d.now().Add(linkLife)
	makeRoom(d.links, maxLinks, d.now(), func(t time.Time) time.Time { return t })
	d.links[digestOf(token)] = ends
	return token, ends
}

// good reports whether a link would open the page, without using it up.
func (d *doors) good(token string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	ends, ok := d.links[digestOf(token)]
	return ok && d.now().Before(ends)
}

// enter uses a link up and begins a session, whose key is for the cookie.
func (d *doors) enter(token string) (key string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	ends, ok := d.links[digestOf(token)]
	delete(d.links, digestOf(token))
	if !ok || !d.now().Before(ends) {
		return "", false
	}
	key = secret()
	makeRoom(d.sessions, maxSessions, d.now(), func(s *session) time.Time { return s.ends })
	d.sessions[digestOf(key)] = &session{csrf: secret(), ends: d.now().Add(sessionLife)}
	return key, true
}

// session returns who the key of a cookie belongs to, or nil.
func (d *doors) session(key string) *session {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.sessions[digestOf(key)]
	if s == nil || !d.now().Before(s.ends) {
		delete(d.sessions, digestOf(key))
		return nil
	}
	return s
}

// leave ends a session.
func (d *doors) leave(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.sessions, digestOf(key))
}

// say keeps a notice for the session's next page.
func (d *doors) say(s *session, n notice) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s.said = &n
}

// hear returns the notice that waits, once.
func (d *doors) hear(s *session) *notice {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := s.said
	s.said = nil
	return n
}

// carries reports whether a form came from one of the session's own pages.
func (s *session) carries(token string) bool {
	return subtle.ConstantTimeCompare([]byte(s.csrf), []byte(token)) == 1
}

// makeRoom drops what has ended, and if the room is full, what ends first.
func makeRoom[V any](m map[digest]V, limit int, now time.Time, ends func(V) time.Time) {
	var first digest
	var least time.Time
	for k, v := range m {
		end := ends(v)
		if !now.Before(end) {
			delete(m, k)
			continue
		}
		if least.IsZero() || end.Before(least) {
			first, least = k, end
		}
	}
	if len(m) >= limit {
		delete(m, first)
	}
}
