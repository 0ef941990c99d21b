package engine

import (
	"context"
	"slices"
	"strings"
	"time"

	"awayd/sync/account"
	"awayd/sync/notice"
)

const (
	tellLimit = 15 * time.Second
	// tellRetry is how long a message that could not be sent waits.
	tellRetry = time.Minute
)

// correspondence is what an account's owner keeps about the messages that it
// sends: to its person, and to notify_jid.
type correspondence struct {
	told  []account.Notice
	again time.Time // when something is to be said, if nothing changes before; zero: no time matters
	retry time.Time // no attempt before
}

// correspond tells what is to be told now: [package notice] decides it from
// what holds and what was told. A paused account is left alone in this too.
func (a *actor) correspond() {
	if a.acct.Mode == account.Paused {
		a.e.herald.report(a.jid, report{})
		a.letters.again = time.Time{}
		return
	}
	now := a.e.now()
	subjects := a.subjects(now)
	a.noteTold(notice.Update(a.letters.told, subjects, now))
	messages, again := notice.Due(a.letters.told, subjects, now, a.rules.Zone)
	a.letters.again = again
	var upstairs report
	for _, m := range messages {
		if m.To == notice.Keeper {
			upstairs = report{lines: m.Lines, told: func() { a.onOwner(func() { a.delivered(m, "notify_jid") }) }}
			continue
		}
		a.tellPerson(m, now)
	}
	a.e.herald.report(a.jid, upstairs)
}

// tellPerson sends a message over the person's own login. What cannot be sent
// now is sent in a later turn.
func (a *actor) tellPerson(m notice.Message, now time.Time) {
	later := func(t time.Time) {
		if a.letters.again.IsZero() || t.Before(a.letters.again) {
			a.letters.again = t
		}
	}
	if a.line.err != nil || !a.line.tried && !a.blind {
		return // the keeper connects, or goes on trying
	}
	if at, busy := a.busySoon(now); busy {
		later(at)
		return
	}
	if now.Before(a.letters.retry) {
		later(a.letters.retry)
		return
	}
	ctx, cancel := context.WithTimeout(a.ctx, tellLimit)
	defer cancel()
	// While the account rests, or its node could not be kept in step, there is no
	// session.
	err := a.keeper.connect(ctx)
	a.duty.until = a.e.now().Add(a.e.sessions.Linger)
	if err == nil {
		err = a.line.Tell(ctx, a.jid, m.Text())
	}
	if err != nil {
		a.letters.retry = now.Add(tellRetry)
		later(a.letters.retry)
		if a.ctx.Err() == nil {
			a.log.Warn("the person could not be told", "error", err)
		}
		return
	}
	a.delivered(m, "the person")
}

// busySoon reports whether something is to happen at the node so soon that
// nothing else may take time now, and until when.
func (a *actor) busySoon(now time.Time) (time.Time, bool) {
	next, ok := a.result.Timeline.Next(now.Add(-time.Second))
	return next.Add(time.Second), ok && next.Sub(now) <= lookAhead
}

// delivered notes that m was told.
func (a *actor) delivered(m notice.Message, who string) {
	for _, line := range m.Lines {
		gist, _, _ := strings.Cut(strings.TrimSuffix(line, "."), ". ")
		a.append(account.Entry{Kind: account.KindError, Reason: "told " + who + ": " + gist})
	}
	a.noteTold(m.Delivered(a.letters.told, a.e.now()))
}

// noteTold remembers what was told. If the state cannot be written, this
// process does: the same is not said in each turn.
func (a *actor) noteTold(told []account.Notice) {
	if slices.Equal(told, a.letters.told) {
		return
	}
	a.letters.told = told
	if err := a.e.store.SaveNotices(context.WithoutCancel(a.ctx), a.jid, told); err != nil {
		a.log.Error("what was told is not saved", "error", err)
	}
}

// onOwner runs f on the owner's goroutine, however long it takes to get there.
func (a *actor) onOwner(f func()) {
	done := make(chan struct{})
	select {
	case a.inbox <- func() { f(); close(done) }:
		<-done
	case <-a.ctx.Done():
	}
}
