package caldav

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"awayd/sync/absence"
)

//go:generate go run windowszones_gen.go /usr/share/unicode/cldr/common/supplemental/windowsZones.xml

var errNoZone = errors.New("not a time zone of the IANA database")

// placeOf is the IANA name of the zone that a calendar names as its own, or "".
// UTC tells nothing of where its person lives: generators write it that know of
// no zone, and all-day events would begin hours off.
func placeOf(name string) string {
	loc, err := loadZone(name)
	if err != nil || absence.IsUTC(loc.String()) {
		return ""
	}
	return loc.String()
}

// loadZone finds a zone by its IANA name, or by one that means such a name to
// everybody: in another case, of Windows, or behind a vendor's prefix
// (/mozilla.org/20050126_1/Europe/Berlin).
func loadZone(name string) (*time.Location, error) {
	name = strings.TrimSpace(name)
	for _, prefix := range []string{"tzone://Microsoft", "/"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			return loadPrefixed(strings.TrimPrefix(rest, "/"))
		}
	}
	return loadKnown(name)
}

// loadPrefixed tries every end of a name that begins after a slash.
func loadPrefixed(rest string) (*time.Location, error) {
	for first := true; ; first = false {
		// A last part alone, such as /example.org/Cuba, is somebody's own name.
		if !first && !strings.Contains(rest, "/") && !isUTC(rest) {
			return nil, errNoZone
		}
		if loc, err := loadKnown(rest); err == nil {
			return loc, nil
		}
		var ok bool
		if _, rest, ok = strings.Cut(rest, "/"); !ok {
			return nil, errNoZone
		}
	}
}

func loadKnown(name string) (*time.Location, error) {
	if isUTC(name) {
		return time.UTC, nil
	}
	if loc, err := loadName(name); err == nil {
		return loc, nil
	}
	lower := strings.ToLower(name)
	if iana, ok := windowsZones[lower]; ok {
		return loadName(iana)
	}
	return loadName(spellZone(lower))
}

func isUTC(name string) bool {
	switch strings.ToUpper(name) {
	case "UTC", "Z", "ETC/UTC", "GMT", "ETC/GMT":
		return true
	}
	return false
}

// loadName guards absence.LoadZone, which takes "" and "Local" for zones and
// finds files that are no zone of a person.
func loadName(name string) (*time.Location, error) {
	if name == "" || len(name) > 64 || strings.ContainsFunc(name, notInZoneName) {
		return nil, errNoZone
	}
	first, _, nested := strings.Cut(name, "/")
	switch strings.ToLower(first) {
	case "local", "localtime", "posixrules", "factory":
		return nil, errNoZone
	case "right", "posix": // variants with and without leap seconds
		if nested {
			return nil, errNoZone
		}
	}
	loc, err := absence.LoadZone(name)
	if err != nil {
		return nil, errNoZone
	}
	return loc, nil
}

func notInZoneName(r rune) bool {
	return !('A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || strings.ContainsRune("/_+-", r))
}

// spellZone writes a name in lower case as the IANA database does: each word
// with a capital, but for the exceptions.
func spellZone(lower string) string {
	if name, ok := spelled[lower]; ok {
		return name
	}
	b := []byte(lower)
	start := 0
	for i := 0; i <= len(b); i++ {
		if i < len(b) && 'a' <= b[i] && b[i] <= 'z' {
			continue
		}
		word := string(b[start:i])
		switch {
		case word == "":
		case upperWords[word]:
			copy(b[start:], strings.ToUpper(word))
		case !lowerWords[word]:
			b[start] -= 'a' - 'A'
		}
		start = i + 1
	}
	return string(b)
}

var (
	lowerWords = map[string]bool{"of": true, "es": true, "au": true}
	upperWords = map[string]bool{
		"act": true, "cet": true, "cst": true, "cdt": true, "eet": true, "est": true, "edt": true, "gb": true, "gmt": true, "hst": true,
		"lhi": true, "met": true, "mst": true, "mdt": true, "nsw": true, "nz": true, "chat": true, "prc": true, "pst": true, "pdt": true,
		"roc": true, "rok": true, "uct": true, "us": true, "utc": true, "wet": true, "in": true, "su": true, "w": true,
	}
	spelled = map[string]string{
		"america/argentina/comodrivadavia": "America/Argentina/ComodRivadavia",
		"antarctica/dumontdurville":        "Antarctica/DumontDUrville",
		"antarctica/mcmurdo":               "Antarctica/McMurdo",
		"brazil/denoronha":                 "Brazil/DeNoronha",
		"chile/easterisland":               "Chile/EasterIsland",
		"mexico/bajanorte":                 "Mexico/BajaNorte",
		"mexico/bajasur":                   "Mexico/BajaSur",
	}
)

// parseOffsetZone reads a name that is nothing but an offset from UTC:
// GMT+01:00, UTC-5, +0530.
func parseOffsetZone(name string) (seconds int, ok bool) {
	s := strings.ToUpper(strings.TrimSpace(name))
	if strings.HasPrefix(s, "GMT") || strings.HasPrefix(s, "UTC") {
		s = strings.TrimSpace(s[3:])
	}
	if digits := strings.TrimLeft(s, "+-"); len(s)-len(digits) == 1 && len(digits) <= 2 && allDigits(digits) {
		s = fmt.Sprintf("%c%02d00", s[0], atoi(digits)) // hours alone
	}
	seconds, err := parseOffset(s)
	return seconds, err == nil && strings.ContainsAny(s[:1], "+-")
}

// maxOffset bounds an offset from UTC; the largest in use is 14 hours.
const maxOffset = 24 * 3600

// parseOffset reads a UTC-OFFSET (RFC 5545 §3.3.14), with colons and without a
// sign as well.
func parseOffset(value string) (seconds int, err error) {
	s := strings.ReplaceAll(strings.TrimSpace(value), ":", "")
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 || len(digits) != 4 && len(digits) != 6 || !allDigits(digits) {
		return 0, errors.New("not an offset from UTC")
	}
	if len(digits) == 4 {
		digits += "00"
	}
	h, m, sec := atoi(digits[:2]), atoi(digits[2:4]), atoi(digits[4:])
	seconds = h*3600 + m*60 + sec
	if m > 59 || sec > 59 || seconds > maxOffset {
		return 0, errors.New("not an offset from UTC")
	}
	if strings.HasPrefix(s, "-") {
		seconds = -seconds
	}
	return seconds, nil
}
