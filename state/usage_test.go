package state

import (
	"testing"
	"time"

	"awayd/sync/account"
)

func TestUsage(t *testing.T) {
	db := openIn(t, t.TempDir())
	was, err := db.Usage(t.Context())
	if err != nil || was.LogEntries != 0 || was.Bytes <= 0 {
		t.Fatal(was, err)
	}
	for range 3 {
		must(t, db.Append(t.Context(), account.Entry{Time: time.Now(), Account: "ada@example.org", Kind: account.KindPoll, Outcome: account.OK}))
	}
	must(t, db.PruneLog(t.Context(), time.Time{}))
	if is, err := db.Usage(t.Context()); err != nil || is.LogEntries != 3 || is.Bytes <= was.Bytes {
		t.Errorf("%+v after %+v, %v", is, was, err)
	}
}
