package absence

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// The rules by which an event is an absence, in the order in which they are
// tried; preview and the log name them.
const (
	RuleEveryEvent   = "every-event"
	RuleNextcloud    = "nextcloud"
	RuleBusyStatus   = "busy-status"
	RuleAvailability = "availability"
	RuleCategory     = "category"
	RuleWord         = "word"
)

// BuiltinRules returns the names of these rules, which no own rule may bear.
func BuiltinRules() []string {
	return []string{RuleEveryEvent, RuleNextcloud, RuleBusyStatus, RuleAvailability, RuleCategory, RuleWord}
}

// A verdict on an event: the rule that makes it an absence, or the reason why
// it is none. Some verdicts depend on how long an occurrence lasts.
type verdict struct {
	rule   string
	reason Reason
	detail string
	// shortest is the length that an occurrence must have unless it is all-day.
	shortest time.Duration
	own      bool // the event is the person's own
}

// A judge knows one person's rules.
type judge struct {
	own      map[string]bool // the person's calendar addresses
	domains  map[string]bool // of these addresses
	names    map[string]bool // words of the person's own name, as far as known
	rules    []OwnRule
	shortest time.Duration
	absence  phrases

	categories map[string]bool // beside the built-in ones
	*lexicon
}

// A lexicon is what every judge knows. Nobody changes it.
type lexicon struct {
	// The words for an absence by the language of the account; in all others "".
	absences map[string]phrases
	holiday  phrases
	birthday phrases
	meeting  phrases
	around   phrases
	cover    phrases
	undone   phrases
	negation map[string]bool

	absenceCategories map[string]bool
	holidayCategories map[string]bool
	birthdayCategory  map[string]bool
}

// words is read once: thousands of calendars are judged by the same one.
var words = sync.OnceValue(func() *lexicon {
	absence := newPhrases(absenceWords)
	absences := map[string]phrases{"": absence}
	for lang, own := range ownWords {
		absences[lang] = absence.with(own)
	}
	return &lexicon{
		absences:          absences,
		holiday:           newPhrases(holidayWords),
		birthday:          newPhrases(birthdayWords),
		meeting:           newPhrases(meetingWords),
		around:            newPhrases(aroundWords),
		cover:             newPhrases(coverWords),
		undone:            newPhrases(undoneWords),
		negation:          set(negations),
		absenceCategories: set(absenceCategories),
		holidayCategories: set(holidayWords),
		birthdayCategory:  set(birthdayWords),
	}
})

func newJudge(s Settings) *judge {
	lang, _ := languageOf(s.Lang)
	if len(ownWords[lang]) == 0 {
		lang = ""
	}
	j := &judge{
		own:        make(map[string]bool),
		domains:    make(map[string]bool),
		names:      set(s.Names),
		rules:      s.Rules,
		shortest:   s.MinDuration,
		absence:    words().absences[lang].with(s.Words),
		categories: set(s.Categories),
		lexicon:    words(),
	}
	for _, a := range s.Addresses {
		if a = address(a); a != "" {
			j.own[a] = true
			j.call(a)
		}
	}
	for _, w := range s.Names {
		j.call(w)
	}
	return j
}

func set(list []string) map[string]bool {
	m := make(map[string]bool, len(list))
	for _, s := range list {
		m[fold(strings.TrimSpace(s))] = true
	}
	return m
}

// address is a calendar address without what it may be written with or without.
func address(s string) string {
	return strings.TrimPrefix(strings.ToLower(strings.TrimSpace(s)), "mailto:")
}

// calendar returns the verdict on everything in a calendar that is linked as one
// of public holidays, or that by its name is one of them or of birthdays.
func (j *judge) calendar(c Calendar) (verdict, bool) {
	switch {
	case c.Holidays:
		return verdict{reason: ReasonPublicHoliday, detail: "the calendar is linked as one of public holidays"}, true
	case c.EveryEvent:
		return verdict{}, false
	}
	name := newLine(c.Name)
	if _, _, ok := j.birthday.find(name); ok {
		return verdict{reason: ReasonBirthday, detail: "the calendar is one of birthdays"}, true
	}
	if _, _, ok := j.holiday.find(name); ok {
		return verdict{reason: ReasonPublicHoliday, detail: "the calendar is one of public holidays"}, true
	}
	return verdict{}, false
}

