package xmppout

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"awayd/sync/plan"
)

func readItem(t interface{ Fatal(...any) }, s string) plan.Item {
	var i item
	if err := xml.Unmarshal([]byte(s), &i); err != nil {
		t.Fatal(err)
	}
	return i.read()
}

func TestReadPayload(t *testing.T) {
	start := time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)
	full := plan.Payload{Start: start, End: start.Add(36 * time.Hour), Message: "Away"}
	const (
		open = "<item id='current'><ooo xmlns='urn:xmpp:ooo:0'>"
		end  = "</ooo></item>"
		s    = "<start>2026-08-01T00:00:00Z</start>"
		e    = "<end>2026-08-02T12:00:00Z</end>"
		m    = "<message>Away</message>"
	)
	for name, test := range map[string]struct {
		xml  string
		want plan.Payload
		odd  bool
	}{
		"as written":        {open + s + e + m + end, full, false},
		"another order":     {open + m + e + s + end, full, false},
		"white space":       {open + "\n " + s + "\n " + e + m + "\n" + end, full, false},
		"prefix":            {"<item id='current'><o:ooo xmlns:o='urn:xmpp:ooo:0'><o:start>2026-08-01T00:00:00Z</o:start><o:end>2026-08-02T12:00:00Z</o:end><o:message>Away</o:message></o:ooo></item>", full, false},
		"offset":            {open + "<start>2026-08-01T02:00:00+02:00</start>" + e + m + end, full, false},
		"zero fraction":     {open + "<start>2026-08-01T00:00:00.000Z</start>" + e + m + end, full, false},
		"fraction":          {open + "<start>2026-08-01T00:00:00.25Z</start>" + e + m + end, full, true},
		"empty times":       {open + "<start/><end></end>" + m + end, plan.Payload{Message: "Away"}, false},
		"empty message":     {open + s + e + "<message/>" + end, plan.Payload{Start: full.Start, End: full.End}, false},
		"spaces in message": {open + s + e + "<message> a\n b </message>" + end, plan.Payload{Start: full.Start, End: full.End, Message: " a\n b "}, false},
		"no zone":           {open + "<start>2026-08-01T00:00:00</start>" + e + m + end, plan.Payload{End: full.End, Message: "Away"}, true},
		"comma":             {open + "<start>2026-08-01T00:00:00,5Z</start>" + e + m + end, plan.Payload{End: full.End, Message: "Away"}, true},
		"one digit":         {open + "<start>2026-08-01T0:00:00Z</start>" + e + m + end, plan.Payload{End: full.End, Message: "Away"}, true},
		"no such day":       {open + "<start>2026-02-30T00:00:00Z</start>" + e + m + end, plan.Payload{End: full.End, Message: "Away"}, true},
		"leap second":       {open + "<start>2026-06-30T23:59:60Z</start>" + e + m + end, plan.Payload{End: full.End, Message: "Away"}, true},
		"year 1":            {open + "<start>0001-01-01T00:00:00Z</start>" + e + m + end, plan.Payload{End: full.End, Message: "Away"}, true},
		"date":              {open + "<start>2026-08-01</start>" + e + m + end, plan.Payload{End: full.End, Message: "Away"}, true},
		"no end":            {open + s + m + end, plan.Payload{Start: full.Start, Message: "Away"}, true},
		"two ends":          {open + s + e + e + end, plan.Payload{Start: full.Start, End: full.End}, true},
		"another child":     {open + s + e + m + "<x/>" + end, full, true},
		"text beside":       {open + s + e + m + "!" + end, full, true},
		"child in message":  {open + s + e + "<message>Away<b/></message>" + end, full, true},
		"foreign child":     {open + s + e + "<message xmlns='urn:example'>Away</message>" + end, full, true},
		"foreign root":      {"<item id='current'><ooo xmlns='urn:example'/></item>", plan.Payload{}, true},
		"item as root":      {"<item id='current'><item xmlns='urn:xmpp:ooo:0'>" + s + e + m + "</item></item>", plan.Payload{}, true},
		"nothing":           {"<item id='current'/>", plan.Payload{}, true},
		"two payloads":      {"<item id='current'><ooo xmlns='urn:xmpp:ooo:0'>" + s + e + m + "</ooo><ooo xmlns='urn:xmpp:ooo:0'/></item>", plan.Payload{}, true},
	} {
		got := readItem(t, test.xml)
		if got.ID != "current" || got.Payload != test.want || got.Odd != test.odd {
			t.Errorf("%s: read %+v, want %+v, odd %t", name, got, test.want, test.odd)
		}
	}
}

