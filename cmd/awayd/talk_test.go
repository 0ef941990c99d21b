package main

import (
	"net"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"awayd/cmd/testbed"
	"awayd/sync/engine"
)

// server are the flags that say where the test's XMPP server is.
func (h *household) server() []string {
	return []string{"link", "--xmpp-address", h.xmpp.Addr, "--tls-ca", h.xmpp.CA.File}
}

func TestConversation(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	work := h.addCalendar("Work")
	h.daemon()
	s := h.sitDown(usual, h.server()...)
	s.answers("Your XMPP address", h.ada.JID)
	s.answers("The XMPP password of "+h.ada.JID, h.ada.Password)
	s.sees("Logged in. Prosody 0.12")
	s.sees("can do what is needed")
	s.answers("Your calendar", h.dav.URL)
	s.sees("The server wants to know who is asking.")
	s.answers("Your user name on the calendar server", testbed.BedUser)
	s.answers("The calendar password of "+testbed.BedUser, testbed.BedPassword)
	s.sees("Calendars of " + testbed.BedUser)
	s.sees("Their numbers")
	for _, want := range []string{"“Vacation in Rome”: by a word in its title (word)", "not counted: “Lunch”: no out-of-office", "no absences"} {
		if !strings.Contains(s.shown(), want) {
			t.Errorf("no %q:\n%s", want, s.all())
		}
	}
	// Both are suggested; the one that holds nothing is taken away.
	s.presses("\x7f\x7f\x7fthree\r")
	s.answers("is no number from 1 to 2", "\x15"+h.number(s, "Private"))
	s.sees("Neither the calendar nor this machine says")
	s.answers("Your time zone", "Europe/Berlitz")
	s.sees("That did not work. ")
	s.answers("Your time zone", "\x7f\x7fn") // what was typed stands there
	s.sees("contacts will read: > I am away until")
	s.answers("Enter if that is good", "de")
	s.sees("contacts will read: > Ich bin bis")
	s.answers("Enter if that is good", "Bin weg bis {{.Untill}}.")
	s.sees("Untill")
	s.answers("Enter if that is good", "Bin weg bis {{.Until}}.")
	s.sees("contacts will read: > Bin weg bis")
	s.answers("Enter if that is good", "")
	s.sees("What will happen Until")
	s.sees("hidden. Then it is shown to the contacts who may see when you are online")
	h.nothingSaved()
	s.answers("Link "+h.ada.JID+"?", "")
	s.answers("Link "+h.ada.JID+"?", "y")
	s.sees(h.ada.JID + " is linked. Waiting, hidden, ")
	s.sees("Next: reveal")
	s.sees("awayd unlink " + h.ada.JID)
	s.ends(exitOK)
	s.hides(h.ada.Password, testbed.BedPassword)
	if st := h.status(); st.Staged == nil || !strings.HasPrefix(st.Staged.Message, "Bin weg bis ") || st.Health != engine.HealthOK || len(st.Calendars) != 1 {
		t.Errorf("status: %+v", st)
	}
	if out := h.must("accounts", "--json"); !strings.Contains(out, "Europe/Berlin") {
		t.Errorf("accounts: %s", out)
	}
	h.linkedAgain(work)
}

// number is what a calendar is to be chosen by.
func (h *household) number(s *screen, name string) string {
	for _, n := range []string{"1", "2"} {
		if strings.Contains(s.shown(), n+" "+name) {
			return n
		}
	}
	h.t.Fatalf("no %s:\n%s", name, s.all())
	return ""
}

// linkedAgain adds a calendar by conversation. The password that is kept serves,
// and what was settled is not asked for again.
func (h *household) linkedAgain(another string) {
	s := h.sitDown(usual, "link", "--jid", h.ada.JID, "--calendar-user", testbed.BedUser)
	s.sees("It is linked already")
	s.answers("or Enter for the one that is kept", "")
	s.answers("Your calendar", another)
	s.answers("The calendar password of "+testbed.BedUser, testbed.BedPassword)
	s.sees("For a week off, contacts would read: > Bin weg bis")
	s.answers("Enter if that is good", "")
	s.answers("Link", "y")
	s.sees("is linked.")
	s.ends(exitOK)
	if st := h.status(); len(st.Calendars) != 2 {
		h.t.Errorf("status: %+v", st)
	}
	// Settings alone, and JSON for whoever wants it.
	s = h.sitDown(usual, "link", "--jid", h.ada.JID, "--message", "Gone until {{.Until}}.", "--json")
	s.answers("or Enter for the one that is kept", "")
	s.answers("or Enter to keep those that are linked", "")
	s.sees("Its calendars stay as they are.")
	s.sees("What will happen What you said now holds")
	s.answers("Link", "y")
	s.sees(`"jid": "` + h.ada.JID + `"`)
	s.ends(exitOK)
	if st := h.status(); len(st.Calendars) != 2 || !strings.HasPrefix(st.Staged.Message, "Gone until ") {
		h.t.Errorf("status: %+v", st)
	}
}

