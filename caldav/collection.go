package caldav

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"

	"awayd/sync/absence"
)

// maxPages bounds how often a sync report may say that there is more.
const maxPages = 1_000

// A collection is a calendar on a CalDAV server.
type collection struct {
	*server
	// piecemeal says that the server could not hand out everything in one
	// answer, or took too long over it.
	piecemeal bool
	// late counts the listings in a row at which the server asked to be left
	// alone, if none of the polls since came to an end.
	late uint
}

// read polls the collection. An unchanged one costs one small request where
// the server offers sync-collection or a ctag.
func (c *collection) read(ctx context.Context, was cursor) (absence.Delta, cursor, error) {
	if c.late > was.Late { // no cursor came of the poll that was refused
		was.Late = c.late - 1
		was.putOff()
	}
	p := poll{collection: c, was: was, now: was, members: map[string]member{}}
	p.now.Seen = was.Seen.clone()
	err := p.run(ctx)
	if err == nil {
		c.late = 0
	}
	return p.delta, p.now, err
}

// A poll is one poll of a collection.
type poll struct {
	*collection
	was, now cursor
	delta    absence.Delta
	members  map[string]member // by identity: what this poll found
	removed  map[string]bool   // identities that the server named as removed
	gained   bool              // something was fetched that the next poll need not fetch
	halted   error             // why it was not all
}

// A member is one object of the collection.
type member struct {
	id   string // identity
	href string // as the server sent it
	url  *url.URL
	etag string
	// trouble is why the server could not tell about it; empty mostly.
	trouble string
	// object is what it holds, if that came with the listing.
	object *absence.Object
}

// run follows the server's own account of what changed, and lists the calendar
// where there is none, or to check it. A check that the server is too slow or
// too busy for fails no poll that the account sufficed for.
func (p *poll) run(ctx context.Context) error {
	p.begin()
	var late error // why a check could not be made
	if p.checks() {
		whole, err := p.check(ctx)
		switch {
		case err == nil:
			return p.compare(ctx, whole)
		case waitFor(err) > 0: // for anything, not for a listing alone
			p.late = p.was.Late + 1
			return err
		case !canWait(ctx, err):
			return err
		}
		late = err
		p.begin()
	}
	told, err := p.follow(ctx)
	switch {
	case err != nil:
		return err
	case told:
		p.rest(late)
		return nil
	case late != nil:
		return late
	}
	p.begin()
	whole, err := p.listing(ctx)
	if err != nil {
		return err
	}
	return p.compare(ctx, whole)
}

// begin forgets what was found, to start from where the poll before left off.
func (p *poll) begin() {
	p.delta, p.members, p.removed = absence.Delta{}, map[string]member{}, nil
	p.now = p.was
	p.now.Seen = p.was.Seen.clone()
	p.now.Polls++
}

// follow asks what changed. It returns false where the server cannot tell.
func (p *poll) follow(ctx context.Context) (told bool, err error) {
	switch {
	case p.was.Token != "":
		err := p.changes(ctx)
		if err != nil && resync(err) {
			return false, nil
		}
		return err == nil, err
	case p.was.CTag != "":
		same, err := p.sameCTag(ctx)
		p.delta.Unchanged = same && !p.was.Relist
		return same, err
	}
	return false, nil
}

// errResync says that a sync report cannot be followed.
var errResync = errors.New("the sync report cannot be followed")

// resync reports whether a token was refused. Servers do so in many ways (RFC
// 6578 §3.2 asks for 403 with valid-sync-token, Xandikos answers 500), so
// only what says nothing about the token is not taken for it.
func resync(err error) bool {
	if errors.Is(err, errResync) {
		return true
	}
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status >= 400 && e.Status != 401 && e.Status != 429 && e.Status != 503
}

// changes follows sync-collection (RFC 6578 §3).
func (p *poll) changes(ctx context.Context) error {
	p.removed = map[string]bool{}
	token := p.was.Token
	for range maxPages {
		next, more, err := p.page(ctx, token)
		if err != nil {
			return err
		}
		if next == "" || (more && next == token) {
			return errResync
		}
		token = next
		if !more {
			p.now.Token = token
			return p.settle(ctx)
		}
	}
	return errResync
}

