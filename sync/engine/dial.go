package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"awayd/sync/account"
)

// besideEvery is how long a login may stay without an outcome, while something
// presses, before another is begun beside it.
const besideEvery = 2 * time.Second

// A line is the account's login as its owner last saw it.
type line struct {
	Connection
	tried bool
	count int   // of the logins that there were
	err   error // why the last login failed
}

// dial logs in for the keeper. While something presses, a login that hangs is not simply
// waited for: what was lost on the way stays lost when the way is mended, and
// only a new connection notices that it is.
func (a *actor) dial(ctx context.Context) (Session, error) {
	acct, host := a.acct, loginHost(a.acct)
	if a.duty.slot == nil { // not for the sake of a turn
		slot, err := a.e.logins.Enter(ctx, host, a.keeper.pressing(lookAhead))
		if err != nil {
			return nil, fmt.Errorf("wait for others to log in at %s: %w", host, err)
		}
		a.duty.slot = slot
	}
	defer a.leaveQueue()
	c, err := beside(ctx, func() bool { return a.keeper.pressing(lookAhead) },
		func(ctx context.Context) (Connection, error) { return a.e.dialer.Dial(ctx, acct) })
	a.e.logins.Judge(host, err == nil || !temporary(err))
	a.line = line{c, true, a.line.count + 1, err}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// loginHost is what logins are counted by: where they go.
func loginHost(acct account.Account) string {
	_, domain, _ := strings.Cut(acct.JID, "@")
	return first(acct.Login.Address, domain)
}

// beside returns the first connection that one of several logins brings. The first
// login has all the time that ctx allows, so that a slow server is reached too;
// beside it, while something presses, one after another has besideEvery.
func beside(ctx context.Context, pressing func() bool, dial func(context.Context) (Connection, error)) (Connection, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type outcome struct {
		s   Connection
		err error
	}
	first, others, settled := make(chan outcome), make(chan outcome), make(chan struct{})
	defer close(settled)
	begin := func(limited context.Context, done chan<- outcome) {
		s, err := dial(limited)
		select {
		case done <- outcome{s, err}:
		case <-settled:
			if err == nil {
				_ = s.Close(ctx) // another was faster; ctx is over, so without a farewell
			}
		}
	}
	go begin(ctx, first)
	tick := time.NewTicker(besideEvery)
	defer tick.Stop()
	for {
		select {
		case o := <-first:
			return o.s, o.err
		case o := <-others:
			// What will not pass by itself is not tried again and again.
			if o.err == nil || !temporary(o.err) {
				return o.s, o.err
			}
		case <-tick.C:
			if !pressing() {
				continue
			}
			go func() {
				limited, cancel := context.WithTimeout(ctx, besideEvery)
				defer cancel()
				begin(limited, others)
			}()
		}
	}
}
