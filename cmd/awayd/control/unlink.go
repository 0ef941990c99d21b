package control

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"awayd/sync/account"
	"awayd/sync/engine"
)

// unlinkCalendar takes a calendar from an account, and what it held from the
// timeline. The last one stays: without it nothing would ever be announced, nor
// anybody told so.
func (s *Server) unlinkCalendar(ctx context.Context, jid, name string) error {
	return s.Engine.Set(ctx, jid, func(a *account.Account) error {
		i, err := calendarCalled(*a, name)
		if err != nil {
			return err
		}
		if len(a.Calendars) == 1 {
			return &Error{
				Message: fmt.Sprintf("%q is the only calendar of %s", name, jid),
				Advice:  "link another before, or forget the account: awayd unlink " + jid, Usage: true,
			}
		}
		d := s.Engine.Defaults()
		before, err := engine.Rules(*a, d)
		if err != nil {
			return err
		}
		a.Calendars = slices.Delete(slices.Clone(a.Calendars), i, i+1)
		// The calendar may be what told where the person lives.
		after, err := engine.Rules(*a, d)
		if err != nil {
			return err
		}
		if after.Zone.String() != before.Zone.String() {
			a.Settings.Zone = before.Zone.String()
		}
		return nil
	})
}

// calendarCalled finds the one calendar of a that is called so: by its name, or
// where several have that, by its URL, whole or as it is shown.
func calendarCalled(a account.Account, name string) (int, error) {
	var found []int
	var names []string
	for i, c := range a.Calendars {
		shown := account.ShortURL(c.URL)
		if c.Name == name || web(c.URL.Reveal()) == web(name) || shown == name {
			found = append(found, i)
		}
		names = append(names, fmt.Sprintf("%q (%s)", c.Name, shown))
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return 0, &Error{Message: fmt.Sprintf("%s has no calendar %q", a.JID, name), Advice: "one of: " + strings.Join(names, ", "), Usage: true}
	}
	return 0, &Error{
		Message: fmt.Sprintf("%s has %d calendars %q", a.JID, len(found), name),
		Advice:  "name it by its whole URL, as it was linked: " + strings.Join(names, ", "), Usage: true,
	}
}

// web is the URL of a feed without its scheme, for which people have several
// names: webcal and webcals are https. Other URLs stay whole.
func web(address string) string {
	for _, scheme := range []string{"webcal:", "webcals:", "https:"} {
		if rest, ok := strings.CutPrefix(address, scheme); ok {
			return rest
		}
	}
	return address
}
