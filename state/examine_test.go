package state

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"awayd/sync/account"
	"awayd/sync/finding"
)

func TestExamine(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	db, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	expect := func(topic string, s finding.Severity, want string) {
		t.Helper()
		for _, f := range db.Examine(t.Context()) {
			if f.Topic == topic && f.Severity == s && strings.Contains(f.Detail+" Try: "+f.Hint, want) {
				return
			}
		}
		t.Errorf("no %s about %s with %q in %+v", s, topic, want, db.Examine(t.Context()))
	}
	for _, f := range db.Examine(t.Context()) {
		if f.Severity != finding.OK {
			t.Errorf("a new state: %+v", f)
		}
	}
	expect("log", finding.OK, "no entries")
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, e := range []account.Entry{{Time: at.AddDate(0, 1, 0)}, {Time: at}} {
		if err := db.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	expect("log", finding.OK, "2 entries since 2026-03-01")

	mode := func(name string, m os.FileMode) {
		t.Helper()
		if err := os.Chmod(filepath.Join(dir, name), m); err != nil {
			t.Fatal(err)
		}
	}
	mode(".", 0o755)
	expect("files", finding.Warning, "chmod 750 "+dir)
	mode(keyName, 0o640)
	expect("files", finding.Error, "chmod 600 "+filepath.Join(dir, keyName))
	mode(keyName, 0o600)
	mode(databaseName+"-wal", 0o644)
	expect("files", finding.Error, databaseName+"-wal has mode 644")
	mode(databaseName+"-wal", 0o600)
	mode(".", 0o757)
	expect("files", finding.Error, "others can get at")
	mode(".", 0o750)
	if err := os.Chown(filepath.Join(dir, keyName), 12345, -1); err != nil {
		t.Fatal(err)
	}
	expect("files", finding.Error, "belongs to user 12345")
}

// Damage that came after the daemon opened the database.
func TestExamineDamage(t *testing.T) {
	dir := t.TempDir()
	db, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.write.ExecContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, databaseName), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte(strings.Repeat("x", 3*4096)), 4096); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	found := db.examinePages(t.Context())
	if found.Severity != finding.Error || !strings.Contains(found.Hint, "awayd backup") {
		t.Errorf("%+v", found)
	}
	ended, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	if found := db.examinePages(ended); found.Severity != finding.Warning {
		t.Errorf("out of time: %+v", found)
	}
}

func TestJudge(t *testing.T) {
	for _, test := range []struct {
		found finding.Finding
		want  finding.Severity
	}{
		{judgeSpace("/x", 0), finding.Error},
		{judgeSpace("/x", noSpace-1), finding.Error},
		{judgeSpace("/x", noSpace), finding.Warning},
		{judgeSpace("/x", littleSpace), finding.OK},
		{judgeSpace("/x", 1<<42), finding.OK},
		{judgeLog(manyEntries, time.Unix(0, 0)), finding.OK},
		{judgeLog(manyEntries+1, time.Unix(0, 0)), finding.Warning},
	} {
		if test.found.Severity != test.want || (test.want != finding.OK) != (test.found.Hint != "") {
			t.Errorf("%+v, want %s", test.found, test.want)
		}
	}
	for n, want := range map[int64]string{0: "0 kB", 1: "1 kB", 4096: "4 kB", 5 << 20: "5 MB", 20 << 30: "20 GB"} {
		if got := size(n); got != want {
			t.Errorf("%d bytes are %s, want %s", n, got, want)
		}
	}
}
