package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"awayd/cmd/testbed"
)

func TestWebCommand(t *testing.T) {
	expectError(t, awayd(t, "--state", t.TempDir(), "web"), exitFailed, "no daemon is running, so there is no web page\nTry: systemctl start awayd")
}

// A visitor is a household with a daemon of its own, whose page is looked at in
// a browser.
type visitor struct {
	*household
	*testbed.Browser
	process *testbed.Daemon
	root    string // URL of the page
}

func TestOnlyHere(t *testing.T) {
	for link, want := range map[string]string{
		"http://127.0.0.1:8109/enter?token=x": "8109:127.0.0.1:8109", "http://[::1]:8109/enter?token=x": "8109:[::1]:8109",
		"https://ooo.example.org/enter?token=x": "", "https://ooo.example.org:8443/enter": "",
	} {
		if got := onlyHere(link); got != want {
			t.Errorf("%s: %q, want %q", link, got, want)
		}
	}
}

func newVisitor(t *testing.T) *visitor {
	h := newHousehold(t)
	binary, err := testbed.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{household: h, Browser: testbed.BrowserFor(t)}
	if v.process, err = testbed.NewDaemon(binary, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	v.process.State, v.process.Config = h.state, write(t, "awayd.toml", "")
	if err := v.process.Start(t.Context()); err != nil {
		t.Fatal(err, v.process.Said())
	}
	t.Cleanup(func() {
		if err := v.process.Stop(); err != nil {
			t.Error(err)
		}
		v.process.Close()
	})
	return v
}

// move makes another configuration hold by a reload, and returns a link into
// the page at its new root.
func (v *visitor) move(config, root string) (link string) {
	v.t.Helper()
	v.root = root
	v.ok(os.WriteFile(v.process.Config, []byte(config), 0o600))
	v.ok(v.process.Process().Signal(syscall.SIGHUP))
	var said string
	v.until("the page is at "+root, func() bool {
		said = v.run("web").out
		return strings.HasPrefix(said, root+"enter?token=")
	})
	link, rest, _ := strings.Cut(said, "\n")
	if !strings.Contains(rest, "once") || !strings.Contains(rest, "in 5 min") {
		v.t.Errorf("awayd web says:\n%s", said)
	}
	return link
}

// turnOn opens the page and goes in.
func (v *visitor) turnOn() {
	v.t.Helper()
	expectError(v.t, v.run("web"), exitFailed, "the web page is off\nTry: web = \"127.0.0.1:8109\" in "+v.process.Config+", then systemctl reload awayd")
	port, err := testbed.FreePort()
	v.ok(err)
	link := v.move(fmt.Sprintf("web = \"127.0.0.1:%d\"\n", port), fmt.Sprintf("http://127.0.0.1:%d/", port))
	v.ok(v.Open(v.t.Context(), link))
	v.click("main button")
	v.shows("h1", "Accounts")
	v.ok(v.Open(v.t.Context(), link))
	v.shows("h1", "Forbidden")
	if lines, err := v.Console(v.t.Context()); err != nil || len(lines) != 1 || !strings.Contains(lines[0], "403") {
		v.t.Errorf("the console says: %q %v", lines, err)
	}
}

func (v *visitor) ok(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

func (v *visitor) until(what string, ok func() bool) {
	v.t.Helper()
	v.ok(testbed.Until(v.t.Context(), what, func() (bool, error) { return ok(), nil }))
}

func (v *visitor) open(path string) {
	v.t.Helper()
	v.ok(v.Open(v.t.Context(), v.root+path))
}

func (v *visitor) click(css string) {
	v.t.Helper()
	v.ok(v.Click(v.t.Context(), css))
}

// shows waits until an element shows a text.
func (v *visitor) shows(css, want string) {
	v.t.Helper()
	var text string
	err := testbed.Until(v.t.Context(), "the page shows it", func() (bool, error) {
		var err error
		text, err = v.Text(v.t.Context(), css)
		return strings.Contains(text, want), err
	})
	if err != nil {
		v.t.Fatalf("%s shows %q, want %q: %v", css, text, want, err)
	}
}

// eval returns what a script in the page says.
func eval[T any](v *visitor, script string) (value T) {
	v.t.Helper()
	v.ok(v.Eval(v.t.Context(), script, &value))
	return value
}

// button is the button of an action's form.
func button(action string) string { return "form[method=post][action$='/" + action + "'] button" }

func TestWebPage(t *testing.T) {
	t.Parallel()
	v := newVisitor(t)
	v.put("now", "Dentist", -time.Hour, time.Hour)
	if r := v.link(); r.code != exitOK {
		t.Fatal(r)
	}
	v.turnOn()
	account := "account?jid=" + v.ada.JID
	for _, part := range []struct {
		name string
		try  func()
	}{
		{"the overview and its picture", func() { v.seeOverview() }},
		{"every action", func() { v.act(account) }},
		{"with the keyboard alone", func() { v.byKeyboard(account) }},
		{"without scripts", func() { v.doWithoutScripts(account) }},
		{"the log, its filters and its tail", func() { v.readLog() }},
		{"every page on every screen", func() { v.resize("", account, "log", "withdraw?jid="+v.ada.JID, "enter") }},
		{"out again", func() {
			v.open("")
			v.click(button("leave"))
			v.shows("h1", "You are outside")
		}},
	} {
		v.t.Logf("%s: %s", time.Now().Format("05.000"), part.name)
		part.try()
	}
	lines, err := v.Console(t.Context())
	if err != nil || len(lines) > 0 {
		t.Errorf("the console says: %q %v", lines, err)
	}
	asked, err := v.Requests(t.Context())
	v.ok(err)
	for _, at := range asked {
		if !strings.HasPrefix(at, v.root) {
			t.Errorf("another host was asked: %s", at)
		}
	}
	t.Logf("%d requests, all to the page", len(asked))
	if len(asked) < 50 {
		t.Error("the requests were not seen")
	}
	v.open("")
	v.shows("h1", "Forbidden")
	v.behindAProxy(account)
}

// behindAProxy moves the page to a socket, and uses it through TLS below a path.
func (v *visitor) behindAProxy(account string) {
	socket := filepath.Join(v.t.TempDir(), "web.sock")
	target := &url.URL{Scheme: "http", Host: "localhost"} // as proxies tell it by themselves
	proxy := httptest.NewTLSServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}},
	})
	defer proxy.Close()
	link := v.move(fmt.Sprintf("web = \"unix:%s\"\nweb_url = \"%s/ooo/\"\n", socket, proxy.URL), proxy.URL+"/ooo/")
	v.ok(v.Open(v.t.Context(), link))
	v.click("main button")
	v.shows("h1", "Accounts")
	v.open(account)
	v.click(button("pause"))
	v.shows(".notice", "Paused")
	v.open("log")
	v.shows("#follow", "New entries come by themselves")
	v.must("resume", v.ada.JID)
	v.shows("ol.log li:first-child .kind", "resume")
	if seen := eval[string](v, "return document.cookie"); seen != "" {
		v.t.Errorf("scripts see %q", seen)
	}
}

