package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) resumeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "resume JID",
		Short: "Take part again after a pause",
		Args:  exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect(cmd.Context(), acting)
			if err != nil {
				return err
			}
			defer c.Close()
			if err := c.Resume(cmd.Context(), args[0]); err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.out, "%s is resumed.\n", args[0])
			return err
		},
	}
}
