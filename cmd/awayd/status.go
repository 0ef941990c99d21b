package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"awayd/sync/engine"
)

// noDaemon is the problem every account has while nobody runs it.
const noDaemon = "no daemon is running: nothing is polled and nothing flips (systemctl start awayd)"

func (a *app) statusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status [JID]",
		Short: "Show what contacts see now, what is staged, what happens next, and what is wrong",
		Args:  between(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect(cmd.Context(), reading)
			if err != nil {
				return err
			}
			defer c.Close()
			list, err := c.Status(cmd.Context(), argument(args, 0))
			if err != nil {
				return err
			}
			if !c.daemon {
				for i := range list {
					list[i].Problems = append(list[i].Problems, noDaemon)
					list[i].Health = engine.HealthError
				}
			}
			if asJSON {
				return a.printJSON(map[string]any{"accounts": list})
			}
			if len(list) == 0 {
				_, err := fmt.Fprintln(a.out, "No account is linked yet. awayd link links one.")
				return err
			}
			for i, s := range list {
				if i > 0 {
					fmt.Fprintln(a.out)
				}
				if err := a.printStatus(s); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return cmd
}

func (a *app) printStatus(s engine.Status) error {
	health := map[string]colour{engine.HealthOK: green, engine.HealthHeld: yellow, engine.HealthError: red}[s.Health]
	t := a.table(s.JID, a.style(health, s.Health)+", "+s.Mode)
	visible := describeMessage(s.Visible, "nothing")
	if s.Unverified {
		visible += " (unverified: the server does not show it to its owner)"
	}
	t.row("  contacts see", visible)
	t.row("  staged", describeMessage(s.Staged, "nothing"))
	next := "nothing is planned"
	if s.Next != nil {
		next = fmt.Sprintf("%s %s (%s)", s.Next.Action, moment(s.Next.At), relative(s.Next.At, now()))
	}
	t.row("  next", next)
	for _, c := range s.Calendars {
		line := fmt.Sprintf("%s, read %s", c.Name, ago(c.LastOK))
		if c.Error != "" {
			line += ", failing"
		}
		t.row("  calendar", line)
	}
	xmpp := "not connected"
	if s.XMPP.Connected {
		xmpp = strings.TrimSpace("connected " + s.XMPP.Server)
	}
	t.row("  XMPP", xmpp)
	for _, p := range s.Problems {
		t.row("  "+"problem", p)
	}
	return t.flush()
}

func describeMessage(m *engine.Message, none string) string {
	if m == nil {
		return none
	}
	var when []string
	if m.Start != nil {
		when = append(when, "from "+moment(*m.Start))
	}
	if m.End != nil {
		when = append(when, "to "+moment(*m.End))
	}
	return strings.TrimSpace(strings.Join(when, " ") + fmt.Sprintf(": %q", m.Message))
}

func ago(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return relative(*t, now())
}
