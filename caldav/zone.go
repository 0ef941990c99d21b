package caldav

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// maxZones bounds the zones that one object may name; each costs a search on
// disk.
const maxZones = 64

// zones resolves the TZIDs of one object.
type zones map[string]*time.Location

// get returns the zone of a TZID. A TZID of its own, such as Windows' names or
// those that only the object's VTIMEZONE explains, is an error that names it.
func (z zones) get(tzid string) (*time.Location, error) {
	loc, ok := z[tzid]
	if !ok {
		if len(z) == maxZones {
			return nil, fmt.Errorf("more than %d time zones", maxZones)
		}
		loc, _ = loadZone(tzid)
		z[tzid] = loc
	}
	if loc == nil {
		return nil, fmt.Errorf("unknown time zone %q", tzid)
	}
	return loc, nil
}

var errNoZone = errors.New("not a time zone of the IANA database")

// loadZone finds a zone of the IANA database by its name, or by a name that
// ends in it after a vendor's prefix (/mozilla.org/20050126_1/Europe/Berlin).
func loadZone(name string) (*time.Location, error) {
	name = strings.TrimSpace(name)
	switch strings.ToUpper(name) {
	case "UTC", "Z", "ETC/UTC", "GMT", "ETC/GMT":
		return time.UTC, nil
	}
	rest, prefixed := strings.CutPrefix(name, "/")
	if !prefixed {
		return loadName(name)
	}
	for strings.Contains(rest, "/") {
		if loc, err := loadName(rest); err == nil {
			return loc, nil
		}
		_, rest, _ = strings.Cut(rest, "/")
	}
	if strings.EqualFold(rest, "UTC") || strings.EqualFold(rest, "GMT") {
		return time.UTC, nil
	}
	return nil, errNoZone
}

// loadName guards time.LoadLocation, which takes "" and "Local" for zones and
// finds files that are no zone of a person.
func loadName(name string) (*time.Location, error) {
	if name == "" || len(name) > 64 || strings.ContainsFunc(name, notInZoneName) {
		return nil, errNoZone
	}
	first, _, nested := strings.Cut(name, "/")
	switch first {
	case "Local", "localtime", "posixrules", "Factory":
		return nil, errNoZone
	case "right", "posix": // variants with and without leap seconds
		if nested {
			return nil, errNoZone
		}
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, errNoZone
	}
	return loc, nil
}

func notInZoneName(r rune) bool {
	return !('A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || strings.ContainsRune("/_+-", r))
}

// zoneOfTimezone returns the IANA name of the VTIMEZONE in a calendar-timezone
// property, or "".
func zoneOfTimezone(data []byte) string {
	if len(data) > maxObject {
		return ""
	}
	g, err := guardText(data, maxComponents)
	if err != nil {
		return ""
	}
	for _, b := range g.blocks {
		if b.name != "VTIMEZONE" {
			continue
		}
		for _, l := range b.lines {
			if l.name != "TZID" && l.name != "X-LIC-LOCATION" {
				continue
			}
			if loc, err := loadZone(l.value); err == nil {
				return loc.String()
			}
		}
	}
	return ""
}
