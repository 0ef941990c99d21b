package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) syncCommand() *cobra.Command {
	var accept bool
	cmd := &cobra.Command{
		Use:   "sync [JID]",
		Short: "Poll now instead of at the next turn, and wait for the outcome",
		Args:  between(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect(cmd.Context(), acting)
			if err != nil {
				return err
			}
			defer c.Close()
			results, err := c.Sync(cmd.Context(), argument(args, 0), accept)
			if err != nil {
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
