package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"awayd/cmd/awayd/control"
	"awayd/sync/account"
)

func (a *app) accountsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "accounts",
		Short: "List the linked accounts and their calendars",
		Args:  exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list []control.Account
			err := a.request(cmd.Context(), reading, "reading the accounts", func(ctx context.Context, c *connection) (err error) {
				list, err = c.Accounts(ctx)
				return err
			})
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(map[string]any{"accounts": list})
			}
			p := a.page()
			p.accounts(list)
			return p.flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return cmd
}

// accounts shows each account with its calendars under it.
func (p *page) accounts(list []control.Account) {
	if len(list) == 0 {
		p.printf(nobody)
		return
	}
	var calendars []control.Calendar
	for _, x := range list {
		calendars = append(calendars, x.Calendars...)
	}
	width := widest(calendars, p.share(3), func(c control.Calendar) string { return c.Name })
	jids := widest(list, p.share(2), func(x control.Account) string { return x.JID })
	for i, x := range list {
		if i > 0 {
			p.printf("\n")
		}
		p.account(x, jids, width)
	}
}

func (p *page) account(x control.Account, jids, width int) {
	if x.Error != "" {
		p.hang(p.style(bold, fill(printable(x.JID), jids))+"  "+p.style(red, "error")+"  ", "cannot be read: "+x.Error)
		return
	}
	zone := zoneOf(x.Settings.Zone)
	facts := []string{zone.String(), "linked " + x.Linked.In(zone).Format("Mon 2006-01-02") + " (" + dayOf(x.Linked.In(zone), p.now.In(zone)) + ")"}
	if x.Settings.Audience != "" && x.Settings.Audience != "presence" {
		facts = append(facts, "audience "+x.Settings.Audience)
	}
	mode := ""
	if x.Mode != string(account.Auto) {
		mode = p.style(yellow, x.Mode) + "  "
	}
	p.hang(p.style(bold, fill(printable(x.JID), jids))+"  "+mode, strings.Join(facts, ", "))
	if len(x.Calendars) == 0 {
		p.hang("  ", "no calendar: awayd link --jid "+x.JID+" --calendar-url URL adds one")
	}
	for _, c := range x.Calendars {
		said := c.URL
		if c.User != "" {
			said += " as " + c.User
		}
		if c.EveryEvent {
			said += ", every event counts"
		}
		if c.Holidays {
			said += ", public holidays"
		}
		p.hang("  "+fill(printable(c.Name), width)+"  ", said)
	}
}
