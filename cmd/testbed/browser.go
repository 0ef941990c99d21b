package testbed

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A Browser is Chromium without a screen, driven over WebDriver (W3C) by the
// chromedriver that is made from the same source, so that the two fit whatever
// version a machine has.
type Browser struct {
	*server
	base   string // of the session
	client http.Client
}

// StartBrowser starts Chromium with an empty profile in dir. It looks for
// nothing on a network by itself.
func StartBrowser(ctx context.Context, dir string) (*Browser, error) {
	b := &Browser{server: &server{kind: "chromedriver", dir: dir}, client: http.Client{Timeout: time.Minute}}
	root := ""
	b.ready = func(ctx context.Context) error { return b.call(ctx, http.MethodGet, root+"/status", nil, nil) }
	if err := b.startAnywhere(ctx, 1, func() error {
		root = "http://" + loopback(b.ports[0])
		b.cmd = command{args: []string{"chromedriver", fmt.Sprintf("--port=%d", b.ports[0])}, dir: dir}
		return nil
	}); err != nil {
		return nil, err
	}
	profile := filepath.Join(dir, "profile")
	capabilities := map[string]any{
		"browserName":         "chrome",
		"acceptInsecureCerts": true, // those of throw-away CAs
		"goog:chromeOptions": map[string]any{"args": []string{
			"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--lang=en",
			// It ends with the pipe, and so with chromedriver, however that ends.
			"--remote-debugging-pipe", "--user-data-dir=" + profile,
		}},
		"goog:loggingPrefs": map[string]string{"browser": "ALL", "performance": "ALL"},
	}
	var session struct {
		ID string `json:"sessionId"`
	}
	err := b.call(ctx, http.MethodPost, root+"/session", map[string]any{"capabilities": map[string]any{"alwaysMatch": capabilities}}, &session)
	if err != nil {
		_ = b.server.Stop()
		return nil, fmt.Errorf("start chromium: %w", err)
	}
	b.base = root + "/session/" + session.ID
	return b, nil
}

// Stop ends the browser.
func (b *Browser) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	_ = b.call(ctx, http.MethodDelete, b.base, nil, nil) // it ends with chromedriver all the same
	return b.server.Stop()
}

// call asks chromedriver. An answer is in the field value (WebDriver §6.3).
func (b *Browser) call(ctx context.Context, method, url string, body, value any) error {
	var reader io.Reader
	if method == http.MethodPost {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		reader = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, reader)
	if err != nil {
		return err
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer := struct {
		Value json.RawMessage `json:"value"`
	}{}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<20)).Decode(&answer); err != nil {
		return fmt.Errorf("read what chromedriver said: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		var failure struct {
			Error   string `json:"error"`
			Message string `json:"message"`
		}
		_ = json.Unmarshal(answer.Value, &failure)
		message, _, _ := strings.Cut(failure.Message, "\n")
		return fmt.Errorf("%s: %s", failure.Error, message)
	}
	if value == nil {
		return nil
	}
	return json.Unmarshal(answer.Value, value)
}

func (b *Browser) post(ctx context.Context, path string, body, value any) error {
	if err := b.call(ctx, http.MethodPost, b.base+path, body, value); err != nil {
		return fmt.Errorf("browser %s: %w", strings.Trim(path, "/"), err)
	}
	return nil
}

// Open loads a page.
func (b *Browser) Open(ctx context.Context, url string) error {
	return b.post(ctx, "/url", map[string]string{"url": url}, nil)
}

// element finds the first element that a CSS selector matches.
func (b *Browser) element(ctx context.Context, css string) (path string, err error) {
	var found map[string]string
	if err := b.post(ctx, "/element", map[string]string{"using": "css selector", "value": css}, &found); err != nil {
		return "", fmt.Errorf("find %q: %w", css, err)
	}
	for _, id := range found {
		return "/element/" + id, nil
	}
	return "", fmt.Errorf("find %q: nothing", css)
}

// Click clicks on an element as a person would: it has to be seen.
func (b *Browser) Click(ctx context.Context, css string) error {
	e, err := b.element(ctx, css)
	if err != nil {
		return err
	}
	if err := b.post(ctx, e+"/click", struct{}{}, nil); err != nil {
		return fmt.Errorf("click %q: %w", css, err)
	}
	return nil
}

