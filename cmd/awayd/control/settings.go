package control

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"mellium.im/xmpp/jid"

	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/engine"
	"awayd/sync/plan"
)

// set changes settings after checking them, an audience with the server.
func (s *Server) set(ctx context.Context, q setRequest) error {
	if err := s.checkAudience(ctx, q); err != nil {
		return err
	}
	return s.Engine.Set(ctx, q.JID, func(a *account.Account) error {
		a.Settings = merge(a.Settings, q.Settings)
		return checkSettings(*a, s.Engine.Defaults())
	})
}

// checkAudience has the server try whether it can show messages to the roster
// group that is to be the audience. The other audiences every server has.
func (s *Server) checkAudience(ctx context.Context, q setRequest) error {
	if _, group := plan.AccessModel(q.Settings.Values.Audience).Group(); !group || !slices.Contains(q.Settings.Named, "audience") {
		return nil
	}
	a, err := s.Engine.Account(ctx, q.JID)
	if err != nil {
		return err
	}
	a.Settings = merge(a.Settings, q.Settings)
	if err := checkSettings(a, s.Engine.Defaults()); err != nil {
		return err
	}
	session, err := s.Dialer.Dial(ctx, a)
	if err != nil {
		return err
	}
	defer session.Close(ctx) //nolint:errcheck // nothing was said that could be lost
	_, err = session.Reach(ctx)
	return err
}

// checkSettings says what is wrong with an account's settings.
func checkSettings(a account.Account, d engine.Defaults) error {
	usage := func(err error, field, advice string) error {
		return &Error{Message: err.Error(), Advice: advice, Usage: true, Field: field}
	}
	rules, err := engine.Rules(a, d)
	if err != nil {
		return usage(err, "zone", "--zone takes an IANA name such as Europe/Berlin; see --work-days and --work-hours in the manual")
	}
	if _, err := engine.Audience(a, d); err != nil {
		return usage(err, "audience", "--audience presence, --audience open or --audience group:NAME")
	}
	if err := absence.CheckMessage("", rules.Lang); err != nil {
		return usage(err, "lang", "see --message and --lang in the manual")
	}
	if err := absence.CheckMessage(rules.Message, rules.Lang); err != nil {
		return usage(err, "message", "see --message and --lang in the manual")
	}
	for _, x := range a.Settings.Addresses {
		if u, err := url.Parse(x); err != nil || u.Scheme == "" {
			return usage(fmt.Errorf("%q is not a calendar address", x), "address", "--address mailto:ada@example.org")
		}
	}
	if a.Settings.Delegate != "" {
		if _, err := jid.Parse(a.Settings.Delegate); err != nil {
			return usage(fmt.Errorf("delegate %q is not an XMPP address", a.Settings.Delegate), "delegate", "--delegate colleague@example.org")
		}
	}
	return nil
}

// settingFields are the settings by the names of their flags.
func settingFields(s *account.Settings) map[string]*string {
	return map[string]*string{
		"zone": &s.Zone, "audience": &s.Audience, "message": &s.Message, "lang": &s.Lang, "delegate": &s.Delegate,
	}
}

// merge returns s with what change names. What is named and empty is unset.
func merge(s account.Settings, change Settings) account.Settings {
	from, to := settingFields(&change.Values), settingFields(&s)
	for _, name := range change.Named {
		if field, ok := to[name]; ok {
			*field = *from[name]
		}
		switch name {
		case "address":
			s.Addresses = slices.DeleteFunc(slices.Clone(change.Values.Addresses), func(a string) bool { return a == "" })
		case "work-days":
			s.WorkDays = change.Values.WorkDays
		case "work-hours":
			s.WorkHours = change.Values.WorkHours
		}
	}
	return s
}
