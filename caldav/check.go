package caldav

import (
	"context"
	"errors"
	"time"
)

const (
	// relistAfter is the number of polls after which a server's word that
	// nothing changed is checked against a listing: one that was restored from
	// a backup takes our token for a future one and reports nothing, for ever.
	relistAfter = 288

	// restFirst is how many polls go by before a listing that failed is tried
	// again; each further time it is twice as many, up to relistAfter.
	restFirst = 2
)

// followed reports whether the server can say what changed.
func (c cursor) followed() bool { return c.Token != "" || c.CTag != "" }

// checks reports whether this poll begins with a listing, although the server
// could be asked what changed.
func (p *poll) checks() bool {
	return p.was.followed() && p.was.Rest == 0 && (p.was.Relist || p.was.Polls >= relistAfter)
}

// check lists the collection in the time of one request, so that a poll has some
// left to do without.
func (p *poll) check(ctx context.Context) (whole bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	return p.listing(ctx)
}

// canWait reports whether a check that failed may be made later: a server can
// take longer over thousands of objects than anybody waits, and still say in no
// time what changed. That there is no calendar any more is never put off.
func canWait(ctx context.Context, err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Temporary() && !errors.Is(err, errNoCalendar) && ctx.Err() == nil
}

// waitFor is how long a server asked to be left alone.
func waitFor(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.wait
	}
	return 0
}

// putOff has the next listing wait, twice as long each time.
func (c *cursor) putOff() {
	c.Rest = min(uint(restFirst)<<c.Late, relistAfter)
	c.Late = min(c.Late+1, 16)
}

// rest notes a poll that needed no listing; late is why a check failed before.
func (p *poll) rest(late error) {
	switch {
	case late != nil:
		if p.was.Late == 0 {
			p.delta.Unlisted = late.Error()
		}
		p.now.putOff()
	case p.now.Rest > 0:
		p.now.Rest--
	}
}