func TestConversationCorrects(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	// What the flags say is not asked for, until it turns out to be wrong.
	s := h.sitDown(look{80, []string{"TERM=xterm", "NO_COLOR=1"}}, append(h.server(), "--jid", h.ada.JID, "--zone", "Europe/Berlin",
		"--lang", "fr", "--jid-password-file", write(t, "wrong", "not the password"))...)
	s.sees("That did not work. log in as " + h.ada.JID)
	s.answers("The XMPP password of "+h.ada.JID, "wrong again")
	s.sees("That did not work.")
	s.answers("The XMPP password of "+h.ada.JID, h.ada.Password)
	s.answers("Your calendar", "ada@no-such-host.invalid")
	s.answers("The calendar password of ada@no-such-host.invalid", "meant for somebody else")
	s.sees("That did not work.")
	s.answers("Your calendar", "\x15"+strings.TrimSuffix(h.dav.URL, "/")+"9/")
	s.sees("That did not work.")
	s.answers("Your calendar", "\x7f\x7f/") // the address stands there to be corrected
	s.answers("Your user name", testbed.BedUser)
	s.answers("The calendar password", "wrong")
	s.sees("401 Unauthorized")
	s.answers("Your user name on the calendar server", "") // kept
	s.answers("The calendar password", testbed.BedPassword)
	s.sees("contacts will read: > Je ne suis pas là")
	s.answers("Link", "n")
	s.sees("awayd: nothing was saved")
	s.ends(exitFailed)
	s.hides(h.ada.Password, testbed.BedPassword, "not the password", "wrong again", "meant for somebody else")
	if regexp.MustCompile(`\x1b\[[0-9;]*m`).MatchString(s.all()) {
		t.Errorf("colours in spite of NO_COLOR:\n%q", s.all())
	}
	h.nothingSaved()
}

func TestConversationCorrectsTheServer(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	s := h.sitDown(usual, "link", "--jid", h.ada.JID, "--xmpp-address", "127.0.0.1:1", "--jid-password-file", write(t, "p", h.ada.Password),
		"--zone", "Europe/Berlin", "--calendar-url", h.calendar, "--calendar-user", testbed.BedUser,
		"--calendar-password-file", write(t, "c", testbed.BedPassword), "--message", "Gone", "--audience", "everybody")
	s.sees("That did not work.")
	s.answers("Who may see the message", "\x15open")
	s.sees("That did not work.")
	s.answers("Your XMPP address", "")
	s.answers("The server as HOST:PORT", strings.Repeat("\x7f", len("127.0.0.1:1"))+h.xmpp.Addr)
	s.sees("certificate not trusted")
	s.answers("The file with the certificate", "/no/such/file")
	s.answers("no such file", h.xmpp.CA.File)
	s.sees("Logged in.")
	s.sees("contacts will read: > Gone")
	s.sees("Then it is shown to everybody")
	// While a person thinks, the state is free for others, and for the daemon.
	h.nothingSaved()
	h.daemon()
	s.answers("Link", "y")
	s.sees("is linked.")
	s.ends(exitOK)
	s.hides("no daemon is running")
}

func TestConversationLeft(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	complete := append(h.server(), "--jid", h.ada.JID, "--zone", "Europe/Berlin", "--jid-password-file", write(t, "p", h.ada.Password),
		"--calendar-url", h.calendar, "--calendar-user", testbed.BedUser, "--calendar-password-file", write(t, "c", testbed.BedPassword))
	dumb := look{80, []string{"TERM=dumb"}}
	for name, leave := range map[string]struct {
		look
		args     []string
		question string
		keys     string
	}{
		"Ctrl-C at the first question":    {usual, h.server(), "Your XMPP address", "ada\x03"},
		"Ctrl-C at a password":            {usual, append(h.server(), "--jid", h.ada.JID), "The XMPP password", "sec\x03"},
		"end of input":                    {usual, h.server(), "Your XMPP address", "\x04"},
		"Ctrl-C at the last question":     {usual, append(complete, "--lang", "en"), "Link", "\x03"},
		"Ctrl-C while it waits":           {usual, append(h.server(), "--jid", h.ada.JID, "--jid-password-file", write(t, "p", "x"), "--xmpp-address", silent(t)), "Logging in as", "\x03"},
		"SIGTERM at a password":           {usual, append(h.server(), "--jid", h.ada.JID), "The XMPP password", ""},
		"SIGTERM at a password, dumb":     {dumb, append(h.server(), "--jid", h.ada.JID), "The XMPP password", ""},
		"Ctrl-C on a dumb terminal":       {dumb, h.server(), "Your XMPP address", "ada\x03"},
		"Ctrl-C at a password, dumb":      {dumb, append(h.server(), "--jid", h.ada.JID), "The XMPP password", "sec\x03"},
		"end of input on a dumb terminal": {dumb, complete, "Enter if that is good", "\x04"},
	} {
		t.Run(name, func(t *testing.T) {
			s := h.sitDown(leave.look, leave.args...)
			s.t = t
			s.sees(leave.question)
			if leave.question == "Logging in as" {
				s.sees(".....") // it shows that it goes on
			} else {
				s.sees(">")
			}
			if leave.keys == "" {
				_ = s.cmd.Process.Signal(syscall.SIGTERM)
			}
			s.presses(leave.keys)
			s.sees("awayd: interrupted: nothing was saved")
			s.ends(exitFailed)
			s.hides(h.ada.Password, testbed.BedPassword)
			h.nothingSaved()
		})
	}
}

