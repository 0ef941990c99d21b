package caldav

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/emersion/go-ical"
	"github.com/emersion/go-webdav"
	"github.com/emersion/go-webdav/caldav"
	"github.com/google/go-cmp/cmp"

	"awayd/sync/account"
)

// A tree answers PROPFIND by path and depth, as in "0 /dav/".
type tree map[string]string

func (tr tree) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, ok := tr[r.Header.Get("Depth")+" "+r.URL.EscapedPath()]
	switch {
	case !ok:
		http.NotFound(w, r)
	case strings.HasPrefix(answer, "/"), strings.HasPrefix(answer, "http"):
		http.Redirect(w, r, answer, http.StatusMovedPermanently)
	case len(answer) == 3:
		var status int
		_, _ = fmt.Sscan(answer, &status)
		w.WriteHeader(status)
	default:
		w.WriteHeader(http.StatusMultiStatus)
		fmt.Fprint(w, multistatus(answer))
	}
}

func (tr tree) discover(t *testing.T, path string) (Discovery, error) {
	t.Helper()
	srv := httptest.NewServer(tr)
	t.Cleanup(srv.Close)
	d, err := Client{}.Discover(t.Context(), Endpoint{URL: account.NewSecret(srv.URL + path), User: "ada", Password: account.NewSecret("hunter2")})
	if err == nil && (d.User != "ada" || d.Password.Reveal() != "hunter2") {
		t.Errorf("to be opened as %q", d.User)
	}
	d.User, d.Password = "", account.Secret{}
	for i := range d.Calendars {
		d.Calendars[i].URL = strings.TrimPrefix(d.Calendars[i].URL, srv.URL)
	}
	return d, err
}

func href(name, to string) string { return `<` + name + `><d:href>` + to + `</d:href></` + name + `>` }

const collectionType = `<d:resourcetype><d:collection/></d:resourcetype>`

// nextcloud answers in the way of Nextcloud, with what can be in a home there.
func nextcloud() tree {
	const dav = "/remote.php/dav"
	calendar := func(path, inner string) string { return props(dav+"/calendars/ada/"+path, inner) }
	own := href("d:owner", dav+"/principals/users/ada/")
	return tree{
		"0 /.well-known/caldav": "/remote.php/dav/",
		"0 " + dav + "/":        props(dav+"/", collectionType+href("d:current-user-principal", dav+"/principals/users/ada/")),
		"1 " + dav + "/":        props(dav+"/", collectionType) + props(dav+"/calendars/", collectionType),
		"0 " + dav + "/principals/users/ada/": props(dav+"/principals/users/ada/",
			`<d:resourcetype><d:principal/></d:resourcetype>`+
				`<c:calendar-user-address-set><d:href>mailto:ada@example.org</d:href><d:href>/remote.php/dav/principals/users/ada/</d:href><d:href>mailto:ada@example.org</d:href></c:calendar-user-address-set>`+
				`<c:calendar-home-set><d:href>`+dav+`/calendars/ada/</d:href><d:href>`+dav+`/calendars/team/</d:href></c:calendar-home-set>`),
		"1 " + dav + "/calendars/ada/": calendar("", collectionType) +
			calendar("personal/", calendarType+own+`<d:displayname>Personal</d:displayname>`+
				`<c:calendar-timezone>BEGIN:VCALENDAR&#13;
BEGIN:VTIMEZONE&#13;
TZID:Europe/Berlin&#13;
END:VTIMEZONE&#13;
END:VCALENDAR</c:calendar-timezone>`+
				`<c:supported-calendar-component-set><c:comp name="VEVENT"/><c:comp name="vtodo"/></c:supported-calendar-component-set>`) +
			calendar("tasks/", calendarType+own+`<c:supported-calendar-component-set><c:comp name="VTODO"/></c:supported-calendar-component-set>`) +
			calendar("urlaub_shared_by_bob/", calendarType+href("d:owner", dav+"/principals/users/bob/")+`<d:displayname>Urlaub (Bob)</d:displayname>`) +
			calendar("invited/", calendarType+own+`<d:share-access><d:read-write/></d:share-access>`) +
			calendar("contact_birthdays/", calendarType+own+`<d:displayname>Contact birthdays</d:displayname>`) +
			calendar("feiertage/", calendarType+own+`<d:displayname>Feiertage</d:displayname>`) +
			calendar("webcal/", `<d:resourcetype><d:collection/><s:subscribed xmlns:s="http://calendarserver.org/ns/"/></d:resourcetype>`+own) +
			calendar("feed/", calendarType+own+`<s:source xmlns:s="http://calendarserver.org/ns/"><d:href>https://example.org/x.ics</d:href></s:source>`) +
			calendar("inbox/", `<d:resourcetype><d:collection/><c:schedule-inbox/></d:resourcetype>`) +
			failed(dav+"/calendars/ada/broken/", 500) +
			props("https://elsewhere.example/c/", calendarType),
		"1 " + dav + "/calendars/team/": props(dav+"/calendars/team/", collectionType) +
			props(dav+"/calendars/team/desk%20plan/", calendarType+href("d:owner", dav+"/principals/groups/team/")) +
			props(dav+"/calendars/ada/personal", calendarType+own),
		"0 " + dav + "/calendars/ada/personal/": props(dav+"/calendars/ada/personal/", calendarType+own+href("d:current-user-principal", dav+"/principals/users/ada/")),
		"0 " + dav + "/calendars/ada/":          props(dav+"/calendars/ada/", collectionType+href("d:current-user-principal", dav+"/principals/users/ada/")),
	}
}

