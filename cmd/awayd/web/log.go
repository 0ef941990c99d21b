package web

import (
	"context"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"awayd/cmd/awayd/control"
	"awayd/sync/account"
)

const (
	logPage = 100
	// maxTail bounds what one look for news brings.
	maxTail = 200
	maxText = 200
)

// An entry is one line of the sync log as it is shown.
type entry struct {
	control.LogEntry
	At     stamp
	Failed bool
}

// A logbook is the page of the log.
type logbook struct {
	Query    logQuery
	Accounts []string
	Kinds    []account.Kind
	Ages     []age
	Entries  []entry
	Older    template.URL // query of the next page; empty: there is none
	Tail     template.URL // query without a place, for what is new
}

// An age is a choice of how far the log goes back.
type age struct {
	Name, Text string
	length     time.Duration
}

var ages = []age{
	{"1h", "the last hour", time.Hour}, {"1d", "the last day", 24 * time.Hour}, {"7d", "the last 7 days", 7 * 24 * time.Hour},
	{"30d", "the last 30 days", 30 * 24 * time.Hour},
}

// A logQuery is what the form of the log page asks.
type logQuery struct {
	Account, Kind, Outcome, Since, Text string
	Before                              int64
}

// readQuery reads the form. What is no choice of it selects nothing special.
func readQuery(v url.Values) logQuery {
	q := logQuery{Account: v.Get("account"), Kind: v.Get("kind"), Outcome: v.Get("outcome"), Since: v.Get("since"), Text: v.Get("text")}
	if !slices.Contains(account.Kinds(), account.Kind(q.Kind)) {
		q.Kind = ""
	}
	if q.Outcome != account.OK && q.Outcome != account.Failed {
		q.Outcome = ""
	}
	if !slices.ContainsFunc(ages, func(a age) bool { return a.Name == q.Since }) {
		q.Since = ""
	}
	if len(q.Text) > maxText {
		q.Text = strings.ToValidUTF8(q.Text[:maxText], "")
	}
	if n, err := strconv.ParseInt(v.Get("before"), 10, 64); err == nil && n > 0 {
		q.Before = n
	}
	return q
}

// values is the query again, without its place.
func (q logQuery) values() url.Values {
	v := url.Values{}
	for name, value := range map[string]string{
		"account": q.Account, "kind": q.Kind, "outcome": q.Outcome, "since": q.Since, "text": q.Text,
	} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return v
}

// encoded is a query for a link. It is escaped already: a template would do so
// again, as if it were one value.
func encoded(v url.Values) template.URL { return template.URL(v.Encode()) }

// ask is the query as the log is asked.
func (q logQuery) ask(now time.Time) control.LogQuery {
	c := control.LogQuery{Account: q.Account, Kind: q.Kind, Outcome: q.Outcome, Text: q.Text, Before: q.Before}
	for _, a := range ages {
		if a.Name == q.Since {
			c.Since = now.Add(-a.length)
		}
	}
	return c
}

func (v *visit) log() error {
	ctx, cancel := context.WithTimeout(v.r.Context(), readLimit)
	defer cancel()
	q := readQuery(v.r.URL.Query())
	doc := logbook{Query: q, Kinds: account.Kinds(), Ages: ages}
	all, err := v.Client.Status(ctx, "")
	if err != nil {
		return err
	}
	for _, s := range all {
		doc.Accounts = append(doc.Accounts, s.JID)
	}
	if q.Account != "" && !slices.Contains(doc.Accounts, q.Account) {
		doc.Accounts = append(doc.Accounts, q.Account) // unlinked, but its log is there
	}
	ask := q.ask(v.Now())
	ask.Last = logPage + 1
	if doc.Entries, err = v.entries(ctx, ask); err != nil {
		return err
	}
	next := q.values()
	if len(doc.Entries) > logPage {
		doc.Entries = doc.Entries[:logPage]
		next.Set("before", strconv.FormatInt(doc.Entries[logPage-1].ID, 10))
		doc.Older = encoded(next)
	}
	doc.Tail = encoded(q.values())
	v.render(http.StatusOK, "log", "Log", doc)
	return nil
}

// tail is what came after an entry that a page has already, for its script to
// put on top. Each look is a short request of its own: a browser has few
// connections to one host, and proxies hold streams back.
func (v *visit) tail() error {
	ctx, cancel := context.WithTimeout(v.r.Context(), readLimit)
	defer cancel()
	form := v.r.URL.Query()
	ask := readQuery(form).ask(v.Now())
	ask.Before, ask.Last = 0, maxTail
	after, err := strconv.ParseInt(form.Get("after"), 10, 64)
	if err != nil || after < 0 {
		return &control.Error{Message: "this is no place in the log", Usage: true}
	}
	ask.After = after
	entries, err := v.entries(ctx, ask)
	if err != nil {
		return err
	}
	v.write(http.StatusOK, "entries", entries)
	return nil
}

// entries reads the log, newest first, each in its account's zone.
func (v *visit) entries(ctx context.Context, q control.LogQuery) ([]entry, error) {
	var list []entry
	if err := v.Client.Log(ctx, q, func(e control.LogEntry) error {
		list = append(list, entry{LogEntry: e, Failed: e.Outcome == account.Failed})
		return nil
	}); err != nil {
		return nil, err
	}
	slices.Reverse(list)
	if len(list) == 0 {
		return nil, nil
	}
	all, err := v.Client.Status(ctx, "")
	if err != nil {
		return nil, err
	}
	zones := make(map[string]*time.Location)
	for _, s := range all {
		zones[s.JID] = zoneNamed(s.Zone)
	}
	for i, e := range list {
		zone := zones[e.Account]
		if zone == nil {
			zone = time.UTC
		}
		list[i].At = v.stamp(e.Time, zone)
		list[i].At.Text = e.Time.In(zone).Format("2006-01-02 15:04:05 MST")
	}
	return list, nil
}
