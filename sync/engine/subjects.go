package engine

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"awayd/sync/absence"
	"awayd/sync/notice"
)

// How long trouble may last before anybody is told. What people have to mend
// themselves they hear at once; servers are given time to come back.
const (
	longPatience = time.Hour
	// shortPatience is for what rarely mends itself.
	shortPatience = 15 * time.Minute
	// foresight is how long before a start or an end trouble that could spoil it
	// should be known.
	foresight = time.Hour
)

// subjects are what of the account can be in trouble, as it is now.
func (a *actor) subjects(now time.Time) []notice.Subject {
	var list []notice.Subject
	if a.e.Defaults().Messages {
		for _, c := range a.calendars {
			list = append(list, a.calendarSubject(c, now), a.contentSubject(c, now))
		}
		list = append(list, a.audienceSubject(now), a.nodeSubject(now), a.loginSubject(now))
	}
	switch {
	case a.e.herald.ready():
		list = append(list, a.loginUpstairs(now), a.clockSubject("clock of notify_jid", notice.Keeper), a.stateSubject(now, "state of notify_jid", notice.Keeper), takenUpSubject(nil))
	case a.e.Defaults().Messages:
		list = append(list, a.clockSubject("clock", notice.Person), a.stateSubject(now, "state", notice.Person))
	}
	return list
}

// calendarSubject is whether a calendar can be read.
func (a *actor) calendarSubject(c *calendar, now time.Time) notice.Subject {
	name := fmt.Sprintf("Your calendar %q", clip(c.Name, 60))
	s := notice.Subject{Name: fmt.Sprint("calendar ", c.ID), Unknown: !c.heard, Well: name + " is read again"}
	if _, ours := errors.AsType[unloaded](c.err); c.err == nil || ours && a.unbuilt != nil { // which is told by itself
		return s
	}
	cause := notice.Cause{Kind: "failing", What: name + " cannot be read", Patience: longPatience, By: a.foresee(now)}
	do := reason(c.err)
	switch e := c.err; {
	case says(e, refusing.Credentials):
		cause.Kind, cause.What, cause.Patience = "login", name+" has refused the login", 0
		do += fmt.Sprintf(" Then link it again: awayd link --jid %s", a.jid)
	case says(e, vanished.Gone):
		cause.Kind, cause.What, cause.Patience = "gone", name+" is no longer where it was", shortPatience
	case !temporary(e):
		cause.Kind, cause.Patience = "refused", shortPatience
	}
	cause.Rest = a.stake(now, "is at risk: it stays as it was last known, whatever you change", "What is new in it is not noticed") + " " + do
	s.Causes = []notice.Cause{cause}
	return s
}

// contentSubject is whether what a calendar says is believed.
func (a *actor) contentSubject(c *calendar, now time.Time) notice.Subject {
	name := fmt.Sprintf("Your calendar %q", clip(c.Name, 60))
	s := notice.Subject{Name: fmt.Sprint("contents of calendar ", c.ID), Unknown: !c.heard || c.err != nil, Well: name + " is believed in full again"}
	if c.shelf.empty() {
		s.Causes = append(s.Causes, notice.Cause{
			Kind: "empty", What: name + " is suddenly empty, which may be a mistake of its server,",
			Rest: a.stake(now, "stays as it was last known", "What was in it is kept") +
				" If it really is empty, say so: awayd sync --accept " + a.jid,
			Patience: shortPatience, By: a.foresee(now),
		})
	}
	if a.unreadable(c, now) {
		s.Causes = append(s.Causes, notice.Cause{
			Kind: "unreadable", What: name + " holds an absence of yours in a form that cannot be read,",
			Rest: a.stake(now, "stays as it was before", "It stays as it was before") +
				" Save the event again; awayd status says what is wrong with it.",
			Patience: shortPatience, By: a.foresee(now),
		})
	}
	return s
}

// unreadable reports whether an absence that is not over comes from an event
// that stays as it was because it can no longer be read.
func (a *actor) unreadable(c *calendar, now time.Time) bool {
	broken := c.shelf.broken
	for _, p := range a.result.Timeline.Periods {
		if p.End.After(now) && slices.ContainsFunc(p.Absences, func(x absence.Absence) bool { return broken[x.UID] }) {
			return true
		}
	}
	return false
}

// stateSubject is whether the state tells what the calendars hold.
func (a *actor) stateSubject(now time.Time, name string, to notice.Recipient) notice.Subject {
	s := notice.Subject{Name: name, To: to, Well: "What the calendars hold can be read from awayd's own state again"}
	if a.unbuilt != nil {
		happens := "Absences stay as they were last known."
		if a.blind {
			happens = "Until then a message that is over is taken back, and nothing else is done."
		}
		s.Causes = []notice.Cause{{
			Kind: "unread", What: "What the calendars hold cannot be read from awayd's own state", Patience: shortPatience,
			By: a.foresee(now), Rest: happens + " " + reason(a.unbuilt),
		}}
	}
	return s
}

