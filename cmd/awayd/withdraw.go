package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) withdrawCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "withdraw JID",
		Short: "End the out-of-office that is live now; the same absence does not come back",
		Args:  exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect(cmd.Context(), acting)
			if err != nil {
				return err
			}
			defer c.Close()
			if err := c.Withdraw(cmd.Context(), args[0]); err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.out, "The out-of-office of %s is withdrawn.\n", args[0])
			return err
		},
	}
}
