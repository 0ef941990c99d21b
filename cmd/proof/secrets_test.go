package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"awayd/cmd/testbed"
)

// What Ada entrusts to awayd. Each differs from its encoded forms.
const (
	xmppSecret     = "correct horse/battery+staple?"
	calendarSecret = "dav:pass/word & <more>?"
	feedPath       = "private-7f3e9a5c1b2d"
	feedQuery      = "qUe/ry+S3cret"
)

var secrets = []string{xmppSecret, calendarSecret, feedPath, feedQuery}

// forms are the ways in which a secret may stand in a file: as it is, escaped,
// and as part of something encoded, such as the answer of SASL PLAIN (RFC 4616)
// or of HTTP's Basic (RFC 7617).
func forms(secret string) [][]byte {
	quoted, _ := json.Marshal(secret)
	var escaped bytes.Buffer
	_ = xml.EscapeText(&escaped, []byte(secret))
	list := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), strings.Trim(string(quoted), `"`),
		strings.Trim(strconv.Quote(secret), `"`), strings.Trim(strconv.QuoteToASCII(fmt.Sprintf("%q", secret)), `\"`), escaped.String(),
		hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))),
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			// Only the characters that what stands before and after does not change.
			text := encoding.EncodeToString([]byte(strings.Repeat("\x00", before) + secret))
			list = append(list, text[(before*8+5)/6:(before+len(secret))*8/6])
		}
	}
	found := make([][]byte, len(list))
	for i, f := range list {
		found[i] = []byte(f)
	}
	return found
}

// leaks returns the secrets that stand in text, in whatever form.
func leaks(text []byte) (found []string) {
	for _, s := range secrets {
		for _, f := range forms(s) {
			if bytes.Contains(text, f) {
				found = append(found, fmt.Sprintf("%q as %q", s, f))
			}
		}
	}
	return found
}

// The search finds what it is to find.
func TestLeaksAreFound(t *testing.T) {
	for _, s := range secrets {
		for _, text := range []string{
			s, "key=" + url.QueryEscape(s), "/" + url.PathEscape(s) + "/", fmt.Sprintf("%q", s), fmt.Sprintf("%x", s), fmt.Sprintf("%X", s),
			base64.StdEncoding.EncodeToString([]byte("\x00ada\x00" + s)), base64.StdEncoding.EncodeToString([]byte("ada:" + s)),
			base64.StdEncoding.EncodeToString([]byte(s)), base64.URLEncoding.EncodeToString([]byte("ab:" + s + "more")),
		} {
			if len(leaks([]byte("before "+text+" after"))) == 0 {
				t.Errorf("%q is not found in %q", s, text)
			}
		}
	}
	if found := leaks([]byte("correct horse, private-7f3e9a5c1b2, word & <more>?")); found != nil {
		t.Errorf("found %v", found)
	}
}

// A vault is a daemon that is entrusted with secrets, and everything it lets
// out.
type vault struct {
	*testbed.Cast
	t     *testing.T
	feed  *feed
	heard map[string][]byte // by what it came from
}

// A feed is a private one, in whatever condition it is.
type feed struct {
	*httptest.Server
	status atomic.Int64
}

func newFeed(t *testing.T) *feed {
	f := &feed{}
	f.status.Store(http.StatusOK)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := int(f.status.Load())
		if status/100 == 3 { // elsewhere, with the secret
			w.Header().Set("Location", "http://127.0.0.1:1"+r.URL.RequestURI())
		}
		if r.URL.Path != "/"+feedPath+"/basic.ics" || r.FormValue("key") != feedQuery {
			status = http.StatusNotFound
		}
		w.WriteHeader(status)
		fmt.Fprint(w, testbed.VEvent("feed", "Conference", time.Now().AddDate(0, 1, 0), time.Now().AddDate(0, 1, 3)))
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *feed) secretURL() string {
	return f.URL + "/" + feedPath + "/basic.ics?key=" + url.QueryEscape(feedQuery)
}

func openVault(t *testing.T, format string) *vault {
	bed, err := testbed.New()
	must(t, err)
	t.Cleanup(func() { must(t, bed.Close()) })
	binary, err := testbed.Build(t.Context(), bed.Dir)
	must(t, err)
	v := &vault{
		Cast: &testbed.Cast{Bed: bed, Kind: testbed.Prosody, Dir: t.TempDir(), Binary: binary, Alone: true},
		t:    t, feed: newFeed(t), heard: map[string][]byte{},
	}
	must(t, v.Prepare(t.Context()))
	t.Cleanup(func() { must(t, v.Close()) })
	v.Ada.Password = xmppSecret
	must(t, v.XMPP.Register(t.Context(), v.Ada.User, xmppSecret))
	must(t, v.DAV.SetPassword("ada", calendarSecret))
	tmp := filepath.Join(v.Dir, "tmp")
	must(t, os.Mkdir(tmp, 0o700))
	must(t, os.Mkdir(filepath.Join(v.Dir, "backups"), 0o700))
	v.Daemon.Env = []string{"TMPDIR=" + tmp}
	v.Daemon.Config = filepath.Join(v.Dir, "awayd.toml")
	must(t, os.WriteFile(v.Daemon.Config, []byte("log_level = \"debug\"\nlog_format = \""+format+"\"\n"), 0o600))
	must(t, v.Daemon.Start(t.Context()))
	return v
}

