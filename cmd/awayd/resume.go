package main

import (
	"context"

	"github.com/spf13/cobra"

	"awayd/cmd/awayd/control"
)

func (a *app) resumeCommand() *cobra.Command {
	return a.onAccount("resume", "Take part again after a pause",
		"%s is resumed.",
		func(ctx context.Context, c *control.Client, jid string) error { return c.Resume(ctx, jid) })
}
