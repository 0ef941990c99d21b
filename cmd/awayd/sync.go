package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"awayd/sync/engine"
)

func (a *app) syncCommand() *cobra.Command {
	var accept bool
	cmd := &cobra.Command{
		Use:   "sync [JID]",
		Short: "Poll now instead of at the next turn, one account or all, and wait for the outcome",
		Args:  between(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var results []engine.SyncResult
			err := a.request(cmd.Context(), acting, "polling calendars", func(ctx context.Context, c *connection) (err error) {
				results, err = c.Sync(ctx, argument(args, 0), accept)
				return err
			})
			if err != nil {
				return err
			}
			if len(results) == 0 {
				_, err := fmt.Fprint(a.out, nobody)
				return err
			}
			var failures []error
			for _, r := range results {
				if len(r.Errors) > 0 {
					failures = append(failures, fmt.Errorf("sync %s: %s", r.JID, strings.Join(r.Errors, "; ")))
					continue
				}
				fmt.Fprintf(a.out, "%s is in step with its calendars.\n", r.JID)
			}
			return errors.Join(failures...)
		},
	}
	cmd.Flags().BoolVar(&accept, "accept", false, "believe a calendar that came back empty")
	return cmd
}