func (v *visitor) seeOverview() {
	v.open("")
	v.shows(".lead", "1 linked · 1 away now · all in health")
	v.shows("article h2", v.ada.JID)
	v.shows("article .facts", "take the message down")
	// The picture has the two periods where they are, and today between them.
	type rect struct{ Left, Right, Width, Height float64 }
	frame := eval[rect](v, "return document.querySelector('svg.year').getBoundingClientRect()")
	live := eval[rect](v, "return document.querySelector('.year .bar.live').getBoundingClientRect()")
	ahead := eval[rect](v, "return document.querySelector('.year .bar.ahead').getBoundingClientRect()")
	today := eval[rect](v, "return document.querySelector('.year .today').getBoundingClientRect()")
	if frame.Width < 300 || live.Width < 3 || ahead.Width < 3 || live.Left > today.Left+2 || ahead.Left < today.Left || ahead.Right > frame.Right+1 {
		v.t.Errorf("the picture: %+v %+v %+v %+v", frame, live, today, ahead)
	}
	if about := eval[string](v, "return document.querySelector('.year desc').textContent"); !strings.Contains(about, "seen by contacts now") {
		v.t.Errorf("it is described as %q", about)
	}
	v.click("details.table summary")
	v.shows("details.table td:last-child", "seen by contacts now")
}

