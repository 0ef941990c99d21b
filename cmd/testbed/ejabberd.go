package testbed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"text/template"
	"time"
)

// ejabberdConfig is Debian's default but for: shapers and fail2ban, which would
// make tests wait and lock them out; connections to other servers; what serves
// no client. mod_time is added, and an HTTP API for registering people.
var ejabberdConfig = template.Must(template.New("ejabberd").Parse(`
loglevel: info
log_rotate_count: 0
hosts: ["{{.Domain}}"]
certfiles: ["{{.Cert}}", "{{.Key}}"]
acme: {auto: false}
define_macro:
  TLS_CIPHERS: "HIGH:!aNULL:!eNULL:!3DES:@STRENGTH"
  TLS_OPTIONS: [no_sslv3, no_tlsv1, no_tlsv1_1, cipher_server_preference, no_compression]
c2s_ciphers: TLS_CIPHERS
c2s_protocol_options: TLS_OPTIONS
listen:
  - {port: {{index .Ports 0}}, ip: "127.0.0.1", module: ejabberd_c2s, max_stanza_size: 262144, access: c2s, starttls_required: true}
  - {port: {{index .Ports 1}}, ip: "127.0.0.1", module: ejabberd_c2s, max_stanza_size: 262144, access: c2s, tls: true}
  - {port: {{index .Ports 2}}, ip: "127.0.0.1", module: ejabberd_http, request_handlers: {/api: mod_http_api}}
disable_sasl_mechanisms: ["digest-md5", "X-OAUTH2"]
auth_password_format: scram
acl:
  local: {user_regexp: ""}
  loopback: {ip: ["127.0.0.0/8"]}
access_rules:
  c2s: {deny: blocked, allow: all}
  pubsub_createnode: {allow: local}
api_permissions:
  testbed: {who: {access: {allow: {acl: loopback}}}, what: ["register", "change_password"]}
{{with .Modules}}{{.}}{{else -}}
modules:
  mod_adhoc: {}
  mod_admin_extra: {}
  mod_avatar: {}
  mod_blocking: {}
  mod_caps: {}
  mod_carboncopy: {}
  mod_client_state: {}
  mod_configure: {}
  mod_disco: {}
  mod_http_api: {}
  mod_last: {}
  mod_offline: {}
  mod_ping: {}
  mod_privacy: {}
  mod_private: {}
  mod_pubsub:
    access_createnode: pubsub_createnode
    plugins: [flat, pep]
    force_node_config:
      "eu.siacs.conversations.axolotl.*": {access_model: open}
      "storage:bookmarks": {access_model: whitelist}
  mod_roster: {versioning: true}
  mod_shared_roster: {}
  mod_stream_mgmt: {resend_on_timeout: if_offline}
  mod_time: {}
  mod_vcard: {search: false}
  mod_vcard_xupdate: {}
  mod_version: {}
{{- end}}
{{.Extra}}
`))

// StartEjabberd starts ejabberd with its data in dir and a certificate of ca.
// ctx bounds the start only.
//
// The Erlang VM is run directly and without a node name: so there is no epmd,
// nothing that another instance could share, no change of user, and the VM is a
// child that can be waited for. ejabberdctl gives none of these.
func StartEjabberd(ctx context.Context, dir string, ca *CA, o XMPPOptions) (*XMPP, error) {
	x, err := newXMPP(Ejabberd, dir, ca, o)
	if err != nil {
		return nil, err
	}
	beams, err := filepath.Glob("/usr/lib/*/ejabberd-*/ebin/ejabberd.app")
	if err != nil || len(beams) == 0 {
		return nil, &MissingError{Program: "ejabberd"}
	}
	file := filepath.Join(dir, "ejabberd.yml")
	x.cmd = command{
		// The +sb options keep the VM from spinning on a core while idle.
		args: []string{"erl", "+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none", "-noinput",
			"-mnesia", "dir", fmt.Sprintf("%q", filepath.Join(dir, "spool")), "-s", "ejabberd"},
		env: []string{
			"EJABBERD_CONFIG_PATH=" + file,
			"EJABBERD_LOG_PATH=" + filepath.Join(dir, "logs", "ejabberd.log"),
			"ERL_LIBS=" + filepath.Dir(filepath.Dir(filepath.Dir(beams[0]))),
			"ERL_CRASH_DUMP_BYTES=0",
		},
		dir: dir,
	}
	x.register = x.registerOverHTTP
	if err := x.startWith(ctx, 3, ejabberdConfig, file); err != nil {
		return nil, err
	}
	return x, nil
}

// registerOverHTTP uses mod_http_api, which costs no Erlang VM of its own.
func (x *XMPP) registerOverHTTP(ctx context.Context, user, password string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	status, err := x.call(ctx, "register", map[string]string{"user": user, "host": x.Domain, "password": password})
	if err == nil && status == http.StatusConflict {
		status, err = x.call(ctx, "change_password", map[string]string{"user": user, "host": x.Domain, "newpass": password})
	}
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("call ejabberd: HTTP status %d", status)
	}
	return err
}

func (x *XMPP) call(ctx context.Context, name string, arguments any) (status int, err error) {
	body, err := json.Marshal(arguments)
	if err != nil {
		return 0, fmt.Errorf("encode arguments: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+loopback(x.ports[2])+"/api/"+name, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("call ejabberd: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Close = true // a kept connection would not survive a restart
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("call ejabberd: %w", err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)); err != nil {
		return 0, fmt.Errorf("call ejabberd: %w", err)
	}
	return resp.StatusCode, nil
}
