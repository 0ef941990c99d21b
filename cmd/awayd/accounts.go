package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) accountsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "accounts",
		Short: "List the linked accounts and their calendars",
		Args:  exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect(cmd.Context(), reading)
			if err != nil {
				return err
			}
			defer c.Close()
			list, err := c.Accounts(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(map[string]any{"accounts": list})
			}
			if len(list) == 0 {
				_, err := fmt.Fprintln(a.out, "No account is linked yet. awayd link links one.")
				return err
			}
			t := a.table("JID", "MODE", "CALENDAR", "AT", "USER")
			for _, x := range list {
				for _, cal := range x.Calendars {
					t.row(x.JID, x.Mode, cal.Name, cal.URL, cal.User)
				}
			}
			return t.flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return cmd
}
