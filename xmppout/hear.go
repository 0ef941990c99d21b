package xmppout

import (
	"encoding/xml"

	"mellium.im/xmlstream"
)

// A heard is a stanza that may tell of a node (XEP-0060 §7.1.2), or push a change
// of the roster (RFC 6121 §2.1.6).
type heard struct {
	From   string     `xml:"from,attr"`
	Event  *nodeEvent `xml:"http://jabber.org/protocol/pubsub#event event"`
	Roster *struct{}  `xml:"jabber:iq:roster query"`
}

type nodeEvent struct {
	Items struct {
		Node     string `xml:"node,attr"`
		Items    []item `xml:"item"`
		Retracts []item `xml:"retract"`
	} `xml:"items"`
	Purge         *nodeRef `xml:"purge"`
	Delete        *nodeRef `xml:"delete"`
	Configuration *nodeRef `xml:"configuration"`
}

// node is the one that the event is about.
func (e *nodeEvent) node() string {
	for _, ref := range []*nodeRef{e.Purge, e.Delete, e.Configuration} {
		if ref != nil {
			return ref.Node
		}
	}
	return e.Items.Node
}

// hear takes in what the person's own account tells. It runs on the goroutine
// that reads. What cannot be read says nothing.
func (s *Session) hear(r xml.TokenReader, start *xml.StartElement) {
	if start.Name.Local != "message" && start.Name.Local != "iq" {
		return
	}
	var m heard
	all := xmlstream.MultiReader(xmlstream.Token(*start), r)
	if err := xml.NewTokenDecoder(bound(all, maxTokens)).Decode(&m); err != nil {
		return
	}
	// The library writes an empty sender for the person's own account, which is
	// also meant if none is named (RFC 6120 §8.1.2.1).
	if m.From != "" && m.From != s.node.owner.String() {
		return
	}
	switch {
	case m.Event != nil && m.Event.node() == nodeName:
		s.told.told(m.Event)
	case m.Roster == nil:
		return
	}
	select {
	case s.news <- struct{}{}:
	default:
	}
}
