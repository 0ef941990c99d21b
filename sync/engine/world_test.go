package engine

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/plan"
)

const ada = "ada@example.org"

// A world is one account with a calendar, a node and a state, all in memory,
// each of which can be made to fail.
type world struct {
	t      *testing.T
	logger *slog.Logger
	mu     sync.Mutex
	events []absence.Object
	kept   []absence.Object // for a test to put back
	zone   string           // the calendar's
	polls  int
	calErr error
	takes  time.Duration // to poll
	unread int           // so many polls do not read everything, each lacks an event less than the one before
	halted error         // why not; nil: for want of time

	node      plan.Observed
	broken    chan struct{} // closed: the sessions that are open are lost
	dials     int
	open      int // sessions
	dialErr   error
	dialTakes time.Duration
	hangUntil time.Time // logins begun before never come to an end
	lookTakes time.Duration
	lookWaits time.Duration // behind other accounts of the server, before it is asked
	doErr     error
	doTakes   time.Duration
	refusal   error // of whatever would change the node; what is asked is answered
	openly    bool  // the server has no publish-options
	shown     string
	shows     int // how often contacts were sent another presence
	showTakes time.Duration
	answer    time.Duration // the pace last set
	ping      time.Duration
	hurried   time.Time // from when on, by the real clock
	news      chan struct{}

	activities    bool // the daemon keeps activities
	activity      plan.ActivityNode
	activityAsked int
	activityErr   error
	activityTakes time.Duration      // until it is told
	meanwhile     *plan.ActivityItem // what the person sets just before the next SetActivity
	activitySet   []plan.ActivityStep
	done          []performed

	letters   []string // to persons: the address and the text
	tellErr   error
	tellTakes time.Duration
	notified  []string // to notify_jid, which is there if not nil
	notifyErr error
	serverOff time.Duration // of the server's clock
	noTime    bool          // the server does not tell it

	told      []account.Notice
	journal   plan.Journal
	observed  plan.Observed
	storeErr  error
	calm      bool  // a poll lists what there is, and brings no changes
	pollErr   error // of what polls brought
	loadErr   error // of what they had brought before
	loads     int
	loadTakes time.Duration // of all accounts but those for whom something is due
	quiet     []map[int64]account.Poll
	acct      account.Account
	objects   []account.CachedObject
	suppress  []account.Suppression
	log       []account.Entry

	ready    func() // the engine is there, and does not run yet; nil: nothing then
	schedule string // of polls
	nowhere  bool   // the configuration names no zone
	began    time.Time
	offset   time.Duration // of the wall clock
	asked    time.Time     // when the wall clock was last asked for
	times    int           // how often at that moment
	observer Observer
	store    Store                         // nil: the world itself
	source   func(account.Calendar) Source // nil: the world itself
	engine   *Engine
}

// performed is an action as the node saw it.
type performed struct {
	at      time.Time // on the wall clock
	real    time.Time
	hurried bool // its requests go before those of other sessions
	plan.Action
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, logger: slog.New(slog.DiscardHandler), broken: make(chan struct{}), schedule: "@every 5m", began: time.Now()}
	w.acct = account.Account{
		JID: ada, Mode: account.Auto, Settings: account.Settings{Zone: "UTC"},
		Calendars: []account.Calendar{{ID: 1, Name: "Vacations", EveryEvent: true}},
	}
	return w
}

// now is what the wall clock shows.
func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.offset)
}

// clock is what the engine reads: both clocks, as of time.Now outside a bubble.
// What happens to the wall clock leaves the monotonic one alone. Who asks again
// and again without time going by is stopped.
func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if !now.Equal(w.asked) {
		w.asked, w.times = now, 0
	}
	if w.times++; w.times > 10_000 {
		w.t.Error("the engine runs in a loop")
		runtime.Goexit()
	}
	return bothClocks(now.Add(w.offset), now.Sub(w.began))
}

// outside is a time that was not read in a bubble, and so of both clocks.
var outside = time.Now()

