// Package account holds the values that the engine and its adapters share:
// an account, its settings, its calendars and the entries of its sync log.
// It has no behaviour beyond them and does no I/O.
package account

import (
	"time"

	"awayd/sync/absence"
)

// A Mode says whether awayd acts for an account.
type Mode string

// The modes an account is stored with. That a person overrode a period is not
// stored here but follows from the journal.
const (
	Auto   Mode = "auto"
	Paused Mode = "paused"
)

// An Account is one person: an XMPP address and the calendars that speak for it.
type Account struct {
	JID       string // bare, normalised
	Mode      Mode
	Login     Login
	Settings  Settings
	Calendars []Calendar
	Linked    time.Time
	// Unread is why the state could not tell more than the JID; nil: it could.
	// Only lists of accounts hold such a one.
	Unread error
}

// Login is how to reach and enter the person's XMPP account.
type Login struct {
	Password Secret
	Address  string // HOST:PORT; empty: SRV records (RFC 6120 §3.2)
	TLSCA    string // PEM of private CAs trusted beside the system's; may be empty
}

// Settings are what `awayd set` changes. The zero value of a field means that
// the daemon's configuration decides, except where noted.
type Settings struct {
	Zone      string   `json:"zone,omitempty"`     // IANA name
	Audience  string   `json:"audience,omitempty"` // presence, open or group:NAME
	Message   string   `json:"message,omitempty"`  // text/template
	Lang      string   `json:"lang,omitempty"`
	Delegate  string   `json:"delegate,omitempty"`  // JID named in the message
	Addresses []string `json:"addresses,omitempty"` // the person's own calendar addresses

	// Told are further such addresses, as calendar servers told them (RFC 6638
	// §2.4.1). What a person sets leaves them alone.
	Told []string `json:"told_addresses,omitempty"`

	WorkDays  []time.Weekday `json:"work_days,omitempty"` // Sunday is 0
	WorkHours *Hours         `json:"work_hours,omitempty"`
}

// Hours are a stretch of each working day, in minutes since midnight. An end
// before the start is on the next day.
type Hours struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// A Calendar is one linked calendar.
type Calendar struct {
	ID         int64  // given by the state; 0 before it is saved
	Name       string // display name
	URL        Secret // of the collection; feeds carry their password in it
	User       string
	Password   Secret
	TLSCA      string // PEM, as in Login
	EveryEvent bool
	Holidays   bool   // public holidays: no absence, but days without work
	Zone       string // the calendar's own zone, if it told one
	Cursor     string // where the next poll resumes; opaque
	LastPoll   time.Time
	LastOK     time.Time
	Error      string // of the last poll; empty when it succeeded
}

// A Kind is what an entry of the sync log is about.
type Kind string

// The kinds of the sync log.
const (
	KindLink     Kind = "link"
	KindUnlink   Kind = "unlink"
	KindPoll     Kind = "poll"
	KindChange   Kind = "change"
	KindStage    Kind = "stage"
	KindReveal   Kind = "reveal"
	KindAmend    Kind = "amend"
	KindWithdraw Kind = "withdraw"
	KindHold     Kind = "hold"
	KindOverride Kind = "override"
	KindPause    Kind = "pause"
	KindResume   Kind = "resume"
	KindRecover  Kind = "recover"
	KindError    Kind = "error"
)

// Kinds returns every kind, in the order of the manual.
func Kinds() []Kind {
	return []Kind{
		KindLink, KindUnlink, KindPoll, KindChange, KindStage, KindReveal, KindAmend, KindWithdraw, KindHold, KindOverride,
		KindPause, KindResume, KindRecover, KindError,
	}
}

// Outcomes of an entry.
const (
	OK     = "ok"
	Failed = "failed"
)

// An Entry is one line of the sync log.
type Entry struct {
	ID       int64 // given by the state, ascending
	Time     time.Time
	Account  string
	Kind     Kind
	Outcome  string
	Reason   string
	Period   string // "start/end" in RFC 3339, or empty
	UID      string // the event behind it, if there is one
	Duration time.Duration
	Error    string
}

// A Suppression keeps an absence from becoming a period again after
// `awayd withdraw`, until its times or its text change.
type Suppression struct {
	UID         string
	Fingerprint string // [absence.Absence.Fingerprint]
	Until       time.Time
}

// A Notice is what somebody was told about one cause of trouble, so that a
// restart neither says it again nor forgets to say that it is over.
type Notice struct {
	Cause string    // which one; package notice gives the names
	Since time.Time // when it began; zero: it does not hold
	Told  time.Time // when somebody was last told that it does; zero: never
	Ended time.Time // when they were last told that it is over; zero: never
	Open  bool      // told, and not yet told that it is over
}

// A CachedObject is a calendar object as last downloaded.
type CachedObject struct {
	absence.Object
	// Missing says that the last listing lacked the object, which one listing
	// alone does not prove.
	Missing bool
}

// A Poll is what one poll of a calendar changes in the state, all of it in one
// transaction.
type Poll struct {
	At      time.Time
	Error   string // not empty: only At and Error are used
	Cursor  string
	Name    string // empty: unchanged
	Zone    string // empty: unchanged
	Changed []absence.Object
	Removed []string // hrefs
	Missing []string // hrefs to be marked missing; every other one is unmarked
}

// A LogFilter selects entries of the sync log. Zero fields select everything.
type LogFilter struct {
	Account string
	Kind    Kind
	Since   time.Time
	Outcome string
	Text    string // somewhere in reason, error, period or uid, whatever the case of ASCII letters
	After   int64  // only entries with a larger ID
	Before  int64  // only entries with a smaller ID
	Last    int    // at most so many, the newest; 0: all
}
