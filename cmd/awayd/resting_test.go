package main

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"awayd/caldav"
	"awayd/cmd/testbed"
	"awayd/configs"
	"awayd/state"
	"awayd/sync/engine"
)

// Between two absences nobody is connected, as the server sees it; contacts
// notice nothing of that: they are told at the instant, and of the end.
func TestRestingSession(t *testing.T) {
	for _, kind := range []string{testbed.Prosody, testbed.Ejabberd} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			h := newHouseholdOn(t, bed.XMPPFor(t, kind))
			proxy := testbed.ProxyFor(t, testbed.NewProxy, h.xmpp.Addr)
			bob := contactOf(h)
			if r := h.link("--xmpp-address", proxy.Addr); r.code != exitOK {
				t.Fatalf("%+v", r)
			}
			begin := time.Now().Add(14 * time.Second).Truncate(time.Second)
			end := begin.Add(5 * time.Second)
			if err := h.dav.Put(t.Context(), h.calendar+"a.ics", testbed.VEvent("a", "Vacation", begin, end)); err != nil {
				t.Fatal(err)
			}
			e := runLean(h)
			rests := func() bool {
				s, err := e.Status(h.ada.JID)
				return err == nil && proxy.Open() == 0 && s[0].XMPP.Resting && !s[0].XMPP.Connected && s[0].Health == engine.HealthOK
			}
			h.until("staged, and nobody is connected", func() bool {
				s, err := e.Status(h.ada.JID)
				return err == nil && s[0].Staged != nil && rests()
			})
			if left := time.Until(begin); left < lean.LeadMost {
				t.Fatalf("at rest only %s before the start", left)
			}
			h.until("connected ahead of the start", func() bool { return proxy.Open() == 1 })
			if left := time.Until(begin); left < lean.LeadLeast-time.Second {
				t.Errorf("connected %s before the start", left)
			}
			told, err := bob.Wait(t.Context(), func(r testbed.Received) bool { _, ok := r.Item("current"); return ok })
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("told %s after the start", told.At.Sub(begin))
			if late := told.At.Sub(begin); late < 0 || late > time.Second {
				t.Errorf("told %s after the start", late)
			}
			if _, err := bob.Wait(t.Context(), func(r testbed.Received) bool { return r.At.After(end) && testbed.EndsIt(r) }); err != nil {
				t.Error(err)
			}
			h.until("nobody is connected after the end", rests)
			if n := proxy.Connections(); n > 4 { // link's, the first one, the one ahead of the start
				t.Errorf("%d connections", n)
			}
		})
	}
}

// lean is how long sessions last where a test cannot wait for minutes.
var lean = engine.Sessions{LeadLeast: 2 * time.Second, LeadMost: 3 * time.Second, Stay: 4 * time.Second, Linger: time.Second}

// runLean runs the household's accounts until the test ends.
func runLean(h *household) *engine.Engine {
	h.t.Helper()
	store, err := state.Open(h.t.Context(), h.state, state.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	cfg := configs.Default()
	cfg.Poll = "@every 20s"
	e, err := engine.New(engine.Config{
		Store: store, Calendars: finder{caldav.Client{}}, Dialer: newDialer(cfg), Defaults: defaults(cfg),
		Sessions: lean, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(h.t.Context())
	done, ready := make(chan error, 1), make(chan struct{})
	go func() { done <- e.Run(ctx, func() { close(ready) }) }()
	<-ready
	h.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Error(err)
		}
		if err := store.Close(); err != nil {
			h.t.Error(err)
		}
	})
	return e
}

// contactOf is a contact of the household's person who is online.
func contactOf(h *household) *testbed.Contact {
	h.t.Helper()
	ada := h.xmpp.LoginFor(h.t, h.ada, testbed.ContactOptions{})
	bob := h.xmpp.LoginFor(h.t, h.xmpp.PersonFor(h.t, "bob"), testbed.ContactOptions{Resource: "phone"})
	if err := testbed.Befriend(h.t.Context(), ada, bob); err != nil {
		h.t.Fatal(err)
	}
	if err := ada.Close(); err != nil {
		h.t.Fatal(err)
	}
	return bob
}

// until waits for something.
func (h *household) until(what string, ok func() bool) {
	h.t.Helper()
	if err := testbed.Until(h.t.Context(), what, func() (bool, error) { return ok(), nil }); err != nil {
		h.t.Fatal(err)
	}
}
