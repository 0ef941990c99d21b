package caldav

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"awayd/sync/absence"
	"awayd/sync/account"
)

// A disk is a folder of a test, with a clock of its own for what is written.
type disk struct {
	t    *testing.T
	path string
	tick time.Time
}

func newDisk(t *testing.T) *disk {
	return &disk{t, t.TempDir(), time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)}
}

func (d *disk) write(name, text string) {
	d.t.Helper()
	path := filepath.Join(d.path, name)
	d.tick = d.tick.Add(time.Second)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
	if err := os.Chtimes(path, d.tick, d.tick); err != nil {
		d.t.Fatal(err)
	}
}

func (d *disk) folder(name string) {
	d.t.Helper()
	if err := os.MkdirAll(filepath.Join(d.path, name), 0o700); err != nil {
		d.t.Fatal(err)
	}
}

func (d *disk) remove(name string) {
	d.t.Helper()
	if err := os.RemoveAll(filepath.Join(d.path, name)); err != nil {
		d.t.Fatal(err)
	}
}

func (d *disk) source(name string) *Source {
	d.t.Helper()
	src, err := Client{}.Open(account.Calendar{URL: account.NewSecret("file://" + filepath.Join(d.path, name))})
	if err != nil {
		d.t.Fatal(err)
	}
	return src
}

func TestFile(t *testing.T) {
	d := newDisk(t)
	d.write("ada.ics", feedOf(stamp, "a", "b"))
	src := d.source("ada.ics")
	delta, cursor := mustPoll(t, src, "")
	if !cmp.Equal(summaries(delta.Changed), []string{"a", "b"}) || delta.Name != "Ada, away" || delta.Zone != "Europe/Berlin" {
		t.Errorf("first: %+v", delta)
	}
	if delta, cursor = mustPoll(t, src, cursor); !cmp.Equal(delta, absence.Delta{Unchanged: true}) {
		t.Errorf("unchanged: %+v", delta)
	}
	d.write("ada.ics", feedOf(stamp, "a", "b", "c"))
	if delta, cursor = mustPoll(t, src, cursor); !cmp.Equal(summaries(delta.Changed), []string{"c"}) || len(delta.Listing) != 3 {
		t.Errorf("changed: %+v", delta)
	}
	// Replaced by another of the same size and time, as rename does.
	d.write("new.ics", feedOf(stamp, "a", "b", "d"))
	d.tick = d.tick.Add(-time.Second)
	if err := os.Chtimes(filepath.Join(d.path, "new.ics"), d.tick, d.tick); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(d.path, "new.ics"), filepath.Join(d.path, "ada.ics")); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if delta, cursor = mustPoll(t, src, cursor); delta.Unchanged || len(delta.Listing) != 3 || (len(delta.Changed) == 1) != (i == 0) {
			t.Errorf("replaced, %d: %+v", i, delta)
		}
	}
	if delta, _ = mustPoll(t, src, cursor); !delta.Unchanged {
		t.Errorf("done: %+v", delta)
	}
}

