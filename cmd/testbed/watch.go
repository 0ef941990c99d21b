package testbed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// askEvery is how often the contact asks for the message, if not told otherwise.
const askEvery = 500 * time.Millisecond

// A Watch is a contact who listens, asks every half second, and subscribes to
// the node as soon as it may.
type Watch struct {
	Contact *Contact
	Of      string        // bare JID
	Secrets []string      // what the contact must never be sent
	Every   time.Duration // between two questions; 0: half a second
	// Patience is what a daemon that is killed at the start or at the end may
	// take longer.
	Patience time.Duration

	mu         sync.Mutex
	answers    []Answer
	subscribed bool
}

// An Answer is what one question brought.
type Answer struct {
	Asked, At time.Time
	Items     []Item
	Refused   string // the condition
	Err       error
}

// Answers returns what was answered so far, oldest first.
func (w *Watch) Answers() []Answer {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.answers)
}

// Begin asks until stop is called.
func (w *Watch) Begin(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(cmp.Or(w.Every, askEvery))
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

func (w *Watch) ask(ctx context.Context) {
	a := Answer{Asked: time.Now()}
	a.Items, a.Err = w.Contact.Fetch(ctx, w.Of, NodeOOO)
	a.At = time.Now()
	if ctx.Err() != nil {
		return
	}
	a.Refused = Condition(a.Err)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers = append(w.answers, a)
	if a.Err == nil && !w.subscribed {
		w.subscribed = true
		if err := w.Contact.Subscribe(ctx, w.Of, NodeOOO); err != nil {
			w.answers = append(w.answers, Answer{Asked: a.At, At: time.Now(), Err: fmt.Errorf("subscribe: %w", err)})
		}
	}
}

// Offline reports whether the last that was heard of each of the person's
// connections is that it is gone; false if nothing was heard at all. A server
// may tell of the end of an old one after the beginning of a new one.
func (w *Watch) Offline() bool {
	online := map[string]bool{}
	for _, r := range w.Contact.Received() {
		if r.Name == "presence" && bare(r.From) == w.Of && (r.Type == "" || r.Type == "unavailable") {
			online[r.From] = r.Type == ""
		}
	}
	for _, on := range online {
		if on {
			return false
		}
	}
	return len(online) > 0
}

// Verify holds everything the contact saw against the vacation [start, end)
// and the following one.
func (w *Watch) Verify(start, end, next time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return errors.Join(w.verifyAnswers(start, end), w.verifyTold(start, end, next), w.verifyPresence(start, end))
}

// slack is how long after the end a contact may still be told or let in.
const slack = 2 * time.Second

func (w *Watch) verifyAnswers(start, end time.Time) error {
	var before, during, after int
	for _, a := range w.answers {
		seen := a.Err == nil && len(a.Items) > 0
		switch {
		case a.Err != nil && a.Refused == "":
			return fmt.Errorf("the contact's question failed: %w", a.Err)
		case a.At.Before(start):
			before++
			if seen {
				return fmt.Errorf("early: the contact could read %+v %s before the start", a.Items, start.Sub(a.At))
			}
		case a.Asked.After(start.Add(time.Second+w.Patience)) && a.At.Before(end):
			during++
			if !seen {
				return fmt.Errorf("the contact was refused (%s) %s after the start", a.Refused, a.Asked.Sub(start))
			}
			if i := a.Items[0]; i.Start == "" || i.End == "" || i.Message == "" {
				return fmt.Errorf("the contact read an incomplete message %+v", i)
			}
		case a.Asked.After(end.Add(slack + w.Patience)):
			after++
			if seen {
				return fmt.Errorf("stale: the contact could read %+v %s after the end", a.Items, a.Asked.Sub(end))
			}
		}
	}
	if before == 0 || during == 0 || after == 0 {
		return fmt.Errorf("the contact asked %d times before, %d times during and %d times after the vacation: too seldom to prove anything", before, during, after)
	}
	return nil
}

func (w *Watch) verifyTold(start, end, next time.Time) error {
	toldStart, toldEnd := false, false
	for _, r := range w.Contact.Received() {
		if slices.ContainsFunc(w.Secrets, func(s string) bool { return strings.Contains(r.Raw, s) }) {
			return fmt.Errorf("leak: the contact was sent what is nobody's business: %s", r.Raw)
		}
		if strings.Contains(r.Raw, next.UTC().Format("2006-01-02T15:04")) {
			return fmt.Errorf("leak: the contact was sent the following vacation: %s", r.Raw)
		}
		if r.Event == nil || r.Event.Node != NodeOOO {
			continue
		}
		if r.At.Before(start) {
			return fmt.Errorf("early: %s before the start the contact was sent %s", start.Sub(r.At), r.Raw)
		}
		if i, ok := r.Item("current"); ok && !r.At.After(start.Add(time.Second+w.Patience)) && i.Message != "" {
			toldStart = true
		}
		toldEnd = toldEnd || (r.At.Before(end.Add(slack+w.Patience)) && EndsIt(r))
	}
	if !toldStart {
		return errors.New("the contact was not told of the start within a second")
	}
	if !toldEnd {
		return errors.New("the contact was not told of the end within two seconds")
	}
	return nil
}

// EndsIt reports whether r tells that the absence is over.
func EndsIt(r Received) bool {
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
func (w *Watch) verifyPresence(start, end time.Time) error {
	shown := false
	for _, r := range w.Contact.Received() {
		if r.Name != "presence" || bare(r.From) != w.Of || r.Type != "" {
			continue
		}
		if r.At.Before(start) || r.At.After(end.Add(slack+w.Patience)) {
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

func bare(jid string) string { b, _, _ := strings.Cut(jid, "/"); return b }
