package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"awayd/cmd/awayd/control"
	"awayd/sync/engine"
)

// maxFile bounds a password or certificate file.
const maxFile = 1 << 20

// linkFlags are the flags of link that need reading before they are a request.
type linkFlags struct {
	passwordFile         string
	calendarURLFile      string
	calendarPasswordFile string
	tlsCA                string
	yes, asJSON          bool
}

func (a *app) linkCommand() *cobra.Command {
	var q control.LinkRequest
	var l linkFlags
	cmd := &cobra.Command{
		Use:   "link",
		Short: "Link an XMPP account with one or more calendars",
		Long: "Link an XMPP account with one or more calendars. Both sides are checked for real before anything is saved.\n" +
			"On a terminal it is a conversation, which asks for what the flags do not say; with --yes, the flags say all.\n" +
			"Linking the same account again changes what the flags name; another calendar URL adds a calendar.",
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			nameSettings(cmd, &q.Settings)
			said := cmd.Flags().Changed
			q.Plain = (said("every-event") || said("holidays")) && !q.EveryEvent && !q.Holidays
			q.ByDNS = said("xmpp-address") && q.XMPPAddress == ""
			return a.link(cmd, q, l)
		},
	}
	f := cmd.Flags()
	f.StringVar(&q.JID, "jid", "", "XMPP address `JID` of the person")
	f.StringVar(&l.passwordFile, "jid-password-file", "", "`FILE` with the XMPP password (- for standard input, /dev/fd/N for a descriptor)")
	f.StringVar(&q.XMPPAddress, "xmpp-address", "", "`HOST:PORT` of the XMPP server (default, and if empty: from SRV records)")
	f.StringVar(&q.CalendarURL, "calendar-url", "", "`URL` of a CalDAV server, principal or calendar, an https iCalendar feed, a file: path, or an e-mail address to discover from")
	f.StringVar(&l.calendarURLFile, "calendar-url-file", "", "`FILE` with the URL, which may be a secret")
	f.StringVar(&q.CalendarUser, "calendar-user", "", "`USER` on the calendar server")
	f.StringVar(&l.calendarPasswordFile, "calendar-password-file", "", "`FILE` with the calendar password")
	f.StringArrayVar(&q.Calendars, "calendar", nil, "display `NAME` of a calendar to link (repeatable; default all that hold events and are the person's own)")
	f.BoolVar(&q.EveryEvent, "every-event", false, "each event of that calendar is an absence")
	f.BoolVar(&q.Holidays, "holidays", false, "that calendar is one of public holidays: its days count as days off, not as absences")
	settingsFlags(f, &q.Settings)
	f.StringVar(&l.tlsCA, "tls-ca", "", "`FILE` with certificates (PEM) of private authorities to trust")
	f.BoolVar(&l.yes, "yes", false, "link without asking")
	f.BoolVar(&l.asJSON, "json", false, "print one JSON document")
	return cmd
}

func (a *app) link(cmd *cobra.Command, q control.LinkRequest, l linkFlags) error {
	switch {
	case !l.yes && !a.interactive():
		return usagef("--yes links without asking", "link asks before it saves, but there is no terminal to ask on")
	case l.yes && q.JID == "":
		return usagef("awayd link --jid ada@example.org --calendar-url https://dav.example.org/", "no XMPP address given")
	case q.CalendarURL != "" && l.calendarURLFile != "":
		return usagef("one of them", "--calendar-url and --calendar-url-file are both given")
	case q.Holidays && q.EveryEvent:
		return usagef("one of them", "--holidays and --every-event are both given")
	}
	if err := a.readSecrets(cmd.Context(), &q, l); err != nil {
		return err
	}
	if !l.yes {
		return a.converse(cmd.Context(), q, l)
	}
	var result control.LinkResult
	var synced []engine.SyncResult
	var daemon bool
	err := a.request(cmd.Context(), acting, "trying the account and its calendars", func(ctx context.Context, c *connection) (err error) {
		daemon = c.daemon
		if result, err = c.Link(ctx, q); err != nil {
			return err
		}
		// The first poll has begun; wait for it, so that what is printed is done.
		synced, err = c.Sync(ctx, result.JID, false)
		return err
	})
	if err != nil {
		return err
	}
	if l.asJSON {
		if err := a.printJSON(result); err != nil {
			return err
		}
	} else {
		a.printLinked(result)
		fmt.Fprintf(a.out, "%s is linked.\n", result.JID)
	}
	return a.outcome(daemon, synced)
}

