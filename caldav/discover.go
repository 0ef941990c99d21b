package caldav

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"awayd/sync/account"
)

// An Endpoint is where to look for calendars: a CalDAV server, a principal, a
// home of calendars or one calendar; an e-mail address; a feed; a file or a
// folder.
type Endpoint struct {
	URL      account.Secret
	User     string
	Password account.Secret
	TLSCA    string // PEM, as in account.Calendar
}

// A Discovery is what a server told about a person.
type Discovery struct {
	Calendars []Found
	// Addresses are the person's own calendar addresses (RFC 6638 §2.4.1), as
	// mailto: URIs mostly.
	Addresses []string
	// Named says that the URL is that of a single calendar, which the person
	// has thus named.
	Named bool
	// User and Password open the calendars: those of the Endpoint, or what its
	// URL or e-mail address told.
	User     string
	Password account.Secret
}

// A Found is one calendar of a Discovery.
type Found struct {
	URL  string // for Open; it may be a secret
	Name string // display name, else the last part of the URL
	Zone string // IANA name of the calendar's time zone, or empty
	// Components are the component types that it may hold (RFC 4791 §5.2.3);
	// empty when the server does not say, which means all.
	Components []string
	Kind       Kind
	// Owned says that it is the person's own and speaks for their time. The
	// others must be named to be linked.
	Owned bool
}

// HoldsEvents reports whether the calendar may hold VEVENTs.
func (f Found) HoldsEvents() bool {
	return len(f.Components) == 0 || slices.Contains(f.Components, "VEVENT")
}

// A Kind is what a calendar is to the person.
type Kind string

// The kinds of calendar.
const (
	Plain      Kind = "calendar"
	Shared     Kind = "shared"     // somebody else's, or delegated
	Subscribed Kind = "subscribed" // a copy of a feed
	Birthdays  Kind = "birthdays"
	Holidays   Kind = "holidays" // public ones
)

const discovering = "find calendars"

// Bounds on what a server can tell about one person.
const (
	maxHomes     = 20
	maxCalendars = 1_000
	maxName      = 200 // bytes
)

func errNotCalendars(u *url.URL) *Error {
	return &Error{
		Host: u.Host, what: "there are no calendars at this URL",
		hint: "give the URL of a CalDAV server, principal or calendar",
	}
}

// Discover finds calendars (RFC 6764 §6, RFC 4791 §6.2.1, §7.1).
func (c Client) Discover(ctx context.Context, e Endpoint) (Discovery, error) {
	d, err := c.discover(ctx, e)
	if err != nil {
		return Discovery{}, doing(discovering, err)
	}
	return d, nil
}

func (c Client) discover(ctx context.Context, e Endpoint) (Discovery, error) {
	address := e.URL.Reveal()
	switch scheme := schemeOf(address); {
	case scheme == "file":
		return discoverFile(ctx, address)
	case scheme == "webcal" || scheme == "webcals":
		e.URL = fromWebcal(e.URL)
		return c.discoverFeed(ctx, e)
	case scheme == "mailto" || !strings.Contains(address, "://") && strings.Contains(address, "@"):
		return c.discoverMail(ctx, e)
	case looksLikeFeed(address):
		if d, err := c.discoverFeed(ctx, e); err == nil || !noFeed(err) {
			return d, err
		}
		return c.discoverServer(ctx, e)
	}
	d, err := c.discoverServer(ctx, e)
	if err != nil && elsewhere(err) {
		if feed, noFeed := c.discoverFeed(ctx, e); noFeed == nil {
			return feed, nil
		}
	}
	return d, err
}

// discoverServer finds the calendars of a CalDAV server.
func (c Client) discoverServer(ctx context.Context, e Endpoint) (Discovery, error) {
	s, err := c.connect(e.URL, e.User, e.Password, e.TLSCA)
	if err != nil {
		return Discovery{}, err
	}
	d, err := (&finder{server: s, seen: map[string]bool{}}).find(ctx)
	d.User, d.Password = s.credentials()
	return d, err
}

// A finder is one run of Discover.
type finder struct {
	*server
	principal string // identity; empty while unknown
	found     Discovery
	seen      map[string]bool // identities of the calendars found
}

// A place is what a server says about one resource at Depth 0.
type place struct {
	url *url.URL
	response
}

