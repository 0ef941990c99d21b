package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"awayd/cmd/testbed"
)

// noticed is how long a dead connection may go unnoticed while a message is
// live.
const noticed = 30 * time.Second

// runPings lets connections die without a word while a message is live and
// nothing is due, and measures how long awayd takes to make new ones.
func runPings(ctx context.Context, h *house) (spread, error) {
	d, err := h.daemon(ctx, "pings", "")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	kinds := []string{testbed.Prosody, testbed.Ejabberd}
	took := make(spread, len(kinds))
	err = sideBySide(ctx, len(kinds), -1, func(ctx context.Context, i int) (err error) {
		took[i], err = dieSilently(ctx, h, d, kinds[i])
		return err
	})
	return took, errors.Join(err, d.Stop())
}

func dieSilently(ctx context.Context, h *house, d *testbed.Daemon, kind string) (took time.Duration, err error) {
	t, err := h.traveller(ctx, kind)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	if err := t.travel(ctx, time.Now().Add(-time.Hour), time.Now().Add(time.Hour)); err != nil {
		return 0, err
	}
	proxy, err := testbed.NewProxy(t.xmpp.Addr)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, proxy.Close()) }()
	if err := t.link(ctx, d, proxy.Addr, h.davHost()); err != nil {
		return 0, err
	}
	if err := testbed.Until(ctx, "the person is shown as away", func() (bool, error) { return t.shown() == 1, nil }); err != nil {
		return 0, err
	}
	before := proxy.Connections()
	proxy.Pause()
	proxy.Forsake()
	died := time.Now()
	for proxy.Connections() == before {
		if time.Since(died) > noticed {
			return noticed, fmt.Errorf("%s: a dead connection was not noticed within %s", kind, noticed)
		}
		if err := sleepUntil(ctx, time.Now().Add(50*time.Millisecond)); err != nil {
			return 0, err
		}
	}
	took = time.Since(died)
	// What the dead connection showed goes, what the new one shows comes.
	return took, testbed.Until(ctx, "the person is shown as away once", func() (bool, error) { return t.shown() == 1 && t.resources() == 2, nil })
}

// shown counts the resources through which the contact sees the person now,
// resources all that were ever seen.
func (t *traveller) shown() int {
	n := 0
	for _, available := range t.presences() {
		if available {
			n++
		}
	}
	return n
}

func (t *traveller) resources() int { return len(t.presences()) }

// presences tells of each resource that the contact ever saw whether it is
// available.
func (t *traveller) presences() map[string]bool {
	seen := make(map[string]bool)
	for _, r := range t.watch.Contact.Received() {
		if r.Name == "presence" && strings.HasPrefix(r.From, t.JID+"/") {
			seen[r.From] = r.Type == ""
		}
	}
	return seen
}
