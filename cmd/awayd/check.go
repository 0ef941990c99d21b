package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"awayd/cmd/awayd/control"
)

// errFindings ends a check that found something to mend.
var errFindings = errors.New("something needs mending, see above")

func (a *app) checkCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Examine configuration, state, calendars and XMPP servers, and say how to mend what is found",
		Args:  exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var findings []control.Finding
			_, wrong := a.config()
			if wrong != nil {
				findings = append(findings, control.Finding{Subject: "configuration", Detail: wrong.Error(), Hint: advice(wrong)})
			} else {
				findings = append(findings, control.Finding{Subject: "configuration", OK: true, Detail: a.configName()})
			}
			c, err := a.connect(cmd.Context(), reading)
			if err != nil && wrong != nil {
				// Without a daemon, nothing can be examined before it is mended.
				if err := a.printFindings(findings, asJSON); !errors.Is(err, errFindings) {
					return err
				}
				return &usageError{message: errFindings.Error()}
			}
			if err != nil {
				findings = append(findings, control.Finding{Subject: "state", Detail: err.Error(), Hint: advice(err)})
			} else {
				defer c.Close()
				f := control.Finding{Subject: "daemon", OK: c.daemon, Detail: "running"}
				if !c.daemon {
					f.Detail, f.Hint = "not running: nothing is polled and nothing flips", "systemctl start awayd"
				}
				more, err := c.Check(cmd.Context())
				if err != nil {
					return err
				}
				findings = append(append(findings, f), more...)
			}
			return a.printFindings(findings, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return cmd
}

func (a *app) printFindings(findings []control.Finding, asJSON bool) error {
	var err error
	for _, f := range findings {
		if !f.OK {
			err = errFindings
		}
	}
	if asJSON {
		return errors.Join(a.printJSON(map[string]any{"findings": findings}), err)
	}
	for _, f := range findings {
		mark := a.style(green, "ok  ")
		if !f.OK {
			mark = a.style(red, "FAIL")
		}
		fmt.Fprintf(a.out, "%s  %s: %s\n", mark, f.Subject, f.Detail)
		if f.Hint != "" && !f.OK {
			fmt.Fprintf(a.out, "      Try: %s\n", f.Hint)
		}
	}
	return err
}

// advice returns what err advises.
func advice(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}
