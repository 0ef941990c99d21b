package main

import (
	"fmt"
	"strings"
	"time"

	"awayd/cmd/testbed"
)

// A crashView is everything that was seen of one case, and what it is held
// against.
type crashView struct {
	story crashStory
	due   time.Time // when all had to be as it should after the crash
	over  time.Time // when contacts had to see nothing any more; zero: never

	person   string // the bare JID
	answers  []testbed.Answer
	received []testbed.Received

	steps  []crashStep
	dead   int           // connections up to this one were those of the daemon that was killed
	logged bool          // that daemon had logged the action as done
	took   time.Duration // to converge
}

// A crashVerdict lists what was seen that must not be seen.
type crashVerdict struct {
	early []string // before its start, or what is nobody's business
	stale []string // after its end, or after what took its place
	late  []string // not told or not done in time
	twice []string // told again although it was known to be told
	odd   []string // anything else
	again bool     // told again, as it should be
}

func (v crashVerdict) bad() bool {
	return len(v.early)+len(v.stale)+len(v.late)+len(v.twice)+len(v.odd) > 0
}

func (v crashVerdict) String() string {
	var lines []string
	for _, kind := range []struct {
		name string
		list []string
	}{{"early", v.early}, {"stale", v.stale}, {"late", v.late}, {"twice", v.twice}, {"odd", v.odd}} {
		for _, what := range kind.list {
			lines = append(lines, kind.name+": "+what)
		}
	}
	return strings.Join(lines, "\n")
}

// judge holds what was seen against the story, with so much more time than is
// allowed.
func (c crashView) judge(grace time.Duration) crashVerdict {
	var v crashVerdict
	c.due, c.took = c.due.Add(grace), c.took-grace
	if !c.over.IsZero() {
		c.over = c.over.Add(grace)
	}
	c.judgeAnswers(&v)
	c.judgeEvents(&v)
	c.judgePresence(&v)
	c.judgeActivity(&v)
	c.judgeAgain(&v)
	if c.took > crashPatience {
		v.late = append(v.late, "converged after "+c.took.String())
	}
	return v
}

// judgeAnswers looks at what the contact could read.
func (c crashView) judgeAnswers(v *crashVerdict) {
	for _, a := range c.answers {
		if a.Err != nil && a.Refused == "" {
			v.odd = append(v.odd, "the contact's question failed: "+a.Err.Error())
		}
		for _, i := range a.Items {
			if start, ok := c.about(i); !ok || a.At.Before(start) {
				v.early = append(v.early, fmt.Sprintf("the contact could read %+v", i))
			}
		}
		if len(a.Items) > 0 && c.isOver(a.Asked) {
			v.stale = append(v.stale, fmt.Sprintf("the contact could read %+v %s after it was to be gone", a.Items, a.Asked.Sub(c.over)))
		}
	}
}

// isOver reports whether contacts must not see anything any more.
func (c crashView) isOver(t time.Time) bool { return !c.over.IsZero() && t.After(c.over) }

// about returns the start of the absence that an item is about, if it is one
// that contacts may ever know of.
func (c crashView) about(i testbed.Item) (start time.Time, known bool) {
	for _, n := range []crashNode{c.story.from, c.story.to} {
		if n.visible == nil {
			continue
		}
		if tells(i, *n.visible) {
			return n.visible.Start, true
		}
		begins, err := time.Parse(time.RFC3339, i.Start)
		if closing := err == nil && begins.Equal(n.visible.Start) && ended(i, time.Now()); closing {
			return n.visible.Start, true
		}
	}
	return time.Time{}, false
}

func ended(i testbed.Item, now time.Time) bool {
	end, err := time.Parse(time.RFC3339, i.End)
	return err == nil && !end.After(now)
}

