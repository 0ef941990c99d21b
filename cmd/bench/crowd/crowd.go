// Package crowd is many people for the engine: calendars and XMPP servers in
// memory, which answer at once, so that what is measured is the engine and its
// state. It knows when each person is away, and judges what contacts could see.
package crowd

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/engine"
	"awayd/sync/plan"
)

// A Store is the state that a crowd is linked in.
type Store interface {
	engine.Store
	PruneLog(ctx context.Context, before time.Time) error
	PruneSuppressions(ctx context.Context, now time.Time) error
}

// A Crowd is the people, and what is counted of what awayd does for them. It
// implements what an engine asks for.
type Crowd struct {
	random *rand.Rand
	zone   *time.Location
	now    func() time.Time

	mu     sync.Mutex
	people map[string]*person // by JID, which is their calendar's URL, too
	counts Counts
	open   int
}

// Counts are what awayd did.
type Counts struct {
	Polls, Logins, Looks int
	Actions              map[plan.Kind]int
	Sessions             int           // most at once
	Late                 time.Duration // the most that a start or an end was
	Early                int           // messages that could be seen before their start
}

// A person has a calendar and a node.
type person struct {
	jid     string
	objects []absence.Object
	changes int // of the calendar so far
	node    plan.Observed
}

// New returns a crowd of n people without absences.
func New(n int, seed uint64, now func() time.Time) (*Crowd, error) {
	zone, err := absence.LoadZone("Europe/Berlin")
	if err != nil {
		return nil, fmt.Errorf("load zone: %w", err)
	}
	c := &Crowd{
		random: rand.New(rand.NewPCG(seed, 0)), zone: zone, now: now,
		people: make(map[string]*person, n), counts: Counts{Actions: make(map[plan.Kind]int)},
	}
	for i := range n {
		jid := name(i)
		c.people[jid] = &person{jid: jid}
	}
	return c, nil
}

func name(i int) string { return fmt.Sprintf("person%05d@example.org", i) }

// Link links everybody.
func (c *Crowd) Link(ctx context.Context, s Store) error {
	for i := range len(c.people) {
		jid := name(i)
		if _, err := s.SaveAccount(ctx, account.Account{
			JID: jid, Mode: account.Auto, Linked: c.now(), Settings: account.Settings{Zone: c.zone.String()},
			Login:     account.Login{Password: account.NewSecret("secret")},
			Calendars: []account.Calendar{{Name: "Vacations", URL: account.NewSecret("https://dav.example.org/" + jid), EveryEvent: true}},
		}); err != nil {
			return fmt.Errorf("link %s: %w", jid, err)
		}
	}
	return nil
}

// Plan puts an absence of whole days into the calendar of person i.
func (c *Crowd) Plan(i int, from time.Time, days int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.people[name(i)]
	p.changes++
	day := func(t time.Time) absence.DateTime {
		y, m, d := t.In(c.zone).Date()
		return absence.DateTime{Wall: time.Date(y, m, d, 0, 0, 0, 0, time.UTC), Date: true}
	}
	end := day(from.AddDate(0, 0, days))
	uid := fmt.Sprintf("%d-%s", p.changes, p.jid)
	p.objects = append(p.objects, absence.Object{Href: "/" + uid, ETag: fmt.Sprint(p.changes), Events: []absence.Event{{
		UID: uid, Start: day(from), End: &end, Summary: "Vacation",
	}}})
}

// PlanAtRandom puts an absence of up to ten days somewhere into the calendar of
// somebody, between from and to.
func (c *Crowd) PlanAtRandom(from, to time.Time) {
	i, days := c.random.IntN(len(c.people)), 1+c.random.IntN(10)
	c.Plan(i, from.Add(time.Duration(c.random.Int64N(int64(to.Sub(from))))), days)
}

// Counts returns what was counted so far.
func (c *Crowd) Counts() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts
}

// Visible is how many people have a message that contacts can see.
func (c *Crowd) Visible() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.people {
		if !p.node.Hidden() && len(p.node.Items) > 0 {
			n++
		}
	}
	return n
}

// Config is what an engine for the crowd is made of.
func (c *Crowd) Config(s Store, poll string) engine.Config {
	rules := absence.Defaults()
	return engine.Config{
		Store: s, Calendars: c, Dialer: c, Now: c.now, Log: slog.New(slog.DiscardHandler),
		Defaults: engine.Defaults{Poll: poll, Presence: true, Activity: true, Messages: true, Rules: rules, System: time.UTC},
	}
}

// Open implements [engine.Calendars].
func (c *Crowd) Open(a account.Calendar) (engine.Source, error) {
	p := c.people[a.URL.Reveal()[len("https://dav.example.org/"):]]
	if p == nil {
		return nil, fmt.Errorf("open calendar %q: nobody's", a.Name)
	}
	return &source{c, p}, nil
}

// A source is one person's calendar. Its cursor is how many changes were read.
type source struct {
	*Crowd
	*person
}

// Poll implements [engine.Source].
func (s *source) Poll(_ context.Context, cursor string) (absence.Delta, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Polls++
	next := fmt.Sprint(s.changes)
	if cursor == next {
		return absence.Delta{Unchanged: true}, next, nil
	}
	d := absence.Delta{Changed: slices.Clone(s.objects), Listing: []string{}}
	for _, o := range s.objects {
		d.Listing = append(d.Listing, o.Href)
	}
	return d, next, nil
}
