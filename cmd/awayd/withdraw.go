package main

import (
	"context"

	"github.com/spf13/cobra"

	"awayd/cmd/awayd/control"
)

func (a *app) withdrawCommand() *cobra.Command {
	return a.onAccount("withdraw", "End the out-of-office that is live now; the same absence does not come back",
		"The out-of-office of %s is withdrawn.",
		func(ctx context.Context, c *control.Client, jid string) error { return c.Withdraw(ctx, jid) })
}
