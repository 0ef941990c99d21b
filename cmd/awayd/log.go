package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"awayd/cmd/awayd/control"
	"awayd/sync/account"
)

// followed is how many entries log -f begins with.
const followed = 10

func (a *app) logCommand() *cobra.Command {
	var q control.LogQuery
	var since string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "log [JID]",
		Short: "Show the sync log, newest last",
		Args:  between(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && q.Account != "" {
				return usagef("one of them", "the account is named twice, as an argument and by --account")
			}
			q.Account += argument(args, 0)
			if q.Kind != "" && !slices.Contains(kinds(), q.Kind) {
				return usagef("one of "+strings.Join(kinds(), ", "), "there are no log entries of kind %q", q.Kind)
			}
			if q.Last < 0 {
				return usagef("-n 50", "-n takes a number of lines")
			}
			if since != "" {
				t, err := parseSince(since, now())
				if err != nil {
					return err
				}
				q.Since = t
			}
			// As tail -f and journalctl -f have it; who reads JSON wants all there is.
			if q.Follow && !asJSON && since == "" && !cmd.Flags().Changed("lines") {
				q.Last = followed
			}
			return a.showLog(cmd.Context(), q, asJSON)
		},
	}
	f := cmd.Flags()
	f.StringVar(&q.Account, "account", "", "only entries of this `JID`")
	f.StringVar(&q.Kind, "kind", "", "only entries of this `KIND`: "+strings.Join(kinds(), ", "))
	f.StringVar(&since, "since", "", "only entries younger than `AGE`, such as 24h or 7d, or since a time or date")
	f.IntVarP(&q.Last, "lines", "n", 0, "only the newest `N` entries")
	f.BoolVarP(&q.Follow, "follow", "f", false, "go on with new entries as they come")
	f.BoolVar(&asJSON, "json", false, "print one JSON document a line")
	return cmd
}

func kinds() []string {
	var names []string
	for _, k := range account.Kinds() {
		names = append(names, string(k))
	}
	return names
}

// showLog prints the entries that q selects.
func (a *app) showLog(ctx context.Context, q control.LogQuery, asJSON bool) error {
	done := a.progress("reading the sync log")
	defer done()
	c, err := a.connect(ctx, reading)
	if err != nil {
		return err
	}
	defer c.Close()
	if q.Follow && !c.daemon {
		return usagef("systemctl start awayd", "no daemon is running, so there is nothing to follow")
	}
	show, err := a.logPrinter(ctx, c, asJSON)
	if err != nil {
		return err
	}
	if q.Follow {
		done() // to wait is what was asked for
		return a.followLog(ctx, c, q, show)
	}
	empty := true
	err = c.Log(ctx, q, func(e control.LogEntry) error {
		done()
		empty = false
		return show(e)
	})
	done()
	if err == nil && empty && !asJSON {
		_, err = fmt.Fprint(a.out, emptyLog(q.Account != "" || q.Kind != "" || !q.Since.IsZero()))
	}
	return err
}

// followLog shows entries until ctx ends, from one daemon after the other. What
// the next one writes comes after what was shown, so nothing is missed and
// nothing is shown twice.
func (a *app) followLog(ctx context.Context, c *connection, q control.LogQuery, show func(control.LogEntry) error) error {
	for c != nil {
		var stopped error // by what prints
		err := c.Log(ctx, q, func(e control.LogEntry) error {
			q.After = e.ID
			stopped = show(e)
			return stopped
		})
		var refused *control.Error
		if stopped != nil || errors.As(err, &refused) {
			return err
		}
		c.Close()
		q.Last = 0
		if c, err = a.reconnect(ctx); err != nil {
			return err
		}
	}
	return nil
}

// followRetry is how long a followed log waits between two looks for a daemon.
const followRetry = 250 * time.Millisecond

// reconnect waits for a daemon, however long it takes; nil if ctx ends first.
func (a *app) reconnect(ctx context.Context) (*connection, error) {
	if ctx.Err() != nil {
		return nil, nil
	}
	if _, err := fmt.Fprintln(a.err, "The daemon has ended; waiting for it to come back."); err != nil {
		return nil, fmt.Errorf("say that the daemon has ended: %w", err)
	}
	for pause(ctx, followRetry) == nil {
		// An error is a daemon that begins or ends.
		if c, err := a.knock(ctx); err == nil && c != nil {
			_, err = fmt.Fprintln(a.err, "The daemon is back.")
			return c, err
		}
	}
	return nil, nil
}

// emptyLog says why there is nothing to show.
func emptyLog(filtered bool) string {
	if filtered {
		return "No entry matches. Try: awayd log, without filters\n"
	}
	return "The log is empty: nothing has happened yet. Try: awayd link\n"
}

// logPrinter returns what shows one entry after the other.
func (a *app) logPrinter(ctx context.Context, c *connection, asJSON bool) (func(control.LogEntry) error, error) {
	if asJSON {
		enc := json.NewEncoder(a.out)
		return func(e control.LogEntry) error { return enc.Encode(e) }, nil
	}
	list, err := c.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	l := newLogPage(a.page(), list)
	return func(e control.LogEntry) error {
		l.entry(e)
		return l.flush()
	}, nil
}

// parseSince reads an age (24h, 7d), a date or a time.
func parseSince(s string, now time.Time) (time.Time, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n int
		if _, err := fmt.Sscanf(days, "%d", &n); err == nil {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil {
		return now.Add(-d), nil
	}
	return parseTime(s, systemZone())
}

// parseTime reads RFC 3339 or a date, which begins at midnight in zone.
func parseTime(s string, zone *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, s, zone); err == nil {
		return t, nil
	}
	return time.Time{}, usagef("2026-07-01, 2026-07-01T09:00:00Z, or an age such as 24h", "%q is neither a date nor a time of RFC 3339", s)
}