func (f *finder) find(ctx context.Context) (Discovery, error) {
	wellKnown := *f.origin
	wellKnown.Path, wellKnown.RawPath, wellKnown.RawQuery = "/.well-known/caldav", "", ""
	starts := []*url.URL{f.origin, &wellKnown}
	if f.origin.Path == "/" {
		starts = []*url.URL{&wellKnown, f.origin}
	}
	var failed error
	for _, start := range starts {
		done, err := f.from(ctx, start)
		switch {
		case err == nil && done:
			return f.found, nil
		case err == nil:
		case start == f.origin && !elsewhere(err), final(err):
			return Discovery{}, err
		case failed == nil || start == f.origin:
			failed = err
		}
	}
	if failed == nil {
		failed = errNotCalendars(f.origin)
	}
	return Discovery{}, failed
}

// elsewhere reports whether the URL that the person gave is just not where
// CalDAV is served, so that the well-known one may tell.
func elsewhere(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Status == 0 || e.Status == 400 || e.Status == 405 || e.Status == 501) && !final(err)
}

// final reports whether asking at another path of the server is of no use.
func final(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return !ok || e.Status == 401 || e.offline
}

// from looks for calendars beginning at one URL.
func (f *finder) from(ctx context.Context, start *url.URL) (done bool, err error) {
	at, err := f.look(ctx, start, discoverProps)
	if err != nil {
		return false, err
	}
	principal, err := f.findPrincipal(ctx, at)
	if isCalendar(at.response) {
		// A calendar is good without a principal.
		f.found.Named = true
		f.add(at.url, at.response)
		return true, nil
	}
	if err != nil {
		return false, err
	}
	homes := at.prop(nsCalDAV, "calendar-home-set").hrefs()
	if len(homes) == 0 && isCollection(at.response) && at.url.Path != "/" {
		// A home that the person named, or a collection of no interest.
		if err := f.list(ctx, at.url); err != nil && final(err) {
			return false, err
		}
		if len(f.found.Calendars) > 0 {
			return true, nil
		}
	}
	if len(homes) == 0 && principal != nil {
		at, homes = *principal, principal.prop(nsCalDAV, "calendar-home-set").hrefs()
	}
	return f.listAll(ctx, at.url, homes)
}

// listAll adds the calendars of a principal's homes. One home that cannot be
// read is an error only if no other can.
func (f *finder) listAll(ctx context.Context, base *url.URL, homes []string) (done bool, err error) {
	for _, href := range homes[:min(len(homes), maxHomes)] {
		home, bad := follow(base, href)
		if bad != nil {
			bad = otherHost(f.origin, "the calendars are", href)
		} else {
			bad = f.list(ctx, home)
		}
		switch {
		case bad == nil:
			done = true
		case final(bad):
			return false, bad
		case err == nil:
			err = bad
		}
	}
	if done {
		err = nil
	}
	return done, err
}

// findPrincipal asks the person's principal for their addresses and homes. It
// returns nil where the server names no principal.
func (f *finder) findPrincipal(ctx context.Context, at place) (_ *place, err error) {
	current := at.prop(nsDAV, "current-user-principal")
	if current.has(nsDAV, "unauthenticated") {
		return nil, &Error{
			Host: f.origin.Host, kind: credentials, what: "the server does not know who is asking",
			hint: "give the calendar's user and password",
		}
	}
	p, u := at, at.url
	if hrefs := current.hrefs(); len(hrefs) > 0 {
		if u, err = follow(at.url, hrefs[0]); err != nil {
			return nil, otherHost(f.origin, "the person's principal is", hrefs[0])
		}
	} else if at.prop(nsCalDAV, "calendar-home-set") == nil {
		return nil, nil
	}
	if !sameCollection(identity(u), identity(at.url)) {
		if p, err = f.look(ctx, u, discoverProps); err != nil {
			return nil, err
		}
	}
	f.principal = identity(u)
	for _, a := range p.prop(nsCalDAV, "calendar-user-address-set").hrefs() {
		// Servers list their own principal paths among the addresses.
		if strings.Contains(a, ":") && len(a) <= maxHrefLength && !slices.Contains(f.found.Addresses, a) {
			f.found.Addresses = append(f.found.Addresses, a)
		}
	}
	return &p, nil
}

// look asks for properties of one resource.
func (f *finder) look(ctx context.Context, u *url.URL, body string) (place, error) {
	var p place
	at, _, err := f.multistatus(ctx, request{method: "PROPFIND", url: u, depth: "0", body: body}, func(_ *url.URL, r response) {
		if p.href == "" && r.broken == "" {
			p.response = r
		}
	})
	if err != nil {
		return place{}, err
	}
	if p.href == "" || p.status/100 != 2 {
		return place{}, errNotCalendars(f.origin)
	}
	p.url = at
	return p, nil
}

