package main

import (
	"encoding/xml"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"awayd/cmd/testbed"
)

// A crashPoint is a moment at which the daemon is killed.
type crashPoint struct {
	step string
	nth  int // of the steps of this name since the action began, counted from 1
	// done: the server has carried it out, and the daemon never heard so. Else
	// the server never hears of it.
	done bool
}

func (p crashPoint) String() string {
	when := "before"
	if p.done {
		when = "after"
	}
	return fmt.Sprintf("%s %s (%d)", when, p.step, p.nth)
}

// A crashStep is one stanza that the daemon sent.
type crashStep struct {
	name    string
	changes bool // something on the server, or what contacts see
	tells   string
	conn    int
	id      string
	at      time.Time // when it was answered, or sent if that is not so
	// answered is true of what nobody answers, too.
	answered bool
	armed    bool // sent while the action was watched
}

// A crashTap watches the stanzas of one daemon, and kills it at one of them.
type crashTap struct {
	daemon *testbed.Daemon
	killed chan struct{} // closed when the daemon was killed

	mu      sync.Mutex
	steps   []crashStep
	armed   bool
	point   *crashPoint // nil: everything passes
	count   int         // of the point's step
	awaited string      // the id of the request whose answer is the point
	dead    int         // connections up to this one are of a process that is gone
	killErr error
}

// arm begins to watch, and to wait for the point.
func (t *crashTap) arm(p *crashPoint) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.armed, t.point = true, p
}

// disarm ends the waiting for a point that may not come.
func (t *crashTap) disarm() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.armed, t.point = false, nil
}

// all returns the steps so far.
func (t *crashTap) all() []crashStep {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.steps)
}

// handle is the handler of a [testbed.Tap].
func (t *crashTap) handle(s testbed.Stanza, pass func()) {
	t.mu.Lock()
	crash := false
	switch {
	case s.Conn <= t.dead:
		// What a process sent before it was killed is as good as unsent.
		t.mu.Unlock()
		return
	case s.ToServer:
		crash = t.request(s, pass)
	case s.ID != "" && (s.Type == "result" || s.Type == "error"):
		crash = s.ID == t.awaited
		for i := range t.steps {
			if t.steps[i].conn == s.Conn && t.steps[i].id == s.ID {
				t.steps[i].at, t.steps[i].answered = s.At, true
			}
		}
	}
	if crash {
		t.point, t.awaited, t.dead = nil, "", s.Conn
		t.killErr = t.daemon.Kill() // while nothing else passes
		close(t.killed)
		t.mu.Unlock()
		return
	}
	t.mu.Unlock()
	pass()
}

// request notes what goes to the server and reports whether the point is
// reached: then s is to go no further.
func (t *crashTap) request(s testbed.Stanza, pass func()) (crash bool) {
	step := readStep(s)
	step.armed = t.armed
	if t.point != nil && step.name == t.point.step {
		t.count++
		if t.count == t.point.nth {
			switch {
			case !t.point.done:
				return true
			case s.Name == "presence": // which nobody answers
				crash = true
				pass()
			default:
				t.awaited = s.ID
			}
		}
	}
	t.steps = append(t.steps, step)
	return crash
}

// crashPoints lists the points of an action that took these steps. Of a step
// that only reads there is no point after it: neither the server nor the
// journal is then otherwise than before it.
func crashPoints(steps []crashStep) []crashPoint {
	var points []crashPoint
	count := map[string]int{}
	for _, s := range steps {
		if !s.armed || s.name == "ping" { // a ping comes when it comes
			continue
		}
		count[s.name]++
		points = append(points, crashPoint{step: s.name, nth: count[s.name]})
		if s.changes {
			points = append(points, crashPoint{step: s.name, nth: count[s.name], done: true})
		}
	}
	return points
}

// A wireStanza is what is read of a stanza to give it a name.
type wireStanza struct {
	Type    string `xml:"type,attr"`
	Show    string `xml:"show"`
	Payload struct {
		XMLName      xml.Name
		Publish      *wireNode `xml:"publish"`
		Options      wireForm  `xml:"publish-options"`
		Items        *wireNode `xml:"items"`
		Retract      *wireNode `xml:"retract"`
		Configure    *wireForm `xml:"configure"`
		Delete       *wireNode `xml:"delete"`
		Affiliations *wireNode `xml:"affiliations"`
		Subscribe    *wireNode `xml:"subscribe"`
	} `xml:",any"`
}

