package testbed

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// prosodyConfig is Debian's default but for: rate limits, which would make
// tests wait; connections to other servers; what needs HTTP or an
// administrator.
var prosodyConfig = template.Must(template.New("prosody").Parse(`
run_as_root = true
data_path = "{{.Dir}}/data"
certificates = "{{.Dir}}"
pidfile = "{{.Dir}}/prosody.pid"
log = { { levels = { min = "info" }, to = "console" } }
interfaces = { "127.0.0.1" }
c2s_ports = { {{index .Ports 0}} }
c2s_direct_tls_ports = { {{index .Ports 1}} }
c2s_direct_tls_ssl = { certificate = "{{.Cert}}", key = "{{.Key}}" }
http_ports = { }
https_ports = { }
c2s_require_encryption = true
authentication = "internal_hashed"
storage = "internal"
{{with .Modules}}{{.}}{{else -}}
modules_enabled = {
	"disco", "roster", "saslauth", "tls", "blocklist", "bookmarks", "carbons", "csi_simple", "pep", "ping", "posix",
	"private", "register", "smacks", "time", "uptime", "vcard4", "vcard_legacy", "version",
}
{{- end}}
modules_disabled = { "s2s" }
VirtualHost "{{.Domain}}"
ssl = { certificate = "{{.Cert}}", key = "{{.Key}}" }
{{.Extra}}
`))

// StartProsody starts Prosody with its data in dir and a certificate of ca. ctx
// bounds the start only.
func StartProsody(ctx context.Context, dir string, ca *CA, o XMPPOptions) (*XMPP, error) {
	x, err := newXMPP(Prosody, dir, ca, o)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "prosody.cfg.lua")
	x.cmd = command{args: []string{"prosody", "--config", file, "-F"}, dir: dir}
	x.register = func(_ context.Context, user, password string) error {
		return writeProsodyAccount(filepath.Join(dir, "data"), x.Domain, user, password)
	}
	if err := x.startWith(ctx, 2, prosodyConfig, file); err != nil {
		return nil, err
	}
	return x, nil
}

// writeProsodyAccount stores an account as mod_auth_internal_hashed keeps it.
// Prosody reads the file at each login, running or not, and this takes a
// hundredth of the time of prosodyctl.
func writeProsodyAccount(data, domain, user, password string) error {
	const iterations = 10000
	salt := rand.Text()
	salted, err := pbkdf2.Key(sha1.New, password, []byte(salt), iterations, sha1.Size)
	if err != nil {
		return fmt.Errorf("hash password: %w", err)
	}
	clientKey := hmacSHA1(salted, "Client Key") // RFC 5802 §3
	storedKey := sha1.Sum(clientKey)
	text := fmt.Sprintf("return {\n\t[\"salt\"] = %q;\n\t[\"iteration_count\"] = %d;\n\t[\"stored_key\"] = \"%x\";\n\t[\"server_key\"] = \"%x\";\n};\n",
		salt, iterations, storedKey, hmacSHA1(salted, "Server Key"))

	dir := filepath.Join(data, prosodyFileName(domain), "accounts")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make folder of accounts: %w", err)
	}
	file := filepath.Join(dir, prosodyFileName(user)+".dat")
	if err := os.WriteFile(file+"~", []byte(text), 0o600); err != nil {
		return fmt.Errorf("write account: %w", err)
	}
	if err := os.Rename(file+"~", file); err != nil {
		return fmt.Errorf("write account: %w", err)
	}
	return nil
}

func hmacSHA1(key []byte, message string) []byte {
	h := hmac.New(sha1.New, key)
	h.Write([]byte(message))
	return h.Sum(nil)
}

// prosodyFileName is how Prosody's internal storage names files: everything
// but ASCII letters and digits is written as %xx.
func prosodyFileName(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}
