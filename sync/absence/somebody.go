package absence

import (
	"strings"
	"unicode"
)

// Whose absence a title tells. People keep those of their colleagues in their
// own calendar ("Anna Urlaub", "Urlaub Peter", "OOO: Kim"), and titles of their
// own look much the same ("Urlaub Italien", "OOO: Lisbon"). To miss a vacation is
// as bad as to announce somebody else's, so a name counts as one only where the
// title leaves little doubt:
//
//   - It is one of common given names (givenNames), which are neither places nor
//     months nor feasts, and not one of the person's own; or it is the name of
//     the colleague who sent the invitation.
//   - It stands before the words of absence with nothing between but a verb or a
//     preposition, or behind them with nothing after it but a surname, a bracket
//     or a number. "Urlaub mit Peter", "Urlaub (Peter vertritt)" and "Vacation,
//     call Anna" are the person's own.
//   - Or the title is a sentence about a third person ("Thandiwe is on leave") or
//     begins with a possessive ("Thandiwe's vacation").
//
// A title with I or we is the person's own. Where this is wrong, a rule of the
// configuration says better.

// A token is one word of a title.
type token struct {
	raw, folded string
	before      string // what separates it from the word before
}

// tokens splits a title as [newLine] does.
func tokens(s string) []token {
	var list []token
	var word, gap strings.Builder
	flush := func() {
		if word.Len() > 0 {
			list = append(list, token{word.String(), fold(word.String()), gap.String()})
			word.Reset()
			gap.Reset()
		}
	}
	for _, r := range clip(s, 300) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) {
			word.WriteRune(r)
			continue
		}
		flush()
		gap.WriteRune(r)
	}
	flush()
	return list
}

func (t token) capital() bool {
	for _, r := range t.raw {
		return unicode.IsUpper(r) || unicode.IsTitle(r)
	}
	return false
}

var (
	firstPerson = set([]string{"ich", "wir", "mein", "meine", "me", "my", "we", "our", "je", "nous", "mon", "mes", "nos", "mijn", "moje", "мой", "я", "мы"})
	// verbs make a sentence about a third person.
	verbs = set([]string{"is", "has", "takes", "ist", "hat", "nimmt", "est", "está", "è", "är", "er", "har", "heeft", "ma", "jest", "je", "má", "on"})
	// links stand between a name and a word of absence.
	links = set([]string{
		"in", "im", "on", "out", "the", "away", "off", "auf", "en", "de", "di", "da", "do", "du", "des", "von", "of", "for", "för", "für", "av", "af", "na", "w", "v", "på", "met", "op", "в",
	})
	// genitives lead from a word of absence to a name; what "in" leads to is a
	// place.
	genitives = set([]string{"von", "of", "for", "för", "für", "de", "di", "da", "do", "du", "van", "av", "af"})
	ands      = set([]string{"and", "und", "et", "y", "e", "og", "och", "i", "a", "és", "ve", "и"})
	// notPersons begin sentences and possessives that are about no colleague.
	notPersons = set([]string{
		"it", "he", "she", "this", "that", "today", "tomorrow", "new", "year", "years", "mother", "father", "parents", "valentine", "president", "presidents",
		"st", "saint", "season", "office", "büro", "bureau", "school", "schule", "shop", "company", "let", "there", "here", "what", "das", "der", "die", "es", "er", "heute",
		"morgen", "il", "elle", "ce", "ella", "él", "king", "queen", "veteran", "labor", "labour", "children", "women", "day", "endlich", "jetzt", "dann", "hier", "now", "finally", "then", "urlaub", "ferien", "vacation", "holiday",
	})
)

// call notes how the person is called, by an address or a name.
func (j *judge) call(s string) {
	local, domain, isAddress := strings.Cut(strings.TrimPrefix(fold(s), "mailto:"), "@")
	if isAddress {
		j.domains[domain] = true
	}
	for _, t := range tokens(local) {
		if len(t.folded) > 1 {
			j.names[t.folded] = true
		}
	}
}

// colleague reports whether an organiser is another person where the person is.
// An address of theirs that nobody told awayd about usually shares a name.
func (j *judge) colleague(organizer string) bool {
	a := address(organizer)
	local, domain, ok := strings.Cut(a, "@")
	if !ok || j.own[a] || !j.domains[fold(domain)] {
		return false
	}
	for _, t := range tokens(local) {
		if j.names[t.folded] {
			return false
		}
	}
	return true
}

