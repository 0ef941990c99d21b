// Package control is how commands reach the process that owns the state: HTTP
// and JSON over a unix socket in the state directory, or over a pipe when the
// command itself is that process. Both sides of it are here, so that they
// cannot drift apart.
package control

import (
	"time"

	"awayd/sync/account"
	"awayd/sync/engine"
	"awayd/sync/finding"
)

// Socket is the name of the socket in the state directory.
const Socket = "control.sock"

// LinkRequest is what `awayd link` asks for. Fields left empty keep what an
// account that is linked already has.
type LinkRequest struct {
	JID         string   `json:"jid"`
	Password    string   `json:"password,omitempty"`
	XMPPAddress string   `json:"xmpp_address,omitempty"`
	ByDNS       bool     `json:"by_dns,omitempty"` // takes back an XMPPAddress of before
	TLSCA       string   `json:"tls_ca,omitempty"` // PEM
	Settings    Settings `json:"settings"`

	CalendarURL      string   `json:"calendar_url,omitempty"`
	CalendarUser     string   `json:"calendar_user,omitempty"`
	CalendarPassword string   `json:"calendar_password,omitempty"`
	Calendars        []string `json:"calendars,omitempty"` // display names; empty: all the person owns that hold events
	EveryEvent       bool     `json:"every_event,omitempty"`
	Holidays         bool     `json:"holidays,omitempty"` // the calendars are of public holidays
	Plain            bool     `json:"plain,omitempty"`    // takes back what EveryEvent or Holidays said of them before
	// Chosen are calendars by the IDs of an [Offer], beside those of Calendars.
	Chosen []string `json:"chosen,omitempty"`

	// DryRun checks everything and saves nothing.
	DryRun bool `json:"dry_run,omitempty"`
}

// Settings are changes of an account's settings: the values of those that
// Named lists, by the names of their flags.
type Settings struct {
	Values account.Settings `json:"values"`
	Named  []string         `json:"named"`
}

// LinkResult is what linking found.
type LinkResult struct {
	JID       string           `json:"jid"`
	Server    string           `json:"server"`
	Zone      string           `json:"zone"`
	Calendars []LinkedCalendar `json:"calendars"`
	Skipped   []LinkedCalendar `json:"skipped"` // found, but not linked
	Periods   []PreviewPeriod  `json:"periods"` // of the coming year
	Next      *engine.Next     `json:"next"`
	Audience  string           `json:"audience"`          // who will see the messages
	Example   string           `json:"example,omitempty"` // a message, where there is no period to show one
	// Notes are what could be better on the XMPP side.
	Notes []Finding `json:"notes"`
}

// A LinkedCalendar is one calendar that linking found.
type LinkedCalendar struct {
	Name     string `json:"name"`
	URL      string `json:"url"` // shortened
	Absences int    `json:"absences"`
	Holidays bool   `json:"holidays,omitempty"`
	Why      string `json:"why,omitempty"` // of a skipped one
}

// An Offer is what there is to link at a calendar URL.
type Offer struct {
	User      string            `json:"user,omitempty"` // who the calendar server was asked as
	Named     bool              `json:"named"`          // the URL is that of one calendar
	Calendars []OfferedCalendar `json:"calendars"`
}

// An OfferedCalendar is one calendar of an [Offer].
type OfferedCalendar struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	URL  string `json:"url"` // shortened
	// Why says why it is not linked, or not unless it is named; Choosable that
	// it can be named.
	Why       string `json:"why,omitempty"`
	Choosable bool   `json:"choosable"`
	// Error is why it could not be read, and Preview what it would do in the
	// coming year. One that cannot be chosen has neither.
	Error   string   `json:"error,omitempty"`
	Preview *Preview `json:"preview,omitempty"`
}

// Account is one line of `awayd accounts`.
type Account struct {
	JID       string           `json:"jid"`
	Mode      string           `json:"mode"`
	Linked    time.Time        `json:"linked"`
	Settings  account.Settings `json:"settings"`
	Calendars []Calendar       `json:"calendars"`
	Error     string           `json:"error,omitempty"` // why the state cannot tell the rest
}