// list adds the calendars of a home.
func (f *finder) list(ctx context.Context, home *url.URL) error {
	_, _, err := f.multistatus(ctx, request{method: "PROPFIND", url: home, depth: "1", body: calendarProps}, func(at *url.URL, r response) {
		if r.broken != "" || r.status/100 != 2 {
			return
		}
		if u, err := resolve(at, r.href); err == nil {
			f.add(u, r)
		}
	})
	return err
}

// add keeps the resource if it is a calendar.
func (f *finder) add(u *url.URL, r response) {
	kind := kindOf(u, r)
	id := strings.TrimSuffix(identity(u), "/")
	if kind == "" || f.seen[id] || len(f.seen) == maxCalendars {
		return
	}
	f.seen[id] = true
	owner := ""
	if hrefs := r.prop(nsDAV, "owner").hrefs(); len(hrefs) > 0 {
		if o, err := resolve(u, hrefs[0]); err == nil {
			owner = identity(o)
		}
	}
	if kind == Plain && owner != "" && f.principal != "" && !sameCollection(owner, f.principal) {
		kind = Shared
	}
	c := Found{URL: u.String(), Name: displayName(r), Zone: zoneName(r), Kind: kind, Owned: kind == Plain}
	if c.Name == "" {
		c.Name = lastSegment(u)
	}
	if set := r.prop(nsCalDAV, "supported-calendar-component-set"); set != nil {
		for _, k := range set.kids {
			for _, a := range k.attr {
				if a.Name.Local == "name" {
					c.Components = append(c.Components, strings.ToUpper(strings.TrimSpace(a.Value)))
				}
			}
		}
	}
	f.found.Calendars = append(f.found.Calendars, c)
}

// otherHost refuses to follow an href to a host that may be anybody's.
func otherHost(origin *url.URL, what, href string) *Error {
	host, _, _ := cutAuthority(href)
	host = cleanLine(host[strings.LastIndexByte(host, '@')+1:])
	return &Error{
		Host: origin.Host, what: what + " on another host, " + host + ", where the password is not sent",
		hint: "if you trust it, give https://" + host + "/ as the calendar URL",
	}
}

// isCalendar reports whether the resource is a calendar collection (RFC 4791
// §4.2).
func isCalendar(r response) bool {
	t := r.prop(nsDAV, "resourcetype")
	return t.has(nsCalDAV, "calendar") || t.has(nsCS, "subscribed")
}

func isCollection(r response) bool {
	return r.prop(nsDAV, "resourcetype").has(nsDAV, "collection")
}

// kindOf tells what a resource is, or "" if it is no calendar.
func kindOf(u *url.URL, r response) Kind {
	if !isCalendar(r) {
		return ""
	}
	t := r.prop(nsDAV, "resourcetype")
	access := r.prop(nsDAV, "share-access")
	named := kindOfName(displayName(r), lastSegment(u))
	switch {
	case named != Plain:
		return named
	case t.has(nsCS, "subscribed") || r.prop(nsCS, "source") != nil:
		return Subscribed
	// draft-pot-webdav-resource-sharing-04 §4.4 and caldav-sharing §5.5.
	case t.has(nsCS, "shared"), access.has(nsDAV, "read"), access.has(nsDAV, "read-write"):
		return Shared
	}
	return Plain
}

// kindOfName tells birthdays and public holidays by what the calendar is called
// and by the last part of its URL.
func kindOfName(name, id string) Kind {
	name, id = strings.ToLower(name), strings.ToLower(id)
	switch {
	case id == "contact_birthdays" || slices.Contains(birthdayNames, name):
		return Birthdays
	case strings.Contains(id, "#holiday@") || slices.Contains(holidayNames, name):
		return Holidays
	}
	return Plain
}

// Names under which servers keep calendars that are nobody's own time.
var (
	birthdayNames = []string{"birthdays", "contact birthdays", "geburtstage", "geburtstage von kontakten", "anniversaires", "cumpleaños", "compleanni", "verjaardagen"}
	holidayNames  = []string{"public holidays", "bank holidays", "feiertage", "jours fériés", "días festivos", "giorni festivi", "feestdagen"}
)

func displayName(r response) string { return shorten(r.prop(nsDAV, "displayname").value(), maxName) }

func lastSegment(u *url.URL) string {
	p := strings.TrimSuffix(u.Path, "/")
	return shorten(p[strings.LastIndexByte(p, '/')+1:], maxName)
}

// zoneName is the IANA name of the calendar's own zone (RFC 7809 §5.2, RFC
// 4791 §5.2.2), or empty.
func zoneName(r response) string {
	if id := r.prop(nsCalDAV, "calendar-timezone-id").value(); id != "" {
		if place := placeOf(id); place != "" {
			return place
		}
	}
	return zoneOfTimezone([]byte(r.prop(nsCalDAV, "calendar-timezone").value()))
}
