package testbed

import (
	"context"
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	nsPubSub = "http://jabber.org/protocol/pubsub"
	nsOwner  = nsPubSub + "#owner"
)

// OOO returns an <ooo/> element (XEP-0109 §4).
func OOO(start, end time.Time, message string) string {
	return "<ooo xmlns='" + NodeOOO + "'><start>" + start.UTC().Format(time.RFC3339) + "</start><end>" +
		end.UTC().Format(time.RFC3339) + "</end><message>" + escape(message) + "</message></ooo>"
}

// Publish publishes an item on an own node (XEP-0060 §7.1); options, which may
// be nil, are the fields of its publish-options, such as pubsub#access_model.
func (c *Contact) Publish(ctx context.Context, node, id, payload string, options map[string]string) error {
	form := ""
	if options != nil {
		form = "<publish-options>" + dataForm(nsPubSub+"#publish-options", options) + "</publish-options>"
	}
	_, err := c.IQ(ctx, "set", "", "<pubsub xmlns='"+nsPubSub+"'><publish node='"+escape(node)+"'><item id='"+escape(id)+"'>"+
		payload+"</item></publish>"+form+"</pubsub>")
	return wrap("publish item", err)
}

// Retract takes an item off an own node (XEP-0060 §7.2).
func (c *Contact) Retract(ctx context.Context, node, id string, notify bool) error {
	_, err := c.IQ(ctx, "set", "", fmt.Sprintf("<pubsub xmlns='%s'><retract node='%s' notify='%t'><item id='%s'/></retract></pubsub>",
		nsPubSub, escape(node), notify, escape(id)))
	return wrap("retract item", err)
}

// Configure changes fields of an own node's configuration (XEP-0060 §8.2).
func (c *Contact) Configure(ctx context.Context, node string, fields map[string]string) error {
	_, err := c.IQ(ctx, "set", "", "<pubsub xmlns='"+nsOwner+"'><configure node='"+escape(node)+"'>"+
		dataForm(nsPubSub+"#node_config", fields)+"</configure></pubsub>")
	return wrap("configure node", err)
}

// Configuration returns the configuration of an own node.
func (c *Contact) Configuration(ctx context.Context, node string) (map[string]string, error) {
	raw, err := c.IQ(ctx, "get", "", "<pubsub xmlns='"+nsOwner+"'><configure node='"+escape(node)+"'/></pubsub>")
	if err != nil {
		return nil, wrap("read configuration", err)
	}
	var answer struct {
		Fields []struct {
			Var   string `xml:"var,attr"`
			Value string `xml:"value"`
		} `xml:"pubsub>configure>x>field"`
	}
	if err := xml.Unmarshal([]byte(raw), &answer); err != nil {
		return nil, wrap("read configuration", err)
	}
	fields := map[string]string{}
	for _, f := range answer.Fields {
		fields[f.Var] = f.Value
	}
	return fields, nil
}

// DeleteNode deletes an own node (XEP-0060 §8.4).
func (c *Contact) DeleteNode(ctx context.Context, node string) error {
	_, err := c.IQ(ctx, "set", "", "<pubsub xmlns='"+nsOwner+"'><delete node='"+escape(node)+"'/></pubsub>")
	return wrap("delete node", err)
}

// Fetch asks for the items of somebody's node (XEP-0060 §6.5). The condition of
// a refusal is [Condition] of the error.
func (c *Contact) Fetch(ctx context.Context, jid, node string) ([]Item, error) {
	raw, err := c.IQ(ctx, "get", jid, "<pubsub xmlns='"+nsPubSub+"'><items node='"+escape(node)+"'/></pubsub>")
	if err != nil {
		return nil, wrap("fetch items", err)
	}
	var answer struct {
		Items []itemXML `xml:"pubsub>items>item"`
	}
	if err := xml.Unmarshal([]byte(raw), &answer); err != nil {
		return nil, wrap("fetch items", err)
	}
	var items []Item
	for _, i := range answer.Items {
		items = append(items, i.item())
	}
	return items, nil
}

// Subscribe subscribes to somebody's node explicitly (XEP-0060 §6.1), beyond
// what presence and caps do.
func (c *Contact) Subscribe(ctx context.Context, jid, node string) error {
	_, err := c.IQ(ctx, "set", jid, "<pubsub xmlns='"+nsPubSub+"'><subscribe node='"+escape(node)+"' jid='"+escape(c.Bare())+"'/></pubsub>")
	return wrap("subscribe to node", err)
}

// Befriend makes a and b see each other's presence (RFC 6121 §3), whether or
// not they are available.
func Befriend(ctx context.Context, a, b *Contact) error {
	ctx, cancel := context.WithTimeout(ctx, waitTimeout)
	defer cancel()
	for _, step := range []func() error{
		func() error { return a.follow(ctx, b) },
		func() error { return b.follow(ctx, a) },
		// ejabberd's mod_caps heeds presence only from contacts who are
		// subscribed already, so what was sent on the way here does not count.
		func() error { return a.again(ctx) },
		func() error { return b.again(ctx) },
	} {
		if err := step(); err != nil {
			return wrap("befriend "+a.Bare()+" and "+b.Bare(), err)
		}
	}
	return nil
}

// follow makes c see other's presence: c asks, other approves.
func (c *Contact) follow(ctx context.Context, other *Contact) error {
	// Each stanza has to have had its effect before the next: an approval that
	// overtakes the request leaves the two rosters in disagreement.
	if err := c.Send(presence("subscribe", other)); err != nil {
		return err
	}
	if err := c.ping(ctx); err != nil {
		return err
	}
	if err := other.Send(presence("subscribed", c)); err != nil {
		return err
	}
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		there, err := c.subscription(ctx, other)
		if err != nil {
			return err
		}
		back, err := other.subscription(ctx, c)
		if err != nil {
			return err
		}
		if (there == "to" || there == "both") && (back == "from" || back == "both") {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// again repeats c's presence, if it is available.
func (c *Contact) again(ctx context.Context) error {
	c.mu.Lock()
	available, inner := c.available, c.inner
	c.mu.Unlock()
	if !available {
		return nil
	}
	return c.Available(ctx, inner)
}

func presence(typ string, to *Contact) string {
	return "<presence type='" + typ + "' to='" + escape(to.Bare()) + "'/>"
}

// subscription returns how c's roster has other: none, to, from or both.
func (c *Contact) subscription(ctx context.Context, other *Contact) (string, error) {
	raw, err := c.IQ(ctx, "get", "", "<query xmlns='jabber:iq:roster'/>")
	if err != nil {
		return "", wrap("read roster", err)
	}
	var answer struct {
		Items []struct {
			JID          string `xml:"jid,attr"`
			Subscription string `xml:"subscription,attr"`
		} `xml:"query>item"`
	}
	if err := xml.Unmarshal([]byte(raw), &answer); err != nil {
		return "", wrap("read roster", err)
	}
	for _, i := range answer.Items {
		if i.JID == other.Bare() {
			return i.Subscription, nil
		}
	}
	return "none", nil
}

func dataForm(formType string, fields map[string]string) string {
	var b strings.Builder
	b.WriteString("<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>" + formType + "</value></field>")
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		b.WriteString("<field var='" + escape(name) + "'><value>" + escape(fields[name]) + "</value></field>")
	}
	b.WriteString("</x>")
	return b.String()
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
