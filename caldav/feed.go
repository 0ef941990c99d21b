package caldav

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"awayd/sync/absence"
)

// A feed is an iCalendar file behind an https URL, which is mostly a secret.
type feed struct {
	*server
}

// read asks for the feed, unless it is as it was (RFC 9110 §13.1). An unchanged
// feed is not read even if its server knows nothing of conditions.
func (f *feed) read(ctx context.Context, was cursor) (absence.Delta, cursor, error) {
	now := was
	now.Polls++
	q := request{method: http.MethodGet, url: f.origin, header: map[string]string{"Accept": "text/calendar, */*;q=0.5"}}
	// A server's word that nothing changed is checked now and then.
	due := was.Version == 0 || was.Relist || was.Polls >= relistAfter
	if due {
		now.Polls = 0
	}
	if !due && was.ETag != "" {
		q.header["If-None-Match"] = was.ETag
	}
	if !due && was.Modified != "" {
		q.header["If-Modified-Since"] = was.Modified
	}
	var delta absence.Delta
	err := f.send(ctx, q, maxFeed, func(a answer) error {
		switch {
		case a.status == http.StatusNotModified && !due:
			delta.Unchanged = true
			return nil
		case a.status != http.StatusOK:
			return fmt.Errorf("%d instead of 200 OK", a.status)
		}
		data, err := io.ReadAll(a.body)
		if err != nil {
			return err
		}
		text := textDigest(data)
		now.ETag, now.Modified, now.Text = validator(a.header, "ETag"), validator(a.header, "Last-Modified"), text
		if !due && text == was.Text {
			delta.Unchanged = true
			return nil
		}
		w, err := readWhole(data)
		if err != nil {
			return err
		}
		delta, now = w.since(now)
		return nil
	})
	if e, ok := errors.AsType[*Error](err); ok && e.Status == 0 && !e.offline {
		e.hint = "check that the URL is of an iCalendar feed; if it is, wait"
	}
	return delta, now, err
}

// validator returns a header that makes a later request conditional.
func validator(h http.Header, name string) string {
	v := h.Get(name)
	if len(v) > 500 || strings.ContainsFunc(v, isControl) {
		return ""
	}
	return v
}

// looksLikeFeed reports whether a URL is that of a file, so that asking whether
// it is a feed comes first.
func looksLikeFeed(address string) bool {
	u, err := url.Parse(strings.TrimSpace(address))
	return err == nil && strings.HasSuffix(strings.ToLower(u.Path), ".ics")
}

// noFeed reports whether the answer says that there is something else at the
// URL, and not that nobody may know.
func noFeed(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && !e.offline && (e.Status == 0 || e.Status == 404 || e.Status == 405)
}

// discoverFeed finds the one calendar that a feed is.
func (c Client) discoverFeed(ctx context.Context, e Endpoint) (Discovery, error) {
	s, err := c.connect(e.URL, e.User, e.Password, e.TLSCA)
	if err != nil {
		return Discovery{}, err
	}
	f := &feed{s}
	delta, _, err := f.read(ctx, cursor{})
	if err != nil {
		return Discovery{}, err
	}
	d := single(toWebcal(s.origin), delta, s.origin.Hostname())
	d.User, d.Password = s.credentials()
	return d, nil
}

// discoverFile finds the one calendar that a file or a folder is.
func discoverFile(ctx context.Context, address string) (Discovery, error) {
	f, err := newFile(address)
	if err != nil {
		return Discovery{}, err
	}
	delta, _, err := f.read(ctx, cursor{})
	if err != nil {
		return Discovery{}, err
	}
	return single(f.url(), delta, f.name()), nil
}

// single is what a calendar is found as that is alone at its URL.
func single(address string, d absence.Delta, name string) Discovery {
	if d.Name != "" {
		name = d.Name
	}
	kind := kindOfName(name, "")
	return Discovery{Named: true, Calendars: []Found{{
		URL: address, Name: name, Zone: d.Zone, Kind: kind, Owned: kind == Plain,
	}}}
}
