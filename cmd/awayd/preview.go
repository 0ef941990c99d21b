package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"awayd/caldav"
	"awayd/cmd/awayd/control"
	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/engine"
	"awayd/sync/plan"
)

// window is how far ahead preview looks by default.
const window = 365 * 24 * time.Hour

// A previewRequest is the command line of preview.
type previewRequest struct {
	files    []string
	holidays []string // files of public holidays
	from, to string
	zone     string
	every    bool
	asJSON   bool
}

func (a *app) previewCommand() *cobra.Command {
	var q previewRequest
	cmd := &cobra.Command{
		Use:   "preview [JID]",
		Short: "Show what calendars would do, without publishing anything",
		Long: "Show what the calendars of a linked account would do, or with --ics what iCalendar files would do.\n" +
			"Nothing is published.",
		Args: between(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var p control.Preview
			var err error
			switch {
			case len(q.files) > 0 && len(args) > 0:
				return usagef("one of them", "preview takes a linked account or --ics, not both")
			case len(q.files) > 0:
				p, err = a.previewFiles(q)
			case len(args) == 0:
				return usagef("awayd preview JID, or awayd preview --ics FILE", "nothing to preview")
			case q.zone != "" || q.every || len(q.holidays) > 0:
				return usagef("awayd set JID --zone ZONE", "--zone, --every-event and --holidays go with --ics only")
			default:
				p, err = a.previewAccount(cmd, q, args[0])
			}
			if err != nil {
				return err
			}
			if q.asJSON {
				return a.printJSON(p)
			}
			text := a.page()
			text.preview(p)
			return text.flush()
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&q.files, "ics", nil, "iCalendar `FILE` to read (repeatable)")
	f.StringArrayVar(&q.holidays, "holidays", nil, "iCalendar `FILE` of public holidays (repeatable)")
	f.StringVar(&q.from, "from", "", "begin of the window, RFC 3339 or a date (default now)")
	f.StringVar(&q.to, "to", "", "end of the window, RFC 3339 or a date (default 365 days on)")
	f.StringVar(&q.zone, "zone", "", "time `ZONE` of the person (default the configuration's, else the system's)")
	f.BoolVar(&q.every, "every-event", false, "each event is an absence")
	f.BoolVar(&q.asJSON, "json", false, "print one JSON document")
	return cmd
}

// span reads --from and --to.
func (q previewRequest) span(zone *time.Location) (from, to time.Time, err error) {
	from = now().Truncate(time.Second).In(zone)
	if q.from != "" {
		if from, err = parseTime(q.from, zone); err != nil {
			return from, to, err
		}
	}
	to = from.Add(window)
	if q.to != "" {
		if to, err = parseTime(q.to, zone); err != nil {
			return from, to, err
		}
	}
	if !to.After(from) {
		return from, to, usagef("a later --to", "the window ends before it begins")
	}
	return from, to, nil
}

func (a *app) previewAccount(cmd *cobra.Command, q previewRequest, jid string) (control.Preview, error) {
	var p control.Preview
	err := a.request(cmd.Context(), reading, "reading the calendars", func(ctx context.Context, c *connection) error {
		list, err := c.Status(ctx, jid)
		if err != nil {
			return err
		}
		from, to, err := q.span(zoneOf(list[0].Zone)) // the person's days
		if err != nil {
			return err
		}
		p, err = c.Preview(ctx, jid, from, to)
		return err
	})
	return p, err
}

// previewFiles is a dry run that needs neither a state nor a network.
func (a *app) previewFiles(q previewRequest) (control.Preview, error) {
	cfg, err := a.config()
	if err != nil {
		return control.Preview{}, err
	}
	rules, err := engine.Rules(account.Account{JID: "the preview", Settings: account.Settings{Zone: q.zone}}, defaults(cfg))
	if err != nil {
		return control.Preview{}, usagef("an IANA name such as Europe/Berlin", "%v", err)
	}
	from, to, err := q.span(rules.Zone)
	if err != nil {
		return control.Preview{}, err
	}
	var calendars []absence.Calendar
	var unread []absence.Error
	for i, name := range slices.Concat(q.files, q.holidays) {
		objects, err := readICS(name)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
			return control.Preview{}, usagef("the path of an iCalendar file", "%v", err)
		}
		if err != nil {
			unread = append(unread, absence.Error{Source: name, Reason: err.Error()})
			continue
		}
		calendars = append(calendars, absence.Calendar{Name: filepath.Base(name), EveryEvent: q.every, Holidays: i >= len(q.files), Objects: objects})
	}
	p := engine.Preview{Zone: rules.Zone, Result: absence.Build(calendars, rules, from, to)}
	p.Result.Errors = append(unread, p.Result.Errors...)
	p.Steps = plan.Forecast(plan.Wish{Timeline: p.Result.Timeline, Audience: plan.Presence}, plan.Observed{}, plan.Journal{}, from, to)
	return control.NewPreview(p, from, to), nil
}

func readICS(name string) ([]absence.Object, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return caldav.ReadICS(f, filepath.Base(name))
}