// page asks for one part of a sync report; more says that the server cut it
// off there (RFC 6578 §3.6).
func (p *poll) page(ctx context.Context, token string) (next string, more bool, err error) {
	odd := false
	_, next, err = p.multistatus(ctx, request{method: "REPORT", url: p.origin, depth: "0", body: syncReport(token)}, func(at *url.URL, r response) {
		m, self, ok := p.member(at, r)
		switch {
		case self && r.status == 507:
			more = true
		case !ok, self && r.status/100 != 2:
			odd = true
		case self:
		case strings.HasSuffix(m.id, "/"): // a collection within, which RFC 4791 §4.2 rules out
		case r.status == 404 || r.status == 410:
			delete(p.members, m.id)
			p.removed[m.id] = true
		default:
			delete(p.removed, m.id)
			p.members[m.id] = m
		}
	})
	if err == nil && odd {
		err = errResync
	}
	return next, more, err
}

// settle fetches what a sync report named.
func (p *poll) settle(ctx context.Context) error {
	for id := range p.removed {
		p.delta.Removed = append(p.delta.Removed, id)
		delete(p.now.Seen, digestOf(id))
	}
	slices.Sort(p.delta.Removed)
	switch all, err := p.fetchNew(ctx); {
	case err != nil:
		return err
	case !all:
		return p.pause()
	}
	p.delta.Unchanged = len(p.delta.Removed) == 0 && len(p.delta.Changed) == 0 && !p.now.Relist
	return nil
}

// sameCTag asks a server without sync-collection whether anything changed.
func (p *poll) sameCTag(ctx context.Context) (bool, error) {
	self, err := p.self(ctx, ctagProps)
	if err != nil {
		return false, err
	}
	return self.prop(nsCS, "getctag").value() == p.was.CTag, nil
}

// due reports whether what the collection is is asked for now: at first, and
// now and then.
func (p *poll) due() bool { return p.was.Version == 0 || p.was.Polls >= relistAfter }

// listing asks for all members; whole says that what it lacks is not there.
// Token and ctag are asked for before, so that a change in between is seen twice
// rather than never.
func (p *poll) listing(ctx context.Context) (whole bool, err error) {
	// A server that offers neither is asked only now and then if it does, and
	// one whose token or ctag was good is not asked for another.
	if p.due() || (p.was.followed() && !p.checks()) {
		if err := p.state(ctx); err != nil {
			return false, err
		}
	}
	if whole, err = p.query(ctx); err == nil && !whole {
		whole, err = p.list(ctx)
	}
	return whole, err
}

// compare fetches what a listing has that is new.
func (p *poll) compare(ctx context.Context, whole bool) error {
	p.now.Relist, p.now.Late, p.now.Rest = p.was.Lost, 0, 0
	listing := slices.AppendSeq(make([]string, 0, len(p.members)), maps.Keys(p.members)) // not nil, even if empty
	slices.Sort(listing)
	if len(listing) > maxMembers {
		return p.tooMany()
	}
	if whole {
		p.forget(listing)
	}
	switch all, err := p.fetchNew(ctx); {
	case err != nil:
		return err
	case !all:
		return p.pause()
	}
	unchanged := len(p.delta.Changed) == 0 && !p.now.Relist && !p.was.Relist
	switch {
	case whole && unchanged && !p.due():
		p.delta = absence.Delta{Unchanged: true}
	case whole:
		p.delta.Listing, p.now.Lost = listing, false
	default:
		p.now.Relist = true
	}
	return nil
}

func (p *poll) tooMany() error {
	return &Error{Host: p.origin.Host, what: "the calendar holds too many objects", hint: "link a smaller calendar"}
}

// state reads what the collection is and by what its changes can be followed.
func (p *poll) state(ctx context.Context) error {
	self, err := p.self(ctx, stateProps)
	if err != nil {
		return err
	}
	p.now.Token, p.now.CTag, p.now.Polls = "", "", 0
	if supportsSync(self) {
		p.now.Token = self.prop(nsDAV, "sync-token").value()
	}
	if p.now.Token == "" {
		p.now.CTag = self.prop(nsCS, "getctag").value()
	}
	p.delta.Name, p.delta.Zone = displayName(self), zoneName(self)
	return nil
}

