package main

import (
	"fmt"
	"time"

	"awayd/cmd/testbed"
)

// A reporter tells in words what a watch saw.
type reporter struct {
	watch      *testbed.Watch
	told       int // of what was received, already told
	answered   int // of answers, likewise
	lastSeen   string
	lastAnswer string
}

// news tells, in words, what was seen since the last call. What is told twice,
// as to somebody who is a contact and subscribed too, is told here once.
func (p *reporter) news(start time.Time) []string {
	var lines []string
	add := func(line string, last *string) {
		if line != "" && line != *last {
			lines, *last = append(lines, line), line
		}
	}
	answers := p.watch.Answers()
	for ; p.answered < len(answers); p.answered++ {
		switch a := answers[p.answered]; {
		case a.Refused != "":
			add("Bob asks for Ada's message every half second, and is refused", &p.lastAnswer)
		case len(a.Items) > 0:
			add("Bob asks again and may read it; he subscribes, to be told whatever comes next", &p.lastAnswer)
		}
	}
	received := p.watch.Contact.Received()
	for ; p.told < len(received); p.told++ {
		add(inWords(received[p.told], start), &p.lastSeen)
	}
	return lines
}

func inWords(r testbed.Received, start time.Time) string {
	after := fmt.Sprintf("%.1f s after the start", r.At.Sub(start).Seconds())
	switch {
	case r.Event != nil && len(r.Event.Items) > 0 && r.Event.Items[0].OOO:
		i := r.Event.Items[0]
		if testbed.EndsIt(r) {
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
