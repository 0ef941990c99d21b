package xmppout

import (
	"context"
	"slices"
	"sync"
	"time"

	"awayd/sync/plan"
)

// echo is how long the server may take to tell the person of what awayd itself
// has published: the only reading back of a node of the roster model.
const echo = 2 * time.Second

// hearsay is what a connection was told of its owner's own node. It holds good
// only for as long as the connection is told, which is while it is available.
type hearsay struct {
	mu       sync.Mutex
	known    bool // something was told
	held     []plan.Item
	expected *plan.Item    // what was published and not told of yet
	news     chan struct{} // closed when something is told
}

// expect says that an item is about to be published.
func (h *hearsay) expect(id string, p plan.Payload) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.expected = &plan.Item{ID: id, Payload: p}
}

// told takes in an event of the node.
func (h *hearsay) told(e *nodeEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known = true
	if e.Purge != nil || e.Delete != nil {
		h.held, h.expected = nil, nil
	}
	for _, i := range e.Items.Items {
		got := i.read()
		// A PEP node holds one item unless somebody changed that, and awayd
		// takes off what it does not want beside another.
		h.held = append(h.without(i.ID), got)
		h.held = h.held[max(0, len(h.held)-maxItems):]
		if h.expected != nil && h.expected.ID == got.ID && h.expected.Payload.Equal(got.Payload) {
			h.expected = nil
		}
	}
	for _, r := range e.Items.Retracts {
		h.held = h.without(r.ID)
	}
	if h.news != nil {
		close(h.news)
		h.news = nil
	}
}

func (h *hearsay) without(id string) []plan.Item {
	return slices.DeleteFunc(slices.Clone(h.held), func(i plan.Item) bool { return i.ID == id })
}

// gone says that the server took an item off, which not every server tells.
func (h *hearsay) gone(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held = h.without(id)
	if h.expected != nil && h.expected.ID == id {
		h.expected = nil
	}
}

// forget says that nothing is told from now on, or that the node is another.
func (h *hearsay) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known, h.held, h.expected = false, nil, nil
}

// items returns what was told, and whether anything was. It waits a moment for
// what was just published.
func (h *hearsay) items(ctx context.Context) ([]plan.Item, bool) {
	ctx, cancel := context.WithTimeout(ctx, echo)
	defer cancel()
	for {
		h.mu.Lock()
		if h.expected == nil || ctx.Err() != nil {
			// What was published and not told of makes the rest doubtful.
			known := h.known && h.expected == nil
			h.expected = nil
			h.known = known
			held := slices.Clone(h.held)
			h.mu.Unlock()
			return held, known
		}
		if h.news == nil {
			h.news = make(chan struct{})
		}
		news := h.news
		h.mu.Unlock()
		select {
		case <-news:
		case <-ctx.Done():
		}
	}
}
