package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"awayd/cmd/testbed"
)

// phone logs the person's own client in.
func (h *household) phone() *testbed.Contact {
	h.t.Helper()
	return h.xmpp.LoginFor(h.t, h.ada, testbed.ContactOptions{Resource: "phone"})
}

// hears waits for a message of awayd's that has all these parts.
func hears(t *testing.T, c *testbed.Contact, parts ...string) string {
	t.Helper()
	r, err := c.Wait(t.Context(), func(r testbed.Received) bool {
		for _, part := range append(parts, "awayd:") {
			if !strings.Contains(r.Body, part) {
				return false
			}
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return r.Body
}

// letters counts the messages that came from awayd.
func letters(c *testbed.Contact) (n int) {
	for _, r := range c.Received() {
		if strings.HasPrefix(r.Body, "awayd:") {
			n++
		}
	}
	return n
}

// A calendar that refuses the login is told to its person once, on the phone
// that comes online later, and so is that it works again; whatever restarts.
func TestThePersonIsTold(t *testing.T) {
	for _, kind := range []string{testbed.Prosody, testbed.Ejabberd} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			h := newHouseholdOn(t, bed.XMPPFor(t, kind))
			h.put("trip", "Secret trip", 10*24*time.Hour, 12*24*time.Hour)
			g := &gate{}
			front := httptest.NewServer(g.before(t, h.dav.URL))
			t.Cleanup(front.Close)
			h.flags["--calendar-url"] = front.URL + strings.TrimPrefix(h.calendar, strings.TrimSuffix(h.dav.URL, "/"))
			stop := h.daemon()
			if r := h.link(); r.code != exitOK {
				t.Fatal(r)
			}
			g.set(http.StatusUnauthorized)
			h.run("sync")
			phone := h.phone()
			said := hears(t, phone, "has refused the login since", "Your absence from", "awayd link --jid "+h.ada.JID)
			for _, secret := range []string{testbed.BedPassword, h.ada.Password, h.flags["--calendar-url"], "Secret trip"} {
				if strings.Contains(said, secret) {
					t.Errorf("%q is in %q", secret, said)
				}
			}
			h.run("sync")
			stop()
			stop = h.daemon()
			h.run("sync")
			g.set(0)
			h.must("sync")
			hears(t, phone, "is read again; the trouble began on")
			h.must("sync")
			stop()
			h.daemon()
			h.must("sync")
			if n := letters(phone); n != 2 {
				t.Errorf("%d messages", n)
			}
			if log := h.must("log"); strings.Count(log, "told the person: ") != 2 {
				t.Errorf("the log says\n%s", log)
			}
		})
	}
}

// Who looks after the daemon hears that a person's own login is refused, from
// an account of awayd's own; the person hears it once they can.
func TestNotifyJIDHears(t *testing.T) {
	hup := make(chan os.Signal, 1) // of which there is one for the whole process
	signal.Notify(hup, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(hup) })
	for _, kind := range []string{testbed.Prosody, testbed.Ejabberd} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			h := newHouseholdOn(t, bed.XMPPFor(t, kind))
			h.put("trip", "Secret trip", 10*24*time.Hour, 12*24*time.Hour)
			sender, admin := h.xmpp.PersonFor(t, "awayd"), h.xmpp.PersonFor(t, "admin")
			desk := h.xmpp.LoginFor(t, admin, testbed.ContactOptions{})
			password := write(t, "notify-password", "wrong\n")
			config := fmt.Sprintf("notify_jid = %q\nnotify_from = %q\nnotify_password_file = %q\nnotify_address = %q\nnotify_tls_ca = %q\n",
				admin.JID, sender.JID, password, h.xmpp.Addr, h.xmpp.CA.File)
			h.config = write(t, "awayd.toml", "")
			stop := h.daemon()
			if r := h.link(); r.code != exitOK {
				t.Fatal(r)
			}
			if r := h.run("check", "-v"); r.code != exitOK || strings.Contains(r.out, "notify_jid") || !strings.Contains(r.out, "agrees with that of the server") {
				t.Errorf("check: %+v", r)
			}
			rewrite(t, h.config, config)
			if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			if err := testbed.Until(t.Context(), "check knows of notify_jid", func() (bool, error) {
				r := h.run("check")
				return strings.Contains(r.out, "notify_jid "+admin.JID) && strings.Contains(r.out, "log in as "+sender.JID) && strings.Contains(r.out, "Try: check the password"), nil
			}); err != nil {
				t.Error(err)
			}
			rewrite(t, password, sender.Password+"\n")
			if r := h.run("check"); !regexp.MustCompile(`ok +notify_jid ` + admin.JID + ` +can be told`).MatchString(r.out) {
				t.Errorf("check: %+v", r)
			}

			stop()
			if err := h.xmpp.Register(t.Context(), h.ada.User, "another password"); err != nil {
				t.Fatal(err)
			}
			h.daemon()
			said := hears(t, desk, h.ada.JID+": awayd cannot log in since", "refused the password", "An absence from")
			if strings.Contains(said, h.ada.Password) || strings.Contains(said, "Secret trip") {
				t.Errorf("told %q", said)
			}
			h.ada.Password = "another password"
			if r := h.link("--jid-password-file", write(t, "new-password", h.ada.Password)); r.code != exitOK {
				t.Fatal(r)
			}
			hears(t, h.phone(), "awayd is logged in to your account again; the trouble began on")
			if n := letters(desk); n != 1 {
				t.Errorf("notify_jid had %d messages", n)
			}
		})
	}
}

func rewrite(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
