package testbed

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Received is one stanza that a contact was sent: a message, a presence or a
// request.
type Received struct {
	At     time.Time
	Name   string // message, presence or iq
	From   string
	Type   string
	Show   string // of a presence
	Status string // of a presence
	Body   string // of a message
	Event  *Event // of a message that carries one
	Raw    string // byte for byte
}

// An Event is what a message tells about a node (XEP-0060 §7.1.2 and others).
type Event struct {
	Node       string
	Items      []Item
	Retracted  []string // ids
	Deleted    bool     // the node
	Purged     bool     // all its items
	Configured bool     // the node has another configuration
}

// An Item is one item of a node. Start, End and Message are as in the <ooo/>
// element, if it holds one.
type Item struct {
	ID      string
	Payload string // XML
	OOO     bool
	Start   string
	End     string
	Message string
}

// Item returns the item with this id that an event on [NodeOOO] brings.
func (r Received) Item(id string) (Item, bool) {
	if r.Event == nil || r.Event.Node != NodeOOO {
		return Item{}, false
	}
	i := slices.IndexFunc(r.Event.Items, func(i Item) bool { return i.ID == id })
	if i < 0 {
		return Item{}, false
	}
	return r.Event.Items[i], true
}

// Retracts reports whether this is an event on [NodeOOO] that takes the item
// with this id back.
func (r Received) Retracts(id string) bool {
	return r.Event != nil && r.Event.Node == NodeOOO && slices.Contains(r.Event.Retracted, id)
}

type eventXML struct {
	Items struct {
		Node     string    `xml:"node,attr"`
		Items    []itemXML `xml:"item"`
		Retracts []struct {
			ID string `xml:"id,attr"`
		} `xml:"retract"`
	} `xml:"items"`
	Delete        *nodeXML `xml:"delete"`
	Purge         *nodeXML `xml:"purge"`
	Configuration *nodeXML `xml:"configuration"`
}

type nodeXML struct {
	Node string `xml:"node,attr"`
}

type itemXML struct {
	ID    string `xml:"id,attr"`
	Inner string `xml:",innerxml"`
	OOO   *struct {
		Start   string `xml:"start"`
		End     string `xml:"end"`
		Message string `xml:"message"`
	} `xml:"urn:xmpp:ooo:0 ooo"`
}

func (x itemXML) item() Item {
	i := Item{ID: x.ID, Payload: x.Inner}
	if x.OOO != nil {
		i.OOO, i.Start, i.End, i.Message = true, x.OOO.Start, x.OOO.End, x.OOO.Message
	}
	return i
}

func (x *eventXML) event() *Event {
	if x == nil {
		return nil
	}
	e := &Event{Node: x.Items.Node}
	for _, i := range x.Items.Items {
		e.Items = append(e.Items, i.item())
	}
	for _, r := range x.Items.Retracts {
		e.Retracted = append(e.Retracted, r.ID)
	}
	for _, change := range []struct {
		node *nodeXML
		flag *bool
	}{{x.Delete, &e.Deleted}, {x.Purge, &e.Purged}, {x.Configuration, &e.Configured}} {
		if change.node != nil {
			e.Node, *change.flag = change.node.Node, true
		}
	}
	return e
}

func parse(raw []byte) (Received, stanza, error) {
	var st stanza
	if err := xml.Unmarshal(raw, &st); err != nil {
		return Received{}, st, fmt.Errorf("read stanza %q: %w", raw, err)
	}
	return Received{
		At: time.Now(), Name: st.XMLName.Local, From: st.From, Type: st.Type,
		Show: st.Show, Status: st.Status, Body: st.Body, Event: st.Event.event(), Raw: string(raw),
	}, st, nil
}

const capsNode = "https://awayd.test/contact"

// capsFeatures are sorted, as XEP-0115 §5.1 wants them.
var capsFeatures = []string{
	"http://jabber.org/protocol/activity+notify",
	"http://jabber.org/protocol/caps",
	"http://jabber.org/protocol/disco#info",
	NodeOOO + "+notify",
}

func availablePresence(inner string) string {
	sum := sha1.Sum([]byte("client/pc//testbed<" + strings.Join(capsFeatures, "<") + "<"))
	ver := base64.StdEncoding.EncodeToString(sum[:])
	return "<presence>" + inner + "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='" + capsNode + "' ver='" + ver + "'/></presence>"
}

func discoInfo(node string) string {
	var b strings.Builder
	b.WriteString("<query xmlns='http://jabber.org/protocol/disco#info'")
	if node != "" {
		b.WriteString(" node='" + escape(node) + "'")
	}
	b.WriteString("><identity category='client' type='pc' name='testbed'/>")
	for _, f := range capsFeatures {
		b.WriteString("<feature var='" + f + "'/>")
	}
	b.WriteString("</query>")
	return b.String()
}
