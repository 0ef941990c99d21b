package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"awayd/cmd/awayd/control"
)

func (a *app) unlinkCommand() *cobra.Command {
	var keep bool
	var calendar string
	cmd := a.onAccount("unlink", "Withdraw what is published, then forget the account",
		"%s is unlinked.",
		func(ctx context.Context, c *control.Client, jid string) error { return c.Unlink(ctx, jid, keep) })
	whole := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case !cmd.Flags().Changed("calendar"):
			return whole(cmd, args)
		case calendar == "":
			return usagef("awayd accounts lists them", "--calendar names no calendar")
		case keep:
			return usagef("one of them", "--calendar and --keep-published are both given")
		}
		err := a.request(cmd.Context(), acting, "waiting for the server of "+printable(args[0]), func(ctx context.Context, c *connection) error {
			return c.UnlinkCalendar(ctx, args[0], calendar)
		})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.out, "Calendar %s of %s is unlinked: what it held counts no more.\n", printable(calendar), args[0])
		return err
	}
	cmd.Flags().BoolVar(&keep, "keep-published", false, "leave the node as it is")
	cmd.Flags().StringVar(&calendar, "calendar", "", "forget only the calendar of this `NAME` or URL, and keep the account")
	return cmd
}
