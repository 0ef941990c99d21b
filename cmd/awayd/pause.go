package main

import (
	"context"

	"github.com/spf13/cobra"

	"awayd/cmd/awayd/control"
)

func (a *app) pauseCommand() *cobra.Command {
	return a.onAccount("pause", "Leave this account's node alone until resumed",
		"%s is paused: its node stays as it is until awayd resume.",
		func(ctx context.Context, c *control.Client, jid string) error { return c.Pause(ctx, jid) })
}
