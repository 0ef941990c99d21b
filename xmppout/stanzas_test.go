package xmppout

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"mellium.im/xmpp/jid"

	"awayd/sync/plan"
	"awayd/xmppout/pep"
)

var update = flag.Bool("update", false, "write the golden stanzas anew")

func TestGoldenStanzas(t *testing.T) {
	start := time.Date(2026, 8, 1, 6, 0, 0, 0, time.UTC)
	p := plan.NewPayload(start, start.AddDate(0, 0, 14), "Away until 15 August <& back>\nAsk Mercutio.")
	me := jid.MustParse("juliet@example.org")
	for name, v := range map[string]any{
		"publish-staged":      publishItem(nodeName, plan.ItemArchive, p, plan.Whitelist),
		"publish-current":     publishItem(nodeName, plan.ItemCurrent, p, plan.Presence),
		"retract":             retractItem(nodeName, plan.ItemArchive, false),
		"retract-notify":      retractItem(nodeName, plan.ItemCurrent, true),
		"configure-open":      configureAccess(nodeName, plan.Open),
		"configure-whitelist": configureAccess(nodeName, plan.Whitelist),
		"configure-hidden":    configureHidden(nodeName),
		"delete":              deleteNode(nodeName),
		"get-configuration":   readConfiguration(nodeName),
		"get-items":           readItems(nodeName),
		"get-affiliations":    readAffiliations(nodeName),
		"publish-group":       publishItem(nodeName, plan.ItemCurrent, p, plan.Group("Work & <home>")),
		"configure-group":     configureAccess(nodeName, plan.Group("Work & <home>")),
		"create-hidden":       createNode("urn:example:probe", field{Var: fieldAccess, Values: []string{string(plan.Whitelist)}}),
		"set-affiliations":    makeMembers(nodeName, []string{"romeo@example.net", "paris@example.net"}),
		"subscribe":           subscribe(nodeName, jid.MustParse("juliet@example.org/awayd-x")),
		"publish-activity":    publishElement(nsActivity, plan.ItemActivity, activity("Away <& back>"), plan.Presence),
		"get-newest":          readNewest(nsActivity),
		"get-roster":          readRoster(),
		"get-features":        readFeatures(me),
		"get-version":         readVersion(me.Domain()),
		"ping":                pingServer(me.Domain()),
		"presence-xa":         available("Away until 15 August"),
		"presence-bare":       available(""),
		"unavailable":         unavailable(),
		"get-time":            askTime(me.Domain()),
		"message":             newMessage(me.Bare(), "id1", "awayd: your calendar \"<&>\" is out of reach.\n\nSee to it."),
	} {
		t.Run(name, func(t *testing.T) {
			got := canonical(t, onWire(t, v))
			file := filepath.Join("testdata", name+".xml")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(canonical(t, want), got); diff != "" {
				t.Errorf("stanza differs from %s (-want +got):\n%s", file, diff)
			}
		})
	}
}

// onWire is the stanza as a session sends it, without its id.
func onWire(t *testing.T, v any) []byte {
	t.Helper()
	q, ok := v.(query)
	if !ok {
		b, err := xml.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	body, err := q.encode()
	if err != nil {
		t.Fatal(err)
	}
	to := ""
	if s := q.To.String(); s != "" {
		to = " to='" + s + "'"
	}
	return []byte("<iq xmlns='jabber:client' type='" + string(q.Type) + "'" + to + ">" + string(body) + "</iq>")
}

// canonical writes XML with a line for each element, namespaces where they
// change, and attributes in order.
func canonical(t *testing.T, in []byte) string {
	t.Helper()
	var b strings.Builder
	d := xml.NewDecoder(bytes.NewReader(in))
	spaces := []string{""}
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return strings.TrimSpace(b.String()) + "\n"
		}
		if err != nil {
			t.Fatalf("%v in %s", err, in)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			b.WriteString("\n" + strings.Repeat("  ", len(spaces)-1) + "<" + tok.Name.Local)
			if tok.Name.Space != spaces[len(spaces)-1] {
				b.WriteString(" xmlns='" + tok.Name.Space + "'")
			}
			spaces = append(spaces, tok.Name.Space)
			attrs := slices.DeleteFunc(tok.Attr, func(a xml.Attr) bool { return a.Name.Local == "xmlns" })
			slices.SortFunc(attrs, func(a, b xml.Attr) int { return strings.Compare(a.Name.Local, b.Name.Local) })
			for _, a := range attrs {
				b.WriteString(" " + a.Name.Local + "='" + a.Value + "'")
			}
			b.WriteString(">")
		case xml.EndElement:
			spaces = spaces[:len(spaces)-1]
			b.WriteString("</" + tok.Name.Local + ">")
		case xml.CharData:
			if s := strings.TrimSpace(string(tok)); s != "" {
				if err := xml.EscapeText(&b, []byte(s)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// What is sent can be read by what reads answers.
func TestStanzasRoundTrip(t *testing.T) {
	p := plan.NewPayload(time.Now(), time.Now().Add(time.Hour), "Away")
	for name, q := range map[string]query{
		"publish": publishItem(nodeName, "x", p, plan.Open), "configure": configureAccess(nodeName, plan.Whitelist),
		"retract": retractItem(nodeName, "x", true), "delete": deleteNode(nodeName), "items": readItems(nodeName), "affiliations": readAffiliations(nodeName),
	} {
		want := q.Payload.(pubsub)
		var got pubsub
		if err := readAnswer(bound(tokens(onWire(t, q)), maxTokens), &got); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		a, b := canonical(t, onWire(t, query{Payload: want})), canonical(t, onWire(t, query{Payload: got}))
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%s does not survive (-sent +read):\n%s", name, diff)
		}
	}
}

func TestReadAnswer(t *testing.T) {
	const stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas"
	for name, test := range map[string]struct {
		xml  string
		want error
		text string
	}{
		"precondition": {"<iq type='error'><pubsub xmlns='" + nsPubSub + "'/><error type='cancel'><conflict xmlns='" + stanzas + "'/><precondition-not-met xmlns='" + nsPubSubError + "'/></error></iq>",
			pep.ErrPreconditionNotMet, "conflict (precondition-not-met)"},
		"not found": {"<iq type='error'><error type='cancel'><item-not-found xmlns='" + stanzas + "'/><text xmlns='" + stanzas + "'>No\nsuch\x7f node</text></error></iq>",
			pep.ErrItemNotFound, "item-not-found: No such node"},
		"forbidden": {"<iq type='error'><error type='auth'><forbidden xmlns='" + stanzas + "'/></error></iq>", pep.ErrForbidden, "forbidden"},
		"no error":  {"<iq type='error'/>", nil, "undefined-condition"},
		"deep":      {"<iq type='result'>" + strings.Repeat("<a>", 40) + strings.Repeat("</a>", 40) + "</iq>", errTooLarge, ""},
		"wide":      {"<iq type='result'><a>" + strings.Repeat("<b/>", maxTokens) + "</a></iq>", errTooLarge, ""},
	} {
		var answer pubsub
		err := readAnswer(bound(tokens([]byte(test.xml)), maxTokens), &answer)
		if err == nil || (test.want != nil && !errors.Is(err, test.want)) || (test.text != "" && err.Error() != test.text) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	var answer pubsub
	if err := readAnswer(bound(tokens([]byte("<iq type='result'/>")), maxTokens), &answer); err != nil {
		t.Errorf("empty result: %v", err)
	}
}