func TestFolder(t *testing.T) {
	d := newDisk(t)
	d.write("displayname", "Ada, away\n")
	d.write("a.ics", event("a", "a"))
	d.write("b.ics", event("b", "b"))
	d.write(".hidden.ics", event("x", "hidden"))
	d.write("b.ics.tmp", "half")
	src := d.source("")
	delta, cursor := mustPoll(t, src, "")
	if !cmp.Equal(summaries(delta.Changed), []string{"a", "b"}) || !cmp.Equal(delta.Listing, []string{"a.ics", "b.ics"}) || delta.Name != "Ada, away" {
		t.Errorf("first: %+v", delta)
	}
	if delta, cursor = mustPoll(t, src, cursor); !cmp.Equal(delta, absence.Delta{Unchanged: true}) {
		t.Errorf("unchanged: %+v", delta)
	}
	d.write("b.ics", event("b", "bb"))
	d.write("c.ics", event("c", "c")[:100])
	delta, cursor = mustPoll(t, src, cursor)
	if got := summaries(delta.Changed); len(got) < 2 || got[0] != "bb" || !strings.HasPrefix(got[1], "error: ") {
		t.Errorf("changed: %q", got)
	}
	// What is in the place of a file and is none is an error about it, and is
	// looked at again; so is a link to nowhere, which is as good as no file.
	d.remove("c.ics")
	if err := syscall.Mkfifo(filepath.Join(d.path, "c.ics"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(d.path, "d.ics"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(d.path, "e.ics")); err != nil {
		t.Fatal(err)
	}
	d.write("large.ics", strings.Repeat("x", maxObject+1))
	delta, cursor = mustPoll(t, src, cursor)
	if got := summaries(delta.Changed); !cmp.Equal(got, []string{"error: " + errNoFile.Error(), "error: " + errNoFile.Error(), "error: " + errObjectTooLarge}) || len(delta.Listing) != 5 {
		t.Errorf("no files: %q %q", got, delta.Listing)
	}
	for _, name := range []string{"c.ics", "d.ics", "e.ics", "large.ics", "a.ics"} {
		d.remove(name)
	}
	for i := range 2 {
		if delta, cursor = mustPoll(t, src, cursor); delta.Unchanged || !cmp.Equal(delta.Listing, []string{"b.ics"}) || delta.Changed != nil {
			t.Errorf("removed, %d: %+v", i, delta)
		}
	}
	if delta, cursor = mustPoll(t, src, cursor); !delta.Unchanged {
		t.Errorf("removed, done: %+v", delta)
	}
	// An empty folder, as under a mount that is not there, is no error but is
	// looked at at every poll.
	d.remove("b.ics")
	for range 3 {
		if delta, cursor = mustPoll(t, src, cursor); delta.Unchanged || delta.Listing == nil || len(delta.Listing) != 0 {
			t.Errorf("empty: %+v", delta)
		}
	}
}

func TestFileErrors(t *testing.T) {
	for name, spoil := range map[string]func(*disk){
		"missing":     func(d *disk) { d.remove("x.ics") },
		"no folder":   func(d *disk) { d.remove("") },
		"empty":       func(d *disk) { d.write("x.ics", "") },
		"a web page":  func(d *disk) { d.write("x.ics", "<html>") },
		"something":   func(d *disk) { d.write("x.ics", "root:secret:0:0") },
		"cut off":     func(d *disk) { d.write("x.ics", strings.TrimSuffix(feedOf(stamp, "a"), "END:VCALENDAR\r\n")) },
		"too large":   func(d *disk) { d.write("x.ics", "BEGIN:VCALENDAR\n"+strings.Repeat("X-A:b\r\n", maxFeed/7)) },
		"a pipe":      func(d *disk) { d.remove("x.ics"); _ = syscall.Mkfifo(filepath.Join(d.path, "x.ics"), 0o600) },
		"a dead link": func(d *disk) { d.remove("x.ics"); _ = os.Symlink("nowhere", filepath.Join(d.path, "x.ics")) },
		"no access":   func(d *disk) { d.remove("x.ics"); _ = os.Symlink("x.ics", filepath.Join(d.path, "x.ics")) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t)
			d.write("x.ics", feedOf(stamp, "a", "b"))
			src := d.source("x.ics")
			_, cursor := mustPoll(t, src, "")
			spoil(d)
			delta, next, err := src.Poll(t.Context(), cursor)
			e, ok := err.(*Error)
			if !ok || next != cursor || !cmp.Equal(delta, absence.Delta{}) || e.Hint() == "" || strings.Contains(err.Error(), "root:") {
				t.Fatalf("%+v, %v", delta, err)
			}
			if !strings.HasPrefix(err.Error(), "read calendar: "+filepath.Join(d.path, "x.ics")+": ") {
				t.Error(err)
			}
			if missing := strings.Contains(name, "missing") || name == "no folder" || name == "a dead link"; missing != e.Gone() {
				t.Errorf("gone is %v", e.Gone())
			}
		})
	}
	if _, err := readBounded(strings.NewReader("abc"), 2); err != errTooLarge {
		t.Error(err)
	}
}

func TestDiscoverFile(t *testing.T) {
	d := newDisk(t)
	d.write("Ada 100%.ics", event("a", "a"))
	d.write("feiertage.ics", event("a", "a"))
	for from, want := range map[string]Found{
		"file://" + d.path + "/Ada%20100%25.ics": {URL: "file://" + d.path + "/Ada%20100%25.ics", Name: "Ada 100%", Kind: Plain, Owned: true},
		"file:" + d.path + "/feiertage.ics":      {URL: "file://" + d.path + "/feiertage.ics", Name: "feiertage", Kind: Holidays},
		" file://" + d.path + "/ ":               {URL: "file://" + d.path, Name: filepath.Base(d.path), Kind: Plain, Owned: true},
	} {
		got, err := Client{}.Discover(t.Context(), Endpoint{URL: account.NewSecret(from)})
		if err != nil || len(got.Calendars) != 1 || !got.Named {
			t.Fatalf("%s: %+v, %v", from, got, err)
		}
		if diff := cmp.Diff(want, got.Calendars[0]); diff != "" {
			t.Errorf("%s: %s", from, diff)
		}
		src, err := Client{}.Open(account.Calendar{URL: account.NewSecret(got.Calendars[0].URL)})
		if err != nil {
			t.Fatal(err)
		}
		mustPoll(t, src, "")
	}
	if _, err := (Client{}).Discover(t.Context(), Endpoint{URL: account.NewSecret(fmt.Sprintf("file://%s/gone", d.path))}); err == nil || !strings.HasPrefix(err.Error(), "find calendars: ") {
		t.Error(err)
	}
}