// judgeEvents looks at what the contact was sent of the node, in order: what
// was there before, what came then, the end.
func (c crashView) judgeEvents(v *crashVerdict) {
	toldNew, toldEnd := false, false
	for _, r := range c.received {
		if strings.Contains(r.Raw, crashTitle) || strings.Contains(r.Raw, crashNextTitle) {
			v.early = append(v.early, "the contact was sent what is nobody's business: "+r.Raw)
		}
		if r.Event == nil || r.Event.Node != testbed.NodeOOO {
			continue
		}
		if !c.story.everVisible() && len(r.Event.Items)+len(r.Event.Retracted) > 0 {
			v.early = append(v.early, "the contact was sent "+r.Raw)
		}
		for _, i := range r.Event.Items {
			start, known := c.about(i)
			isNew := c.story.to.visible != nil && tells(i, *c.story.to.visible)
			switch {
			case !known || r.At.Before(start):
				v.early = append(v.early, "the contact was sent "+r.Raw)
			case ended(i, r.At):
			case toldEnd:
				v.stale = append(v.stale, "after the end, the contact was told "+r.Raw)
			case toldNew && !isNew:
				v.stale = append(v.stale, "after what is new, the contact was told "+r.Raw)
			}
			// A contact who subscribes between the opening of the node and the
			// publishing may be sent the item that was staged.
			toldNew = toldNew || (isNew && i.ID == "current" && r.At.Before(c.due))
		}
		toldEnd = toldEnd || (testbed.EndsIt(r) && !c.isOver(r.At))
	}
	if c.story.to.visible != nil && !toldNew {
		v.late = append(v.late, "the contact was not told of what is new in time")
	}
	if c.story.everVisible() && !toldEnd {
		v.stale = append(v.stale, "the contact was not told of the end in time")
	}
}

func (s crashStory) everVisible() bool { return s.from.visible != nil || s.to.visible != nil }

// opens is when contacts may begin to see something; zero: never.
func (s crashStory) opens() (t time.Time) {
	for _, n := range []crashNode{s.to, s.from} {
		if n.visible != nil {
			t = n.visible.Start
		}
	}
	return t
}

// judgePresence demands that the person looked away while a message was
// visible, and otherwise offline.
func (c crashView) judgePresence(v *crashVerdict) {
	opens := c.story.opens()
	for _, r := range c.received {
		if r.Name != "presence" || r.Type != "" || !strings.HasPrefix(r.From, c.person+"/") {
			continue
		}
		switch {
		case opens.IsZero(), r.At.Before(opens):
			v.early = append(v.early, "the person was shown as online: "+r.Raw)
		case c.isOver(r.At):
			v.stale = append(v.stale, "the person was shown as online: "+r.Raw)
		case r.Show != "xa":
			v.odd = append(v.odd, "the person was shown as available: "+r.Raw)
		}
	}
}

// judgeActivity demands the same of the activity, and that what the person had
// set is what contacts hear last.
func (c crashView) judgeActivity(v *crashVerdict) {
	opens, away, last := c.story.opens(), false, ""
	for _, r := range c.received {
		if r.Event == nil || r.Event.Node != nodeActivity {
			continue
		}
		for _, i := range r.Event.Items {
			away, last = onVacation(i), r.Raw
			switch {
			case away && (opens.IsZero() || r.At.Before(opens)):
				v.early = append(v.early, "the contact was sent "+r.Raw)
			case away && c.isOver(r.At):
				v.stale = append(v.stale, "the contact was sent "+r.Raw)
			}
		}
	}
	if away {
		v.stale = append(v.stale, "the last activity that the contact was sent is "+last)
	}
}

// judgeAgain looks for what was told before the crash and again after it. That
// is as it should be while awayd cannot know that contacts were told; once the
// sync log says so, it is not.
func (c crashView) judgeAgain(v *crashVerdict) {
	before := map[string]bool{}
	for _, s := range c.steps {
		switch {
		case s.tells == "" || !s.armed:
		case s.conn <= c.dead:
			before[s.tells] = true
		case before[s.tells] && c.logged:
			v.twice = append(v.twice, s.tells+" was told again although the log said it was done")
		case before[s.tells]:
			v.again = true
		}
	}
}
