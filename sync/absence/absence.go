// Package absence turns calendar events into absences, and absences into the
// periods during which a person is away.
//
// Everything here is a pure value or a pure function: no I/O, no logger, no
// clock. What reads calendars (package caldav) produces the types of this
// package; what decides about messages (package plan) consumes them.
package absence

import (
	"time"
)

// An Event is one VEVENT (RFC 5545 §3.6.1), reduced to what decides about an
// absence. A recurring event is one Event with Rules; a changed instance is
// another Event with the same UID and a RecurrenceID.
type Event struct {
	UID          string    `json:"uid"`
	RecurrenceID *DateTime `json:"recurrence_id,omitempty"` // RFC 5545 §3.8.4.4, nil on a master
	Onward       bool      `json:"onward,omitempty"`        // RANGE=THISANDFUTURE: later instances change with it
	Sequence     int       `json:"sequence,omitempty"`

	Start    DateTime  `json:"start"`
	End      *DateTime `json:"end,omitempty"`      // DTEND, exclusive; at most one of End and Duration is set
	Duration *Duration `json:"duration,omitempty"` // DURATION

	Rules    []Rule     `json:"rules,omitempty"`    // RRULE
	ExRules  []Rule     `json:"exrules,omitempty"`  // EXRULE (RFC 2445 §4.8.5.2)
	RDates   []DateTime `json:"rdates,omitempty"`   // RDATE
	RPeriods []Span     `json:"rperiods,omitempty"` // RDATE;VALUE=PERIOD
	ExDates  []DateTime `json:"exdates,omitempty"`  // EXDATE

	Summary     string   `json:"summary,omitempty"`
	Description string   `json:"description,omitempty"`
	Categories  []string `json:"categories,omitempty"`
	Private     bool     `json:"private,omitempty"` // CLASS other than PUBLIC
	Status      string   `json:"status,omitempty"`  // upper case: CONFIRMED, TENTATIVE, CANCELLED or empty
	Free        bool     `json:"free,omitempty"`    // TRANSP:TRANSPARENT (RFC 5545 §3.8.2.7)
	Organizer   string   `json:"organizer,omitempty"`
	// OrganizerName is CN of ORGANIZER (RFC 5545 §3.2.2).
	OrganizerName string     `json:"organizer_name,omitempty"`
	Attendees     []Attendee `json:"attendees,omitempty"`

	BusyStatus     string `json:"busy_status,omitempty"`     // X-MICROSOFT-CDO-BUSYSTATUS and its kin, upper case
	IntendedStatus string `json:"intended_status,omitempty"` // X-MICROSOFT-CDO-INTENDEDSTATUS, upper case
	OutOfOffice    bool   `json:"out_of_office,omitempty"`   // X-NEXTCLOUD-OUT-OF-OFFICE
}

// A Span is a PERIOD value (RFC 5545 §3.3.9): a start, and an end or a length.
type Span struct {
	Start    DateTime  `json:"start"`
	End      *DateTime `json:"end,omitempty"` // exactly one of End and Duration is set
	Duration *Duration `json:"duration,omitempty"`
}

// An Attendee is one ATTENDEE of an event (RFC 5545 §3.8.4.1).
type Attendee struct {
	Address  string `json:"address"`  // as written, usually mailto:…
	PartStat string `json:"partstat"` // upper case; NEEDS-ACTION when not given
	Name     string `json:"name,omitempty"`
}

// An Object is one calendar object resource (RFC 4791 §4.1): a series with its
// changed instances, or what is left of it when parts could not be read.
type Object struct {
	Href   string        `json:"href"` // path as the server sent it; identifies the object in its calendar
	ETag   string        `json:"etag"` // opaque bytes
	Events []Event       `json:"events,omitempty"`
	Errors []ObjectError `json:"errors,omitempty"`
	Zones  []Zone        `json:"zones,omitempty"` // those that its times are in and no other object knows

	Availability []Availability `json:"availability,omitempty"`

	// Held is the version that the server has, if that cannot be read as far as
	// this one, which is older, could. It has neither Href nor ETag.
	Held *Object `json:"held,omitempty"`
}

// An ObjectError says which part of an object could not be used. The other
// parts, and every other object, are used all the same.
type ObjectError struct {
	UID    string `json:"uid,omitempty"`
	Line   int    `json:"line,omitempty"` // in the unfolded object, from 1; 0 if it cannot be told
	Reason string `json:"reason"`
	// Instance is the RECURRENCE-ID of a changed instance that could not be
	// read, and Onward its range: what it was before is not what it is now, so
	// the series lacks it.
	Instance *DateTime `json:"instance,omitempty"`
	Onward   bool      `json:"onward,omitempty"`
}

// A Delta is what one poll of a calendar brought.
type Delta struct {
	// Unchanged says that the server vouched for nothing having changed since
	// the cursor; every other field but Unlisted is then empty.
	Unchanged bool
	// Changed holds new and changed objects.
	Changed []Object
	// Removed holds the hrefs that the server itself named as removed (RFC 6578
	// §3.5.2). Such a deletion is believed.
	Removed []string
	// Listing, if not nil, holds the href of every object there is. Objects
	// that it lacks have vanished without the server having said so.
	Listing []string
	// More says that not all that is new could be read: Changed holds what was, the
	// next poll goes on, and nothing is known of what is gone.
	More bool
	// Halted is why, if it was not for want of time: the server asked for patience,
	// or is in trouble.
	Halted error
	// Unlisted, if not empty, is why a listing that was due could not be had. It
	// is tried again by itself, and this is said for the first of several times.
	Unlisted string
	// Name and Zone are the calendar's display name and calendar-timezone
	// (an IANA name), if the server told them; else empty.
	Name string
	Zone string
}

// A Calendar is a set of events under the rules that its account gave it.
type Calendar struct {
	Name       string
	EveryEvent bool // each event is an absence
	Holidays   bool // each event is a public holiday, which never is an absence
	Objects    []Object
}

// An Occurrence is one instance of an event: the half-open interval
// [Start, End) in the account's zone.
type Occurrence struct {
	Event  *Event
	Start  time.Time
	End    time.Time
	AllDay bool
}

// An Absence is an occurrence during which the person is away.
type Absence struct {
	UID         string
	Start       time.Time
	End         time.Time
	AllDay      bool
	Private     bool // CLASS PRIVATE or CONFIDENTIAL: its texts never reach a message
	Summary     string
	Description string
	Calendar    string
	Matched     string // the rule that made it an absence, as preview and the log name it
	// Own says that the event is the person's own, not an invitation they
	// accepted: then its texts are theirs.
	Own bool
}

// An Ignored is an occurrence that is no absence, and why.
type Ignored struct {
	UID      string
	Start    time.Time
	End      time.Time
	Summary  string
	Calendar string
	Reason   Reason
	Detail   string // the reason in words
}

// A Reason is why an occurrence is no absence.
type Reason string

// The reasons, as `awayd preview --json` promises them.
const (
	ReasonCancelled     Reason = "cancelled"
	ReasonDeclined      Reason = "declined"
	ReasonZeroLength    Reason = "zero-length"
	ReasonTooShort      Reason = "too-short"
	ReasonNoRule        Reason = "no-rule"
	ReasonPublicHoliday Reason = "public-holiday"
	ReasonMeeting       Reason = "meeting"
	ReasonTentative     Reason = "tentative"
	ReasonSuppressed    Reason = "suppressed"
	ReasonBirthday      Reason = "birthday"
)

// An Error is something in a calendar that could not be used.
type Error struct {
	Source string // calendar, object and UID, as far as known
	Reason string
}