// bothClocks returns a time as time.Now would, had the clocks shown these: in a
// bubble, time.Now leaves the monotonic one out.
func bothClocks(wall time.Time, monotonic time.Duration) time.Time {
	t := outside.Add(wall.Sub(outside)) // moves both
	parts := (*struct {
		wall      uint64
		monotonic int64
		loc       *time.Location
	})(unsafe.Pointer(&t))
	parts.monotonic = int64(monotonic)
	return t
}

// run starts an engine over the world; the returned function stops it.
func (w *world) run() (stop func()) {
	settings := rules()
	if w.nowhere {
		settings.Zone = nil
	}
	if w.store == nil {
		w.store = w
	}
	e, err := New(Config{
		Store: w.store, Calendars: w, Dialer: w, Notifier: w, Now: w.clock, Observer: w.observer,
		Log: w.logger,
		Defaults: Defaults{
			Poll: w.schedule, Presence: true, Activity: w.activities, Messages: true, Rules: settings, System: time.UTC,
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.engine = e
	if w.ready != nil {
		w.ready()
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx, nil) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	}
}

// rules do not bridge, so that test vacations may lie close together.
func rules() absence.Settings {
	s := absence.Defaults()
	s.Bridge = false
	return s
}

// vacation puts an event into the calendar, from and to hours from now.
func (w *world) vacation(uid string, from, to time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := func(d time.Duration) absence.DateTime {
		return absence.DateTime{Wall: time.Now().UTC().Add(d).Truncate(time.Second), Zone: time.UTC}
	}
	end := at(to)
	w.events = append(w.events, absence.Object{Href: "/" + uid, ETag: "1", Events: []absence.Event{{
		UID: uid, Start: at(from), End: &end, Summary: "Vacation " + uid,
	}}})
}

func (w *world) kinds() []plan.Kind {
	w.mu.Lock()
	defer w.mu.Unlock()
	var k []plan.Kind
	for _, p := range w.done {
		k = append(k, p.Kind)
	}
	return k
}

// look returns what the node holds, how the person is shown, and what was
// performed.
func (w *world) look() (plan.Observed, string, []performed) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.node, w.shown, slices.Clone(w.done)
}

func (w *world) logged(k account.Kind) []account.Entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []account.Entry
	for _, e := range w.log {
		if e.Kind == k {
			list = append(list, e)
		}
	}
	return list
}

func (w *world) status() Status {
	w.t.Helper()
	synctest.Wait()
	list, err := w.engine.Status(ada)
	if err != nil {
		w.t.Fatal(err)
	}
	return list[0]
}

func (w *world) expect(want ...plan.Kind) {
	w.t.Helper()
	synctest.Wait()
	if got := w.kinds(); !slices.Equal(got, want) {
		w.t.Fatalf("performed %v, want %v", got, want)
	}
}

// after waits for d, unless ctx ends before. For nothing it makes no timer: those
// that are over at once, in two goroutines of a bubble, crash the race detector
// of Go 1.26 (runtime.(*timer).maybeRunChan).
func after(ctx context.Context, d time.Duration) error {
	if d > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
	}
	return ctx.Err()
}

// Poll implements Source.
func (w *world) Poll(ctx context.Context, _ string) (absence.Delta, string, error) {
	w.mu.Lock()
	events := slices.Clone(w.events) // as the server read them, whatever comes before it answers
	w.mu.Unlock()
	if err := after(ctx, w.takes); err != nil {
		return absence.Delta{}, "", err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.polls++
	if w.calErr != nil {
		return absence.Delta{}, "", w.calErr
	}
	d := absence.Delta{Changed: events, Listing: []string{}, Zone: w.zone}
	if w.calm {
		d.Changed = nil
	}
	for _, o := range events {
		d.Listing = append(d.Listing, o.Href)
	}
	if w.unread > 0 {
		d = absence.Delta{More: true, Halted: w.halted, Changed: events[:max(len(events)-w.unread, 1)]}
		w.unread--
	}
	return d, fmt.Sprint(w.polls), nil
}

// Open implements Calendars.
func (w *world) Open(c account.Calendar) (Source, error) {
	if w.source != nil {
		return w.source(c), nil
	}
	return w, nil
}

// Dial implements Dialer.
func (w *world) Dial(ctx context.Context, _ account.Account) (Connection, error) {
	w.mu.Lock()
	w.dials++
	takes := w.dialTakes
	if time.Now().Before(w.hangUntil) {
		takes = 1000 * time.Hour
	}
	w.mu.Unlock()
	if err := after(ctx, takes); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dialErr != nil {
		return nil, w.dialErr
	}
	w.open++
	return &session{world: w, done: w.broken, dead: make(chan struct{})}, nil
}

// Ready implements Notifier.
func (w *world) Ready() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.notified != nil
}

