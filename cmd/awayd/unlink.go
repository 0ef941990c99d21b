package main

import (
	"context"

	"github.com/spf13/cobra"

	"awayd/cmd/awayd/control"
)

func (a *app) unlinkCommand() *cobra.Command {
	var keep bool
	cmd := a.onAccount("unlink", "Withdraw what is published, then forget the account",
		"%s is unlinked.",
		func(ctx context.Context, c *control.Client, jid string) error { return c.Unlink(ctx, jid, keep) })
	cmd.Flags().BoolVar(&keep, "keep-published", false, "leave the node as it is")
	return cmd
}
