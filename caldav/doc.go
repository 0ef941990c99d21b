// Package caldav reads calendars: it finds the collections of a person
// (RFC 4791, RFC 6764), follows their changes (RFC 6578, or entity tags), and
// turns iCalendar text (RFC 5545) into events.
//
// What leaves this package is [absence.Object]s and typed errors; neither HTTP,
// XML nor iCalendar text does. What comes in is from strangers, so everything
// is bounded, and one broken object or one odd response is an error about that
// object and no more. What an event means for a person's presence is decided
// elsewhere.
package caldav