// A court is the judge of one calendar.
type court struct {
	*judge
	calendar string
	every    bool
	all      verdict // on everything in the calendar, if none
	none     bool
	holidays bool
}

func (j *judge) court(c Calendar) court {
	k := court{judge: j, calendar: c.Name, every: c.EveryEvent && !c.Holidays, holidays: c.Holidays}
	k.all, k.none = j.calendar(c)
	return k
}

// event returns the verdict on an event by all but its times.
func (k court) event(e *Event) verdict {
	v := k.judgement(e)
	v.own = k.role(e) == organiser
	return v
}

func (k court) judgement(e *Event) verdict {
	if e.Status == "CANCELLED" {
		return verdict{reason: ReasonCancelled, detail: "the event was cancelled"}
	}
	if k.holidays {
		return k.all
	}
	role := k.role(e)
	if v, ok := role.verdict(); ok {
		return v
	}
	if v, ok := k.ownRule(e, k.calendar); ok {
		return v
	}
	switch {
	case k.none:
		return k.all
	case k.every:
		return verdict{rule: RuleEveryEvent}
	case role == stranger:
		return verdict{reason: ReasonTentative, detail: "it is an invitation, and no attendee who accepted has one of your addresses"}
	case e.Status == "TENTATIVE":
		return verdict{reason: ReasonTentative, detail: "the event is only tentative"}
	case e.OutOfOffice:
		return verdict{rule: RuleNextcloud}
	case away(e.BusyStatus), e.BusyStatus == "" && role == organiser && away(e.IntendedStatus):
		if who := k.somebody(e, role); who != "" && role != organiser {
			return theirs(who)
		}
		return verdict{rule: RuleBusyStatus}
	case e.BusyStatus == "TENTATIVE":
		return verdict{reason: ReasonTentative, detail: "the event is shown as tentative"}
	}
	v := k.texts(e)
	if v.rule != "" {
		if who := k.somebody(e, role); who != "" {
			return theirs(who)
		}
		if role == accepted && (e.Free || e.BusyStatus == "FREE") {
			return verdict{reason: ReasonNoRule, detail: "it is somebody else's invitation, and you are shown as free meanwhile"}
		}
	}
	return v
}

// block returns the verdict on an Availability, which e is made of.
func (k court) block(a *Availability, e *Event) verdict {
	if v, ok := k.ownRule(e, k.calendar); ok && !k.holidays {
		return v
	}
	v := a.verdict()
	switch {
	case k.none:
		return k.all
	case v.rule != "" && k.colleague(e.Organizer):
		return theirs(clip(address(e.Organizer), 60))
	}
	v.own = true
	return v
}

// theirs is the verdict on what is an absence, but not the person's.
func theirs(who string) verdict {
	return verdict{reason: ReasonNoRule, detail: fmt.Sprintf("it is the absence of somebody else: “%s”", who)}
}

// away reports whether a status of Outlook's means out of office.
func away(status string) bool { return status == "OOF" || status == "OUTOFOFFICE" }