// A Calendar is one calendar of an [Account].
type Calendar struct {
	Name       string `json:"name"`
	URL        string `json:"url"` // shortened
	User       string `json:"user,omitempty"`
	EveryEvent bool   `json:"every_event"`
	Holidays   bool   `json:"holidays"`
}

// LogEntry is one line of `awayd log --json`.
type LogEntry struct {
	ID         int64     `json:"id"`
	Time       time.Time `json:"time"`
	Account    string    `json:"account"`
	Kind       string    `json:"kind"`
	Outcome    string    `json:"outcome"`
	Reason     string    `json:"reason"`
	Period     string    `json:"period"`
	UID        string    `json:"uid"`
	DurationMS int64     `json:"duration_ms"`
	Error      string    `json:"error"`
}

// LogQuery selects log entries.
type LogQuery struct {
	Account string
	Kind    string
	Since   time.Time
	Outcome string
	Text    string // somewhere in the entry
	After   int64  // only entries with a larger ID
	Before  int64  // only entries with a smaller ID
	Last    int
	Follow  bool
}

// Preview is `awayd preview --json`.
type Preview struct {
	Zone     string           `json:"zone"`
	From     time.Time        `json:"from"`
	To       time.Time        `json:"to"`
	Absences []PreviewAbsence `json:"absences"`
	Ignored  []PreviewIgnored `json:"ignored"`
	Periods  []PreviewPeriod  `json:"periods"`
	Actions  []PreviewAction  `json:"actions"`
	Errors   []PreviewError   `json:"errors"`
}

// A PreviewAbsence is one occurrence that makes the person absent.
type PreviewAbsence struct {
	UID      string    `json:"uid"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	AllDay   bool      `json:"all_day"`
	Summary  string    `json:"summary"`
	Calendar string    `json:"calendar"`
	Matched  string    `json:"matched"`
}

// A PreviewIgnored is one occurrence that does not, and why.
type PreviewIgnored struct {
	UID      string    `json:"uid"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	Summary  string    `json:"summary"`
	Calendar string    `json:"calendar"`
	Reason   string    `json:"reason"`
	Detail   string    `json:"detail"`
}

// A PreviewPeriod is one out-of-office.
type PreviewPeriod struct {
	Start    time.Time     `json:"start"`
	End      time.Time     `json:"end"`
	Message  string        `json:"message"`
	Absences []string      `json:"absences"` // UIDs
	Joins    []PreviewJoin `json:"joins"`
}

// A PreviewJoin is a gap that a period bridges.
type PreviewJoin struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Why  string    `json:"why"`
}

// A PreviewAction is one thing awayd will do.
type PreviewAction struct {
	At     time.Time `json:"at"`
	Action string    `json:"action"`
	Period int       `json:"period"` // index in the periods; -1: of what the calendars no longer have
	Reason string    `json:"reason"`
}

// A PreviewError is something in a calendar that could not be used.
type PreviewError struct {
	Source string `json:"source"`
	Error  string `json:"error"`
}

// A Finding is one thing that `awayd check` examined.
type Finding struct {
	Subject  string           `json:"subject"`           // such as "state", or "account ada@example.org"
	Account  string           `json:"account,omitempty"` // the JID it is about
	Topic    string           `json:"topic"`             // what of the subject, such as "certificate"
	Severity finding.Severity `json:"severity"`
	OK       bool             `json:"ok"` // nothing must be mended; a warning is ok
	Detail   string           `json:"detail"`
	Hint     string           `json:"hint,omitempty"`
}

// An Error is a failure that crossed the socket, with its advice.
type Error struct {
	Message string `json:"error"`
	Advice  string `json:"hint,omitempty"`
	Usage   bool   `json:"usage,omitempty"` // the request itself was wrong
	// Field is the flag of link whose value most likely has to change.
	Field string `json:"field,omitempty"`
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

// Hint says what to do.
func (e *Error) Hint() string { return e.Advice }