// outcome says what keeps an account that is linked from being in step.
func (a *app) outcome(daemon bool, synced []engine.SyncResult) error {
	if !daemon {
		fmt.Fprintln(a.err, "awayd: no daemon is running, so nothing flips yet\nTry: systemctl start awayd")
	}
	for _, r := range synced {
		if len(r.Errors) > 0 {
			return fmt.Errorf("linked, but not in step yet: %s", strings.Join(r.Errors, "; "))
		}
	}
	return nil
}

// readSecrets reads the files that the flags name. "-" is the standard input, or
// on a terminal a question.
func (a *app) readSecrets(ctx context.Context, q *control.LinkRequest, l linkFlags) error {
	stdin := ""
	for _, f := range []struct {
		flag, name, question string
		to                   *string
	}{
		{"--jid-password-file", l.passwordFile, "The XMPP password", &q.Password},
		{"--calendar-url-file", l.calendarURLFile, "The URL of the calendar", &q.CalendarURL},
		{"--calendar-password-file", l.calendarPasswordFile, "The calendar password", &q.CalendarPassword},
		{"--tls-ca", l.tlsCA, "", &q.TLSCA},
	} {
		switch {
		case f.name == "":
			continue
		case f.name == "-" && f.question != "" && term.IsTerminal(int(a.in.Fd())):
			text, err := newAsker(ctx, a.in, a.err).secret(f.question)
			if err != nil {
				return err
			}
			*f.to = text
		case f.name == "-" && stdin != "":
			return usagef("a file for one of them", "%s and %s both read the standard input", stdin, f.flag)
		default:
			text, err := a.readFile(f.name)
			if err != nil {
				return usagef("a file that can be read", "%s: %v", f.flag, err)
			}
			if f.name == "-" {
				stdin = f.flag
			}
			*f.to = text
		}
		if *f.to == "" {
			return usagef("a file with one line", "%s: %s is empty", f.flag, f.name)
		}
		if f.to != &q.TLSCA && strings.ContainsAny(*f.to, "\r\n") {
			return usagef("a file with one line", "%s: %s has more than one line", f.flag, f.name)
		}
	}
	return nil
}

// readFile reads a small file; "-" is the standard input.
func (a *app) readFile(name string) (string, error) {
	if name == "-" {
		return readAll(a.in, name)
	}
	return readSmall(name)
}

// readSmall reads a small file without the line end that editors add.
func readSmall(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return readAll(f, name)
}

func readAll(f io.Reader, name string) (string, error) {
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxFile {
		return "", fmt.Errorf("%s is larger than %d bytes", name, maxFile)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

func (a *app) printLinked(r control.LinkResult) {
	if r.Server != "" {
		fmt.Fprintf(a.out, "XMPP      %s at %s\n", r.JID, printable(r.Server))
	} else {
		fmt.Fprintf(a.out, "XMPP      %s\n", r.JID)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(a.out, "Note      %s: %s\n          Try: %s\n", n.Topic, printable(n.Detail), printable(n.Hint))
	}
	for _, c := range r.Calendars {
		if c.Holidays {
			fmt.Fprintf(a.out, "Calendar  %s: its days count as public holidays\n", printable(c.Name))
			continue
		}
		fmt.Fprintf(a.out, "Calendar  %s: %s in the coming year\n", printable(c.Name), count(c.Absences, "absence"))
	}
	for _, c := range r.Skipped {
		fmt.Fprintf(a.out, "Skipped   %s: %s\n", printable(c.Name), c.Why)
	}
	if len(r.Periods) > 0 {
		p := r.Periods[0]
		fmt.Fprintf(a.out, "First     %s to %s (%s)\n", moment(p.Start), moment(p.End), relative(p.Start, now()))
		fmt.Fprintf(a.out, "Contacts will read: %s\n", printable(p.Message))
	}
}
