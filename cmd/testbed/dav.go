package testbed

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"
)

// Kinds of CalDAV server.
const (
	Radicale = "radicale"
	Xandikos = "xandikos"
)

// A DAV is one CalDAV server on loopback.
type DAV struct {
	*server
	Kind string // Radicale or Xandikos
	URL  string // of its root, with a slash at the end
	CA   *CA    // who issued its certificate; nil if it speaks plain HTTP

	users  map[string]string // user to password; empty: everybody may do everything
	home   string            // path of a user's calendars; %s is the user
	client *http.Client
}

// RadicaleOptions say how Radicale is to be set up.
type RadicaleOptions struct {
	Users map[string]string // user to password
	TLS   *CA               // speak HTTPS with a certificate of this CA for 127.0.0.1 and localhost
	Extra string            // sections added to its configuration
}

var radicaleConfig = template.Must(template.New("radicale").Parse(`
[server]
hosts = 127.0.0.1:{{.Port}}
{{- if .Cert}}
ssl = True
certificate = {{.Cert}}
key = {{.Key}}
{{- end}}
[auth]
type = htpasswd
htpasswd_filename = {{.Dir}}/users
htpasswd_encryption = plain
delay = 0
[rights]
type = owner_only
[storage]
filesystem_folder = {{.Dir}}/collections
[web]
type = none
{{.Extra}}
`))

// StartRadicale starts Radicale with its data in dir. ctx bounds the start only.
func StartRadicale(ctx context.Context, dir string, o RadicaleOptions) (*DAV, error) {
	file := filepath.Join(dir, "radicale.conf")
	d := newDAV(Radicale, dir, o.TLS)
	d.users, d.home = maps.Clone(o.Users), "%s/"
	d.cmd = command{args: []string{"radicale", "--config", file}, dir: dir, env: []string{"PYTHONDONTWRITEBYTECODE=1"}}
	values := map[string]any{"Dir": dir, "Extra": o.Extra}
	scheme := "http://"
	if o.TLS != nil {
		cert, key, err := o.TLS.Issue("127.0.0.1", "localhost")
		if err != nil {
			return nil, fmt.Errorf("start radicale: %w", err)
		}
		values["Cert"], values["Key"], scheme = cert, key, "https://"
	}
	err := d.startAnywhere(ctx, 1, func() error {
		if err := d.writeUsers(); err != nil {
			return err
		}
		d.URL = scheme + loopback(d.ports[0]) + "/"
		values["Port"] = d.ports[0]
		return render(radicaleConfig, file, values)
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

func (d *DAV) writeUsers() error {
	var text strings.Builder
	for user, password := range d.users {
		fmt.Fprintf(&text, "%s:%s\n", user, password)
	}
	if err := os.WriteFile(filepath.Join(d.dir, "users"), []byte(text.String()), 0o600); err != nil {
		return fmt.Errorf("write users: %w", err)
	}
	return nil
}

// SetPassword gives a user of Radicale another password, which holds at once.
func (d *DAV) SetPassword(user, password string) error {
	d.users[user] = password
	return d.writeUsers()
}

// StartXandikos starts Xandikos with its data in dir, for one user who needs no
// password. ctx bounds the start only.
func StartXandikos(ctx context.Context, dir, user string) (*DAV, error) {
	d := newDAV(Xandikos, dir, nil)
	d.home = "%s/calendars/"
	err := d.startAnywhere(ctx, 1, func() error {
		d.URL = "http://" + loopback(d.ports[0]) + "/"
		d.cmd = command{
			args: []string{"xandikos", "--defaults", "-d", filepath.Join(dir, "data"), "-l", "127.0.0.1",
				"-p", fmt.Sprint(d.ports[0]), "--current-user-principal", "/" + user + "/"},
			dir: dir,
			env: []string{"PYTHONDONTWRITEBYTECODE=1"},
		}
		return os.MkdirAll(filepath.Join(dir, "data"), 0o755)
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

func newDAV(kind, dir string, ca *CA) *DAV {
	d := &DAV{server: &server{kind: kind, dir: dir}, Kind: kind, CA: ca}
	var trust *tls.Config
	if ca != nil {
		trust = ca.TLS("")
	}
	// No kept connections: they would not survive a restart.
	d.client = &http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{TLSClientConfig: trust, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
	d.ready = func(ctx context.Context) error {
		_, _, err := d.Do(ctx, http.MethodOptions, d.URL, nil, "")
		return err
	}
	return d
}

// Home returns the URL of the folder that holds a user's calendars.
func (d *DAV) Home(user string) string {
	return d.URL + fmt.Sprintf(d.home, url.PathEscape(user))
}

// MakeCalendar makes a calendar for events in a user's home (RFC 4791 §5.3.1)
// and returns its URL.
func (d *DAV) MakeCalendar(ctx context.Context, user, name string) (string, error) {
	body := `<?xml version="1.0" encoding="utf-8"?>
<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>
<D:displayname>` + escape(name) + `</D:displayname>
<C:supported-calendar-component-set><C:comp name="VEVENT"/></C:supported-calendar-component-set>
</D:prop></D:set></C:mkcalendar>`
	at := d.Home(user) + url.PathEscape(name) + "/"
	return at, d.expect(ctx, "MKCALENDAR", at, http.Header{"Content-Type": {"application/xml"}}, body)
}

// Put stores an iCalendar object at url.
func (d *DAV) Put(ctx context.Context, url, ics string) error {
	return d.expect(ctx, http.MethodPut, url, http.Header{"Content-Type": {"text/calendar; charset=utf-8"}}, ics)
}

// Delete removes the object or the calendar at url.
func (d *DAV) Delete(ctx context.Context, url string) error {
	return d.expect(ctx, http.MethodDelete, url, nil, "")
}

// Do sends one request and returns the answer with its body. It authenticates
// as the user whose folder the URL is in.
func (d *DAV) Do(ctx context.Context, method, at string, header http.Header, body string) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, at, strings.NewReader(body))
	if err != nil {
		return nil, nil, fmt.Errorf("%s calendar: %w", method, err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	user, _, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/")
	if password, ok := d.users[user]; ok {
		req.SetBasicAuth(user, password)
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return nil, nil, fmt.Errorf("%s calendar: %w", method, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return nil, nil, fmt.Errorf("%s calendar: %w", method, err)
	}
	return resp, answer, nil
}

func (d *DAV) expect(ctx context.Context, method, at string, header http.Header, body string) error {
	resp, answer, err := d.Do(ctx, method, at, header, body)
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s: %s", method, at, resp.Status, answer)
	}
	return nil
}
