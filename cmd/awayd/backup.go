package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
)

func (a *app) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Write a consistent copy of the state while the daemon runs",
		Long: "Write a consistent copy of the state while the daemon runs. Passwords in it are sealed: to use it\n" +
			"again, the key is needed too, which is not part of it.",
		Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			// Opened first, as whoever runs the command.
			f, err := os.OpenFile(args[0], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if errors.Is(err, fs.ErrExist) {
				return usagef("another name", "%s exists already", args[0])
			}
			if err != nil {
				return fmt.Errorf("write the backup: %w", err)
			}
			done := a.progress("copying the state")
			c, err := a.connect(cmd.Context(), reading)
			if err == nil {
				err = errors.Join(c.Backup(cmd.Context(), f), f.Sync(), c.Close())
			}
			done()
			if err = errors.Join(err, f.Close()); err != nil {
				return errors.Join(err, os.Remove(args[0]))
			}
			_, err = fmt.Fprintf(a.out, "The state is copied to %s. It is of no use without the key, which is to be kept elsewhere.\n", args[0])
			return err
		},
	}
}