// Text is what an element shows.
func (b *Browser) Text(ctx context.Context, css string) (string, error) {
	var text string
	err := b.Eval(ctx, "return document.querySelector("+quoted(css)+")?.innerText ?? ''", &text)
	return text, err
}

func quoted(s string) string {
	text, _ := json.Marshal(s) // a string can be
	return string(text)
}

// Eval runs a script in the page; what it returns goes to value.
func (b *Browser) Eval(ctx context.Context, script string, value any) error {
	return b.post(ctx, "/execute/sync", map[string]any{"script": script, "args": []any{}}, value)
}

// Keys of WebDriver §17.4.2.
const (
	KeyTab   = "\uE004"
	KeyEnter = "\uE007"
)

// Press presses keys one after the other, on whatever has the focus.
func (b *Browser) Press(ctx context.Context, keys string) error {
	var strokes []map[string]string
	for _, k := range keys {
		strokes = append(strokes, map[string]string{"type": "keyDown", "value": string(k)}, map[string]string{"type": "keyUp", "value": string(k)})
	}
	return b.post(ctx, "/actions", map[string]any{"actions": []any{map[string]any{"type": "key", "id": "keyboard", "actions": strokes}}}, nil)
}

// View sets the size of the window and whether the person likes it dark.
func (b *Browser) View(ctx context.Context, width, height int, dark bool) error {
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	if err := b.cdp(ctx, "Emulation.setEmulatedMedia", map[string]any{
		"features": []any{map[string]string{"name": "prefers-color-scheme", "value": scheme}},
	}, nil); err != nil {
		return err
	}
	return b.cdp(ctx, "Emulation.setDeviceMetricsOverride", map[string]any{
		"width": width, "height": height, "deviceScaleFactor": 1.5, "mobile": width < 600,
	}, nil)
}

// Scripts lets pages run their scripts, or not.
func (b *Browser) Scripts(ctx context.Context, run bool) error {
	return b.cdp(ctx, "Emulation.setScriptExecutionDisabled", map[string]any{"value": !run}, nil)
}

// Picture writes what the window shows to a PNG file; height 0 is the whole
// page.
func (b *Browser) Picture(ctx context.Context, file string, width, height int) error {
	if height == 0 {
		if err := b.Eval(ctx, "return document.documentElement.scrollHeight", &height); err != nil {
			return err
		}
	}
	var shot struct{ Data string }
	if err := b.cdp(ctx, "Page.captureScreenshot", map[string]any{
		"format": "png", "captureBeyondViewport": true,
		"clip": map[string]int{"x": 0, "y": 0, "width": width, "height": height, "scale": 1},
	}, &shot); err != nil {
		return err
	}
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		return fmt.Errorf("read the picture: %w", err)
	}
	return os.WriteFile(file, png, 0o644)
}

// cdp is a command of Chromium's own, for what WebDriver has none.
func (b *Browser) cdp(ctx context.Context, name string, params, value any) error {
	return b.post(ctx, "/goog/cdp/execute", map[string]any{"cmd": name, "params": params}, value)
}

// logged takes what was logged since it was last asked.
func (b *Browser) logged(ctx context.Context, kind string) ([]string, error) {
	var lines []struct{ Level, Message string }
	if err := b.post(ctx, "/se/log", map[string]string{"type": kind}, &lines); err != nil {
		return nil, err
	}
	var messages []string
	for _, l := range lines {
		messages = append(messages, l.Message)
	}
	return messages, nil
}

// Console takes what pages and the browser said on the console since it was
// last asked: errors, and what a policy forbade.
func (b *Browser) Console(ctx context.Context) ([]string, error) { return b.logged(ctx, "browser") }

// Requests takes the URLs of everything that was asked for on a network since
// it was last asked; the browser's own pages are not on one.
func (b *Browser) Requests(ctx context.Context) ([]string, error) {
	lines, err := b.logged(ctx, "performance")
	if err != nil {
		return nil, err
	}
	var urls []string
	for _, l := range lines {
		var event struct {
			Message struct {
				Method string
				Params struct{ Request struct{ URL string } }
			}
		}
		if err := json.Unmarshal([]byte(l), &event); err != nil {
			return nil, fmt.Errorf("read the browser's log: %w", err)
		}
		at := event.Message.Params.Request.URL
		if event.Message.Method == "Network.requestWillBeSent" && (strings.HasPrefix(at, "http") || strings.HasPrefix(at, "ws")) {
			urls = append(urls, at)
		}
	}
	return urls, nil
}
