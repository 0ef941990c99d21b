package main

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"awayd/cmd/awayd/control"
	"awayd/configs"
	"awayd/sync/finding"
)

// errFindings ends a check that found something to mend.
var errFindings = errors.New("something needs mending, see above")

func (a *app) checkCommand() *cobra.Command {
	var asJSON, verbose bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Examine configuration, state, calendars and XMPP servers, and say how to mend what is found",
		Long: "Examine configuration, state, clock, each calendar and what each XMPP server can do, and say how to mend what is found.\n" +
			"Nothing that lasts is changed, and nobody is made to look online. Exit code 1 means that something must be mended;\n" +
			"a warning is no failure.",
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			done := a.progress("examining calendars and servers")
			findings, err := a.examine(cmd.Context())
			done()
			if err != nil {
				return err
			}
			if err := a.printFindings(findings, asJSON, verbose); err != nil {
				return err
			}
			if !slices.ContainsFunc(findings, func(f control.Finding) bool { return f.Severity == finding.Error }) {
				return nil
			}
			if _, err := a.config(); err != nil && !slices.ContainsFunc(findings, isDaemon) {
				return &usageError{message: errFindings.Error()}
			}
			return errFindings
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "show what was found where all is well, too")
	return cmd
}

func isDaemon(f control.Finding) bool { return f.Subject == control.SubjectDaemon }

// examine collects all findings: those about what only this process sees, and
// those of the owner of the state. Without a daemon, nothing more can be
// examined before a wrong configuration is mended.
func (a *app) examine(ctx context.Context) ([]control.Finding, error) {
	findings, wrong := a.checkConfig()
	c, err := a.connect(ctx, reading)
	if err != nil && wrong {
		return findings, nil
	}
	if err != nil {
		return append(findings, control.NewFinding("state", "", finding.Failed("access", err))), nil
	}
	defer c.Close()
	daemon := finding.Good("process", "running")
	if !c.daemon {
		daemon = finding.Bad("process", "systemctl start awayd", "not running: nothing is polled and nothing flips")
	}
	more, err := c.Check(ctx)
	return slices.Concat(findings, []control.Finding{control.NewFinding(control.SubjectDaemon, "", daemon)}, more), err
}

// checkConfig tells where the configuration comes from, or all that is wrong
// with it.
func (a *app) checkConfig() (found []control.Finding, wrong bool) {
	add := func(f finding.Finding) { found = append(found, control.NewFinding("configuration", "", f)) }
	_, err := a.config()
	var problems configs.Problems
	switch {
	case errors.As(err, &problems):
		for _, p := range problems {
			add(finding.Bad("file", problems.Hint(), "%v", p))
		}
	case err != nil:
		add(finding.Failed("file", err))
	default:
		add(finding.Good("file", "%s", a.configName()))
	}
	return found, err != nil
}

func (a *app) printFindings(findings []control.Finding, asJSON, verbose bool) error {
	if asJSON {
		return a.printJSON(map[string]any{"findings": findings})
	}
	p := a.page()
	p.findings(findings, verbose)
	return p.flush()
}
