package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"awayd/sync/account"
)

func (a *app) setCommand() *cobra.Command {
	var s account.Settings
	cmd := &cobra.Command{
		Use:   "set JID",
		Short: "Change an account's settings",
		Args:  exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			named := false
			cmd.Flags().Visit(func(f *pflag.Flag) { named = named || cmd.InheritedFlags().Lookup(f.Name) == nil })
			if !named {
				return usagef(cmd.CommandPath()+" --help lists the settings", "nothing to set")
			}
			c, err := a.connect(cmd.Context(), acting)
			if err != nil {
				return err
			}
			defer c.Close()
			if err := c.Set(cmd.Context(), args[0], s); err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.out, "The settings of %s are changed.\n", args[0])
			return err
		},
	}
	settingsFlags(cmd.Flags(), &s)
	return cmd
}

// settingsFlags are the flags of link that are settings of an account.
func settingsFlags(f *pflag.FlagSet, s *account.Settings) {
	f.StringVar(&s.Zone, "zone", "", "time `ZONE` of the person, such as Europe/Berlin (default the calendar's, else the system's)")
	f.StringVar(&s.Audience, "audience", "", "who may see the message: presence (contacts, the default) or open (everybody)")
	f.StringVar(&s.Message, "message", "", "`TEMPLATE` of the message, with {{.Until}}, {{.Return}}, {{.Start}}, {{.End}}, {{.Delegate}}, {{.Summary}}, {{.Description}}")
	f.StringVar(&s.Lang, "lang", "", "language of the message, such as de")
	f.StringVar(&s.Delegate, "delegate", "", "`JID` to write to meanwhile")
	f.StringArrayVar(&s.Addresses, "address", nil, "the person's own calendar address, such as mailto:ada@example.org (repeatable)")
}
