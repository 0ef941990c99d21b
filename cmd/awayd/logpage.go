package main

import (
	"fmt"
	"strings"
	"time"

	"awayd/cmd/awayd/control"
	"awayd/sync/account"
)

// A logPage shows the sync log in the reader's zone, since it may tell of many
// persons. On a terminal it is grouped by day, and the account is left out
// where there is but one; elsewhere each entry is a line that has everything.
type logPage struct {
	*page
	accounts int
	jids     int    // the width of their column
	day      string // whose heading was shown last
}

func newLogPage(p *page, list []control.Account) *logPage {
	jids := widest(list, p.share(3), func(x control.Account) string { return x.JID })
	return &logPage{page: p, accounts: len(list), jids: jids}
}

func (l *logPage) entry(e control.LogEntry) {
	t := e.Time.In(l.zone)
	kind := l.style(kindColour(e), fmt.Sprintf("%-8s", e.Kind))
	text := e.Reason
	if e.Error != "" {
		text = strings.TrimPrefix(text+": "+e.Error, ": ")
	}
	jid := fill(printable(e.Account), l.jids) + "  "
	if l.width == 0 {
		l.hang(t.Format("2006-01-02 15:04:05 MST")+"  "+jid+kind+"  ", text)
		return
	}
	l.heading(t)
	label := l.style(dim, t.Format("15:04:05")) + "  " + kind + "  "
	switch {
	case l.accounts <= 1 && e.Account != "":
	case l.width < roomy: // the text needs the room
		text = strings.TrimPrefix(e.Account+": "+text, ": ")
	default:
		label += jid
	}
	l.hang(label, text)
}

// heading names the day of an entry, if that is another one than before.
func (l *logPage) heading(t time.Time) {
	day := t.Format("Mon 2006-01-02 MST")
	if day == l.day {
		return
	}
	if l.day != "" {
		l.printf("\n")
	}
	l.day = day
	l.printf("%s %s\n", l.style(bold, t.Format("Mon 2006-01-02")), l.style(dim, fmt.Sprintf("(%s, times in %s)", dayOf(t, l.now.In(l.zone)), t.Format("MST"))))
}

// kindColour marks what people look for: what contacts could see, and what went
// wrong.
func kindColour(e control.LogEntry) colour {
	if e.Outcome == account.Failed {
		return red
	}
	switch account.Kind(e.Kind) {
	case account.KindReveal, account.KindAmend, account.KindWithdraw:
		return green
	case account.KindHold, account.KindOverride, account.KindPause, account.KindError:
		return yellow
	case account.KindPoll:
		return dim
	}
	return ""
}