// audienceSubject is whether anybody is in the roster group that is the
// audience.
func (a *actor) audienceSubject(now time.Time) notice.Subject {
	s := notice.Subject{Name: "audience", Unknown: a.keeper.looked.IsZero(), Well: "Your messages have an audience again"}
	if c := a.keeper.observed.Circle; c != nil && c.Contacts == 0 {
		group, _ := a.audience.Group()
		s.Causes = []notice.Cause{{
			Kind: "nobody", What: fmt.Sprintf("Nobody is in the roster group %q, the only one to see your messages,", clip(group, 60)),
			Rest:     a.stake(now, "will be seen by nobody", "") + " Put contacts into the group, or choose another audience: awayd set " + a.jid + " --audience presence",
			Patience: shortPatience, By: a.foresee(now),
		}}
	}
	return s
}

// nodeSubject is whether the node can be kept in step once awayd is logged in.
func (a *actor) nodeSubject(now time.Time) notice.Subject {
	s := notice.Subject{Name: "node", Unknown: !a.line.tried || a.line.err != nil, Well: "Your out-of-office message is up to date again"}
	if a.failure == nil || a.line.err != nil {
		return s
	}
	c := notice.Cause{
		Kind: "behind", What: "Your out-of-office message cannot be brought up to date", Patience: longPatience, By: a.foreseeNode(now),
		Rest: a.stake(now, "may be told late, or for too long", "") + " " + reason(a.failure),
	}
	if !temporary(a.failure) {
		c.Kind, c.Patience = "refused", shortPatience
	}
	s.Causes = []notice.Cause{c}
	return s
}

// loginSubject is the person's own login, of whose failure they can only be
// told afterwards.
func (a *actor) loginSubject(now time.Time) notice.Subject {
	return notice.Subject{
		Name: "login", Unknown: !a.line.tried, Late: true, Causes: a.loginCauses(now),
		Well: "awayd is logged in to your account again", After: "Meanwhile nothing could be told to your contacts, nor taken back: awayd log " + a.jid + " has it all.",
	}
}

// loginUpstairs is the same for notify_jid.
func (a *actor) loginUpstairs(now time.Time) notice.Subject {
	return notice.Subject{
		Name: "login of notify_jid", To: notice.Keeper, Unknown: !a.line.tried, Causes: a.loginCauses(now),
		Well: "awayd is logged in again",
	}
}

func (a *actor) loginCauses(now time.Time) []notice.Cause {
	if a.line.err == nil {
		return nil
	}
	c := notice.Cause{
		Kind: "failing", What: "awayd cannot log in", Patience: longPatience, By: a.foreseeNode(now),
		Rest: reason(a.line.err) + a.theirStake(now),
	}
	if !temporary(a.line.err) {
		c.Kind, c.Patience = "refused", 0
	}
	return []notice.Cause{c}
}

// foresee is when trouble that could spoil the next start or end should be
// known; zero if nothing is planned.
func (a *actor) foresee(now time.Time) time.Time {
	if next, ok := a.result.Timeline.Next(now); ok {
		return next.Add(-foresight)
	}
	return time.Time{}
}

// foreseeNode is the same for what is wrong with the node: an instant that is
// overdue counts as one that is about to come.
func (a *actor) foreseeNode(now time.Time) time.Time {
	if a.keeper.overdue() {
		return now
	}
	return a.foresee(now)
}

// stake says in a sentence what happens to the absence that is live or next, or
// otherwise what happens without one.
func (a *actor) stake(now time.Time, happens, otherwise string) string {
	if which := a.atRisk(now); which != "" {
		return "Your absence " + which + " " + happens + "."
	}
	if otherwise == "" {
		return ""
	}
	return otherwise + "."
}

func (a *actor) theirStake(now time.Time) string {
	if which := a.atRisk(now); which != "" {
		return " An absence " + which + " is at risk."
	}
	return ""
}

// atRisk names the absence that is live, or else the next one.
func (a *actor) atRisk(now time.Time) string {
	if p, live := a.result.Timeline.At(now); live {
		return "until " + notice.Day(p.End, now, a.rules.Zone)
	}
	if p, ahead := a.result.Timeline.After(now); ahead {
		return "from " + notice.Day(p.Start, now, a.rules.Zone)
	}
	return ""
}

// says reports whether an error in err's chain has something to say, and says
// yes.
func says[E error](err error, yes func(E) bool) bool {
	e, ok := errors.AsType[E](err)
	return ok && yes(e)
}

// What the errors of adapters can tell of themselves.
type (
	refusing interface {
		error
		Credentials() bool
	}
	vanished interface {
		error
		Gone() bool
	}
	advising interface {
		error
		Hint() string
	}
)

// reason is what went wrong, as its adapter says it for people, and what it
// advises. Neither holds a secret.
func reason(err error) string {
	s := "What went wrong: " + clip(err.Error(), 300) + "."
	if e, ok := errors.AsType[advising](err); ok && e.Hint() != "" {
		s += " What helps: " + clip(e.Hint(), 200) + "."
	}
	return s
}

// clip keeps what comes from elsewhere short.
func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}
