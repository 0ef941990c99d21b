package caldav

import (
	"context"
	"net/url"
	"strings"

	"awayd/sync/absence"
	"awayd/sync/account"
)

const reading = "read calendar"

// A Source is one calendar: a collection on a CalDAV server, a feed, a file or
// a folder of files.
type Source struct {
	reader
}

// A reader is one kind of Source. After an error what it returns beside is of
// no use.
type reader interface {
	read(context.Context, cursor) (absence.Delta, cursor, error)
}

// Open returns the source of a calendar. It checks the URL and the private CA
// but does not look for the calendar.
func (c Client) Open(cal account.Calendar) (*Source, error) {
	r, err := c.open(cal)
	if err != nil {
		return nil, doing(reading, err)
	}
	return &Source{r}, nil
}

func (c Client) open(cal account.Calendar) (reader, error) {
	address := cal.URL.Reveal()
	switch schemeOf(address) {
	case "file":
		return newFile(address)
	case "webcal", "webcals":
		s, err := c.connect(fromWebcal(cal.URL), cal.User, cal.Password, cal.TLSCA)
		if err != nil {
			return nil, err
		}
		return &feed{s}, nil
	}
	s, err := c.connect(cal.URL, cal.User, cal.Password, cal.TLSCA)
	if err != nil {
		return nil, err
	}
	return &collection{server: s}, nil
}

// Poll returns what changed since the cursor and the cursor to resume from;
// an empty cursor asks for everything.
//
// Where ctx has a deadline that comes before all is read, or the server does not
// hand out all of it now, Delta.More says so, and the cursor is to go on from.
//
// The cursor that comes with an unchanged Delta may differ from the one given
// and is to be kept as well.
func (s *Source) Poll(ctx context.Context, text string) (absence.Delta, string, error) {
	d, next, err := s.read(ctx, readCursor(text))
	if err != nil {
		return absence.Delta{}, text, doing(reading, err)
	}
	return d, next.String(), nil
}

func schemeOf(address string) string {
	scheme, _, ok := strings.Cut(strings.TrimSpace(address), ":")
	if !ok {
		return ""
	}
	return strings.ToLower(scheme)
}

// Feeds are told from collections by their scheme, webcals, which is what
// calendar programs call https when a feed is at the other end. Only feeds on
// loopback may be webcal, which is http.

// fromWebcal returns the http or https URL of a feed.
func fromWebcal(address account.Secret) account.Secret {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(address.Reveal()), ":")
	u, err := url.Parse("http:" + rest)
	if err == nil && strings.EqualFold(scheme, "webcal") && isLoopback(u.Hostname()) {
		return account.NewSecret("http:" + rest)
	}
	return account.NewSecret("https:" + rest)
}

// toWebcal is how the URL of a feed is kept.
func toWebcal(u *url.URL) string {
	w := *u
	w.Scheme = map[string]string{"http": "webcal", "https": "webcals"}[u.Scheme]
	return w.String()
}
