package testbed

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

// Through a tap everything works as without one; each stanza is seen on its way
// in both directions, and is kept from the other side if that is wanted.
func TestTapSeesAndHolds(t *testing.T) {
	eachXMPP(t, func(t *testing.T, kind string) {
		x := bed.XMPPFor(t, kind)
		person := x.PersonFor(t, "tapped")
		var mu sync.Mutex
		var seen []Stanza
		tap, err := x.Tap(func(s Stanza, pass func()) {
			mu.Lock()
			defer mu.Unlock()
			if seen = append(seen, s); !strings.Contains(s.Raw, "'hold'") {
				pass()
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		after(t, tap.Close)
		c := x.LoginFor(t, person, ContactOptions{Addr: tap.Addr})
		const node = "urn:awayd:tap"
		if err := c.Publish(t.Context(), node, "pass", "<a xmlns='"+node+"'>ä&amp;</a>", nil); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		asked := slices.IndexFunc(seen, func(s Stanza) bool {
			return s.ToServer && s.Conn == 1 && s.Type == "set" && strings.Contains(s.Raw, ">ä&amp;</a>")
		})
		if asked < 0 || !slices.ContainsFunc(seen[asked:], func(s Stanza) bool {
			return !s.ToServer && s.ID == seen[asked].ID && s.Type == "result"
		}) {
			t.Errorf("the tap saw %+v", seen)
		}
		mu.Unlock()

		if err := c.Publish(t.Context(), node, "hold", "<a xmlns='"+node+"'/>", nil); err == nil {
			t.Error("what was not passed was answered")
		}
		again := x.LoginFor(t, person, ContactOptions{Addr: tap.Addr})
		items, err := again.Fetch(t.Context(), "", node)
		if err != nil || len(items) != 1 || items[0].ID != "pass" {
			t.Errorf("the server holds %+v, %v", items, err)
		}
	})
}
