package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"awayd/sync/account"
	"awayd/sync/gate"
)

// Config is what an Engine is made of.
type Config struct {
	Store     Store
	Calendars Calendars
	Dialer    Dialer
	Notifier  Notifier // nil: nobody is told what a person cannot be
	Defaults  Defaults
	Log       *slog.Logger
	// Observer measures; nil: nobody does.
	Observer Observer
	Sessions Sessions // zero: DefaultSessions
	// Now tells the wall clock; nil means time.Now.
	Now func() time.Time
}

// An Engine runs all accounts of one state.
type Engine struct {
	store     Store
	calendars Calendars
	dialer    Dialer
	herald    *herald
	observer  Observer
	log       *slog.Logger
	now       func() time.Time
	logins    *gate.Gate
	sessions  Sessions
	polls     *gate.Gate // of calendars, by host
	quiet     quiet

	mu       sync.Mutex
	defaults Defaults
	schedule cron.Schedule
	actors   map[string]*actor
	failed   map[string]*failure // accounts that could not be taken up
	ctx      context.Context     // of Run or Load; nil before
	passive  bool                // loaded only
	running  sync.WaitGroup
	linking  sync.Mutex // held while an account is linked for the first time
}

// ErrUnknownAccount says that no account with that address is linked.
var ErrUnknownAccount = errors.New("no such account is linked")

// errStopped ends commands that arrive while the engine stops.
var errStopped = errors.New("awayd is stopping")

// New returns an engine that does nothing until [Engine.Run].
func New(c Config) (*Engine, error) {
	schedule, err := ParseSchedule(c.Defaults.Poll)
	if err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	now := func() time.Time { return wall(c.Now()) }
	if c.Observer == nil {
		c.Observer = nobody{}
	}
	if c.Sessions == (Sessions{}) {
		c.Sessions = DefaultSessions
	}
	return &Engine{
		sessions: c.Sessions, store: c.Store, calendars: c.Calendars, dialer: c.Dialer, observer: c.Observer,
		herald: newHerald(c.Notifier, c.Log),
		log:    c.Log, now: now, defaults: c.Defaults, schedule: schedule,
		logins: gate.New(calmLogins, urgentLogins, loginPace),
		polls:  gate.New(calmPolls, urgentPolls, pollPace),
		actors: make(map[string]*actor),
		failed: make(map[string]*failure),
	}, nil
}

// Load makes the accounts known, so that questions about them are answered from
// what is stored. Nothing is polled and nothing is sent: that is for
// [Engine.Run], which needs no Load.
func (e *Engine) Load(ctx context.Context) error {
	return e.load(ctx, true, func(*actor, int) {})
}

// Run keeps the accounts in step until ctx ends. It calls ready once every
// account is being looked after.
func (e *Engine) Run(ctx context.Context, ready func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer e.running.Wait()
	defer cancel()
	e.running.Go(func() { e.herald.run(ctx) })
	e.running.Go(func() { e.tellQuiet(ctx) })
	e.running.Go(func() { watchClock(ctx, e.now, e.clockChanged) })
	start := func(a *actor, all int) {
		// At once by those with something due, and by the others one after another.
		a.begin = e.now().Add(spread(a.jid, time.Duration(all-1)*startPace))
		e.running.Go(a.run)
	}
	if err := e.load(ctx, false, start); err != nil {
		return err
	}
	e.running.Go(func() { e.retryFailed(ctx, start) })
	if ready != nil {
		ready()
	}
	<-ctx.Done()
	return nil
}

// clockChanged has every owner follow the clock.
func (e *Engine) clockChanged(by time.Duration) {
	e.log.Warn("the wall clock was changed", "by", by.Round(time.Millisecond))
	for _, a := range e.all() {
		a.wake(by)
	}
}

func (e *Engine) all() []*actor {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]*actor, 0, len(e.actors))
	for _, a := range e.actors {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b *actor) int { return strings.Compare(a.jid, b.jid) })
	return list
}

func (e *Engine) actor(jid string) (*actor, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if a, ok := e.actors[jid]; ok {
		return a, nil
	}
	if f, ok := e.failed[jid]; ok {
		return nil, fmt.Errorf("%s could not be taken up: %w", jid, f.err)
	}
	return nil, fmt.Errorf("%s: %w", jid, ErrUnknownAccount)
}

