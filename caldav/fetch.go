package caldav

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"awayd/sync/absence"
)

// batch is how many objects one multiget asks for.
const batch = 50

// query reads everything in one answer, if nothing is known yet. It returns
// false where that cannot be had, which is to be listed and downloaded in
// pieces: an answer that is cut off (RFC 4791 §7.8 has 507 for that), is odd, or
// is too large. Nothing at all is not just believed, either. Radicale needs a
// tenth of the time that a listing and its downloads take there.
func (p *poll) query(ctx context.Context) (whole bool, err error) {
	if p.was.Version != 0 || p.piecemeal {
		return false, nil
	}
	odd := false
	_, _, err = p.multistatus(ctx, request{method: "REPORT", url: p.origin, depth: "1", body: everythingReport}, func(at *url.URL, r response) {
		m, self, ok := p.member(at, r)
		data := r.prop(nsCalDAV, "calendar-data")
		if self || !ok || m.trouble != "" || data == nil || m.etag == "" || len(p.members) > maxMembers {
			odd = true
			return
		}
		o := readObject(data.text)
		m.object = &o
		p.members[m.id] = m
	})
	if err == nil && !odd && len(p.members) > 0 {
		return true, nil
	}
	p.members = map[string]member{}
	e, ok := errors.AsType[*Error](err)
	if ok && (e.Status == 401 || e.Status == 429 || e.Status == 503) {
		return false, err
	}
	// Should it have been too much at once, it is not tried again.
	p.piecemeal = true
	return false, ctx.Err()
}

// A download is what came of fetching one member.
type download struct {
	member
	data    []byte
	missing string // why there is no data
	refused string // why there never will be, for this version
}

// fetchNew downloads the members whose version has not been seen and adds them
// to the delta. It returns false where the time of the poll was over, or the server
// would not go on, before all of them were there, but not before some were: a
// server that bounds its answers would never be read otherwise. New ones come first: what moved
// from one object to another is known twice then, rather than not at all.
func (p *poll) fetchNew(ctx context.Context) (whole bool, err error) {
	var fresh, changed []member
	for _, id := range slices.Sorted(maps.Keys(p.members)) {
		m := p.members[id]
		switch {
		case m.trouble != "":
			p.failed(m, m.trouble)
		case m.object != nil:
			p.got(m, *m.object)
		case !p.was.Seen.knows(m.id):
			fresh = append(fresh, m)
		case !p.was.Seen.holds(m.id, m.etag):
			changed = append(changed, m)
		}
	}
	whole = true
	for part := range slices.Chunk(slices.Concat(fresh, changed), batch) {
		got, err := p.fetch(ctx, part)
		for _, d := range got {
			p.take(d)
		}
		if err == nil {
			continue
		}
		e, ok := errors.AsType[*Error](err)
		switch {
		case !p.gained:
			return false, err
		case ok && e.Temporary() && ctx.Err() == nil:
			p.halted = doing(reading, err)
		case !errors.Is(ctx.Err(), context.DeadlineExceeded):
			return false, err
		}
		whole = false
		break
	}
	slices.SortFunc(p.delta.Changed, func(a, b absence.Object) int { return strings.Compare(a.Href, b.Href) })
	if whole && len(p.now.Seen) > maxMembers {
		return false, p.tooMany()
	}
	return whole, nil
}

// take takes over what came of fetching one member.
func (p *poll) take(d download) {
	if d.missing != "" {
		p.failed(d.member, d.missing)
		return
	}
	o := absence.Object{Errors: []absence.ObjectError{{Reason: d.refused}}}
	if d.refused == "" {
		o = readObject(d.data)
	}
	p.got(d.member, o)
}

