package xmppout

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"

	"mellium.im/xmpp/jid"
	"mellium.im/xmpp/stanza"

	"awayd/sync/plan"
)

// Namespaces of the requests.
const (
	nsOOO         = "urn:xmpp:ooo:0"
	nsPubSub      = "http://jabber.org/protocol/pubsub"
	nsPubSubOwner = nsPubSub + "#owner"
	nsPubSubError = nsPubSub + "#errors"
	nsDisco       = "http://jabber.org/protocol/disco#info"
	nsVersion     = "jabber:iq:version"
	nsPing        = "urn:xmpp:ping"
	nsRoster      = "jabber:iq:roster"
	nsTime        = "urn:xmpp:time"
	nsCarbons     = "urn:xmpp:carbons:2"
	nsHints       = "urn:xmpp:hints"
)

// nodeName is the PEP node of XEP-0109; it is called like the namespace.
const nodeName = nsOOO

// Fields of node configuration (XEP-0060 §16.4.4) and of publish-options.
const (
	fieldFormType = "FORM_TYPE"
	fieldAccess   = "pubsub#access_model"
	fieldPersist  = "pubsub#persist_items"
	fieldGroups   = "pubsub#roster_groups_allowed"
	fieldDeletion = "pubsub#notify_delete"
)

// modelRoster lets in certain groups of the roster (XEP-0060 §4.5).
const modelRoster = "roster"

// A query is an IQ that asks for an answer. Without a To it goes to the
// person's own account (RFC 6120 §10.3.3), where the node lives.
type query struct {
	Type    stanza.IQType
	To      jid.JID
	Payload any
	Large   bool // the answer may be
}

// encode writes the payload.
func (q query) encode() ([]byte, error) {
	b, err := xml.Marshal(q.Payload)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	return b, nil
}

// The elements of XEP-0060, as far as they are sent or read here. XMLName of
// the outermost one says whether it is the owner's; the others inherit it.
type (
	pubsub struct {
		XMLName      xml.Name
		Create       *nodeRef      `xml:"create"`
		Subscribe    *subscription `xml:"subscribe"`
		Publish      *nodeItems    `xml:"publish"`
		Options      *formHolder   `xml:"publish-options"`
		Items        *nodeItems    `xml:"items"`
		Retract      *nodeItems    `xml:"retract"`
		Configure    *formHolder   `xml:"configure"`
		Subscribers  *affiliations `xml:"subscriptions"`
		Delete       *nodeRef      `xml:"delete"`
		Affiliations *affiliations `xml:"affiliations"`
	}
	nodeRef struct {
		Node string `xml:"node,attr"`
	}
	subscription struct {
		Node string `xml:"node,attr"`
		JID  string `xml:"jid,attr"`
	}
	nodeItems struct {
		Node     string `xml:"node,attr"`
		MaxItems string `xml:"max_items,attr,omitempty"`
		Notify   string `xml:"notify,attr,omitempty"`
		Items    []item `xml:"item"`
	}
	item struct {
		ID      string    `xml:"id,attr"`
		Content []element `xml:",any"`
	}
	// published is one item, of any content, on its way to a node.
	published struct {
		XMLName xml.Name `xml:"http://jabber.org/protocol/pubsub pubsub"`
		Publish struct {
			Node string `xml:"node,attr"`
			Item struct {
				ID      string `xml:"id,attr"`
				Content any
			} `xml:"item"`
		} `xml:"publish"`
		Options *formHolder `xml:"publish-options"`
	}
	formHolder struct {
		Node string `xml:"node,attr,omitempty"`
		Form *form
	}
	// A form is a data form (XEP-0004).
	form struct {
		XMLName xml.Name `xml:"jabber:x:data x"`
		Type    string   `xml:"type,attr"`
		Fields  []field  `xml:"field"`
	}
	field struct {
		Var    string   `xml:"var,attr"`
		Type   string   `xml:"type,attr,omitempty"`
		Values []string `xml:"value"`
	}
	affiliations struct {
		Node    string        `xml:"node,attr"`
		Entries []affiliation `xml:"affiliation"`
		// Of subscriptions (§8.8), which are of the same form.
		Subscriptions []affiliation `xml:"subscription"`
	}
	affiliation struct {
		JID         string `xml:"jid,attr"`
		Affiliation string `xml:"affiliation,attr"`
	}
)