// What is written reads the same, or is refused before it is sent.
func TestPayloadRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := plan.Payload{
			Start:   time.Unix(rapid.Int64Range(-62e9, 300e9).Draw(t, "start"), 0).UTC(),
			End:     time.Unix(rapid.Int64Range(-62e9, 300e9).Draw(t, "end"), 0).UTC(),
			Message: rapid.String().Draw(t, "message"),
		}
		refused := fit(p)
		b, err := xml.Marshal(publishItem(nodeName, "x", p, plan.Open).Payload)
		if err != nil {
			t.Fatal(err)
		}
		var q pubsub
		if err := xml.Unmarshal(b, &q); err != nil {
			t.Fatal(err)
		}
		got := q.Publish.Items[0].read()
		if same := !got.Odd && got.Payload.Equal(p); same != (refused == nil) {
			t.Fatalf("%+v reads back as %+v, and fit says %v", p, got, refused)
		}
		plain := !strings.ContainsFunc(p.Message, func(r rune) bool { return r < ' ' || r == '\ufffe' || r == '\uffff' || r == '\ufffd' })
		if plain && p.Start.Year() > 0 && p.Start.Year() < 10000 && p.End.Year() > 0 && p.End.Year() < 10000 && refused != nil {
			t.Fatalf("%+v is refused: %v", p, refused)
		}
	})
}

func FuzzReadPayload(f *testing.F) {
	f.Add("<item id='current'><ooo xmlns='urn:xmpp:ooo:0'><start>2026-08-01T00:00:00+02:00</start><end/><message>x</message></ooo></item>")
	f.Add("<item><ooo xmlns='urn:xmpp:ooo:0'><start>2026-08-01T00:00:00.5Z</start></ooo></item>")
	f.Fuzz(func(t *testing.T, s string) {
		var i item
		if xml.Unmarshal([]byte(s), &i) != nil {
			return
		}
		read := i.read()
		if read.Odd {
			return
		}
		if err := fit(read.Payload); err != nil {
			t.Errorf("%q reads as %+v, which cannot be written: %v", s, read.Payload, err)
		}
	})
}

// Whatever a server answers, reading it ends.
func FuzzReadAnswer(f *testing.F) {
	f.Add("<iq type='result'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:ooo:0'><item id='a'/></items></pubsub></iq>")
	f.Add("<iq type='error'><error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
	f.Add("<iq type='result'/>")
	f.Fuzz(func(t *testing.T, s string) {
		var answer pubsub
		if err := readAnswer(bound(xml.NewDecoder(strings.NewReader(s)), maxTokens), &answer); err != nil {
			_ = err.Error()
		}
	})
}

// What XML or XEP-0082 cannot carry is refused before anything is done for it.
func TestUnfit(t *testing.T) {
	fine := plan.NewPayload(time.Now(), time.Now().Add(time.Hour), "Zoë & <co>\nback \"soon\"")
	if err := fit(fine); err != nil {
		t.Errorf("a usual message: %v", err)
	}
	if err := fit(plan.Payload{}); err != nil {
		t.Errorf("no message at all: %v", err)
	}
	bell, late := fine, fine
	bell.Message = "bell \a"
	late.End = time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, p := range []plan.Payload{bell, late} {
		wantKind(t, fit(p), Unfit)
	}
}