// silent is a server that accepts and says nothing.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// TestConversationAnywhere has the conversation on terminals that are narrow,
// that do not tell their width, and that know no escape sequences. Its calendar
// says of no event that it is an absence.
func TestConversationAnywhere(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]look{
		"30 columns":   {30, []string{"TERM=xterm"}},
		"12 columns":   {12, []string{"TERM=xterm"}},
		"no width":     {0, []string{"TERM=xterm"}},
		"no escapes":   {80, []string{"TERM=dumb"}},
		"no TERM":      {80, []string{"TERM="}},
		"NO_COLOR set": {40, []string{"TERM=xterm", "NO_COLOR=1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHousehold(t)
			s := h.sitDown(l, append(h.server(), "--zone", "Europe/Berlin")...)
			s.answers("Your XMPP address", h.ada.JID)
			s.answers("The XMPP password", h.ada.Password)
			s.answers("Your calendar", h.calendar)
			s.answers("Your user name", testbed.BedUser)
			s.answers("The calendar password", testbed.BedPassword)
			s.sees("not counted: “Trip to Rome”")
			s.answers("Is every event there one?", "yes")
			s.sees("I am away until")
			s.answers("Enter if that is good", "")
			s.answers("Link", "y")
			s.sees("is linked.")
			s.ends(exitOK)
			s.hides(h.ada.Password, testbed.BedPassword)
			if l.env[0] != "TERM=xterm" && strings.Contains(s.all(), "\x1b") {
				t.Errorf("escape sequences on a terminal without:\n%q", s.all())
			}
			for line := range strings.Lines(s.all()) {
				if n := len([]rune(strings.TrimSpace(escapes.ReplaceAllString(line, "")))); l.cols == 30 && n > 30 && !strings.Contains(line, ">") && !strings.Contains(line, "...") && !strings.HasPrefix(line, "awayd: ") && strings.Count(line, " ") > 1 {
					t.Errorf("a line of %d columns: %q", n, line)
				}
			}
			if st := h.status(); st.Staged == nil {
				t.Errorf("status: %+v", st)
			}
		})
	}
}

func TestShownAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"ada@example.org": "ada@example.org",
		"https://ada:secret@dav.example.org/private-feed": "https://dav.example.org/…",
		"nonsense": "[hidden]",
	} {
		if got := shown(address); got != want {
			t.Errorf("%s is shown as %s", address, got)
		}
	}
}

func TestNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"1": "1", "2, 1": "2 1", " 1 1,3 ": "1 3", "0": "", "4": "", "": "", "one": "", "1-2": "",
	} {
		list, err := parseNumbers(text, 3)
		if got := numbers(list); got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
}

func TestHung(t *testing.T) {
	for _, test := range []struct {
		text          string
		width, indent int
		want          string
	}{
		{"one two three", 8, 0, "one two|three"},
		{"  one two three", 10, 4, "  one two|    three"},
		{"https://dav.example.org/ada/calendar", 10, 0, "https://dav.example.org/ada/calendar"},
		{"日本語 日本語", 10, 2, "日本語|  日本語"},
		{"日本語日本語", 8, 2, "日本|  語日|  本語"},
		{" 1  Two  spaces", 40, 4, " 1  Two  spaces"},
		{"a bc def", 2, 4, "a| bc| def"},
		{"", 10, 2, ""},
	} {
		if got := strings.Join(hung(test.text, test.width, test.indent), "|"); got != test.want {
			t.Errorf("%q at %d: %q, want %q", test.text, test.width, got, test.want)
		}
	}
}

func TestUntil(t *testing.T) {
	for end, want := range map[string]string{
		"2027-01-03T00:00:00Z": "the end of Sat 2027-01-02", "2027-01-03T12:30:00Z": "Sun 2027-01-03 12:30",
	} {
		if got := until(parsed(t, end)); got != want {
			t.Errorf("%s: %q, want %q", end, got, want)
		}
	}
}

func TestShown(t *testing.T) {
	for address, want := range map[string]string{
		"ada@example.org": "ada@example.org", "https://dav.example.org": "https://dav.example.org", "https://dav.example.org/": "https://dav.example.org/",
		"https://dav.example.org/private/secret.ics": "https://dav.example.org/…", "https://ada:pw@dav.example.org/": "https://dav.example.org/…",
		"https://dav.example.org/?key=secret": "https://dav.example.org/…", "https://dav.example.org/#secret": "https://dav.example.org/…",
	} {
		if got := shown(address); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

func parsed(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