// run carries out a command, well or not, and keeps what it printed.
func (v *vault) run(args ...string) string {
	out, err := v.Daemon.Command(v.t.Context(), args...).CombinedOutput()
	name := "awayd " + strings.Join(args, " ")
	v.heard[name] = append(v.heard[name], fmt.Sprintf("%s%v\n", out, err)...)
	return string(out)
}

// file keeps a secret where only a flag can name it.
func (v *vault) file(name, secret string) string {
	path, err := testbed.SecretFile(v.Dir, name, secret)
	must(v.t, err)
	return path
}

// link links the calendar and the feed, after some attempts that fail.
func (v *vault) link() {
	jid, address, ca := v.Ada.JID, v.XMPP.Addr, v.Bed.CA.File
	password, wrong := v.file("right", xmppSecret), v.file("wrong", "not the password")
	account := []string{"link", "--yes", "--jid", jid, "--xmpp-address", address, "--tls-ca", ca, "--zone", "Europe/Berlin"}
	with := func(more ...string) []string { return append(append([]string{}, account...), more...) }
	calendar := []string{"--calendar-url", v.DAV.URL, "--calendar-user", "ada", "--every-event"}
	v.run(append(with("--jid-password-file", wrong, "--calendar-password-file", v.file("dav", calendarSecret)), calendar...)...)
	v.run(append(with("--jid-password-file", password, "--calendar-password-file", wrong), calendar...)...)
	for name, at := range map[string]string{
		"unreachable": "http://127.0.0.1:1/" + feedPath + "/?key=" + url.QueryEscape(feedQuery),
		"insecure":    "http://example.org/" + feedPath + "/?key=" + url.QueryEscape(feedQuery),
		"broken":      "https://ada:" + url.PathEscape(calendarSecret) + "@127.0.0.1:x/" + feedPath,
		"unknown":     v.feed.URL + "/" + feedPath + "/nothing.ics?key=" + url.QueryEscape(feedQuery),
	} {
		v.run(with("--jid-password-file", password, "--calendar-url-file", v.file(name, at))...)
	}
	v.file("jid-password", xmppSecret)
	if _, err := v.Link(v.t.Context(), "--calendar-password-file", v.file("dav", calendarSecret)); err != nil {
		v.t.Fatal(err)
	}
	if out := v.run(with("--calendar-url-file", v.file("feed", v.feed.secretURL()))...); !strings.Contains(out, "is linked") {
		v.t.Fatal(out)
	}
}

// lookEverywhere asks every question there is.
func (v *vault) lookEverywhere() {
	for _, command := range []string{"sync", "status", "accounts", "log", "check", "preview " + v.Ada.JID} {
		args := strings.Fields(command)
		v.run(args...)
		if command != "sync" {
			v.run(append(args, "--json")...)
		}
	}
	v.run("backup", filepath.Join(v.Dir, "backups", fmt.Sprint(len(v.heard))))
	// What the socket says, which commands may show in part only.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(v.Daemon.State, "control.sock"))
	}}}
	for _, path := range []string{"/status", "/accounts", "/check", "/log", "/backup", "/preview?from=x", "/nothing"} {
		resp, err := client.Get("http://awayd" + path)
		must(v.t, err)
		text, err := io.ReadAll(resp.Body)
		must(v.t, err)
		must(v.t, resp.Body.Close())
		v.heard["GET "+path] = append(v.heard["GET "+path], text...)
	}
	for _, file := range []string{"cmdline", "environ"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", v.Daemon.Process().Pid, file))
		must(v.t, err)
		v.heard[file] = append(v.heard[file], text...)
	}
}