type wireNode struct {
	Node   string `xml:"node,attr"`
	Notify string `xml:"notify,attr"`
	Items  []struct {
		ID  string `xml:"id,attr"`
		OOO struct {
			Start string `xml:"start"`
			End   string `xml:"end"`
		} `xml:"urn:xmpp:ooo:0 ooo"`
	} `xml:"item"`
}

type wireForm struct {
	Node   string `xml:"node,attr"`
	Fields []struct {
		Var   string `xml:"var,attr"`
		Value string `xml:"value"`
	} `xml:"x>field"`
}

// access is the access model that the form asks for.
func (f wireForm) access() string {
	for _, field := range f.Fields {
		if field.Var == "pubsub#access_model" {
			return field.Value
		}
	}
	return "none"
}

// id is that of the first item.
func (n wireNode) id() string {
	if len(n.Items) == 0 {
		return "nothing"
	}
	return n.Items[0].ID
}

// theEnd is what a message tells whose end has passed.
const theEnd = "the end"

// readStep names a stanza in the words of the choreography.
func readStep(s testbed.Stanza) crashStep {
	step := crashStep{
		conn: s.Conn, id: s.ID, at: s.At,
		changes: s.Name == "presence" || s.Type == "set",
	}
	var w wireStanza
	if err := xml.Unmarshal([]byte(s.Raw), &w); err != nil {
		step.name = "unreadable: " + s.Raw
		return step
	}
	if s.Name == "presence" {
		step.name, step.answered = "presence "+w.Type+w.Show, true
		return step
	}
	step.name = w.name(s.At)
	if p := w.Payload.Publish; p != nil && p.Node == testbed.NodeOOO && p.id() == "current" {
		step.tells = p.tells(s.At)
	}
	if w.Payload.XMLName.Local == "bind" {
		step.changes = false // nobody sees it
	}
	return step
}

func (n wireNode) tells(now time.Time) string {
	ooo := n.Items[0].OOO
	if end, err := time.Parse(time.RFC3339, ooo.End); err == nil && !end.After(now) {
		return theEnd
	}
	return ooo.Start + " to " + ooo.End
}

func (w wireStanza) name(now time.Time) string {
	p := w.Payload
	switch {
	case p.Publish != nil:
		what := p.Publish.id()
		if p.Publish.Node == testbed.NodeOOO && what == "current" && p.Publish.tells(now) == theEnd {
			what = theEnd
		}
		return "publish " + what + " under " + p.Options.access() + on(p.Publish.Node)
	case p.Retract != nil && p.Retract.Notify != "":
		return "retract " + p.Retract.id() + " and tell" + on(p.Retract.Node)
	case p.Retract != nil:
		return "retract " + p.Retract.id() + on(p.Retract.Node)
	case p.Items != nil:
		return "read items" + on(p.Items.Node)
	case p.Configure != nil && w.Type == "set":
		return "set access model " + p.Configure.access() + on(p.Configure.Node)
	case p.Configure != nil:
		return "read configuration" + on(p.Configure.Node)
	case p.Delete != nil:
		return "delete node" + on(p.Delete.Node)
	case p.Subscribe != nil:
		return "subscribe" + on(p.Subscribe.Node)
	case p.Affiliations != nil && w.Type == "set":
		return "set affiliations" + on(p.Affiliations.Node)
	case p.Affiliations != nil:
		return "read affiliations" + on(p.Affiliations.Node)
	case p.XMLName.Space == "http://jabber.org/protocol/disco#info":
		return "ask for features"
	case p.XMLName.Local == "ping", p.XMLName.Local == "bind":
		return p.XMLName.Local
	}
	return strings.Join([]string{w.Type, p.XMLName.Local, p.XMLName.Space}, " ")
}

// on names a node that is not the usual one.
func on(node string) string {
	if node == testbed.NodeOOO {
		return ""
	}
	return " on " + path.Base(node)
}
