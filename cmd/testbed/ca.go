package testbed

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// A CA is a certificate authority to be thrown away after use.
type CA struct {
	PEM  []byte // its own certificate
	File string // the file that holds PEM

	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

// NewCA makes a certificate authority that keeps its files in dir.
func NewCA(dir string) (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make CA key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: "awayd throw-away CA"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().AddDate(1, 0, 0),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make CA certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make CA certificate: %w", err)
	}
	ca := &CA{
		PEM:  pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		File: filepath.Join(dir, "ca.pem"),
		dir:  dir,
		cert: cert,
		key:  key,
		pool: x509.NewCertPool(),
	}
	ca.pool.AddCert(cert)
	if err := os.WriteFile(ca.File, ca.PEM, 0o644); err != nil {
		return nil, fmt.Errorf("save CA certificate: %w", err)
	}
	return ca, nil
}

// Issue makes a certificate for hosts, which are DNS names or IP addresses, and
// returns the files that hold it and its key.
func (ca *CA) Issue(hosts ...string) (certFile, keyFile string, err error) {
	return ca.IssueUntil(time.Now().AddDate(1, 0, 0), hosts...)
}

// IssueUntil makes a certificate that expires at a moment, which may be past.
func (ca *CA) IssueUntil(end time.Time, hosts ...string) (certFile, keyFile string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", fmt.Errorf("make key: %w", err)
	}
	number := serial()
	template := &x509.Certificate{
		SerialNumber: number,
		Subject:      pkix.Name{CommonName: hosts[0]},
		NotBefore:    end.AddDate(-1, 0, 0).Add(-time.Hour),
		NotAfter:     end,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), ca.key)
	if err != nil {
		return "", "", fmt.Errorf("issue certificate for %s: %w", hosts[0], err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", "", fmt.Errorf("encode key of %s: %w", hosts[0], err)
	}
	base := filepath.Join(ca.dir, fmt.Sprintf("%x", number))
	certFile, keyFile = base+".crt", base+".key"
	if err := os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		return "", "", fmt.Errorf("save certificate: %w", err)
	}
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600); err != nil {
		return "", "", fmt.Errorf("save key: %w", err)
	}
	return certFile, keyFile, nil
}

// TLS returns a client configuration that trusts this CA alone.
func (ca *CA) TLS(serverName string) *tls.Config {
	return &tls.Config{RootCAs: ca.pool, ServerName: serverName, MinVersion: tls.VersionTLS12}
}

func serial() *big.Int {
	b := make([]byte, 8)
	rand.Read(b) // never fails
	b[0] &= 0x7f // positive, whatever reads it
	return new(big.Int).SetBytes(b)
}
