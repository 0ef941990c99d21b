package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"awayd/cmd/awayd/control"
	"awayd/sync/account"
)

func (a *app) logCommand() *cobra.Command {
	var q control.LogQuery
	var since string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "log",
		Short: "Show the sync log, newest last",
		Args:  exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
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
			c, err := a.connect(cmd.Context(), reading)
			if err != nil {
				return err
			}
			defer c.Close()
			if q.Follow && !c.daemon {
				return usagef("systemctl start awayd", "no daemon is running, so there is nothing to follow")
			}
			return c.Log(cmd.Context(), q, func(e control.LogEntry) error {
				if asJSON {
					return json.NewEncoder(a.out).Encode(e)
				}
				return a.printEntry(e)
			})
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

func (a *app) printEntry(e control.LogEntry) error {
	kind := fmt.Sprintf("%-8s", e.Kind)
	text := e.Reason
	if e.Error != "" {
		text = strings.TrimPrefix(text+": "+e.Error, ": ")
	}
	if e.Outcome == account.Failed {
		kind = a.style(red, kind)
	}
	_, err := fmt.Fprintf(a.out, "%s  %s  %s  %s\n",
		a.style(dim, e.Time.Local().Format("2006-01-02 15:04:05 MST")), e.Account, kind, printable(text))
	return err
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
	return parseTime(s, time.Local)
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
