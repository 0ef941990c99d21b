package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) pauseCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "pause JID",
		Short: "Leave this account's node alone until resumed",
		Args:  exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect(cmd.Context(), acting)
			if err != nil {
				return err
			}
			defer c.Close()
			if err := c.Pause(cmd.Context(), args[0]); err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.out, "%s is paused: its node stays as it is. awayd resume %s takes part again.\n", args[0], args[0])
			return err
		},
	}
}
