package caldav

import (
	"encoding/xml"
	"strings"
)

// Bodies of requests. Each names only what is used, because an unchanged poll
// is to cost little.
const (
	prolog = `<?xml version="1.0" encoding="utf-8"?>` + "\n"

	discoverProps = prolog + `<propfind xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:S="http://calendarserver.org/ns/"><prop>` +
		`<resourcetype/><displayname/><owner/><share-access/><current-user-principal/>` +
		`<C:calendar-home-set/><C:calendar-user-address-set/>` +
		`<C:supported-calendar-component-set/><C:calendar-timezone/><C:calendar-timezone-id/><S:source/>` +
		`</prop></propfind>`

	calendarProps = prolog + `<propfind xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:S="http://calendarserver.org/ns/"><prop>` +
		`<resourcetype/><displayname/><owner/><share-access/>` +
		`<C:supported-calendar-component-set/><C:calendar-timezone/><C:calendar-timezone-id/><S:source/>` +
		`</prop></propfind>`

	// What a poll needs to know about the collection before it lists it.
	stateProps = prolog + `<propfind xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:S="http://calendarserver.org/ns/"><prop>` +
		`<resourcetype/><displayname/><sync-token/><supported-report-set/><S:getctag/>` +
		`<C:calendar-timezone/><C:calendar-timezone-id/>` +
		`</prop></propfind>`

	ctagProps = prolog + `<propfind xmlns="DAV:" xmlns:S="http://calendarserver.org/ns/"><prop><resourcetype/><S:getctag/></prop></propfind>`

	etagProps = prolog + `<propfind xmlns="DAV:"><prop><resourcetype/><getetag/></prop></propfind>`
)

// syncReport asks for what changed since token (RFC 6578 §3.2).
func syncReport(token string) string {
	return prolog + `<sync-collection xmlns="DAV:"><sync-token>` + escape(token) + `</sync-token>` +
		`<sync-level>1</sync-level><prop><getetag/></prop></sync-collection>`
}

// everythingReport asks for all calendar objects (RFC 4791 §7.8): each has a
// VCALENDAR, and a filter of nothing else matches whatever it holds (§9.7.1).
const everythingReport = prolog + `<C:calendar-query xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><prop><getetag/><C:calendar-data/></prop>` +
	`<C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>`

// multigetReport asks for calendar objects (RFC 4791 §7.9).
func multigetReport(hrefs []string) string {
	var b strings.Builder
	b.WriteString(prolog + `<C:calendar-multiget xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><prop><getetag/><C:calendar-data/></prop>`)
	for _, h := range hrefs {
		b.WriteString(`<href>` + escape(h) + `</href>`)
	}
	b.WriteString(`</C:calendar-multiget>`)
	return b.String()
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}