// verify searches everything that was heard, and every file there is.
func (v *vault) verify(when string) {
	v.t.Helper()
	v.heard["the daemon's log"] = []byte(v.Daemon.Said())
	for name, text := range v.heard {
		for _, l := range leaks(text) {
			v.t.Errorf("%s: %s holds %s", when, name, l)
		}
	}
	files := map[string][]byte{}
	for _, dir := range []string{v.Daemon.State, filepath.Join(v.Dir, "tmp"), filepath.Join(v.Dir, "backups")} {
		must(v.t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			text, err := os.ReadFile(path)
			files[path] = text
			return err
		}))
	}
	for path, text := range files {
		for _, l := range leaks(text) {
			v.t.Errorf("%s: %s holds %s", when, path, l)
		}
	}
	if db := filepath.Join(v.Daemon.State, "awayd.db"); !bytes.Contains(append(files[db], files[db+"-wal"]...), []byte(v.Ada.JID)) {
		v.t.Errorf("%s: the database does not even know Ada; there are %d files", when, len(files))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever happens, and however much the daemon tells of itself, no secret
// stands anywhere but under the seal.
func TestNoSecretIsLetOut(t *testing.T) {
	for format, level := range map[string]string{"text": "level=INFO", "json": `"level":"INFO"`} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			v := openVault(t, format)
			v.live(t.Context())
			for _, word := range []string{level, "could not be read", "goroutine "} {
				if !strings.Contains(v.Daemon.Said(), word) {
					t.Errorf("the log never said %q", word)
				}
			}
		})
	}
}

// live leads the daemon through a vacation, every trouble and every way to end.
func (v *vault) live(ctx context.Context) {
	t := v.t
	must(t, v.Put(ctx, "now", "Trip to Rome", time.Now().Add(-time.Hour), time.Now().Add(time.Hour)))
	v.link()
	v.lookEverywhere()
	if out := v.run("status"); !strings.Contains(out, "I am away") {
		t.Fatalf("there is no vacation:\n%s", out)
	}
	v.verify("while all is well")
	v.run("withdraw", v.Ada.JID)

	for name, trouble := range v.troubles() {
		trouble.begin()
		v.lookEverywhere()
		v.verify(name)
		trouble.end()
	}
	must(t, v.Daemon.Process().Signal(syscall.SIGHUP))
	v.lookEverywhere()
	must(t, v.Daemon.Kill())
	v.verify("after a crash")
	must(t, v.Daemon.Start(ctx))
	v.run("sync")
	// With the stacks of all that runs.
	if _, err := v.Daemon.End(syscall.SIGABRT); err != nil {
		t.Fatal(err)
	}
	v.verify("after an abort")
	must(t, v.Daemon.Start(ctx))
	v.run("unlink", v.Ada.JID)
	must(t, v.Daemon.Stop())
	v.run("status")
	v.verify("after it all")
	v.checkKey()
}

// troubles are what makes programs talkative.
func (v *vault) troubles() map[string]struct{ begin, end func() } {
	healthy := func() { v.feed.status.Store(http.StatusOK) }
	list := map[string]struct{ begin, end func() }{
		"the calendar refuses the password": {
			func() { must(v.t, v.DAV.SetPassword("ada", "changed")) },
			func() { must(v.t, v.DAV.SetPassword("ada", calendarSecret)) },
		},
		"the calendar is unreachable": {
			func() { must(v.t, v.DAV.Stop()) },
			func() { must(v.t, v.DAV.Restart(v.t.Context())) },
		},
		"XMPP refuses the password": {
			func() {
				must(v.t, v.XMPP.Register(v.t.Context(), v.Ada.User, "changed"))
				must(v.t, v.XMPP.Restart(v.t.Context()))
			},
			func() { must(v.t, v.XMPP.Register(v.t.Context(), v.Ada.User, xmppSecret)) },
		},
		"XMPP is unreachable": {
			func() { must(v.t, v.XMPP.Stop()) },
			func() { must(v.t, v.XMPP.Restart(v.t.Context())) },
		},
	}
	for _, status := range []int{301, 401, 403, 404, 500} {
		list[fmt.Sprintf("the feed answers %d", status)] = struct{ begin, end func() }{
			func() { v.feed.status.Store(int64(status)) }, healthy,
		}
	}
	return list
}

// checkKey demands that the key file holds a key, for its owner's eyes, and
// nothing else.
func (v *vault) checkKey() {
	path := filepath.Join(v.Daemon.State, "key")
	info, err := os.Stat(path)
	must(v.t, err)
	if info.Mode().Perm() != 0o600 {
		v.t.Errorf("the key file has mode %v", info.Mode())
	}
	text, err := os.ReadFile(path)
	must(v.t, err)
	keys := 0
	for line := range strings.Lines(string(text)) {
		switch {
		case strings.HasPrefix(line, "AGE-SECRET-KEY-1") && len(strings.TrimSpace(line)) == 74:
			keys++
		case !strings.HasPrefix(line, "#"):
			v.t.Error("the key file holds something else, too")
		}
	}
	if keys != 1 {
		v.t.Errorf("the key file holds %d keys", keys)
	}
}
