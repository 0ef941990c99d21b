package engine

import (
	"time"

	"awayd/sync/account"
	"awayd/sync/finding"
	"awayd/sync/notice"
)

const (
	skewEvery = 24 * time.Hour
	// skewAgain is how soon a clock that was found wrong is looked at again.
	skewAgain = 5 * time.Minute
)

// A comparison is what an account's owner knows of the clocks.
type comparison struct {
	finding.Skew
	known bool
	at    time.Time // of the last attempt
	over  int       // by which login
}

// next is when the clocks are to be compared again.
func (c comparison) next() time.Time {
	if c.Off() {
		return c.at.Add(skewAgain)
	}
	return c.at.Add(skewEvery)
}

// compareClocks asks the server for its time: once for each login, once a day,
// and more often while it differs.
func (a *actor) compareClocks() {
	now := a.e.now()
	if a.acct.Mode == account.Paused || a.keeper.session == nil {
		return
	}
	if _, busy := a.busySoon(now); busy || (a.line.count == a.clock.over && now.Before(a.clock.next())) {
		return
	}
	was := a.clock
	by, known, err := finding.CompareClocks(a.ctx, a.line.Connection, a.e.now)
	if err != nil {
		a.log.Debug("the server's time not known", "error", err)
		by, known = was.Skew, was.known // until the next attempt
	}
	a.clock = comparison{by, known, now, a.line.count}
	switch {
	case by.Off() && !was.Off():
		a.append(account.Entry{Kind: account.KindError, Outcome: account.Failed, Reason: "starts and ends may come at a wrong time", Error: by.String()})
	case was.Off() && known && !by.Off():
		a.append(account.Entry{Kind: account.KindError, Reason: "the clocks of this machine and of the XMPP server agree again"})
	}
}

// clockSubject is whether this machine's clock is right, as far as the XMPP
// server knows.
func (a *actor) clockSubject(name string, to notice.Recipient) notice.Subject {
	s := notice.Subject{Name: name, To: to, Unknown: !a.clock.known, Well: "The clock that awayd goes by is right again"}
	if a.clock.Off() {
		s.Causes = []notice.Cause{{
			Kind: "off", What: "The clock that awayd goes by is wrong, or that of the XMPP server is,", Patience: shortPatience,
			Rest: "Absences begin and end when it says so. What went wrong: " + a.clock.String() + ". What helps: keep both in step with NTP.",
		}}
	}
	return s
}
