package main

import (
	"context"

	"github.com/spf13/cobra"

	"awayd/sync/engine"
)

// noDaemon is the problem every account has while nobody runs it.
const noDaemon = "no daemon is running: nothing is polled and nothing flips (systemctl start awayd)"

func (a *app) statusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status [JID]",
		Short: "Show what contacts see now, what is staged, what happens next, and what is wrong",
		Long: "Show what contacts see now, what is staged, what happens next, and what is wrong. Of more than three accounts, it is a\n" +
			"line each and the problems; give a JID for all of one. Times are those of each person's zone.",
		Args: between(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var list []engine.Status
			daemon := false
			err := a.request(cmd.Context(), reading, "asking for the status", func(ctx context.Context, c *connection) (err error) {
				daemon = c.daemon
				list, err = c.Status(ctx, argument(args, 0))
				return err
			})
			if err != nil {
				return err
			}
			if !asJSON {
				p := a.page()
				p.statuses(list, daemon)
				return p.flush()
			}
			if !daemon {
				for i := range list {
					list[i].Problems = append(list[i].Problems, noDaemon)
					list[i].Health = engine.HealthError
				}
			}
			return a.printJSON(map[string]any{"accounts": list})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return cmd
}
