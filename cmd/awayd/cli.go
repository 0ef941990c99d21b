package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"awayd/cmd/awayd/control"
	"awayd/configs"
	"awayd/state"
)

// Exit codes. systemd does not restart a service that ends with exitUsage.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

type streams struct {
	in       *os.File
	out, err io.Writer
}

// An app is one run of the command line.
type app struct {
	streams
	configFile string
	stateDir   string
	read       *configs.Config // what config returned
}

// A usageError is a request that cannot be right, and what to do instead.
type usageError struct {
	message string
	advice  string
}

func (e *usageError) Error() string { return e.message }

// Hint says what to do.
func (e *usageError) Hint() string { return e.advice }

// A hintedError is a failure with advice.
type hintedError struct {
	error
	advice string
}

// Hint says what to do.
func (e *hintedError) Hint() string { return e.advice }

func usagef(advice, format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...), advice}
}

// Main runs one command line and returns its exit code.
func Main(ctx context.Context, args []string, s streams) int {
	a := &app{streams: s}
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(s.err, "awayd: %v\n", err)
	var advised interface{ Hint() string }
	if errors.As(err, &advised) && advised.Hint() != "" {
		fmt.Fprintf(s.err, "Try: %s\n", advised.Hint())
	}
	return exitCode(err)
}

func exitCode(err error) int {
	var usage *usageError
	var remote *control.Error
	var problems configs.Problems
	if errors.As(err, &usage) || errors.As(err, &problems) || (errors.As(err, &remote) && remote.Usage) {
		return exitUsage
	}
	for _, wrong := range []error{
		state.ErrWrongKey, state.ErrNoKey, state.ErrBadKey, state.ErrUnusable, state.ErrNotDatabase, state.ErrNewer,
	} {
		if errors.Is(err, wrong) {
			return exitUsage
		}
	}
	return exitFailed
}

// root is the command line. cobra brings the flags, the help texts and the
// shell completions.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:               "awayd",
		Short:             "Keep XMPP out-of-office messages in step with calendars",
		SilenceUsage:      true,
		SilenceErrors:     true,
		DisableAutoGenTag: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("awayd --help lists the commands", "there is no command %q", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef(cmd.CommandPath()+" --help", "%v", err)
	})
	root.PersistentFlags().StringVar(&a.configFile, "config", "", "configuration `FILE` (default /etc/awayd/awayd.toml, if there is one)")
	root.PersistentFlags().StringVar(&a.stateDir, "state", "", "state `DIR` (default $STATE_DIRECTORY, else /var/lib/awayd)")
	root.AddCommand(
		a.runCommand(), a.linkCommand(), a.unlinkCommand(), a.accountsCommand(), a.statusCommand(),
		a.logCommand(), a.previewCommand(), a.checkCommand(), a.syncCommand(), a.setCommand(),
		a.pauseCommand(), a.resumeCommand(), a.withdrawCommand(), a.backupCommand(), a.webCommand(),
		a.completionCommand(), a.versionCommand(),
	)
	return root
}

// state returns the state directory.
func (a *app) state() string {
	if a.stateDir != "" {
		return a.stateDir
	}
	if dir := os.Getenv("STATE_DIRECTORY"); dir != "" {
		return dir
	}
	return "/var/lib/awayd"
}

// exactly demands n arguments, with an error that shows the usage.
func exactly(n int) cobra.PositionalArgs { return between(n, n) }

func between(low, high int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < low || len(args) > high {
			return usagef(cmd.UseLine(), "%s takes other arguments", cmd.CommandPath())
		}
		return nil
	}
}

// request connects, asks and hangs up. If it takes longer than a second, a terminal
// says what is being done.
func (a *app) request(ctx context.Context, m manner, doing string, do func(context.Context, *connection) error) error {
	defer a.progress(doing)()
	c, err := a.connect(ctx, m)
	if err != nil {
		return err
	}
	defer c.Close()
	return do(ctx, c)
}

// onAccount is a command that does one thing to one account and says so; done
// has a %s for the JID.
func (a *app) onAccount(use, short, done string, do func(context.Context, *control.Client, string) error) *cobra.Command {
	return &cobra.Command{
		Use:   use + " JID",
		Short: short,
		Args:  exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := a.request(cmd.Context(), acting, "waiting for the server of "+printable(args[0]), func(ctx context.Context, c *connection) error {
				return do(ctx, c.Client, args[0])
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.out, done+"\n", args[0])
			return err
		},
	}
}

// now is the wall clock of the command line.
func now() time.Time { return time.Now().Round(0) }

// argument returns the i-th argument or "".
func argument(args []string, i int) string {
	if i < len(args) {
		return args[i]
	}
	return ""
}
