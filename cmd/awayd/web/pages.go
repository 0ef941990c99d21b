package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"awayd/cmd/awayd/control"
	"awayd/sync/engine"
)

// table is every path there is.
func (s *site) table() map[string]route {
	return map[string]route{
		"":           {get: (*visit).overview},
		"account":    {get: (*visit).account},
		"log":        {get: (*visit).log},
		"tail":       {get: (*visit).tail},
		"enter":      {get: (*visit).door, post: (*visit).enter, open: true},
		"leave":      {post: (*visit).leave},
		"withdraw":   {get: (*visit).confirm, post: (*visit).withdraw},
		"pause":      {post: (*visit).pause},
		"resume":     {post: (*visit).resume},
		"sync":       {post: (*visit).sync},
		"awayd.css":  file("awayd.css", "text/css; charset=utf-8"),
		"awayd.js":   file("awayd.js", "text/javascript; charset=utf-8"),
		"awayd.svg":  file("awayd.svg", "image/svg+xml"),
		"robots.txt": file("robots.txt", "text/plain; charset=utf-8"),
	}
}

// door shows the button that uses a link up. Loading the page does not: those
// who preview links in messages, or fetch ahead, would be the one who enters.
func (v *visit) door() error {
	token := v.r.URL.Query().Get("token")
	if token != "" && !v.doors.good(token) {
		return errLink
	}
	v.render(http.StatusOK, "door", "Enter", token)
	return nil
}

func (v *visit) enter() error {
	key, ok := v.doors.enter(v.r.PostForm.Get("token"))
	if !ok {
		return errLink
	}
	v.doors.leave(v.key)
	c := v.cookie
	c.Value = key
	http.SetCookie(v.w, &c)
	v.Log.Info("somebody entered the web page")
	v.leadTo("", nil)
	return nil
}

func (v *visit) leave() error {
	v.doors.leave(v.key)
	c := v.cookie
	c.MaxAge = -1
	http.SetCookie(v.w, &c)
	v.leadTo("enter", nil)
	return nil
}

// leadTo sends the browser to another page of this site.
func (v *visit) leadTo(path string, q url.Values) {
	to := url.URL{Path: v.root.Path + path, RawQuery: q.Encode()}
	http.Redirect(v.w, v.r, to.String(), http.StatusSeeOther)
}

const (
	perPage = 50
	// readers is how many previews are asked for at once.
	readers = 4
	// previewLimit is how long one account may keep the overview waiting.
	previewLimit = 3 * time.Second
)

// An overview is the list of accounts.
type overview struct {
	Accounts     []person
	Linked       int
	Away         int
	Ill          int
	Page, Pages  int
	Before, Next int // pages; 0: none
}

func (v *visit) overview() error {
	ctx, cancel := context.WithTimeout(v.r.Context(), readLimit)
	defer cancel()
	list, err := v.Client.Status(ctx, "")
	if err != nil {
		return err
	}
	doc := overview{Linked: len(list), Pages: 1 + max(0, len(list)-1)/perPage, Page: 1}
	for _, s := range list {
		if s.Visible != nil {
			doc.Away++
		}
		if s.Health != engine.HealthOK {
			doc.Ill++
		}
	}
	// Those with problems come first, as long as they have them.
	slices.SortStableFunc(list, func(a, b engine.Status) int { return cmp.Compare(urgency(b), urgency(a)) })
	if n, err := strconv.Atoi(v.r.URL.Query().Get("page")); err == nil {
		doc.Page = min(max(n, 1), doc.Pages)
	}
	doc.Before = doc.Page - 1
	if doc.Page < doc.Pages {
		doc.Next = doc.Page + 1
	}
	list = list[(doc.Page-1)*perPage : min(doc.Page*perPage, len(list))]
	doc.Accounts = v.people(ctx, list)
	v.render(http.StatusOK, "overview", "Accounts", doc)
	return nil
}

func urgency(s engine.Status) int {
	return slices.Index([]string{engine.HealthOK, engine.HealthHeld, engine.HealthError}, s.Health)
}

// people describes accounts, with their years, side by side: one that is slow
// to tell keeps nobody else waiting.
func (v *visit) people(ctx context.Context, list []engine.Status) []person {
	people := make([]person, len(list))
	turn := make(chan struct{}, readers)
	var all sync.WaitGroup
	for i, s := range list {
		all.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			ctx, cancel := context.WithTimeout(ctx, previewLimit)
			defer cancel()
			people[i] = v.person(ctx, s, i)
		})
	}
	all.Wait()
	return people
}

// A person is one account as it is shown.
type person struct {
	engine.Status
	zone    *time.Location
	preview control.Preview

	VisibleSpan, StagedSpan string
	NextAt                  stamp
	NextWhat                string
	Year                    year
	NoYear                  string // why there is none
}

func (v *visit) person(ctx context.Context, s engine.Status, n int) person {
	p := person{Status: s, zone: zoneNamed(s.Zone), Year: year{ID: n}}
	p.VisibleSpan, p.StagedSpan = v.span(s.Visible, p.zone), v.span(s.Staged, p.zone)
	if s.Next != nil {
		p.NextAt, p.NextWhat = v.stamp(s.Next.At, p.zone), deed(string(s.Next.Action))
	}
	now := v.Now().In(p.zone)
	axis := newAxis(now)
	var err error
	if p.preview, err = v.Client.Preview(ctx, s.JID, now, axis.to); err != nil {
		p.NoYear = err.Error()
		if errors.Is(err, context.DeadlineExceeded) {
			p.NoYear = "awayd is busy with this account. Load the page again in a moment."
		}
		return p
	}
	p.Year = v.year(axis, s, p.preview, n)
	return p
}

// deed is an action in words that need no manual.
func deed(action string) string {
	switch action {
	case "stage":
		return "stage the message, hidden"
	case "reveal":
		return "show the message"
	case "amend":
		return "change the message"
	case "withdraw":
		return "take the message down"
	}
	return action
}

// span is when a message that is on the node holds.
func (v *visit) span(m *engine.Message, zone *time.Location) string {
	switch {
	case m == nil:
		return ""
	case m.Start != nil && m.End != nil:
		return v.Phrases.During(m.Start.In(zone), m.End.In(zone), false)
	case m.End != nil:
		return "until " + v.stamp(*m.End, zone).Text
	case m.Start != nil:
		return "from " + v.stamp(*m.Start, zone).Text
	}
	return "without times"
}

// zoneNamed returns the zone of an account; one that could not be taken up has
// none.
func zoneNamed(name string) *time.Location {
	if name == "" {
		return time.UTC
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return zone
}

// A stamp is a moment, absolute and relative.
type stamp struct {
	ISO, Text, Relative string
}

func (v *visit) stamp(t time.Time, zone *time.Location) stamp {
	t = t.In(zone)
	return stamp{t.Format(time.RFC3339), t.Format("Mon 2006-01-02 15:04 MST"), v.Phrases.Relative(t, v.Now())}
}

// stampOf is a moment that may never have been.
func (v *visit) stampOf(t *time.Time, zone *time.Location) stamp {
	if t == nil {
		return stamp{Text: "never"}
	}
	return v.stamp(*t, zone)
}
