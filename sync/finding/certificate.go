package finding

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"time"
)

// soon is how long before its end a certificate is worth a warning: those that
// renew themselves do so a month or ten days before it.
const soon = 14 * 24 * time.Hour

// Certificate judges the certificate of a server whose handshake succeeded. ca
// is the PEM of the private authorities that were trusted beside the
// machine's own.
func Certificate(state tls.ConnectionState, ca string, now time.Time) Finding {
	const topic = "certificate"
	until, root := validity(state.VerifiedChains)
	if root == nil {
		return Bad(topic, "", "the connection proves no certificate")
	}
	by := "trusted by this machine"
	if holds(ca, root) {
		by = "trusted by --tls-ca"
	}
	left := until.Sub(now)
	when := fmt.Sprintf("%s, expires in %d days, on %s", by, left/(24*time.Hour), until.UTC().Format(time.DateOnly))
	if left < soon {
		return Doubt(topic, "renew it, or ask the server's administrator to; awayd refuses an expired one", "%s", when)
	}
	return Good(topic, "%s", when)
}

// validity returns until when the chain that lasts longest is valid, and its
// root.
func validity(chains [][]*x509.Certificate) (until time.Time, root *x509.Certificate) {
	for _, chain := range chains {
		if len(chain) == 0 {
			continue
		}
		end := chain[0].NotAfter
		for _, c := range chain {
			if c.NotAfter.Before(end) {
				end = c.NotAfter
			}
		}
		if root == nil || end.After(until) {
			until, root = end, chain[len(chain)-1]
		}
	}
	return until, root
}

// holds reports whether the PEM text has this certificate in it.
func holds(text string, c *x509.Certificate) bool {
	rest := []byte(text)
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return false
		}
		if bytes.Equal(block.Bytes, c.Raw) {
			return true
		}
	}
}

// TLS tells how a connection is encrypted; how says how it came to be.
func TLS(state tls.ConnectionState, how string) Finding {
	return Good("TLS", "%s%s", tls.VersionName(state.Version), how)
}