func TestDiscoverKinds(t *testing.T) {
	const home = "/remote.php/dav/calendars/"
	all := []Found{
		{URL: home + "ada/personal/", Name: "Personal", Zone: "Europe/Berlin", Components: []string{"VEVENT", "VTODO"}, Kind: Plain, Owned: true},
		{URL: home + "ada/tasks/", Name: "tasks", Components: []string{"VTODO"}, Kind: Plain, Owned: true},
		{URL: home + "ada/urlaub_shared_by_bob/", Name: "Urlaub (Bob)", Kind: Shared},
		{URL: home + "ada/invited/", Name: "invited", Kind: Shared},
		{URL: home + "ada/contact_birthdays/", Name: "Contact birthdays", Kind: Birthdays},
		{URL: home + "ada/feiertage/", Name: "Feiertage", Kind: Holidays},
		{URL: home + "ada/webcal/", Name: "webcal", Kind: Subscribed},
		{URL: home + "ada/feed/", Name: "feed", Kind: Subscribed},
		{URL: home + "team/desk%20plan/", Name: "desk plan", Kind: Shared},
	}
	me := []string{"mailto:ada@example.org"}
	for path, want := range map[string]Discovery{
		"":                                      {Calendars: all, Addresses: me},
		"/remote.php/dav":                       {}, // not what the server calls it: 404
		"/remote.php/dav/":                      {Calendars: all, Addresses: me},
		"/remote.php/dav/principals/users/ada/": {Calendars: all, Addresses: me},
		home + "ada/":                           {Calendars: all[:8], Addresses: me},
		home + "ada/personal/":                  {Calendars: []Found{{URL: home + "ada/personal/", Name: "personal", Kind: Plain, Owned: true}}, Addresses: me, Named: true},
	} {
		t.Run(path, func(t *testing.T) {
			got, err := nextcloud().discover(t, path)
			if (err != nil) != (want.Calendars == nil) {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got, cmp.AllowUnexported(account.Secret{})); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestDiscoverFails(t *testing.T) {
	for name, c := range map[string]struct {
		tree tree
		path string
		want string
	}{
		"nothing there":       {tree{}, "/", "404"},
		"calendar gone":       {tree{"0 /.well-known/caldav": "/dav/"}, "/cal/ada/gone/", "404"},
		"password refused":    {tree{"0 /.well-known/caldav": "401"}, "/", "401"},
		"nobody":              {tree{"0 /": props("/", collectionType+`<d:current-user-principal><d:unauthenticated/></d:current-user-principal>`)}, "/", "who is asking"},
		"home elsewhere":      {tree{"0 /": props("/", collectionType+href("c:calendar-home-set", "https://p42.example.com/17/calendars/"))}, "/", "on another host, p42.example.com"},
		"principal elsewhere": {tree{"0 /": props("/", collectionType+href("d:current-user-principal", "https://p42.example.com/17/"))}, "/", "on another host, p42.example.com"},
		"moved elsewhere":     {tree{"0 /": "https://dav.example.com/secret"}, "/", "redirected to dav.example.com"},
		"no principal":        {tree{"0 /x/": props("/x/", collectionType), "1 /x/": props("/x/", collectionType)}, "/x/", "404"},
		"a website":           {tree{"0 /x/": "200"}, "/x/", "200 instead of 207"},
		"an object":           {tree{"0 /x.ics": props("/x.ics", "<d:resourcetype/>")}, "/x.ics", "404"},
		"gone within":         {tree{"0 /x/": failed("/x/", 404)}, "/x/", "no calendars at this URL"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := c.tree.discover(t, c.path)
			e, ok := err.(*Error)
			if !ok || !strings.Contains(e.Error(), c.want) || e.Hint() == "" || len(d.Calendars) > 0 {
				t.Fatalf("%+v, %v", d, err)
			}
			if !strings.HasPrefix(e.Error(), "find calendars from 127.0.0.1:") || strings.Contains(e.Error()+e.Hint(), "secret") {
				t.Error(e)
			}
		})
	}
	// A principal without calendars is an answer, not an error.
	d, err := tree{"0 /": props("/", collectionType+href("c:calendar-home-set", "/h/")), "1 /h/": props("/h/", collectionType)}.discover(t, "/")
	if err != nil || len(d.Calendars) != 0 {
		t.Errorf("no calendars: %+v, %v", d, err)
	}
}

// A backend makes go-webdav's server a peer: it knows neither tokens nor ctags.
type backend struct {
	caldav.Backend
	objects map[string]*caldav.CalendarObject // nil: the calendar is gone
	version int
}

var errGone = webdav.NewHTTPError(http.StatusNotFound, errors.New("no such thing"))

func (b *backend) CurrentUserPrincipal(context.Context) (string, error) { return "/ada/", nil }
func (b *backend) CalendarHomeSetPath(context.Context) (string, error)  { return "/ada/cal/", nil }
func (b *backend) ListCalendars(ctx context.Context) ([]caldav.Calendar, error) {
	c, err := b.GetCalendar(ctx, "")
	return []caldav.Calendar{*c}, err
}
func (b *backend) GetCalendar(context.Context, string) (*caldav.Calendar, error) {
	if b.objects == nil {
		return nil, errGone
	}
	return &caldav.Calendar{Path: "/ada/cal/office/", Name: "Office", SupportedComponentSet: []string{"VEVENT"}}, nil
}
func (b *backend) ListCalendarObjects(context.Context, string, *caldav.CalendarCompRequest) ([]caldav.CalendarObject, error) {
	var all []caldav.CalendarObject
	for _, o := range b.objects {
		all = append(all, *o)
	}
	return all, nil
}
func (b *backend) QueryCalendarObjects(ctx context.Context, path string, q *caldav.CalendarQuery) ([]caldav.CalendarObject, error) {
	all, err := b.ListCalendarObjects(ctx, path, &q.CompRequest)
	if err != nil {
		return nil, err
	}
	return caldav.Filter(q, all)
}
func (b *backend) GetCalendarObject(_ context.Context, path string, _ *caldav.CalendarCompRequest) (*caldav.CalendarObject, error) {
	if o, ok := b.objects[path]; ok {
		return o, nil
	}
	return nil, errGone
}

func TestGoWebDAVServer(t *testing.T) {
	b := &backend{objects: map[string]*caldav.CalendarObject{}}
	srv := httptest.NewServer(&caldav.Handler{Backend: b})
	defer srv.Close()
	d, err := Client{}.Discover(t.Context(), Endpoint{URL: account.NewSecret(srv.URL)})
	if err != nil || len(d.Calendars) != 1 {
		t.Fatalf("%+v, %v", d, err)
	}
	want := Found{URL: srv.URL + "/ada/cal/office/", Name: "Office", Components: []string{"VEVENT"}, Kind: Plain, Owned: true}
	if diff := cmp.Diff(want, d.Calendars[0]); diff != "" {
		t.Error(diff)
	}
	pollSuite(t, peer{
		calendar: account.Calendar{URL: account.NewSecret(want.URL)}, name: "Office",
		put: func(name, ics string) {
			cal, err := ical.NewDecoder(strings.NewReader(ics)).Decode()
			if err != nil {
				t.Fatal(err)
			}
			path := "/ada/cal/office/" + name
			b.version++
			b.objects[path] = &caldav.CalendarObject{Path: path, ETag: fmt.Sprint(b.version), Data: cal}
		},
		remove: func(name string) {
			if delete(b.objects, "/ada/cal/office/"+name); name == "" {
				b.objects = nil
			}
		},
	})
}
