// Package metrics tells Prometheus how the daemon fares: what it did is counted
// as it is told of it ([Counters]), and how things stand is computed when it is
// asked (gauges.go).
//
// No label and no value names a person, a calendar, a server or an event: whose
// account it is, `awayd status` tells those who may ask. Every label has a fixed
// set of values, all of which are there from the start, so that the first change
// of each is seen.
package metrics

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"awayd/sync/plan"
)

// The reasons why something fails, for counting.
const (
	Credentials = "credentials" // a password or a permission
	Gone        = "gone"        // there is nothing at that address
	Unreachable = "unreachable" // no connection, or it broke
	Timeout     = "timeout"     // no answer in time
	TLS         = "tls"         // no encryption, or a certificate that is not trusted
	Busy        = "busy"        // the server asks for patience
	Fault       = "server"      // the server failed
	Refused     = "refused"     // the server will not do it
	Answer      = "answer"      // what came cannot be used
	State       = "state"       // awayd's own state cannot be read or written
	Other       = "other"
)

var (
	reasons = []string{Credentials, Gone, Unreachable, Timeout, TLS, Busy, Fault, Refused, Answer, State, Other}
	actions = []plan.Kind{plan.Stage, plan.Unstage, plan.Reveal, plan.Amend, plan.Withdraw, plan.Yield}
	flips   = []plan.Kind{plan.Reveal, plan.Amend, plan.Withdraw}
)

const (
	ok     = "ok"
	failed = "failed"
)

// Counters count what they are told. They implement the engine's Observer.
type Counters struct {
	reason   func(error) string
	polls    *prometheus.HistogramVec // by outcome
	failures *prometheus.CounterVec   // of polls, by reason
	stumbles *prometheus.CounterVec   // by reason
	acts     *prometheus.CounterVec   // by action and outcome
	lag      *prometheus.HistogramVec // by action
}

// NewCounters returns counters of nothing. reason gives an error one of the
// reasons above; what it makes up counts as [Other].
func NewCounters(reason func(error) string) *Counters {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help, label string, buckets ...float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, []string{label})
	}
	c := &Counters{
		reason: reason,
		polls: histogram("awayd_poll_duration_seconds", "How long calendars took to answer, or to fail.", "outcome",
			.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120),
		failures: counter("awayd_poll_failures_total", "Polls of calendars that failed, by the sort of reason.", "reason"),
		stumbles: counter("awayd_xmpp_failures_total", "Attempts to bring a node in step that failed, by the sort of reason.", "reason"),
		acts:     counter("awayd_actions_total", "Actions on nodes that were tried.", "action", "outcome"),
		lag: histogram("awayd_flip_lag_seconds", "From the instant at which contacts should have seen a change until they could.", "action",
			.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200),
	}
	for _, r := range reasons {
		c.failures.WithLabelValues(r)
		c.stumbles.WithLabelValues(r)
	}
	for _, outcome := range []string{ok, failed} {
		c.polls.WithLabelValues(outcome)
		for _, a := range actions {
			c.acts.WithLabelValues(string(a), outcome)
		}
	}
	for _, a := range flips {
		c.lag.WithLabelValues(string(a))
	}
	return c
}

// collectors are what a registry is to have.
func (c *Counters) collectors() []prometheus.Collector {
	return []prometheus.Collector{c.polls, c.failures, c.stumbles, c.acts, c.lag}
}

// Polled counts a poll of a calendar.
func (c *Counters) Polled(took time.Duration, err error) {
	c.polls.WithLabelValues(outcome(err)).Observe(took.Seconds())
	if err != nil {
		c.failures.WithLabelValues(c.known(err)).Inc()
	}
}

// Acted counts an action.
func (c *Counters) Acted(kind plan.Kind, err error) {
	c.acts.WithLabelValues(string(kind), outcome(err)).Inc()
}

// Flipped counts a change that contacts see.
func (c *Counters) Flipped(kind plan.Kind, late time.Duration) {
	c.lag.WithLabelValues(string(kind)).Observe(late.Seconds())
}

// Stumbled counts a node that could not be brought in step.
func (c *Counters) Stumbled(err error) { c.stumbles.WithLabelValues(c.known(err)).Inc() }

// known keeps the set of reasons what it is.
func (c *Counters) known(err error) string {
	if r := c.reason(err); slices.Contains(reasons, r) {
		return r
	}
	return Other
}

func outcome(err error) string {
	if err != nil {
		return failed
	}
	return ok
}