// forget drops what the listing lacks. That it is gone has not been said, so
// the next poll lists again, to agree or not. A calendar that is empty is
// listed at every poll: it costs nothing, and emptiness is never just believed.
func (p *poll) forget(listing []string) {
	there := make(map[digest]bool, len(listing))
	for _, id := range listing {
		there[digestOf(id)] = true
	}
	for d := range p.now.Seen {
		if !there[d] {
			delete(p.now.Seen, d)
			p.now.Relist = true
		}
	}
	if len(listing) == 0 {
		p.now.Relist = true
	}
}

// list reads hrefs and entity tags of all members. It returns false when
// something in the answer could not be told, so that it is no proof of what is
// not there.
func (p *poll) list(ctx context.Context) (whole bool, err error) {
	whole, found, cut := true, false, false
	_, _, err = p.multistatus(ctx, request{method: "PROPFIND", url: p.origin, depth: "1", body: etagProps}, func(at *url.URL, r response) {
		m, self, ok := p.member(at, r)
		switch {
		case self:
			found = found || isCalendar(r)
			cut = cut || r.status == 507
		case !ok && m.id == "":
			whole = false
		case r.status == 404 || r.status == 410 || isCollection(r):
		default:
			p.members[m.id] = m
		}
	})
	switch {
	case err != nil:
		return false, err
	case cut:
		return false, answerError(p.origin.Host, errors.New("the server listed only a part of the calendar"))
	case !found:
		return false, errNotCalendar(p.origin)
	}
	return whole, nil
}

// member reads which object a response is about; self says that it is the
// collection itself.
func (p *poll) member(at *url.URL, r response) (m member, self, ok bool) {
	if r.href == "" {
		return member{}, false, false
	}
	u, err := resolve(at, r.href)
	if err != nil {
		return member{id: cleanLine(r.href), trouble: err.Error()}, false, false
	}
	m = member{id: identity(u), href: r.href, url: u, etag: r.prop(nsDAV, "getetag").value()}
	if sameCollection(m.id, identity(at)) {
		return m, true, r.broken == ""
	}
	// Kept relative to the collection, whose own URL can be a secret.
	m.id = strings.TrimPrefix(m.id, strings.TrimSuffix(identity(at), "/")+"/")
	switch {
	case r.broken != "":
		m.trouble = r.broken
	case r.status/100 != 2:
		m.trouble = troubleOf(r.status)
	}
	return m, false, true
}

// self asks for properties of the collection. Whatever is not a calendar is an
// error, so that one that vanished is not taken for an empty one.
func (p *poll) self(ctx context.Context, body string) (response, error) {
	var self response
	_, _, err := p.multistatus(ctx, request{method: "PROPFIND", url: p.origin, depth: "0", body: body}, func(_ *url.URL, r response) {
		if self.href == "" && r.broken == "" {
			self = r
		}
	})
	if err == nil && (self.status/100 != 2 || !isCalendar(self)) {
		e := errNotCalendar(p.origin)
		if self.status == 404 || self.status == 410 { // as Xandikos says it
			e.kind = gone
		}
		err = e
	}
	return self, err
}

var errNoCalendar = errors.New("there is no calendar at this URL now")

func errNotCalendar(u *url.URL) *Error {
	return &Error{
		Host: u.Host, kind: temporary, err: errNoCalendar,
		hint: "check that the calendar still exists; if it was moved, link it again",
	}
}

// supportsSync reads supported-report-set (RFC 3253 §3.1.5).
func supportsSync(r response) bool {
	set := r.prop(nsDAV, "supported-report-set")
	if set == nil {
		return false
	}
	for _, k := range set.kids {
		if k.child(nsDAV, "report").has(nsDAV, "sync-collection") || k.has(nsDAV, "sync-collection") {
			return true // the latter is Xandikos' way of saying it
		}
	}
	return false
}
