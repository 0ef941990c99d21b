package testbed

import (
	"os"
	"testing"
)

var bed *Bed

func TestMain(m *testing.M) { os.Exit(Main(m, &bed)) }

// eachXMPP runs test against both kinds of server.
func eachXMPP(t *testing.T, test func(t *testing.T, kind string)) {
	for _, kind := range []string{Prosody, Ejabberd} {
		t.Run(kind, func(t *testing.T) { test(t, kind) })
	}
}
