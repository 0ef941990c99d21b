package caldav

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"awayd/sync/absence"
)

// A whole is a calendar that comes in one piece: a feed or a file.
type whole struct {
	name, zone string // what it says of itself; may be empty
	objects    []absence.Object
}

// maxFeed bounds the text of a whole calendar, in bytes. It is all in memory
// once while it is read.
const maxFeed = 16 << 20

var (
	errEmptyText = errors.New("it is empty")
	errNoEnd     = errors.New("it has no END:VCALENDAR, so its end is missing")
)

// readWhole reads the text of a whole calendar. A text that was cut off is an
// error, whatever it still holds, because what it lacks would seem to be gone.
func readWhole(data []byte) (whole, error) {
	text := bytes.TrimFunc(data, func(r rune) bool { return r <= ' ' || r == '\ufeff' })
	if len(text) == 0 {
		return whole{}, errEmptyText
	}
	if text[0] == '<' {
		return whole{}, errors.New("it is a web page, not an iCalendar file")
	}
	objects, err := readSeries(data, "")
	if err != nil {
		return whole{}, err
	}
	last := text[bytes.LastIndexByte(text, '\n')+1:]
	if propertyName(last) != "END" || componentName(last) != "VCALENDAR" {
		return whole{}, errNoEnd
	}
	if len(objects) > maxMembers {
		return whole{}, errors.New("it holds too many events")
	}
	w := whole{objects: objects}
	w.name, w.zone = describe(data)
	return w, nil
}

// describe reads what a calendar is called and which zone it is in, from the
// properties that everybody writes for it (NAME is RFC 7986 §5.1).
func describe(data []byte) (name, zone string) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	for range 100 {
		var raw []byte
		if raw, data = nextLine(data); len(data) == 0 || len(raw) > maxLine {
			break
		}
		key := propertyName(raw)
		_, value, _ := bytes.Cut(raw, []byte(":"))
		text := cleanLine(unescapeText(string(value)))
		switch {
		case key == "BEGIN" && componentName(raw) != "VCALENDAR":
			return name, zone
		case key == "NAME", key == "X-WR-CALNAME" && name == "":
			name = shorten(text, maxName)
		case key == "X-WR-TIMEZONE" && zone == "":
			zone = placeOf(text)
		}
	}
	return name, zone
}

// unescapeText undoes the escapes of a TEXT (RFC 5545 §3.3.11) of one line.
var unescapeText = strings.NewReplacer(`\,`, ",", `\;`, ";", `\\`, `\`, `\n`, " ", `\N`, " ").Replace

// since says what changed in a whole calendar since a cursor. What it lacks has
// not been said to be gone, so the next poll reads it again, to agree or not;
// and one that holds nothing is read again at every poll.
func (w whole) since(was cursor) (absence.Delta, cursor) {
	d := absence.Delta{Listing: make([]string, 0, len(w.objects))}
	now := was
	now.Seen, now.Relist, now.Lost = make(seen, len(w.objects)), len(w.objects) == 0 || was.Lost, false
	for _, o := range w.objects {
		if o.Href == "" {
			o.Href = "#" // what is wrong with the text as a whole
		}
		o.ETag = fingerprint(o)
		d.Listing = append(d.Listing, o.Href)
		if !was.Seen.holds(o.Href, o.ETag) {
			d.Changed = append(d.Changed, o)
		}
		now.Seen.put(o.Href, o.ETag)
	}
	for id := range was.Seen {
		if _, ok := now.Seen[id]; !ok {
			now.Relist = true
		}
	}
	slices.Sort(d.Listing)
	slices.SortFunc(d.Changed, func(a, b absence.Object) int { return strings.Compare(a.Href, b.Href) })
	if len(d.Changed) == 0 && !now.Relist && !was.Relist && was.Version != 0 {
		return absence.Delta{Unchanged: true}, now
	}
	d.Name, d.Zone = w.name, w.zone
	return d, now
}

// fingerprint is the version of an object: what was read of it. Many feeds are
// written anew for each reader, with another DTSTAMP in each event.
func fingerprint(o absence.Object) string {
	text, err := json.Marshal(o)
	if err != nil {
		return "" // cannot happen; the object is taken for changed
	}
	return textDigest(text)
}

func textDigest(text []byte) string {
	d := digestOf(string(text))
	return base64.RawURLEncoding.EncodeToString(d[:])
}