// texts returns the verdict by categories and summary.
func (j *judge) texts(e *Event) verdict {
	for _, c := range e.Categories {
		if c = fold(strings.TrimSpace(c)); j.absenceCategories[c] || j.categories[c] {
			return verdict{rule: RuleCategory}
		}
	}
	for _, c := range e.Categories {
		switch c = fold(strings.TrimSpace(c)); {
		case j.birthdayCategory[c]:
			return verdict{reason: ReasonBirthday, detail: fmt.Sprintf("its category “%s” marks a birthday", c)}
		case j.holidayCategories[c]:
			return verdict{reason: ReasonPublicHoliday, detail: fmt.Sprintf("its category “%s” marks a public holiday", c)}
		}
	}
	// "Bank holiday" is no holiday of the person's, but "Urlaub, Feiertag" is: so
	// the words of public holidays go before the others are looked for.
	rest, holiday := j.holiday.cut(newLine(e.Summary))
	rest, birthday := j.birthday.cut(rest)
	word, where, found := j.absence.find(rest)
	switch about, at, meets := j.meeting.find(rest); {
	case found && j.undone.has(rest):
		return verdict{reason: ReasonCancelled, detail: "its title says that it was cancelled"}
	case found && where > 0 && j.negation[rest.words[where-1]]:
		return verdict{reason: ReasonNoRule, detail: fmt.Sprintf("“%s %s” says that there is none", rest.words[where-1], word)}
	case found && j.around.endsAt(rest, where):
		return verdict{reason: ReasonMeeting, detail: fmt.Sprintf("it is before or after “%s” rather than the absence itself", word)}
	case found && j.cover.begins(rest):
		return verdict{reason: ReasonMeeting, detail: fmt.Sprintf("“%s” stands in for somebody who is away", rest.words[0])}
	case found && meets && (at < 1 || !j.negation[rest.words[at-1]]):
		return verdict{reason: ReasonMeeting, detail: fmt.Sprintf("“%s” with “%s” is about an absence rather than one", word, about)}
	case found:
		return verdict{rule: RuleWord, shortest: j.shortest}
	case birthday != "":
		return verdict{reason: ReasonBirthday, detail: fmt.Sprintf("“%s” names a birthday", birthday)}
	case holiday != "":
		return verdict{reason: ReasonPublicHoliday, detail: fmt.Sprintf("“%s” names a public holiday", holiday)}
	case away(e.IntendedStatus) && e.BusyStatus == "":
		return verdict{reason: ReasonNoRule, detail: "it is out of office for its organiser, who is not you"}
	}
	return verdict{reason: ReasonNoRule, detail: "no out-of-office status, category or word marks it as an absence"}
}

// occurrence makes the verdict on an event that on one of its occurrences.
func (v verdict) occurrence(o Occurrence) verdict {
	length := o.End.Sub(o.Start)
	switch {
	case v.reason == ReasonCancelled, v.reason == ReasonDeclined, v.reason == ReasonTentative:
	case length <= 0:
		return verdict{reason: ReasonZeroLength, detail: "it starts and ends at the same moment"}
	case v.rule != "" && !o.AllDay && length < v.shortest:
		return verdict{reason: ReasonTooShort, detail: fmt.Sprintf("%s is shorter than the %s that a word in the title needs", span(length), span(v.shortest))}
	}
	return v
}

// span is a duration as people write it: 1h30m.
func span(d time.Duration) string {
	s := d.Round(time.Second).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// A role is the person's part in an event.
type role int

const (
	organiser role = iota // or an event without attendees
	accepted
	unanswered
	declined
	delegated
	stranger // an invitation in which none of the attendees is known to be the person
)

// role finds the person among the attendees (RFC 5545 §3.2.12).
func (j *judge) role(e *Event) role {
	if len(e.Attendees) == 0 {
		return organiser
	}
	best := stranger
	for _, a := range e.Attendees {
		if j.own[address(a.Address)] {
			best = min(best, answer(a.PartStat))
		}
	}
	organizer := address(e.Organizer)
	switch {
	case best == declined || best == delegated:
		return best
	case j.own[organizer], organizer == "" && best == stranger && len(j.own) > 0:
		return organiser
	case best == stranger && len(j.own) == 0:
		return guess(e, organizer)
	}
	return best
}

// guess finds the person where their addresses are not known: the calendar is
// theirs, so an invitation whose guests all gave one answer has theirs.
func guess(e *Event, organizer string) role {
	found := organiser
	for _, a := range e.Attendees {
		if address(a.Address) == organizer && organizer != "" {
			continue
		}
		r := answer(a.PartStat)
		if found != organiser && found != r {
			return stranger
		}
		found = r
	}
	return found
}

func answer(partstat string) role {
	switch partstat {
	case "ACCEPTED":
		return accepted
	case "DECLINED":
		return declined
	case "DELEGATED":
		return delegated
	}
	return unanswered
}

// verdict is what the role alone decides: an invitation counts only once it is
// accepted.
func (r role) verdict() (verdict, bool) {
	switch {
	case r == declined:
		return verdict{reason: ReasonDeclined, detail: "you declined the invitation"}, true
	case r == delegated:
		return verdict{reason: ReasonDeclined, detail: "you passed the invitation on to somebody else"}, true
	case r == unanswered:
		return verdict{reason: ReasonTentative, detail: "you have not accepted the invitation"}, true
	}
	return verdict{}, false
}
