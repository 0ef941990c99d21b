package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"awayd/cmd/testbed"
)

// askEvery is how often the contact asks for the message.
const askEvery = 500 * time.Millisecond

// A watch is a contact who listens, asks every half second, and subscribes to
// the node as soon as it may.
type watch struct {
	contact *testbed.Contact
	of      string // bare JID
	// patience is what a daemon that is killed at the start or at the end may
	// take longer.
	patience time.Duration

	mu         sync.Mutex
	answers    []answer
	subscribed bool
	told       int // of what was received, already told as news
	answered   int // of answers, likewise
	lastSeen   string
	lastAnswer string
}

// An answer is what one question brought.
type answer struct {
	asked, at time.Time
	items     []testbed.Item
	refused   string // the condition
	err       error
}

// begin asks until stop is called.
func (w *watch) begin(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(askEvery)
		defer tick.Stop()
		for {
			w.ask(ctx)
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return func() { cancel(); <-done }
}

func (w *watch) ask(ctx context.Context) {
	a := answer{asked: time.Now()}
	a.items, a.err = w.contact.Fetch(ctx, w.of, testbed.NodeOOO)
	a.at = time.Now()
	if ctx.Err() != nil {
		return
	}
	a.refused = testbed.Condition(a.err)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers = append(w.answers, a)
	if a.err == nil && !w.subscribed {
		w.subscribed = true
		if err := w.contact.Subscribe(ctx, w.of, testbed.NodeOOO); err != nil {
			w.answers = append(w.answers, answer{asked: a.at, at: time.Now(), err: fmt.Errorf("subscribe: %w", err)})
		}
	}
}

// offline reports whether the last that was heard of the person is that they
// are offline.
func (w *watch) offline() bool {
	off := false
	for _, r := range w.contact.Received() {
		if r.Name == "presence" && bare(r.From) == w.of {
			off = r.Type == "unavailable"
		}
	}
	return off
}

func bare(jid string) string { b, _, _ := strings.Cut(jid, "/"); return b }

// news tells, in words, what was seen since the last call. What is told twice,
// as to somebody who is a contact and subscribed too, is told here once.
func (w *watch) news(start time.Time) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lines []string
	add := func(line string, last *string) {
		if line != "" && line != *last {
			lines, *last = append(lines, line), line
		}
	}
	for ; w.answered < len(w.answers); w.answered++ {
		switch a := w.answers[w.answered]; {
		case a.refused != "":
			add("Bob asks for Ada's message every half second, and is refused", &w.lastAnswer)
		case len(a.items) > 0:
			add("Bob asks again and may read it; he subscribes, to be told whatever comes next", &w.lastAnswer)
		}
	}
	received := w.contact.Received()
	for ; w.told < len(received); w.told++ {
		add(inWords(received[w.told], start), &w.lastSeen)
	}
	return lines
}

func inWords(r testbed.Received, start time.Time) string {
	after := fmt.Sprintf("%.1f s after the start", r.At.Sub(start).Seconds())
	switch {
	case r.Event != nil && len(r.Event.Items) > 0 && r.Event.Items[0].OOO:
		i := r.Event.Items[0]
		if endsIt(r) {
			return fmt.Sprintf("Bob is told, %s: it is over since %s", after, i.End)
		}
		return fmt.Sprintf("Bob is told, %s: from %s to %s, %q", after, i.Start, i.End, i.Message)
	case r.Retracts("current"):
		return "Bob is told, " + after + ": the message is taken back"
	case r.Name == "presence" && r.Show != "":
		return fmt.Sprintf("Bob sees Ada as %s, %s: %q", r.Show, after, r.Status)
	case r.Name == "presence" && r.Type == "unavailable":
		return "Bob sees Ada offline, " + after
	}
	return ""
}

// verify holds everything the contact saw against the vacation [start, end)
// and the following one.
func (w *watch) verify(start, end, next time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return errors.Join(w.verifyAnswers(start, end), w.verifyTold(start, end, next), w.verifyPresence(start, end))
}

// slack is how long after the end a contact may still be told or let in.
const slack = 2 * time.Second

func (w *watch) verifyAnswers(start, end time.Time) error {
	var before, during, after int
	for _, a := range w.answers {
		seen := a.err == nil && len(a.items) > 0
		switch {
		case a.err != nil && a.refused == "":
			return fmt.Errorf("the contact's question failed: %w", a.err)
		case a.at.Before(start):
			before++
			if seen {
				return fmt.Errorf("early: the contact could read %+v %s before the start", a.items, start.Sub(a.at))
			}
		case a.asked.After(start.Add(time.Second+w.patience)) && a.at.Before(end):
			during++
			if !seen {
				return fmt.Errorf("the contact was refused (%s) %s after the start", a.refused, a.asked.Sub(start))
			}
			if i := a.items[0]; i.Start == "" || i.End == "" || i.Message == "" {
				return fmt.Errorf("the contact read an incomplete message %+v", i)
			}
		case a.asked.After(end.Add(slack + w.patience)):
			after++
			if seen {
				return fmt.Errorf("stale: the contact could read %+v %s after the end", a.items, a.asked.Sub(end))
			}
		}
	}
	if before == 0 || during == 0 || after == 0 {
		return fmt.Errorf("the contact asked %d times before, %d times during and %d times after the vacation: too seldom to prove anything", before, during, after)
	}
	return nil
}

func (w *watch) verifyTold(start, end, next time.Time) error {
	toldStart, toldEnd := false, false
	for _, r := range w.contact.Received() {
		if strings.Contains(r.Raw, title) || strings.Contains(r.Raw, nextTitle) {
			return fmt.Errorf("leak: the contact was sent the title of an event: %s", r.Raw)
		}
		if strings.Contains(r.Raw, next.UTC().Format("2006-01-02T15:04")) {
			return fmt.Errorf("leak: the contact was sent the following vacation: %s", r.Raw)
		}
		if r.Event == nil || r.Event.Node != testbed.NodeOOO {
			continue
		}
		if r.At.Before(start) {
			return fmt.Errorf("early: %s before the start the contact was sent %s", start.Sub(r.At), r.Raw)
		}
		if i, ok := r.Item("current"); ok && !r.At.After(start.Add(time.Second+w.patience)) && i.Message != "" {
			toldStart = true
		}
		toldEnd = toldEnd || (r.At.Before(end.Add(slack+w.patience)) && endsIt(r))
	}
	if !toldStart {
		return errors.New("the contact was not told of the start within a second")
	}
	if !toldEnd {
		return errors.New("the contact was not told of the end within two seconds")
	}
	return nil
}

// endsIt reports whether r tells that the absence is over.
func endsIt(r testbed.Received) bool {
	if r.Retracts("current") {
		return true
	}
	i, ok := r.Item("current")
	if !ok {
		return false
	}
	t, err := time.Parse(time.RFC3339, i.End)
	return err == nil && !t.After(r.At)
}

// verifyPresence demands that the person looked available during the vacation
// only, and never as if they could be talked to.
func (w *watch) verifyPresence(start, end time.Time) error {
	shown := false
	for _, r := range w.contact.Received() {
		if r.Name != "presence" || bare(r.From) != w.of || r.Type != "" {
			continue
		}
		if r.At.Before(start) || r.At.After(end.Add(slack+w.patience)) {
			return fmt.Errorf("the person came online because of awayd outside the vacation: %s", r.Raw)
		}
		if r.Show != "xa" {
			return fmt.Errorf("the person was shown as %q: %s", r.Show, r.Raw)
		}
		shown = shown || r.Status != ""
	}
	if !shown {
		return errors.New("the person was not shown as away during the vacation")
	}
	return nil
}
