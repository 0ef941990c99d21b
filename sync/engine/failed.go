package engine

import (
	"context"
	"slices"
	"strings"
	"time"

	"awayd/sync/account"
	"awayd/sync/notice"
)

// takenUpName names the trouble of an account that nobody looks after, of which
// only who looks after the daemon can be told.
const takenUpName = "taking up of notify_jid"

// takenUpSubject is whether the account is looked after; err: why it is not.
func takenUpSubject(err error) notice.Subject {
	s := notice.Subject{Name: takenUpName, To: notice.Keeper, Well: "This account is looked after again"}
	if err != nil {
		s.Causes = []notice.Cause{{
			Kind: "failed", What: "This account cannot be looked after", Patience: shortPatience,
			Rest: "It is tried again every minute. " + reason(err) + " awayd check says more.",
		}}
	}
	return s
}

// A failure is why an account could not be taken up, and what was told of that.
type failure struct {
	err   error
	asked bool // the state, for what was told
	told  []account.Notice
}

// tellFailed has notify_jid told that an account could not be taken up, as its
// owner tells of other troubles. One goroutine calls it.
func (e *Engine) tellFailed(ctx context.Context, jid string, f *failure) {
	if !f.asked {
		list, err := e.store.Notices(ctx, jid)
		if err != nil {
			e.log.Error("what was told is not known", "account", jid, "error", err)
		}
		e.mu.Lock()
		f.asked, f.told = true, slices.DeleteFunc(list, func(n account.Notice) bool { return !ofTakingUp(n) })
		e.mu.Unlock()
	}
	now, subjects := e.now(), []notice.Subject{takenUpSubject(f.err)}
	e.noteFailed(ctx, jid, f, func(told []account.Notice) []account.Notice { return notice.Update(told, subjects, now) })
	e.mu.Lock()
	messages, _ := notice.Due(f.told, subjects, now, time.UTC)
	e.mu.Unlock()
	for _, m := range messages {
		e.herald.report(jid, report{lines: m.Lines, told: func() {
			e.noteFailed(ctx, jid, f, func(told []account.Notice) []account.Notice { return m.Delivered(told, e.now()) })
		}})
	}
}

// noteFailed remembers what was told of that, beside what else was. If the state
// cannot be written, this process does.
func (e *Engine) noteFailed(ctx context.Context, jid string, f *failure, change func([]account.Notice) []account.Notice) {
	e.mu.Lock()
	was := f.told
	f.told = change(was)
	told := f.told
	e.mu.Unlock()
	if slices.Equal(told, was) {
		return
	}
	ctx = context.WithoutCancel(ctx)
	list, err := e.store.Notices(ctx, jid)
	if err == nil {
		err = e.store.SaveNotices(ctx, jid, slices.Concat(slices.DeleteFunc(list, ofTakingUp), told))
	}
	if err != nil {
		e.log.Error("what was told is not saved", "account", jid, "error", err)
	}
}

func ofTakingUp(n account.Notice) bool { return strings.HasPrefix(n.Cause, takenUpName+"/") }
