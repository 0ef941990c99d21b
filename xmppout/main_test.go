package xmppout

import (
	"context"
	"os"
	"testing"
	"time"

	"awayd/cmd/testbed"
	"awayd/sync/account"
)

var bed *testbed.Bed

func TestMain(m *testing.M) { os.Exit(testbed.Main(m, &bed)) }

// eachServer runs test against a real Prosody and a real ejabberd.
func eachServer(t *testing.T, test func(t *testing.T, x *testbed.XMPP)) {
	for _, kind := range []string{testbed.Prosody, testbed.Ejabberd} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, bed.XMPPFor(t, kind))
		})
	}
}

func linked(x *testbed.XMPP, p testbed.Person, addr string) account.Account {
	return account.Account{
		JID:   p.JID,
		Login: account.Login{Password: account.NewSecret(p.Password), Address: addr, TLSCA: string(x.CA.PEM)},
	}
}

// dial logs in, and out at the end of the test.
func dial(t *testing.T, x *testbed.XMPP, p testbed.Person) *Session {
	t.Helper()
	return dialAs(t, x, p, func(*account.Account) {})
}

// dialAs is dial with other settings.
func dialAs(t *testing.T, x *testbed.XMPP, p testbed.Person, change func(*account.Account)) *Session {
	t.Helper()
	a := linked(x, p, x.Addr)
	change(&a)
	s, err := new(Dialer).Dial(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}