// act clicks every action, and sees what it did where it did it.
func (v *visitor) act(account string) {
	v.open("")
	v.click("article h2 a")
	v.shows("h1", v.ada.JID)
	v.click(button("pause"))
	v.shows(".notice", "Paused")
	if s := v.status(); s.Mode != "paused" {
		v.t.Errorf("not paused: %+v", s)
	}
	v.click(button("resume"))
	v.shows(".notice", "Resumed")
	if s := v.status(); s.Mode != "auto" || s.Visible == nil {
		v.t.Errorf("not resumed: %+v", s)
	}
	v.click("form[method=get][action$='/withdraw'] button")
	v.shows("h1", "Withdraw what contacts of "+v.ada.JID+" see?")
	if v.status().Visible == nil {
		v.t.Error("withdrawn without having been asked")
	}
	v.click(button("withdraw"))
	v.shows(".notice", "Withdrawn")
	if s := v.status(); s.Visible != nil || s.Staged == nil {
		v.t.Errorf("not withdrawn: %+v", s)
	}
	v.put("soon", "Conference", 48*time.Hour, 60*time.Hour)
	v.click(button("sync"))
	v.shows(".notice", "In step")
	if s := v.status(); s.Staged == nil || s.Staged.Start.After(now().Add(49*time.Hour)) {
		v.t.Errorf("not in step: %+v", s.Staged)
	}
	// A calendar that comes back empty, without the server saying what is gone.
	v.ok(v.dav.Delete(v.t.Context(), v.calendar))
	v.click(button("sync"))
	v.shows(".notice.bad", "Not done.")
	_, err := v.dav.MakeCalendar(v.t.Context(), testbed.BedUser, filepath.Base(v.calendar))
	v.ok(err)
	v.click(button("sync"))
	v.shows(".badge.held", "held")
	v.shows("#health + .scroll", "suddenly holds nothing")
	if v.status().Staged == nil {
		v.t.Error("not held")
	}
	v.click("form:has([name=accept]) button")
	// The page before said "In step", too: what tells them apart is the outcome.
	v.ok(testbed.Until(v.t.Context(), "the calendar is believed", func() (bool, error) {
		s := v.status()
		return s.Staged == nil && s.Health == "ok", nil
	}))
	v.shows(".notice", "In step")
	v.open(account)
	v.shows("ol.log", "withdraw")
}

// byKeyboard pauses and resumes without a pointer.
func (v *visitor) byKeyboard(account string) {
	v.open(account)
	focused := func() string {
		return eval[string](v, "const e = document.activeElement; return e === document.body ? '' : e.innerText || e.name || e.id")
	}
	press := func(keys string) { v.ok(v.Press(v.t.Context(), keys)) }
	press(testbed.KeyTab)
	if focused() != "Skip to content" || !eval[bool](v, "return document.activeElement.getBoundingClientRect().left >= 0") {
		v.t.Errorf("the first stop is %q", focused())
	}
	press(testbed.KeyEnter)
	v.until("the content has the focus", func() bool { return eval[string](v, "return document.activeElement.id") == "main" })
	for _, action := range []string{"Pause", "Resume"} {
		stops := []string{}
		for focused() != action {
			press(testbed.KeyTab)
			if stops = append(stops, focused()); len(stops) > 40 {
				v.t.Fatalf("%s cannot be reached: %q", action, stops)
			}
		}
		if !eval[bool](v, "return document.activeElement.matches(':focus-visible') && getComputedStyle(document.activeElement).outlineWidth !== '0px'") {
			v.t.Errorf("it cannot be seen that %s has the focus", action)
		}
		press(testbed.KeyEnter)
		v.shows(".notice", action+"d")
	}
	// Every control has a stop, and a name.
	for _, page := range []string{"", account, "log"} {
		v.open(page)
		n := eval[int](v, `window.stops = new Set();
			addEventListener('focusin', e => stops.add(e.target));
			return [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, summary, [tabindex="0"]')].filter(e => e.checkVisibility()).length`)
		press(strings.Repeat(testbed.KeyTab, n))
		stops := eval[int](v, "return stops.size")
		if stops != n {
			v.t.Errorf("%q: %d stops for %d controls", page, stops, n)
		}
		unnamed := eval[[]string](v, "return [...document.querySelectorAll('input:not([type=hidden]), select')].filter(e => !e.labels.length).map(e => e.outerHTML)")
		if len(unnamed) > 0 {
			v.t.Errorf("%q: without label: %q", page, unnamed)
		}
	}
}

