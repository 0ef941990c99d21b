package xmppout

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"

	"awayd/sync/plan"
	"awayd/xmppout/pep"
)

// nsActivity is the namespace of user activity (XEP-0108), and the name of its
// node.
const nsActivity = "http://jabber.org/protocol/activity"

// maxSaved bounds what is kept of what a person had set as their activity.
const maxSaved = 16 << 10

// A rawItem is an item whose content is kept as it is.
type rawItem struct {
	ID      string `xml:"id,attr"`
	Content []raw  `xml:",any"`
}

// raw is an element as XML, in a form that does not depend on prefixes.
type raw struct{ xml string }

// UnmarshalXML implements xml.Unmarshaler. Comments and the like are left out.
func (r *raw) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	var b bytes.Buffer
	e := xml.NewEncoder(&b)
	depth := 0
	for tok := xml.Token(start); ; {
		switch t := tok.(type) {
		case xml.StartElement:
			depth++
			tok = plain(t)
		case xml.EndElement:
			depth--
		}
		switch tok.(type) {
		case xml.StartElement, xml.EndElement, xml.CharData:
			if err := e.EncodeToken(tok); err != nil {
				return fmt.Errorf("keep item: %w", err)
			}
		}
		if depth == 0 {
			break
		}
		var err error
		if tok, err = d.Token(); err != nil {
			return err
		}
	}
	if err := e.Flush(); err != nil {
		return fmt.Errorf("keep item: %w", err)
	}
	r.xml = b.String()
	return nil
}

// MarshalXML implements xml.Marshaler.
func (r raw) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	d := tokens([]byte(r.xml))
	for {
		tok, err := d.Token()
		if tok == nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if t, ok := tok.(xml.StartElement); ok {
			tok = plain(t)
		}
		if err := e.EncodeToken(tok); err != nil {
			return err
		}
	}
}

// plain is an element without its declarations of namespaces, which the encoder
// writes anew, and with its attributes in order.
func plain(t xml.StartElement) xml.StartElement {
	t.Attr = slices.DeleteFunc(slices.Clone(t.Attr), func(a xml.Attr) bool {
		return a.Name.Space == "xmlns" || (a.Name.Space == "" && a.Name.Local == "xmlns")
	})
	slices.SortFunc(t.Attr, func(a, b xml.Attr) int {
		return cmp.Or(cmp.Compare(a.Name.Space, b.Name.Space), cmp.Compare(a.Name.Local, b.Name.Local))
	})
	if t.Name.Space == "" { // which the encoder would leave to the parent's
		t.Attr = append(t.Attr, xml.Attr{Name: xml.Name{Local: "xmlns"}})
	}
	return t
}

// activity writes what awayd's own item says.
func activity(text string) element {
	in := func(name, text string, children ...element) element {
		return element{XMLName: xml.Name{Space: nsActivity, Local: name}, Text: text, Children: children}
	}
	return in("activity", "", in("inactive", "", in("on_vacation", "")), in("text", text))
}

// away returns the text of an activity that says what awayd's own items say.
func away(x string) *string {
	var e element
	if xml.Unmarshal([]byte(x), &e) != nil || len(e.Children) != 2 {
		return nil
	}
	text := e.Children[1].Text
	same := func(v element) string { b, _ := xml.Marshal(v); return string(b) }
	if same(e) != same(activity(text)) {
		return nil
	}
	return &text
}

// An activityNode is the person's activity node.
func (s *Session) activityNode() node {
	n := s.node
	n.name, n.told = nsActivity, nil
	return n
}

// Activity reads the person's activity node.
func (s *Session) Activity(ctx context.Context) (plan.ActivityNode, error) {
	n, err := s.readActivity(ctx)
	if err != nil {
		return plan.ActivityNode{}, s.end.about("look at activity of", err)
	}
	return n, nil
}

func (s *Session) readActivity(ctx context.Context) (n plan.ActivityNode, err error) {
	node := s.activityNode()
	n.Access, err = node.Access(ctx)
	if errors.Is(err, pep.ErrItemNotFound) {
		return plan.ActivityNode{}, nil
	}
	if err != nil {
		return n, err
	}
	n.Exists = true
	var answer struct {
		XMLName xml.Name
		Items   []rawItem `xml:"items>item"`
	}
	err = s.ask(ctx, readNewest(node.name), &answer)
	if errors.Is(err, pep.ErrItemNotFound) || (err == nil && len(answer.Items) == 0) {
		return n, nil
	}
	if err != nil {
		return n, err
	}
	return keepItem(n, answer.Items[0]), nil
}

// keepItem says what the node holds, and whether it could be put back.
func keepItem(n plan.ActivityNode, i rawItem) plan.ActivityNode {
	n.Item = &plan.ActivityItem{ID: i.ID}
	switch {
	case len(i.Content) != 1:
		n.Unsaveable = fmt.Sprintf("it holds %d elements", len(i.Content))
	case len(i.Content[0].xml)+len(i.ID) > maxSaved:
		n.Unsaveable = fmt.Sprintf("it is larger than %d bytes", maxSaved)
	default:
		n.Item.XML = i.Content[0].xml
		n.Away = away(n.Item.XML)
	}
	return n
}

// SetActivity carries out a step on the person's activity node. It makes the
// person available for it, if they are not, so that all servers tell contacts.
// That takes seconds, so the node is read once more then: what the person has set
// meanwhile would be lost, and the error matches [plan.ErrActivityChanged].
func (s *Session) SetActivity(ctx context.Context, step plan.ActivityStep) error {
	hidden := s.looks.shown == nil
	err := (stage{s}).Attend(ctx)
	if err == nil {
		err = (stage{s}).Gather(ctx)
	}
	var now plan.ActivityNode
	if err == nil {
		now, err = s.readActivity(ctx)
	}
	if err == nil && !step.Fits(now) {
		err = plan.ErrActivityChanged
	}
	if err == nil {
		err = s.setActivity(ctx, step)
	}
	if hidden && s.ctx.Err() == nil {
		err = errors.Join(err, s.Hide(ctx))
	}
	if err != nil {
		return s.end.about("set activity of", err)
	}
	return nil
}

func (s *Session) setActivity(ctx context.Context, step plan.ActivityStep) error {
	switch {
	case step.Show != nil:
		return s.ask(ctx, publishElement(nsActivity, plan.ItemActivity, activity(*step.Show), step.Guard), nil)
	case step.Restore != nil:
		if err := s.ask(ctx, publishElement(nsActivity, step.Restore.ID, raw{step.Restore.XML}, step.Guard), nil); err != nil {
			return err
		}
	case step.Clear:
		// An empty element says that there is no activity (XEP-0108 §3.2), which
		// a retraction does not say on every server.
		empty := element{XMLName: xml.Name{Space: nsActivity, Local: "activity"}}
		if err := s.ask(ctx, publishElement(nsActivity, plan.ItemActivity, empty, step.Guard), nil); err != nil {
			return err
		}
	}
	// Where a node holds more than one item, awayd's would stay beside theirs.
	if step.Restore != nil && step.Restore.ID == plan.ItemActivity {
		return nil
	}
	if err := s.activityNode().Retract(ctx, plan.ItemActivity, false); err != nil && !errors.Is(err, pep.ErrItemNotFound) {
		return err
	}
	return nil
}
