package control

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"awayd/sync/account"
	"awayd/sync/engine"
)

// checkLimit bounds the examination of one calendar or server.
const checkLimit = 30 * time.Second

// check examines every calendar and every XMPP login, side by side.
func (s *Server) check(ctx context.Context) ([]Finding, error) {
	accounts, err := s.Store.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	list := []Finding{{Subject: "state", OK: true, Detail: fmt.Sprintf("%d accounts", len(accounts))}}
	var probes []func(context.Context) []Finding
	for _, a := range accounts {
		probes = append(probes, func(ctx context.Context) []Finding { return s.checkLogin(ctx, a) })
		for _, c := range a.Calendars {
			probes = append(probes, func(ctx context.Context) []Finding { return []Finding{s.checkCalendar(ctx, a, c)} })
		}
	}
	probes = append(probes, s.checkNotifier)
	findings := make([][]Finding, len(probes))
	var all sync.WaitGroup
	for i, probe := range probes {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, checkLimit)
			defer cancel()
			findings[i] = probe(ctx)
		})
	}
	all.Wait()
	return onePerClock(append(list, slices.Concat(findings...)...)), nil
}

func (s *Server) checkLogin(ctx context.Context, a account.Account) []Finding {
	f := Finding{Subject: "XMPP login of " + a.JID}
	session, err := s.Dialer.Dial(ctx, a)
	if err != nil {
		f.Detail, f.Hint = err.Error(), hint(err)
		return []Finding{f}
	}
	defer session.Close(ctx) //nolint:errcheck // nothing was said that could be lost
	clock := s.checkClock(ctx, session, a.JID)
	o, err := session.Look(ctx)
	if err != nil {
		f.Detail, f.Hint = err.Error(), hint(err)
		return append(clock, f)
	}
	if reach, err := session.Reach(ctx); err != nil {
		f.Detail, f.Hint = err.Error(), hint(err)
		return append(clock, f)
	} else if c := reach.Circle; c != nil && c.Contacts == 0 {
		audience, _ := engine.Audience(a, s.Engine.Defaults())
		f.Detail, f.Hint = c.Warning(audience), "put contacts into the group, or choose another with awayd set --audience "+a.JID
		return append(clock, f)
	}
	f.OK, f.Detail = true, "no out-of-office node yet"
	if o.Exists {
		f.Detail = fmt.Sprintf("out-of-office node with access model %s", o.Access)
	}
	if name := session.Server(); name != "" {
		f.Detail = name + ", " + f.Detail
	}
	return append(clock, f)
}

func (s *Server) checkCalendar(ctx context.Context, a account.Account, c account.Calendar) Finding {
	f := Finding{Subject: fmt.Sprintf("calendar %q of %s", c.Name, a.JID)}
	src, err := s.Finder.Open(c)
	if err == nil {
		_, _, err = src.Poll(ctx, c.Cursor)
	}
	if err != nil {
		f.Detail, f.Hint = err.Error(), hint(err)
		return f
	}
	f.OK, f.Detail = true, "answers at "+account.ShortURL(c.URL)
	return f
}
