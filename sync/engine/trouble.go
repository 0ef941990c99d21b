package engine

import (
	"errors"
	"fmt"
	"time"

	"awayd/sync/account"
)

// noteTrouble enters a failure into the sync log, once for each cause. A server
// that is away says so in other words at each attempt (refused, reset, no
// answer); what may pass by itself is one cause until it has passed. Status has
// the latest words.
func (k *Keeper) noteTrouble(err error) {
	passing := temporary(err)
	known := k.trouble != "" && k.passing == passing && (passing || k.trouble == err.Error())
	if k.trouble == "" {
		k.since = time.Now()
	}
	k.trouble, k.passing = err.Error(), passing
	if !known {
		k.Note(account.Entry{Kind: account.KindError, Outcome: account.Failed, Reason: "the node cannot be kept in step", Error: k.trouble})
	}
}

// temporary reports whether err may pass by itself. What does not say so may.
func temporary(err error) bool {
	var e interface{ Temporary() bool }
	return !errors.As(err, &e) || e.Temporary()
}

// noteSuccess enters the end of a trouble into the sync log.
func (k *Keeper) noteSuccess() {
	if k.trouble == "" {
		return
	}
	k.trouble = ""
	k.Note(account.Entry{Kind: account.KindError, Reason: fmt.Sprintf("the node is in step again, after %s", time.Since(k.since).Round(time.Second))})
}
