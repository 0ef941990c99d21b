// Command awayd keeps XMPP out-of-office messages in step with calendars.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	// Zones must be known on machines that have no zone database.
	_ "time/tzdata"
)

// version is set by the linker.
var version = "devel"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(Main(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}
