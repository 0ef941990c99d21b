package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"awayd/sync/account"
	"awayd/sync/engine"
)

// The states of awayd_accounts. Each account is in one of them, the first that
// holds.
var healths = []string{string(account.Paused), engine.HealthError, engine.HealthHeld, engine.ModeOverridden, engine.HealthOK}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	buildInfo = describe("awayd_build_info", "Always 1.", "version", "goversion")
	startTime = describe("awayd_start_timestamp_seconds", "When this daemon started.")
	accounts  = describe("awayd_accounts", "Linked accounts; each is in one state, the first that holds.", "health")
	sessions  = describe("awayd_xmpp_sessions", "XMPP connections that are logged in.")
	resting   = describe("awayd_xmpp_resting", "Accounts without a connection because nothing is due.")
	nextFlip  = describe("awayd_next_flip_seconds", "Until contacts of some account will see a change; 0 if it is due. Missing if none is ahead.")
	overdue   = describe("awayd_flips_overdue", "Accounts whose contacts see something else than they should.")
	overdueBy = describe("awayd_flip_overdue_seconds", "How long the worst of them has been due; 0 if there is none.")
	calendars = describe("awayd_calendars", "Linked calendars.")
	failing   = describe("awayd_calendars_failing", "Calendars whose last poll failed.")
	failingBy = describe("awayd_calendar_failing_seconds", "How long ago the worst of them was read last, or linked; 0 if there is none.")
	lastPoll  = describe("awayd_last_successful_poll_timestamp_seconds", "When some calendar was read last. Missing if none ever was.")
	logSize   = describe("awayd_sync_log_entries", "Entries of the sync log.")
	dbSize    = describe("awayd_database_bytes", "Size of the database on disk.")
)

// usageLimit bounds what a scrape waits for the database.
const usageLimit = 5 * time.Second

// Gauges tell how things stand when they are asked.
type gauges struct{ Config }

// Describe implements prometheus.Collector.
func (g gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		buildInfo, startTime, accounts, sessions, resting, nextFlip, overdue, overdueBy, calendars, failing, failingBy, lastPoll, logSize, dbSize,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (g gauges) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(buildInfo, 1, g.Version, g.GoVersion)
	gauge(startTime, seconds(g.Started))
	if list, err := g.Status(); err == nil {
		standing(list, g.Now()).tell(gauge)
	} else {
		ch <- prometheus.NewInvalidMetric(accounts, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), usageLimit)
	defer cancel()
	entries, bytes, err := g.Usage(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(logSize, err) // the rest is told all the same
		return
	}
	gauge(logSize, float64(entries))
	gauge(dbSize, float64(bytes))
}

// A stand is how all accounts stand, added up.
type stand struct {
	health                      map[string]int
	sessions, resting           int
	overdue, calendars, failing int

	flips     bool          // one is ahead or due
	next      time.Duration // until it
	overdueBy time.Duration
	failingBy time.Duration
	read      time.Time
}

func standing(list []engine.Status, now time.Time) stand {
	s := stand{health: make(map[string]int)}
	for _, a := range list {
		s.health[healthOf(a)]++
		if a.XMPP.Connected {
			s.sessions++
		}
		if a.XMPP.Resting {
			s.resting++
		}
		s.addFlip(a, now)
		for _, c := range a.Calendars {
			s.addCalendar(c, now)
		}
	}
	return s
}

func healthOf(a engine.Status) string {
	switch {
	case a.Mode == string(account.Paused):
		return a.Mode
	case a.Health == engine.HealthError, a.Health == engine.HealthHeld:
		return a.Health
	case a.Mode == engine.ModeOverridden:
		return a.Mode
	}
	return engine.HealthOK
}

// addFlip reads what an account's owner told last. One that is busy with a flip
// since has not told yet that it is late.
func (s *stand) addFlip(a engine.Status, now time.Time) {
	due := a.Late
	if due.IsZero() && a.Flip != nil && a.Flip.At.Before(now) {
		due = a.Flip.At
	}
	if !due.IsZero() {
		s.overdue++
		s.overdueBy = max(s.overdueBy, now.Sub(due))
		s.flips, s.next = true, 0
		return
	}
	if a.Flip == nil {
		return
	}
	if until := a.Flip.At.Sub(now); !s.flips || until < s.next {
		s.flips, s.next = true, until
	}
}

func (s *stand) addCalendar(c engine.CalendarStatus, now time.Time) {
	s.calendars++
	if c.Error != "" {
		s.failing++
	}
	if !c.Failing.IsZero() {
		s.failingBy = max(s.failingBy, now.Sub(c.Failing))
	}
	if c.LastOK != nil && c.LastOK.After(s.read) {
		s.read = *c.LastOK
	}
}

func (s stand) tell(gauge func(*prometheus.Desc, float64, ...string)) {
	for _, h := range healths {
		gauge(accounts, float64(s.health[h]), h)
	}
	gauge(sessions, float64(s.sessions))
	gauge(resting, float64(s.resting))
	if s.flips {
		gauge(nextFlip, s.next.Seconds())
	}
	gauge(overdue, float64(s.overdue))
	gauge(overdueBy, s.overdueBy.Seconds())
	gauge(calendars, float64(s.calendars))
	gauge(failing, float64(s.failing))
	gauge(failingBy, s.failingBy.Seconds())
	if !s.read.IsZero() {
		gauge(lastPoll, seconds(s.read))
	}
}

// seconds is t as Prometheus counts.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
