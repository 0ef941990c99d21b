package absence

import "time"

// An Availability is one VAVAILABILITY (RFC 7953 §3.1), reduced to what decides
// about an absence. It says that the person is busy from Start to End, but for
// the times that AVAILABLE components within it take out.
type Availability struct {
	UID   string    `json:"uid,omitempty"`
	Start *DateTime `json:"start,omitempty"` // nil: since ever
	End   *DateTime `json:"end,omitempty"`   // DTEND, exclusive; at most one of End and Duration is set
	// Duration is DURATION. Without it and End the block never ends.
	Duration *Duration `json:"duration,omitempty"`

	BusyType string `json:"busy_type,omitempty"` // upper case; empty means BUSY-UNAVAILABLE (RFC 7953 §3.2)
	Hours    bool   `json:"hours,omitempty"`     // there is an AVAILABLE within: these are working hours

	Summary     string `json:"summary,omitempty"`
	Description string `json:"description,omitempty"`
	Private     bool   `json:"private,omitempty"` // CLASS other than PUBLIC
	Organizer   string `json:"organizer,omitempty"`
}

// open reports whether the block lacks a start or an end.
func (a *Availability) open() bool {
	return a.Start == nil || a.End == nil && a.Duration == nil
}

// event is the block as an event that lasts from its start to its end.
func (a *Availability) event() Event {
	e := Event{
		UID: a.UID, End: a.End, Duration: a.Duration, Summary: a.Summary, Description: a.Description,
		Private: a.Private, Organizer: a.Organizer,
	}
	if a.Start != nil {
		e.Start = *a.Start
	}
	return e
}

// occurrences returns the block as the one occurrence that it is, if it is in
// the window. What has no end is shown as far as what was asked for reaches.
func (a *Availability) occurrences(w window, zone *time.Location) ([]Occurrence, []ObjectError) {
	e := a.event()
	if !a.open() {
		return Expand(Object{Events: []Event{e}}, w.lo, w.hi, zone)
	}
	o := Occurrence{Event: &e, Start: w.from, End: w.to}
	if a.Start != nil {
		if !civil(a.Start.Wall) {
			return nil, []ObjectError{{UID: a.UID, Reason: "DTSTART is outside of the years 1 to 9999"}}
		}
		if start := a.Start.In(zone); start.After(o.Start) {
			o.Start = start
		}
	}
	if a.End != nil {
		if !civil(a.End.Wall) {
			return nil, []ObjectError{{UID: a.UID, Reason: "DTEND is outside of the years 1 to 9999"}}
		}
		if end := a.End.In(zone); end.Before(o.End) {
			o.End = end
		}
	}
	if !o.Start.Before(o.End) {
		return nil, nil
	}
	return []Occurrence{o}, nil
}

// verdict tells a vacation from what a person's week looks like anyway: a
// vacation has a start and an end, and no working hours within.
func (a *Availability) verdict() verdict {
	switch {
	case a.Hours:
		return verdict{reason: ReasonNoRule, detail: "it tells working hours, not an absence"}
	case a.open():
		return verdict{reason: ReasonNoRule, detail: "it tells of unavailable time without a start or without an end, not of an absence"}
	case a.BusyType == "BUSY-TENTATIVE":
		return verdict{reason: ReasonTentative, detail: "the unavailable time is only tentative"}
	case a.BusyType != "" && a.BusyType != "BUSY-UNAVAILABLE":
		return verdict{reason: ReasonNoRule, detail: "it tells of busy time, not of unavailable time"}
	}
	return verdict{rule: RuleAvailability}
}