// doWithoutScripts uses what scripts only make more comfortable.
func (v *visitor) doWithoutScripts(account string) {
	v.ok(v.Scripts(v.t.Context(), false))
	v.open("log")
	v.shows("#follow", "Load the page again to see more")
	v.open(account)
	v.click(button("pause"))
	v.shows(".notice", "Paused")
	v.click(button("resume"))
	v.shows(".notice", "Resumed")
	v.ok(v.Scripts(v.t.Context(), true))
}

// A page that the daemon does not bring up to date any more says so.
func TestWebPageGrowsOld(t *testing.T) {
	t.Parallel()
	v := newVisitor(t)
	v.turnOn()
	v.open("")
	v.ok(v.process.Stop())
	v.shows("main p[role=status]", "The daemon does not answer")
	v.ok(v.process.Start(t.Context())) // and knows nobody who was inside
	v.shows("main p[role=status]", "load the page again")
}

func (v *visitor) readLog() {
	v.open("log")
	v.shows("#follow", "New entries come by themselves")
	before := eval[int](v, "return document.querySelectorAll('ol.log li').length")
	began := time.Now()
	v.must("pause", v.ada.JID)
	v.shows("ol.log li:first-child .kind", "pause")
	v.t.Logf("the tail showed a new entry after %v", time.Since(began).Round(time.Millisecond))
	if after := eval[int](v, "return document.querySelectorAll('ol.log li').length"); after != before+1 {
		v.t.Errorf("%d entries, then %d", before, after)
	}
	v.must("resume", v.ada.JID)
	v.shows("ol.log li:first-child .kind", "resume")
	_ = eval[any](v, "document.querySelector('[name=kind]').value = 'withdraw'; document.querySelector('[name=text]').value = 'no ABSENCE holds'")
	v.click(".filters button")
	v.shows("ol.log li:first-child .kind", "withdraw")
	kinds := eval[[]string](v, "return [...document.querySelectorAll('ol.log .kind')].map(e => e.innerText.trim())")
	if slices.ContainsFunc(kinds, func(k string) bool { return k != "withdraw" }) || len(kinds) == 0 {
		v.t.Errorf("the filter shows %q", kinds)
	}
}

// resize sees every page on a phone and on a desk, by day and by night.
func (v *visitor) resize(pages ...string) {
	grounds := map[bool]string{}
	for _, dark := range []bool{false, true} {
		for _, page := range pages {
			v.ok(v.View(v.t.Context(), 1280, 800, dark))
			v.open(page)
			for _, width := range []int{1280, 768, 360, 320} {
				v.ok(v.View(v.t.Context(), width, 800, dark))
				got := eval[[]int](v, "return [document.scrollingElement.scrollWidth, innerWidth]")
				if got[0] > got[1] || got[1] != width {
					v.t.Errorf("%q at %d (dark: %v): %v", page, width, dark, got)
				}
			}
			if poor := eval[[]string](v, contrast); len(poor) > 0 {
				v.t.Errorf("%q (dark: %v): hard to read: %q", page, dark, poor)
			}
		}
		grounds[dark] = eval[string](v, "return getComputedStyle(document.body).backgroundColor")
	}
	if grounds[false] == grounds[true] {
		v.t.Errorf("by night as by day: %v", grounds)
	}
}

// contrast lists texts with a contrast below 4.5 (WCAG 2.2 §1.4.3).
const contrast = `
const light = c => { const [r, g, b] = c.map(x => (x /= 255) <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b };
const parse = s => s.match(/[\d.]+/g).map(Number);
const ground = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c.slice(0, 3) } return [255, 255, 255] };
return [...document.querySelectorAll('body *')].filter(e => !e.closest('svg, select') && e.checkVisibility() && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())).filter(e => {
  const [a, b] = [light(parse(getComputedStyle(e).color).slice(0, 3)), light(ground(e))].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05) < 4.5;
}).map(e => e.innerText.slice(0, 40));`