// Reload makes new defaults hold for every account.
func (e *Engine) Reload(ctx context.Context, d Defaults) error {
	schedule, err := ParseSchedule(d.Poll)
	if err != nil {
		return err
	}
	e.mu.Lock()
	e.defaults, e.schedule = d, schedule
	e.mu.Unlock()
	// Side by side: an account whose owner is busy keeps nobody else waiting.
	ctx, cancel := context.WithTimeout(ctx, reloadLimit)
	defer cancel()
	actors := e.all()
	errs := make([]error, len(actors))
	var all sync.WaitGroup
	for i, a := range actors {
		all.Go(func() {
			errs[i] = a.do(ctx, func(context.Context) error { return a.adopt(a.acct) })
			if errors.Is(errs[i], context.DeadlineExceeded) {
				a.stale.Store(true) // its next turn takes the defaults up
				errs[i] = nil
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// startPace is how far apart accounts first look at their nodes and calendars
// after a start.
const startPace = 50 * time.Millisecond

// reloadLimit is how long a reload waits for an account's owner.
const reloadLimit = 2 * time.Second

// settings returns the defaults and schedule that hold now.
func (e *Engine) settings() (Defaults, cron.Schedule) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.defaults, e.schedule
}

// Defaults returns the daemon-wide settings that hold now.
func (e *Engine) Defaults() Defaults {
	d, _ := e.settings()
	return d
}

// Link makes change to an account and takes it up at once; one that is not
// linked yet begins empty. Its owner makes the change, so that what another
// command changed meanwhile stays.
func (e *Engine) Link(ctx context.Context, jid string, change func(*account.Account)) error {
	if a, err := e.actor(jid); err == nil {
		return a.do(ctx, func(ctx context.Context) error { return a.link(ctx, change) })
	}
	e.linking.Lock() // two first links of one address
	defer e.linking.Unlock()
	switch a, err := e.actor(jid); {
	case err == nil:
		return a.do(ctx, func(ctx context.Context) error { return a.link(ctx, change) })
	case !errors.Is(err, ErrUnknownAccount):
		return err
	}
	acct := account.Account{JID: jid, Mode: account.Auto, Linked: e.now()}
	change(&acct)
	saved, err := e.saveLinked(ctx, acct)
	if err != nil {
		return err
	}
	a, err := e.own(saved)
	if err != nil {
		return err
	}
	e.running.Go(a.run)
	return nil
}

// saveLinked saves an account and logs what it is linked to.
func (e *Engine) saveLinked(ctx context.Context, acct account.Account) (account.Account, error) {
	saved, err := e.store.SaveAccount(ctx, acct)
	if err != nil {
		return saved, fmt.Errorf("save %s: %w", acct.JID, err)
	}
	names := make([]string, len(saved.Calendars))
	for i, c := range saved.Calendars {
		names[i] = c.Name
	}
	if err := e.store.Append(ctx, account.Entry{
		Time: e.now(), Account: saved.JID, Kind: account.KindLink, Outcome: account.OK,
		Reason: "linked to " + quoted(names),
	}); err != nil {
		return saved, fmt.Errorf("log the link: %w", err)
	}
	return saved, nil
}

// Unlink withdraws what is published, unless keep is set, and forgets the
// account.
func (e *Engine) Unlink(ctx context.Context, jid string, keep bool) error {
	a, err := e.actor(jid)
	switch {
	case errors.Is(err, ErrUnknownAccount):
		return err
	case err != nil && !keep:
		return &UnlinkError{JID: jid, Err: err}
	case err != nil:
		return e.forget(ctx, jid)
	}
	if err := a.do(ctx, func(ctx context.Context) error { return a.unlink(ctx, keep) }); err != nil {
		return err
	}
	e.mu.Lock()
	delete(e.actors, jid)
	e.mu.Unlock()
	a.stop()
	e.herald.report(jid, report{})
	return nil
}

// Status returns the state of one account, or of all when jid is empty.
func (e *Engine) Status(jid string) ([]Status, error) {
	if jid != "" {
		a, err := e.actor(jid)
		if err != nil {
			return nil, err
		}
		return []Status{a.snapshot()}, nil
	}
	list := []Status{}
	for _, a := range e.all() {
		list = append(list, a.snapshot())
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, jid := range slices.Sorted(maps.Keys(e.failed)) {
		list = append(list, failedStatus(jid, e.failed[jid].err))
	}
	return list, nil
}

// Account returns an account as it is linked now.
func (e *Engine) Account(ctx context.Context, jid string) (acct account.Account, err error) {
	err = e.command(ctx, jid, func(_ context.Context, a *actor) error {
		acct = a.acct
		acct.Calendars = slices.Clone(acct.Calendars) // the owner goes on writing to its own
		return nil
	})
	return acct, err
}

// Set changes an account's settings, or takes calendars from it.
func (e *Engine) Set(ctx context.Context, jid string, change func(*account.Account) error) error {
	return e.command(ctx, jid, func(ctx context.Context, a *actor) error { return a.set(ctx, change) })
}

// Pause leaves an account's node alone until [Engine.Resume].
func (e *Engine) Pause(ctx context.Context, jid string) error {
	return e.command(ctx, jid, func(ctx context.Context, a *actor) error { return a.setMode(ctx, account.Paused) })
}

// Resume takes part again.
func (e *Engine) Resume(ctx context.Context, jid string) error {
	return e.command(ctx, jid, func(ctx context.Context, a *actor) error { return a.setMode(ctx, account.Auto) })
}

// Withdraw ends the out-of-office that is live now, and returns when the
// server confirmed it.
func (e *Engine) Withdraw(ctx context.Context, jid string) error {
	return e.command(ctx, jid, func(ctx context.Context, a *actor) error { return a.withdraw(ctx) })
}

// Preview returns what an account's calendars would do in [from, to), from
// what was last polled.
func (e *Engine) Preview(ctx context.Context, jid string, from, to time.Time) (p Preview, err error) {
	err = e.command(ctx, jid, func(_ context.Context, a *actor) error {
		p, err = a.preview(from, to)
		return err
	})
	return p, err
}

// Sync polls the calendars of one account, or of all, and returns when what
// they brought has been acted on. With accept, a calendar that came back empty
// is believed.
func (e *Engine) Sync(ctx context.Context, jid string, accept bool) ([]SyncResult, error) {
	actors := e.all()
	if jid != "" {
		a, err := e.actor(jid)
		if err != nil {
			return nil, err
		}
		actors = []*actor{a}
	}
	results := make([]SyncResult, len(actors))
	var all sync.WaitGroup
	for i, a := range actors {
		all.Go(func() { results[i] = a.sync(ctx, accept) })
	}
	all.Wait()
	return results, nil
}

// command runs f on the goroutine that owns the account.
func (e *Engine) command(ctx context.Context, jid string, f func(context.Context, *actor) error) error {
	a, err := e.actor(jid)
	if err != nil {
		return err
	}
	return a.do(ctx, func(ctx context.Context) error { return f(ctx, a) })
}
