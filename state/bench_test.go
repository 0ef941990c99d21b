package state

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"awayd/state/statetest"
	"awayd/sync/account"
	"awayd/sync/plan"
)

func BenchmarkObjects(b *testing.B) {
	db := openIn(b, b.TempDir())
	saved, err := db.SaveAccount(b.Context(), statetest.Anna())
	must(b, err)
	must(b, db.SavePoll(b.Context(), saved.Calendars[0].ID, bigPoll(b, 5000)))
	for b.Loop() {
		_, err := db.Objects(b.Context(), saved.Calendars[0].ID)
		must(b, err)
	}
}

func BenchmarkSavePoll(b *testing.B) {
	db := openIn(b, b.TempDir())
	saved, err := db.SaveAccount(b.Context(), statetest.Anna())
	must(b, err)
	p := bigPoll(b, 5000)
	for b.Loop() {
		must(b, db.SavePoll(b.Context(), saved.Calendars[0].ID, p))
	}
}

func BenchmarkSaveJournal(b *testing.B) {
	db := openIn(b, b.TempDir())
	saved, err := db.SaveAccount(b.Context(), statetest.Anna())
	must(b, err)
	for b.Loop() {
		must(b, db.SaveJournal(b.Context(), saved.JID, plan.Journal{Clean: true, Sent: sentYears()}))
	}
}

// A poll that found nothing saves its cursor, which has 22 bytes for each of
// 5,000 objects.
func BenchmarkSavePollUnchanged(b *testing.B) {
	db := openIn(b, b.TempDir())
	saved, err := db.SaveAccount(b.Context(), statetest.Anna())
	must(b, err)
	must(b, db.SavePoll(b.Context(), saved.Calendars[0].ID, bigPoll(b, 5000)))
	rest := strings.Repeat("A", 22*5000)
	n := 0
	for b.Loop() {
		n++
		must(b, db.SavePoll(b.Context(), saved.Calendars[0].ID, account.Poll{At: time.UnixMicro(int64(n)), Cursor: fmt.Sprintf("%d %s", n%288, rest)}))
	}
}

// sentYears are the hashes of what a busy person's node held in 400 days.
func sentYears() map[string]time.Time {
	sent := make(map[string]time.Time)
	for i := range 100 {
		sent[fmt.Sprintf("%064d", i)] = time.UnixMicro(int64(i))
	}
	return sent
}

func BenchmarkJournal(b *testing.B) {
	db := openIn(b, b.TempDir())
	saved, err := db.SaveAccount(b.Context(), statetest.Anna())
	must(b, err)
	must(b, db.SaveJournal(b.Context(), saved.JID, plan.Journal{Clean: true, Sent: sentYears()}))
	for b.Loop() {
		_, err := db.Journal(b.Context(), saved.JID)
		must(b, err)
	}
}

func BenchmarkAppend(b *testing.B) {
	db := openIn(b, b.TempDir())
	saved, err := db.SaveAccount(b.Context(), statetest.Anna())
	must(b, err)
	for b.Loop() {
		must(b, db.Append(b.Context(), account.Entry{Time: time.UnixMicro(1), Account: saved.JID, Kind: account.KindReveal, Reason: "the period starts"}))
	}
}