// The other payloads.
type (
	discoInfo struct {
		XMLName    xml.Name   `xml:"http://jabber.org/protocol/disco#info query"`
		Identities []identity `xml:"identity"`
		Features   []feature  `xml:"feature"`
	}
	identity struct {
		Category string `xml:"category,attr"`
		Type     string `xml:"type,attr"`
	}
	discoItems struct {
		XMLName xml.Name `xml:"http://jabber.org/protocol/disco#items query"`
		Items   []struct {
			Node string `xml:"node,attr"`
		} `xml:"item"`
	}
	feature struct {
		Var string `xml:"var,attr"`
	}
	roster struct {
		XMLName xml.Name  `xml:"jabber:iq:roster query"`
		Items   []contact `xml:"item"`
	}
	contact struct {
		JID          string   `xml:"jid,attr"`
		Subscription string   `xml:"subscription,attr"`
		Groups       []string `xml:"group"`
	}
	softwareVersion struct {
		XMLName xml.Name `xml:"jabber:iq:version query"`
		Name    string   `xml:"name,omitempty"`
		Version string   `xml:"version,omitempty"`
	}
	ping struct {
		XMLName xml.Name `xml:"urn:xmpp:ping ping"`
	}
	entityTime struct {
		XMLName xml.Name `xml:"urn:xmpp:time time"`
		UTC     string   `xml:"utc,omitempty"`
	}
	message struct {
		XMLName xml.Name  `xml:"jabber:client message"`
		To      string    `xml:"to,attr"`
		Type    string    `xml:"type,attr"`
		ID      string    `xml:"id,attr"`
		Body    string    `xml:"body"`
		Extra   []element `xml:",any"`
	}
	presence struct {
		XMLName  xml.Name `xml:"jabber:client presence"`
		Type     string   `xml:"type,attr,omitempty"`
		Show     string   `xml:"show,omitempty"`
		Status   string   `xml:"status,omitempty"`
		Priority string   `xml:"priority,omitempty"`
	}
)

// An errorBody is the <error/> of a stanza (RFC 6120 §8.3.2).
type errorBody struct {
	Type       string `xml:"type,attr"`
	Text       string `xml:"urn:ietf:params:xml:ns:xmpp-stanzas text"`
	Conditions []struct {
		XMLName xml.Name
	} `xml:",any"`
}

func (b errorBody) err() error {
	e := &StanzaError{Type: tidy(b.Type), Condition: "undefined-condition", Text: tidy(b.Text)}
	for _, c := range b.Conditions {
		switch c.XMLName.Space {
		case stanza.NSError:
			e.Condition = tidy(c.XMLName.Local)
		case nsPubSubError:
			e.Specific = tidy(c.XMLName.Local)
		}
	}
	return e
}

func toNode(body pubsub) query {
	body.XMLName = xml.Name{Space: nsPubSub, Local: "pubsub"}
	return query{Payload: body}
}

func toOwner(body pubsub) query {
	body.XMLName = xml.Name{Space: nsPubSubOwner, Local: "pubsub"}
	return query{Payload: body}
}

func (q query) get() query { q.Type = stanza.GetIQ; return q }
func (q query) set() query { q.Type = stanza.SetIQ; return q }

// publishItem publishes with publish-options (XEP-0060 §7.1.5): nothing happens
// unless the node has this access model or is made with it. A staged item must
// survive a restart of the server, so it persists. pubsub#max_items is left
// alone: some servers refuse the field.
//
// Of a group only the model is guarded: ejabberd does not know the field for the
// groups here.
func publishItem(node, id string, p plan.Payload, guard plan.AccessModel) query {
	return toNode(pubsub{
		Publish: &nodeItems{Node: node, Items: []item{{ID: id, Content: []element{writePayload(p)}}}},
		Options: publishOptions(guard),
	}).set()
}

// publishElement is publishItem for any content.
func publishElement(node, id string, content any, guard plan.AccessModel) query {
	p := published{Options: publishOptions(guard)}
	p.Publish.Node, p.Publish.Item.ID, p.Publish.Item.Content = node, id, content
	return query{Payload: p}.set()
}

func publishOptions(guard plan.AccessModel) *formHolder {
	if _, group := guard.Group(); group {
		guard = modelRoster
	}
	return &formHolder{Form: submit(nsPubSub+"#publish-options",
		field{Var: fieldPersist, Values: []string{"true"}},
		field{Var: fieldAccess, Values: []string{string(guard)}},
	)}
}

func retractItem(node, id string, notify bool) query {
	r := &nodeItems{Node: node, Items: []item{{ID: id}}}
	if notify {
		r.Notify = "true"
	}
	return toNode(pubsub{Retract: r}).set()
}