// somebody returns whose absence an event is, if it is that of somebody else.
func (j *judge) somebody(e *Event, r role) string {
	if r == organiser && len(e.Attendees) == 0 && j.colleague(e.Organizer) {
		return clip(address(e.Organizer), 60)
	}
	n := naming{own: j.names, calendarOwn: map[string]bool{}, sender: map[string]bool{}}
	for _, a := range e.Attendees {
		if j.own[address(a.Address)] {
			for _, t := range tokens(a.Name) {
				n.calendarOwn[t.folded] = true
			}
		}
	}
	if r == accepted {
		local, _, _ := strings.Cut(address(e.Organizer), "@")
		for _, t := range append(tokens(e.OrganizerName), tokens(local)...) {
			if len(t.folded) > 2 {
				n.sender[t.folded] = true
			}
		}
	}
	if who := honoured(e.Summary, j.absence.within); who != "" {
		return who
	}
	words := tokens(e.Summary)
	lower := true
	for _, t := range words {
		if firstPerson[t.folded] || n.mine(t.folded) {
			return ""
		}
		lower = lower && !t.capital()
	}
	n.lower = lower
	folded := make([]string, len(words))
	for i, t := range words {
		folded[i] = t.folded
	}
	for i := range words {
		if length := j.absence.match(folded[i:]); length > 0 {
			if who := n.prefix(words[:i]); who != "" {
				return who
			}
			return n.suffix(words[i+length:])
		}
	}
	return ""
}

// honoured finds a person by さん or 님 before a word of absence, in scripts that
// do not separate words.
func honoured(title string, phrases []string) string {
	title = fold(clip(title, 300))
	for _, honour := range []string{"さん", "님"} {
		name, rest, ok := strings.Cut(title, honour)
		if name = strings.TrimSpace(name); !ok || name == "" || len([]rune(name)) > 6 {
			continue
		}
		rest = strings.TrimLeft(rest, " \u3000:：、・のがは이의")
		for _, p := range phrases {
			if strings.HasPrefix(rest, p) {
				return name + honour
			}
		}
	}
	return ""
}

// naming tells names from other words.
type naming struct {
	own, calendarOwn map[string]bool
	sender           map[string]bool // of an invitation
	lower            bool            // the whole title is in lower case
}

// mine reports whether word is of the person's own name. Addresses often put
// initials before or behind a name: alovelace, lovelacea.
func (n naming) mine(word string) bool {
	if n.own[word] || n.calendarOwn[word] {
		return true
	}
	for own := range n.own {
		if spare := len(own) - len(word); len(word) > 3 && spare > 0 && spare < 3 && (strings.HasPrefix(own, word) || strings.HasSuffix(own, word)) {
			return true
		}
	}
	return false
}

// given reports whether t is the given name of another person, also with the s
// of a German genitive.
func (n naming) given(t token) bool {
	if !n.lower && !t.capital() {
		return false
	}
	return givenNames[t.folded] || n.sender[t.folded] || givenNames[strings.TrimSuffix(t.folded, "s")]
}

// prefix finds a person in what stands before the words of absence.
func (n naming) prefix(words []token) string {
	sentence, possessive := false, false
	for len(words) > 1 {
		last := words[len(words)-1]
		owns := last.folded == "s" && (strings.HasSuffix(last.before, "'") || strings.HasSuffix(last.before, "’"))
		if !owns && !links[last.folded] && !verbs[last.folded] {
			break
		}
		possessive = possessive || owns
		sentence = sentence || verbs[last.folded] && last.folded != "on"
		words = words[:len(words)-1]
	}
	if len(words) == 0 || len(words) > 5 {
		return ""
	}
	if n.given(words[0]) && n.names(words[1:]) == len(words)-1 {
		return join(words)
	}
	if !sentence && !possessive || len(words) > 3 {
		return ""
	}
	for _, t := range words {
		if !t.capital() || notPersons[t.folded] {
			return ""
		}
	}
	return join(words)
}

// suffix finds a person in what stands behind the words of absence.
func (n naming) suffix(words []token) string {
	for len(words) > 1 && genitives[words[0].folded] && !n.given(words[0]) {
		words = words[1:]
	}
	// What is in brackets is a remark, of whatever kind.
	if len(words) == 0 || !n.given(words[0]) || strings.ContainsAny(words[0].before, "([") {
		return ""
	}
	end := 1 + n.names(words[1:])
	if end < len(words) {
		t := words[end]
		if !strings.ContainsAny(t.before, "([-–—:/") && !unicode.IsDigit([]rune(t.raw)[0]) {
			return ""
		}
	}
	return join(words[:end])
}

// names counts the words that carry on a name: surnames, and more names after
// an and.
func (n naming) names(words []token) int {
	count := 0
	for count < len(words) {
		t := words[count]
		switch {
		case strings.ContainsAny(t.before, "([:–—"):
			return count
		case (n.lower || t.capital()) && !unicode.IsDigit([]rune(t.raw)[0]) && (n.given(t) || count < 2 && !n.lower):
			count++
		case ands[t.folded] && count+1 < len(words) && n.given(words[count+1]):
			count += 2
		default:
			return count
		}
	}
	return count
}

func join(words []token) string {
	var s []string
	for _, t := range words {
		s = append(s, t.raw)
	}
	return clip(strings.Join(s, " "), 60)
}