// pause ends a poll that could not fetch everything. What it fetched counts; else the next one does as this one did, with less to fetch.
// That something is gone is not said yet: it may be among what was not fetched,
// under another name.
func (p *poll) pause() error {
	fetched := p.now.Seen
	d := absence.Delta{More: true, Halted: p.halted, Changed: p.delta.Changed, Name: p.delta.Name, Zone: p.delta.Zone}
	p.begin()
	p.delta = d
	for _, o := range d.Changed {
		id := digestOf(o.Href)
		p.now.Seen[id] = fetched[id]
	}
	if p.was.Version == 0 {
		p.now.Polls = relistAfter // by what its changes can be followed is still to be asked
	}
	// What is gone is among them.
	if len(p.now.Seen) > 2*maxMembers {
		return p.tooMany()
	}
	return nil
}

// got adds an object that was downloaded. It is known in the version that the
// server named before, so that one that was changed meanwhile is fetched again.
func (p *poll) got(m member, o absence.Object) {
	o.Href, o.ETag = m.id, m.etag
	p.delta.Changed = append(p.delta.Changed, o)
	version := p.members[m.id].etag
	p.now.Seen.put(m.id, version)
	// One that is known and in no version will be fetched again.
	p.gained = p.gained || version != "" || !p.was.Seen.knows(m.id)
}

// failed notes a member that could not be had. One that is known stays as it
// is; a new one becomes known as an object that is broken, in no version.
// Either is tried again at the next poll.
func (p *poll) failed(m member, why string) {
	p.now.Relist = true
	if !p.was.Seen.knows(m.id) {
		p.delta.Changed = append(p.delta.Changed, absence.Object{
			Href: m.id, ETag: m.etag, Errors: []absence.ObjectError{{Reason: why}},
		})
		p.now.Seen.put(m.id, "")
	}
}

// fetch downloads members with one multiget, and one by one those of which it
// brought nothing: servers leave out what they cannot find (sabre/dav), say
// 404 for what is there (iCloud) or stop at an object that is too large. Beside an
// error it returns what it got.
func (p *poll) fetch(ctx context.Context, want []member) ([]download, error) {
	got := map[string]download{}
	hrefs := make([]string, len(want))
	for i, m := range want {
		hrefs[i] = m.href
	}
	_, _, err := p.multistatus(ctx, request{method: "REPORT", url: p.origin, depth: "1", body: multigetReport(hrefs)}, func(at *url.URL, r response) {
		data := r.prop(nsCalDAV, "calendar-data")
		m, self, ok := p.member(at, r)
		if self || !ok || m.trouble != "" || data == nil {
			return
		}
		got[m.id] = download{member: m, data: data.text}
	})
	all := make([]download, 0, len(want))
	var rest []member
	for _, m := range want {
		d, ok := got[m.id]
		if !ok {
			rest = append(rest, m)
			continue
		}
		if d.etag == "" {
			d.etag = m.etag
		}
		all = append(all, d)
	}
	if err != nil && !oneByOne(err) {
		return all, err
	}
	for _, m := range rest {
		d, err := p.fetchOne(ctx, m)
		if err != nil {
			return all, err
		}
		all = append(all, d)
	}
	return all, nil
}

// oneByOne reports whether a failed multiget says nothing about the server's
// willingness to hand out single objects.
func oneByOne(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && !e.offline && e.Status != 401 && e.Status != 429 && e.Status != 503
}

func (p *poll) fetchOne(ctx context.Context, m member) (download, error) {
	data, err := p.get(ctx, m.url)
	e, ok := errors.AsType[*Error](err)
	switch {
	case err == nil:
		return download{member: m, data: data}, nil
	case errors.Is(err, errTooLarge):
		return download{member: m, refused: errObjectTooLarge}, nil
	case ok && e.Status == 401, ok && e.Status == 429, ok && e.Status == 503, ok && e.offline, !ok:
		return download{}, err
	case e.Status > 0:
		return download{member: m, missing: troubleOf(e.Status)}, nil
	}
	return download{member: m, missing: "the server's answer cannot be used"}, nil
}

func troubleOf(status int) string {
	return fmt.Sprintf("the server answers %d %s for this object", status, http.StatusText(status))
}
