package testbed

import (
	"net"
	"testing"
	"time"
)

// What the proofs rely on: that a faulty proxy does what its toxics say, and
// nothing any more once it is healed.
func TestToxiproxy(t *testing.T) {
	toxi, err := bed.Toxiproxy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	echo := echoServer(t)
	f, err := toxi.Before(t.Context(), echo)
	if err != nil {
		t.Fatal(err)
	}
	answers := func() bool {
		conn, err := net.Dial("tcp", f.Addr)
		if err != nil {
			return false
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte("ping"))
		n, _ := conn.Read(make([]byte, 4))
		return n == 4
	}
	demand := func(want bool, when string) {
		t.Helper()
		if answers() != want {
			t.Fatalf("%s: answers is %t", when, !want)
		}
	}
	demand(true, "at first")
	for _, toxic := range []Toxic{
		{"timeout", "downstream", map[string]int{"timeout": 0}},
		{"timeout", "upstream", map[string]int{"timeout": 0}},
		{"reset_peer", "downstream", map[string]int{"timeout": 0}},
		{"limit_data", "downstream", map[string]int{"bytes": 2}},
		{"latency", "downstream", map[string]int{"latency": 2000}},
	} {
		if err := f.Poison(t.Context(), toxic); err != nil {
			t.Fatal(err)
		}
		demand(false, toxic.Type)
		if err := f.Heal(t.Context(), toxic); err != nil {
			t.Fatal(err)
		}
		demand(true, toxic.Type+", healed")
	}
	if err := f.Refuse(t.Context()); err != nil {
		t.Fatal(err)
	}
	demand(false, "refusing")
	if err := f.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	demand(true, "healed at last")
	if err := f.Redirect(t.Context(), echoServer(t)); err != nil {
		t.Fatal(err)
	}
	demand(true, "redirected")
}
