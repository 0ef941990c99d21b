package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"awayd/sync/engine"
)

// maxAnswer bounds an answer of the owner of the state.
const maxAnswer = 64 << 20

// A Client asks the owner of the state.
type Client struct{ http http.Client }

// NewClient returns a client whose connections dial makes.
func NewClient(dial func(context.Context) (net.Conn, error)) *Client {
	return &Client{http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
	}}}
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Ping returns when the owner of the state answers.
func (c *Client) Ping(ctx context.Context) error {
	return c.ask(ctx, http.MethodGet, "/ping", nil, nil)
}

// Status returns one account, or all when jid is empty.
func (c *Client) Status(ctx context.Context, jid string) (list []engine.Status, err error) {
	return list, c.get(ctx, "/status", url.Values{"jid": {jid}}, &list)
}

// Accounts returns what is linked.
func (c *Client) Accounts(ctx context.Context) (list []Account, err error) {
	return list, c.get(ctx, "/accounts", nil, &list)
}

// Preview returns what an account's calendars would do in [from, to).
func (c *Client) Preview(ctx context.Context, jid string, from, to time.Time) (p Preview, err error) {
	v := url.Values{"jid": {jid}, "from": {from.Format(time.RFC3339Nano)}, "to": {to.Format(time.RFC3339Nano)}}
	return p, c.get(ctx, "/preview", v, &p)
}

// Check examines calendars and XMPP servers.
func (c *Client) Check(ctx context.Context) (list []Finding, err error) {
	return list, c.get(ctx, "/check", nil, &list)
}

// Link links an account.
func (c *Client) Link(ctx context.Context, r LinkRequest) (result LinkResult, err error) {
	return result, c.post(ctx, "/link", r, &result)
}

// TryLogin tries the XMPP side of a link and saves nothing.
func (c *Client) TryLogin(ctx context.Context, r LinkRequest) (result LinkResult, err error) {
	return result, c.post(ctx, "/link/login", r, &result)
}

// Offer finds and reads the calendars that could be linked.
func (c *Client) Offer(ctx context.Context, r LinkRequest) (offer Offer, err error) {
	return offer, c.post(ctx, "/link/offer", r, &offer)
}

// TryCalendars tries the calendar side of a link, with all settings, and saves
// nothing.
func (c *Client) TryCalendars(ctx context.Context, r LinkRequest) (result LinkResult, err error) {
	return result, c.post(ctx, "/link/calendars", r, &result)
}

// Unlink forgets an account.
func (c *Client) Unlink(ctx context.Context, jid string, keep bool) error {
	return c.post(ctx, "/unlink", unlinkRequest{JID: jid, Keep: keep}, nil)
}

// UnlinkCalendar forgets one calendar of an account, by its name or URL.
func (c *Client) UnlinkCalendar(ctx context.Context, jid, calendar string) error {
	return c.post(ctx, "/unlink", unlinkRequest{JID: jid, Calendar: calendar}, nil)
}

// Sync polls now.
func (c *Client) Sync(ctx context.Context, jid string, accept bool) (list []engine.SyncResult, err error) {
	return list, c.post(ctx, "/sync", syncRequest{jid, accept}, &list)
}

// Set changes the settings that s names.
func (c *Client) Set(ctx context.Context, jid string, s Settings) error {
	return c.post(ctx, "/set", setRequest{jid, s}, nil)
}

// Pause leaves an account's node alone.
func (c *Client) Pause(ctx context.Context, jid string) error {
	return c.post(ctx, "/pause", jidRequest{jid}, nil)
}

// Resume takes part again.
func (c *Client) Resume(ctx context.Context, jid string) error {
	return c.post(ctx, "/resume", jidRequest{jid}, nil)
}

// Withdraw ends what is live.
func (c *Client) Withdraw(ctx context.Context, jid string) error {
	return c.post(ctx, "/withdraw", jidRequest{jid}, nil)
}

// Log calls each for every selected entry, oldest first, and with Follow goes
// on until ctx ends.
func (c *Client) Log(ctx context.Context, q LogQuery, each func(LogEntry) error) error {
	v := url.Values{"account": {q.Account}, "kind": {q.Kind}, "last": {strconv.Itoa(q.Last)},
		"outcome": {q.Outcome}, "text": {q.Text}, "after": {strconv.FormatInt(q.After, 10)}, "before": {strconv.FormatInt(q.Before, 10)}}
	if !q.Since.IsZero() {
		v.Set("since", q.Since.Format(time.RFC3339Nano))
	}
	if q.Follow {
		v.Set("follow", "1")
	}
	body, err := c.do(ctx, http.MethodGet, "/log?"+v.Encode(), nil)
	if err != nil {
		return err
	}
	defer body.Close()
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e LogEntry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("read the sync log: %w", err)
		}
		if err := each(e); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return lines.Err()
}

func (c *Client) get(ctx context.Context, path string, v url.Values, answer any) error {
	return c.ask(ctx, http.MethodGet, path+"?"+v.Encode(), nil, answer)
}

func (c *Client) post(ctx context.Context, path string, request, answer any) error {
	return c.ask(ctx, http.MethodPost, path, request, answer)
}

func (c *Client) ask(ctx context.Context, method, path string, request, answer any) error {
	body, err := c.do(ctx, method, path, request)
	if err != nil {
		return err
	}
	defer body.Close()
	if answer == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(body, maxAnswer)).Decode(answer); err != nil {
		return fmt.Errorf("read the answer to %s: %w", path, err)
	}
	return nil
}

// do sends one request and returns the body of a good answer; any other one
// becomes an [Error].
func (c *Client) do(ctx context.Context, method, path string, request any) (io.ReadCloser, error) {
	var body io.Reader
	if request != nil {
		b, err := json.Marshal(request)
		if err != nil {
			return nil, fmt.Errorf("write the request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	// The host is a name for the log only: the dialer decides where it goes.
	req, err := http.NewRequestWithContext(ctx, method, "http://awayd"+path, body)
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the daemon: %w", err)
	}
	if resp.StatusCode/100 == 2 {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	failure := &Error{}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(failure); err != nil {
		return nil, fmt.Errorf("the daemon answered %s", resp.Status)
	}
	return nil, failure
}
