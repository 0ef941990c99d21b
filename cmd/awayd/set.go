package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"awayd/cmd/awayd/control"
	"awayd/configs"
	"awayd/sync/account"
)

func (a *app) setCommand() *cobra.Command {
	var s control.Settings
	cmd := &cobra.Command{
		Use:   "set JID",
		Short: "Change an account's settings; an empty value unsets one",
		Args:  exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			nameSettings(cmd, &s)
			if len(s.Named) == 0 {
				return usagef(cmd.CommandPath()+" --help lists the settings", "nothing to set")
			}
			err := a.request(cmd.Context(), acting, "trying the settings", func(ctx context.Context, c *connection) error {
				return c.Set(ctx, args[0], s)
			})
			if err != nil {
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
func settingsFlags(f *pflag.FlagSet, s *control.Settings) {
	v := &s.Values
	f.StringVar(&v.Zone, "zone", "", "time `ZONE` of the person, such as Europe/Berlin (default the calendar's, else the system's)")
	f.StringVar(&v.Audience, "audience", "", "who may see the message: presence (contacts, the default), open (everybody) or group:NAME (one group of the roster)")
	f.StringVar(&v.Message, "message", "", "`TEMPLATE` of the message, with {{.Until}}, {{.Return}}, {{.Start}}, {{.End}}, {{.Delegate}}, {{.Summary}}, {{.Description}}")
	f.StringVar(&v.Lang, "lang", "", "language of the message, such as de")
	f.StringVar(&v.Delegate, "delegate", "", "`JID` to write to meanwhile")
	f.Func("work-days", "`DAYS` of work, such as Mon-Thu,Sat (default the configuration's)", func(text string) error {
		v.WorkDays = nil
		if text == "" {
			return nil
		}
		days, err := configs.ParseWorkDays(text)
		for d, works := range days {
			if works {
				v.WorkDays = append(v.WorkDays, time.Weekday(d))
			}
		}
		return err
	})
	f.Func("work-hours", "`HOURS` of work on these days, such as 09:00-17:00 (default the configuration's)", func(text string) error {
		v.WorkHours = nil
		if text == "" {
			return nil
		}
		start, end, err := configs.ParseWorkHours(text)
		v.WorkHours = &account.Hours{Start: start, End: end}
		return err
	})
	f.StringArrayVar(&v.Addresses, "address", nil, "the person's own calendar address, such as mailto:ada@example.org (repeatable)")
}

// nameSettings notes which settings the command line has. A bare e-mail
// address is taken for what it is.
func nameSettings(cmd *cobra.Command, s *control.Settings) {
	known := pflag.NewFlagSet("", pflag.ContinueOnError)
	settingsFlags(known, new(control.Settings))
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if known.Lookup(f.Name) != nil {
			s.Named = append(s.Named, f.Name)
		}
	})
	for i, a := range s.Values.Addresses {
		if strings.Contains(a, "@") && !strings.Contains(a, ":") {
			s.Values.Addresses[i] = "mailto:" + a
		}
	}
}
