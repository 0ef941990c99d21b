package finding

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func certificate(name string, left time.Duration) *x509.Certificate {
	return &x509.Certificate{Raw: []byte(name), NotAfter: now.Add(left)}
}

func TestCertificate(t *testing.T) {
	const day = 24 * time.Hour
	private := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("other")})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("root")}))
	chain := func(leaf, root time.Duration) []*x509.Certificate {
		return []*x509.Certificate{certificate("leaf", leaf), certificate("root", root)}
	}
	for _, test := range []struct {
		name     string
		chains   [][]*x509.Certificate
		ca       string
		severity Severity
		want     string
	}{
		{"long", [][]*x509.Certificate{chain(90*day, 900*day)}, "", OK, "trusted by this machine, expires in 90 days, on 2026-09-29"},
		{"two weeks", [][]*x509.Certificate{chain(14*day, 900*day)}, "", OK, "14 days"},
		{"less", [][]*x509.Certificate{chain(14*day-1, 900*day)}, "", Warning, "13 days"},
		{"hours", [][]*x509.Certificate{chain(time.Hour, 900*day)}, "", Warning, "0 days"},
		{"the authority ends first", [][]*x509.Certificate{chain(90*day, 3*day)}, "", Warning, "3 days"},
		{"another chain lasts", [][]*x509.Certificate{chain(90*day, 3*day), chain(90*day, 60*day)}, "", OK, "60 days"},
		{"private", [][]*x509.Certificate{chain(90*day, 900*day)}, private, OK, "trusted by --tls-ca"},
		{"private, but not this one", [][]*x509.Certificate{{certificate("leaf", 90*day)}}, private, OK, "trusted by this machine"},
		{"none", nil, "", Error, "no certificate"},
		{"an empty chain", [][]*x509.Certificate{{}}, "", Error, "no certificate"},
	} {
		f := Certificate(tls.ConnectionState{VerifiedChains: test.chains}, test.ca, now)
		if f.Severity != test.severity || !strings.Contains(f.Detail, test.want) || (f.Severity == Warning) != (f.Hint != "") {
			t.Errorf("%s: %+v", test.name, f)
		}
	}
}

type advised struct{ error }

func (advised) Hint() string { return "do this" }

func TestFailed(t *testing.T) {
	f := Failed("login", fmt.Errorf("log in: %w", advised{errors.New("refused")}))
	if f != (Finding{Topic: "login", Severity: Error, Detail: "log in: refused", Hint: "do this"}) {
		t.Errorf("%+v", f)
	}
	if f := Failed("login", errors.New("refused")); f.Hint != "" {
		t.Errorf("%+v", f)
	}
}

func TestWorst(t *testing.T) {
	for _, test := range []struct {
		list []Severity
		want Severity
	}{
		{nil, OK}, {[]Severity{OK, OK}, OK}, {[]Severity{OK, Warning, OK}, Warning},
		{[]Severity{Error, Warning, OK}, Error}, {[]Severity{Warning, Error, Warning}, Error},
	} {
		if got := Worst(test.list...); got != test.want {
			t.Errorf("%v: %s, want %s", test.list, got, test.want)
		}
	}
}
