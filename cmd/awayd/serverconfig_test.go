package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"awayd/cmd/testbed"
	"awayd/sync/finding"
	"awayd/sync/plan"
)

// The examples for server administrators say all that awayd needs: with these
// modules and no others, check has nothing to complain of and a message reaches
// a contact.
func TestServersWithNothingButTheExample(t *testing.T) {
	for kind, example := range map[string]string{
		testbed.Prosody: "prosody.cfg.lua.example", testbed.Ejabberd: "ejabberd.yml.example",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			modules, err := os.ReadFile(filepath.Join("..", "..", "configs", example))
			if err != nil {
				t.Fatal(err)
			}
			h := newHouseholdOn(t, testbed.XMPPFor(t, kind, testbed.XMPPOptions{Modules: string(modules)}))
			h.put("trip", "Trip to Rome", 10*24*time.Hour, 12*24*time.Hour)
			own := h.xmpp.LoginFor(t, h.ada, testbed.ContactOptions{})
			bob := h.xmpp.LoginFor(t, h.xmpp.PersonFor(t, "bob"), testbed.ContactOptions{})
			if err := testbed.Befriend(t.Context(), own, bob); err != nil {
				t.Fatal(err)
			}
			h.daemon()
			if r := h.link(); r.code != exitOK {
				t.Fatalf("%+v", r)
			}
			found, _ := h.findings()
			for _, f := range found {
				if f.Account == h.ada.JID && f.Severity != finding.OK {
					t.Errorf("%+v", f)
				}
			}
			h.put("now", "Away", -time.Hour, time.Hour)
			h.must("sync", h.ada.JID)
			if _, err := bob.Wait(t.Context(), func(r testbed.Received) bool { _, ok := r.Item(plan.ItemCurrent); return ok }); err != nil {
				t.Error(err)
			}
		})
	}
}

// Prosody's own doctor finds no fault with the example.
func TestProsodyctlChecksTheExample(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile(filepath.Join("..", "..", "configs", "prosody.cfg.lua.example"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := fmt.Sprintf("run_as_root = true\ndata_path = %q\ncertificates = %q\n%s\nVirtualHost \"example.org\"\n", dir, dir, example)
	file := filepath.Join(dir, "prosody.cfg.lua")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "prosodyctl", "--config", file, "check", "config").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "All checks passed") {
		t.Errorf("%v\n%s", err, out)
	}
}
