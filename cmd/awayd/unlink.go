package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) unlinkCommand() *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use:   "unlink JID",
		Short: "Withdraw what is published, then forget the account",
		Args:  exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect(cmd.Context(), acting)
			if err != nil {
				return err
			}
			defer c.Close()
			if err := c.Unlink(cmd.Context(), args[0], keep); err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.out, "%s is unlinked.\n", args[0])
			return err
		},
	}
	cmd.Flags().BoolVar(&keep, "keep-published", false, "leave the node as it is")
	return cmd
}
