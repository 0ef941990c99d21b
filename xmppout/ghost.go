package xmppout

import (
	"context"
	"errors"
	"sync"
)

// Ghosts remember connections that broke without the server's knowing. It may go
// on showing the person as away through them for hours, long after the message
// is withdrawn; but a login under the same resource ends them (RFC 6120
// §7.7.2.2).
type Ghosts struct {
	mu        sync.Mutex
	resources map[string][]string // of a bare JID
}

func (g *Ghosts) add(bare string, resources ...string) {
	if g == nil || len(resources) == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.resources == nil {
		g.resources = make(map[string][]string)
	}
	all := append(g.resources[bare], resources...)
	g.resources[bare] = all[max(0, len(all)-maxGhosts):]
}

func (g *Ghosts) take(bare string) []string {
	if g == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	all := g.resources[bare]
	delete(g.resources, bare)
	return all
}

// maxGhosts bounds what is remembered of an account whose server cannot be
// reached for long.
const maxGhosts = 8

// layGhosts ends what is left of earlier sessions of l, beside a session that
// works, and for as long as that lives.
func (d *Dialer) layGhosts(alive context.Context, l login, t target) {
	ghosts := d.Ghosts.take(l.jid.String())
	for i, resource := range ghosts {
		if err := d.layGhost(alive, l, t, resource); err != nil {
			d.Ghosts.add(l.jid.String(), ghosts[i:]...) // to be tried again
			return
		}
	}
}

// layGhost returns an error if the same may succeed later. A server that keeps
// the older of two connections with one resource refuses, and always will.
func (d *Dialer) layGhost(alive context.Context, l login, t target, resource string) error {
	ctx, cancel := context.WithTimeout(alive, loginTimeout)
	defer cancel()
	l.resource = resource
	s, _, err := d.try(ctx, l, t, t.patience(ctx, 1))
	if err == nil {
		return s.Close(ctx)
	}
	var known *Error
	if alive.Err() == nil && errors.As(err, &known) && !known.Temporary() {
		return nil
	}
	return err
}
