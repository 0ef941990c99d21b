package absence

import "regexp"

// An OwnRule is one rule of the configuration. Every condition that it has must
// hold; it is then the last word on the event, unless that was cancelled or
// declined.
type OwnRule struct {
	Name     string         // as preview and the log name it
	Summary  *regexp.Regexp // nil: any
	Category string         // empty: any
	Calendar string         // display name; empty: any
	Absence  bool           // else the event is ignored
}

// maxMatched bounds how much of a title a regular expression sees.
const maxMatched = 300

func (r *OwnRule) matches(e *Event, calendar string) bool {
	if r.Calendar != "" && fold(r.Calendar) != fold(calendar) {
		return false
	}
	if r.Category != "" && !set(e.Categories)[fold(r.Category)] {
		return false
	}
	return r.Summary == nil || r.Summary.MatchString(clip(e.Summary, maxMatched))
}

// ownRule returns the verdict of the first own rule that matches.
func (j *judge) ownRule(e *Event, calendar string) (verdict, bool) {
	for i := range j.rules {
		r := &j.rules[i]
		switch {
		case !r.matches(e, calendar):
		case r.Absence:
			return verdict{rule: r.Name}, true
		default:
			return verdict{reason: ReasonSuppressed, detail: "the rule “" + r.Name + "” of the configuration ignores it"}, true
		}
	}
	return verdict{}, false
}
