package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

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
			findings, err := a.examine(cmd.Context())
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

const daemonSubject = "daemon"

func isDaemon(f control.Finding) bool { return f.Subject == daemonSubject }

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
	return slices.Concat(findings, []control.Finding{control.NewFinding(daemonSubject, "", daemon)}, more), err
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
	width := 0
	for _, f := range findings {
		width = max(width, utf8.RuneCountInString(printable(f.Subject)))
	}
	width = min(width, maxSubject)
	for rest := findings; len(rest) > 0; {
		n := slices.IndexFunc(rest, func(f control.Finding) bool { return f.Subject != rest[0].Subject })
		if n < 0 {
			n = len(rest)
		}
		if verbose {
			a.printAll(rest[:n])
		} else {
			a.printBrief(rest[:n], width)
		}
		rest = rest[n:]
	}
	_, err := fmt.Fprintln(a.out, summary(findings))
	return err
}

// maxSubject is the widest subject that others are aligned with.
const maxSubject = 50

// printBrief prints one subject: what was examined in a line, and in full what
// is not well.
func (a *app) printBrief(findings []control.Finding, width int) {
	var well []string
	for _, f := range findings {
		if f.Severity == finding.OK {
			well = append(well, f.Topic)
		}
	}
	said := strings.Join(well, ", ")
	if len(findings) == 1 && len(well) == 1 {
		said = findings[0].Detail
	}
	if len(well) == 0 {
		said = "" // what is wrong follows
	}
	line := fmt.Sprintf("%s  %-*s  %s", a.mark(worst(findings)), width, printable(findings[0].Subject), printable(said))
	fmt.Fprintln(a.out, strings.TrimRight(line, " "))
	for _, f := range findings {
		if f.Severity != finding.OK {
			a.printFinding(f, f.Topic+":")
		}
	}
}

// printAll prints everything that was found about one subject.
func (a *app) printAll(findings []control.Finding) {
	fmt.Fprintf(a.out, "%s  %s\n", a.mark(worst(findings)), printable(findings[0].Subject))
	width := 0
	for _, f := range findings {
		width = max(width, utf8.RuneCountInString(printable(f.Topic)))
	}
	for _, f := range findings {
		a.printFinding(f, fmt.Sprintf("%-*s ", width, printable(f.Topic)))
	}
}

func (a *app) printFinding(f control.Finding, topic string) {
	fmt.Fprintf(a.out, "      %s  %s %s\n", a.mark(f.Severity), topic, printable(f.Detail))
	if f.Hint != "" {
		fmt.Fprintf(a.out, "            Try: %s\n", printable(f.Hint))
	}
}

func (a *app) mark(s finding.Severity) string {
	switch s {
	case finding.OK:
		return a.style(green, "ok  ")
	case finding.Warning:
		return a.style(yellow, "warn")
	}
	return a.style(red, "FAIL")
}

func worst(findings []control.Finding) finding.Severity {
	of := make([]finding.Severity, len(findings))
	for i, f := range findings {
		of[i] = f.Severity
	}
	return finding.Worst(of...)
}

// summary is the last line.
func summary(findings []control.Finding) string {
	bad, doubts := 0, 0
	for _, f := range findings {
		switch f.Severity {
		case finding.Error:
			bad++
		case finding.Warning:
			doubts++
		}
	}
	var said []string
	if bad > 0 {
		said = append(said, fmt.Sprintf("%d to mend", bad))
	}
	if doubts > 0 {
		said = append(said, plural(doubts, "warning"))
	}
	if len(said) == 0 {
		return fmt.Sprintf("All is well: %s.", plural(len(findings), "finding"))
	}
	return strings.Join(said, ", ") + "."
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