// readNewest asks for the newest item.
func readNewest(node string) query {
	return toNode(pubsub{Items: &nodeItems{Node: node, MaxItems: "1"}}).get()
}

func readItems(node string) query {
	return toNode(pubsub{Items: &nodeItems{Node: node, MaxItems: strconv.Itoa(maxItems)}}).get()
}

func configureAccess(node string, m plan.AccessModel) query {
	if group, ok := m.Group(); ok {
		return configure(node, field{Var: fieldAccess, Values: []string{modelRoster}}, field{Var: fieldGroups, Values: []string{group}})
	}
	return configure(node, field{Var: fieldAccess, Values: []string{string(m)}})
}

func configureHidden(node string) query {
	return configure(node, field{Var: fieldAccess, Values: []string{string(plan.Whitelist)}}, field{Var: fieldDeletion, Values: []string{"false"}})
}

func configure(node string, fields ...field) query {
	return toOwner(pubsub{Configure: &formHolder{Node: node, Form: submit(nsPubSub+"#node_config", fields...)}}).set()
}

func readConfiguration(node string) query {
	return toOwner(pubsub{Configure: &formHolder{Node: node}}).get()
}

// createNode makes an empty node (§8.1.3).
func createNode(node string, fields ...field) query {
	return toNode(pubsub{
		Create:    &nodeRef{Node: node},
		Configure: &formHolder{Form: submit(nsPubSub+"#node_config", fields...)},
	}).set()
}

// readAffiliations asks who may do what: as many as are in the roster may have
// been let in.
func readAffiliations(node string) query {
	q := toOwner(pubsub{Affiliations: &affiliations{Node: node}})
	q.Large = true
	return q.get()
}

func makeMembers(node string, contacts []string) query {
	a := &affiliations{Node: node}
	for _, j := range contacts {
		a.Entries = append(a.Entries, affiliation{JID: j, Affiliation: "member"})
	}
	return toOwner(pubsub{Affiliations: a}).set()
}

func subscribe(node string, me jid.JID) query {
	return toNode(pubsub{Subscribe: &subscription{Node: node, JID: me.String()}}).set()
}

func deleteNode(node string) query {
	return toOwner(pubsub{Delete: &nodeRef{Node: node}}).set()
}

// readRoster asks for the contacts (RFC 6121 §2.1.3).
func readRoster() query {
	return query{Payload: roster{}, Large: true}.get()
}

// values are those of one field.
func (f *form) values(name string) []string {
	for _, field := range f.Fields {
		if field.Var == name {
			return field.Values
		}
	}
	return nil
}

func submit(formType string, fields ...field) *form {
	kind := field{Var: fieldFormType, Type: "hidden", Values: []string{formType}}
	return &form{Type: "submit", Fields: append([]field{kind}, fields...)}
}

func (v softwareVersion) String() string { return strings.TrimSpace(v.Name + " " + v.Version) }

func readFeatures(of jid.JID) query { return query{To: of, Payload: discoInfo{}}.get() }

// readNodes asks for the nodes of an account (XEP-0030 §4, XEP-0060 §5.2).
func readNodes(of jid.JID) query { return query{To: of, Payload: discoItems{}}.get() }

func readSubscriptions() query {
	return toOwner(pubsub{Subscribers: &affiliations{Node: nodeName}}).get()
}

func readVersion(of jid.JID) query { return query{To: of, Payload: softwareVersion{}}.get() }

func pingServer(server jid.JID) query { return query{To: server, Payload: ping{}}.get() }

func askTime(of jid.JID) query { return query{To: of, Payload: entityTime{}}.get() }

// newMessage is a message that clients show and servers keep: of type chat and
// with a body. What is sent to oneself must not come a second time as the copy of
// something that one has sent (XEP-0280 §8).
func newMessage(to jid.JID, id, text string) message {
	empty := func(space, local string) element { return element{XMLName: xml.Name{Space: space, Local: local}} }
	return message{To: to.String(), Type: "chat", ID: id, Body: text, Extra: []element{
		empty(nsCarbons, "private"), empty(nsHints, "no-copy"),
	}}
}

// available is the presence of a person who is away (RFC 6121 §4.7). Its
// negative priority keeps messages to the person from arriving here.
func available(status string) presence {
	return presence{Show: "xa", Status: status, Priority: "-1"}
}

func unavailable() presence { return presence{Type: "unavailable"} }

// tokens reads v's XML as the library wants to be given it.
func tokens(b []byte) *xml.Decoder { return xml.NewDecoder(bytes.NewReader(b)) }
