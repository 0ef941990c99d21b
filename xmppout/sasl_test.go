package xmppout

import (
	"crypto/tls"
	"errors"
	"testing"

	"mellium.im/sasl"
)

func TestChooseMechanism(t *testing.T) {
	all := []string{"PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "X-OAUTH2"}
	for _, test := range []struct {
		offered []string
		plus    bool
		want    string
	}{
		{all, true, "SCRAM-SHA-256-PLUS"},
		{all, false, "SCRAM-SHA-256"},
		{[]string{"PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"}, true, "SCRAM-SHA-1-PLUS"},
		{[]string{"PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"}, false, "SCRAM-SHA-1"},
		{[]string{"PLAIN"}, true, "PLAIN"},
		{[]string{"DIGEST-MD5", "SCRAM-SHA-1-PLUS"}, false, ""},
		{nil, true, ""},
	} {
		m, ok := choose(test.offered, test.plus)
		if m.Name != test.want || ok != (test.want != "") {
			t.Errorf("of %v with channel binding %t: chose %q", test.offered, test.plus, m.Name)
		}
	}
}

func TestBindable(t *testing.T) {
	unique := []byte("finished")
	for name, test := range map[string]struct {
		state     tls.ConnectionState
		announced []string
		want      bool
	}{
		"1.3":                         {tls.ConnectionState{Version: tls.VersionTLS13}, nil, false},
		"1.3 with exporter":           {tls.ConnectionState{Version: tls.VersionTLS13}, []string{"tls-exporter"}, true},
		"1.3 with end point":          {tls.ConnectionState{Version: tls.VersionTLS13}, []string{"tls-server-end-point"}, false},
		"1.2":                         {tls.ConnectionState{Version: tls.VersionTLS12, TLSUnique: unique}, nil, true},
		"1.2 resumed":                 {tls.ConnectionState{Version: tls.VersionTLS12}, nil, false},
		"1.2 that announces another":  {tls.ConnectionState{Version: tls.VersionTLS12, TLSUnique: unique}, []string{"tls-exporter"}, false},
		"1.2 that announces the same": {tls.ConnectionState{Version: tls.VersionTLS12, TLSUnique: unique}, []string{"tls-unique"}, true},
	} {
		if got := bindable(test.state, test.announced); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// A hostile server's first message is refused before the library reads it: some
// of these keep it busy for ever.
func TestScramFirstMessage(t *testing.T) {
	for message, ok := range map[string]bool{
		"r=abcdef,s=c2FsdA==,i=4096":        true,
		"r=abcdef,s=c2FsdA==,i=10000,x=ext": true,
		"":                                  false,
		"r=abcdef,s=c2FsdA==,i=":            false,
		"r=abcdef,s=c2FsdA==,i=4096,":       false,
		"r=abcdef,s=c2FsdA==,i=2000000000":  false,
		"r=abcdef,s=c2FsdA==,i=0":           false,
		"r=abcdef,s=c2FsdA==,i=4096\x00":    false,
		"nonsense":                          false,
	} {
		n := sasl.NewClient(guarded(sasl.ScramSha1), sasl.Credentials(func() ([]byte, []byte, []byte) {
			return []byte("juliet"), []byte("r0m30"), nil
		}))
		if _, _, err := n.Step(nil); err != nil {
			t.Fatal(err)
		}
		// A good message fails later, for its nonce.
		_, _, err := n.Step([]byte(message))
		var refused *Error
		if got := !errors.As(err, &refused); got != ok {
			t.Errorf("%q: %v", message, err)
		}
	}
}