// Notify implements Notifier.
func (w *world) Notify(_ context.Context, text string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.notifyErr != nil {
		return w.notifyErr
	}
	w.notified = append(w.notified, text)
	return nil
}

// The rest implements Store.

func (w *world) Notices(context.Context, string) ([]account.Notice, error) {
	return slices.Clone(w.told), nil
}

func (w *world) SaveNotices(_ context.Context, _ string, list []account.Notice) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.storeErr != nil {
		return w.storeErr
	}
	w.told = slices.Clone(list)
	return nil
}

func (w *world) Accounts(context.Context) ([]account.Account, error) {
	time.Sleep(w.loadTakes)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.acct.JID == "" {
		return nil, nil
	}
	return []account.Account{w.acct}, nil
}

func (w *world) Account(context.Context, string) (account.Account, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.acct, nil
}

func (w *world) Pressing(_ context.Context, now time.Time) ([]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.journal.Presses(now) {
		return []string{w.acct.JID}, nil
	}
	return nil, nil
}

func (w *world) SaveAccount(_ context.Context, a account.Account) (account.Account, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acct = a
	return a, nil
}

func (w *world) DeleteAccount(context.Context, string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acct = account.Account{}
	return nil
}

func (w *world) Journal(context.Context, string) (plan.Journal, error) { return w.journal, nil }

func (w *world) SaveJournal(_ context.Context, _ string, j plan.Journal) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.storeErr != nil {
		return w.storeErr
	}
	w.journal = j
	return nil
}

func (w *world) SaveObserved(_ context.Context, _ string, o plan.Observed, _ time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.observed = o
	return nil
}

func (w *world) Observed(context.Context, string) (plan.Observed, time.Time, error) {
	return w.observed, time.Time{}, nil
}

func (w *world) Objects(context.Context, int64) ([]account.CachedObject, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loads++
	return slices.Clone(w.objects), w.loadErr
}

func (w *world) SavePoll(_ context.Context, _ int64, p account.Poll) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pollErr != nil {
		return w.pollErr
	}
	if p.Error != "" {
		return nil
	}
	gone := func(o account.CachedObject) bool {
		return slices.Contains(p.Removed, o.Href) || slices.ContainsFunc(p.Changed, func(c absence.Object) bool { return c.Href == o.Href })
	}
	w.objects = slices.DeleteFunc(w.objects, gone)
	for _, o := range p.Changed {
		w.objects = append(w.objects, account.CachedObject{Object: o})
	}
	for i := range w.objects {
		w.objects[i].Missing = slices.Contains(p.Missing, w.objects[i].Href)
	}
	return nil
}

func (w *world) SaveQuiet(_ context.Context, polls map[int64]account.Poll) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.storeErr != nil {
		return w.storeErr
	}
	w.quiet = append(w.quiet, polls)
	return nil
}

func (w *world) Suppressions(context.Context, string) ([]account.Suppression, error) {
	return w.suppress, nil
}

func (w *world) Suppress(_ context.Context, _ string, s []account.Suppression) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.storeErr != nil {
		return w.storeErr
	}
	w.suppress = append(w.suppress, s...)
	return nil
}

func (w *world) Append(_ context.Context, e account.Entry) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, e)
	return nil
}

func (w *world) Log(context.Context, account.LogFilter) ([]account.Entry, error) { return w.log, nil }
