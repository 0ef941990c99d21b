package xmppout

import (
	"strings"
	"testing"
	"time"

	"awayd/cmd/testbed"
)

func isMessage(text string) func(testbed.Received) bool {
	return func(r testbed.Received) bool { return r.Name == "message" && r.Body == text }
}

// copies counts the messages that carry text, those within copies of others
// (XEP-0280) included.
func copies(c *testbed.Contact, text string) int {
	n := 0
	for _, r := range c.Received() {
		n += strings.Count(r.Raw, text)
	}
	return n
}

// A message to oneself comes to the person's phone: at once if it is online, at
// its next login if not, and once. Whether this session is unavailable or
// available with a negative priority, it keeps nothing from it.
func TestTellOneself(t *testing.T) {
	const first, second, third = "awayd: <one> & only", "awayd: two\nin two lines", "awayd: three"
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		juliet := x.PersonFor(t, "juliet")
		s := dial(t, x, juliet)
		tell := func(text string) {
			t.Helper()
			if err := s.Tell(t.Context(), juliet.JID, text); err != nil {
				t.Fatal(err)
			}
		}
		login := func() *testbed.Contact {
			t.Helper()
			phone := x.LoginFor(t, juliet, testbed.ContactOptions{Resource: "phone"})
			if _, err := phone.IQ(t.Context(), "set", "", "<enable xmlns='"+nsCarbons+"'/>"); err != nil {
				t.Fatal(err)
			}
			return phone
		}
		wait := func(phone *testbed.Contact, text string) testbed.Received {
			t.Helper()
			r, err := phone.Wait(t.Context(), isMessage(text))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(r.From, juliet.JID) || r.Type != "chat" {
				t.Errorf("the message reads %s", r.Raw)
			}
			return r
		}
		phone := login()
		tell(first)
		wait(phone, first)
		if err := phone.Close(); err != nil {
			t.Fatal(err)
		}

		tell(second) // nobody is there
		if err := s.Show(t.Context(), "Away"); err != nil {
			t.Fatal(err)
		}
		tell(third) // nobody but this session, with its negative priority
		phone = login()
		for _, text := range []string{second, third} {
			if r := wait(phone, text); !strings.Contains(r.Raw, "urn:xmpp:delay") {
				t.Errorf("kept, but without the time: %s", r.Raw)
			}
		}
		tell(first)
		wait(phone, first)
		time.Sleep(300 * time.Millisecond) // for what must not come
		for _, text := range []string{"only", "in two lines", third} {
			if n := copies(phone, text); n != 1 {
				t.Errorf("%q came %d times", text, n)
			}
		}
		if s.Err() != nil {
			t.Error(s.Err())
		}
	})
}

func TestTellOthers(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		s := dial(t, x, x.PersonFor(t, "awayd"))
		admin := x.PersonFor(t, "admin")
		phone := x.LoginFor(t, admin, testbed.ContactOptions{})
		if err := s.Tell(t.Context(), admin.JID, "two accounts are in trouble"); err != nil {
			t.Fatal(err)
		}
		if _, err := phone.Wait(t.Context(), isMessage("two accounts are in trouble")); err != nil {
			t.Error(err)
		}
		err := s.Tell(t.Context(), "nobody-of-that-name@"+x.Domain, "lost")
		wantErr(t, err, errReturned)
		if err := s.Tell(t.Context(), "@", "lost"); err == nil || !strings.Contains(err.Error(), "JID") {
			t.Errorf("no JID: %v", err)
		}
		if err := s.Tell(t.Context(), admin.JID, "still here"); err != nil {
			t.Error(err)
		}
	})
}

func TestServerTime(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		s := dial(t, x, x.PersonFor(t, "juliet"))
		at, err := s.Time(t.Context())
		if off := time.Since(at); err != nil || off < -time.Second || off > 2*time.Second {
			t.Errorf("%s is %v off, %v", at, off, err)
		}
	})
}

// A server without XEP-0202 tells no time, and that is no error.
func TestServerWithoutTime(t *testing.T) {
	x := testbed.XMPPFor(t, testbed.Prosody, testbed.XMPPOptions{Extra: "modules_disabled = { \"s2s\", \"time\" }\n"})
	s := dial(t, x, x.PersonFor(t, "juliet"))
	if at, err := s.Time(t.Context()); err != nil || !at.IsZero() {
		t.Errorf("%s, %v", at, err)
	}
}

func TestReadServerTime(t *testing.T) {
	want := time.Date(2026, 12, 19, 17, 58, 35, 0, time.UTC)
	for text, ok := range map[string]bool{
		"2026-12-19T17:58:35Z": true, " 2026-12-19T17:58:35.4Z\n": true, "2026-12-19T18:58:35+01:00": true,
		"": false, "now": false, "20261219T17:58:35": false, "2026-12-19T17:58:35": false,
	} {
		at, err := entityTime{UTC: text}.read()
		if (err == nil) != ok || (ok && !at.Truncate(time.Second).Equal(want)) {
			t.Errorf("%q: %s, %v", text, at, err)
		}
	}
	var answer entityTime
	err := readAnswer(bound(tokens([]byte("<iq type='result'><time xmlns='"+nsTime+"'><tzo>-06:00</tzo><utc>2026-12-19T17:58:35Z</utc></time></iq>")), maxTokens), &answer)
	if at, _ := answer.read(); err != nil || !at.Equal(want) {
		t.Errorf("%+v, %v", answer, err)
	}
}
