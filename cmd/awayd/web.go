package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/spf13/cobra"

	"awayd/cmd/awayd/control"
	"awayd/cmd/awayd/web"
	"awayd/configs"
)

func (a *app) webCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "web",
		Short: "Print a one-time link into the web page",
		Args:  exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			// Only a daemon has a page: this process would take it along.
			c, err := a.knock(cmd.Context())
			if err != nil {
				return err
			}
			if c == nil {
				return &hintedError{errors.New("no daemon is running, so there is no web page"), "systemctl start awayd"}
			}
			defer c.Close()
			link, err := c.Enter(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(link)
			}
			_, err = fmt.Fprintf(a.out, "%s\n\nThis opens the web page once, in one browser, until %s (%s).\nWho opens it may do what you may do with awayd.\n",
				link.URL, moment(link.Expires.Local()), relative(link.Expires, now()))
			if port := onlyHere(link.URL); port != "" && err == nil {
				_, err = fmt.Fprintf(a.out, "On another machine, before: ssh -L %s SERVER\n", port)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return cmd
}

// onlyHere returns how ssh forwards the port of a link that opens on this
// machine alone; nothing for one that a proxy serves.
func onlyHere(link string) string {
	u, err := url.Parse(link)
	if err != nil || u.Port() == "" {
		return ""
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err != nil || !ip.IsLoopback() {
		return ""
	}
	return u.Port() + ":" + u.Host
}

// webPage opens the daemon's page, which asks the handlers of the control
// socket within this process. Nobody is let in before the socket answers, since
// links come from there. stop ends it.
func (a *app) webPage(d *wired, log *slog.Logger) (stop func()) {
	listener := newPipeListener()
	server := &http.Server{Handler: d.control.Handler()}
	go func() { _ = server.Serve(listener) }() // ends with Close below
	client := control.NewClient(listener.dial)
	page := web.New(web.Config{
		Client: client, Now: now, Log: log, Version: version, File: cmp.Or(a.configFile, defaultConfig),
		Phrases: web.Phrases{During: during, Long: long, Relative: relative, Because: becauseOf},
	})
	d.page, d.control.Enter, d.control.ExamineDaemon = page, page.Link, d.examine
	if cfg, err := a.config(); err == nil {
		// That there is no page keeps nobody's absence from being told.
		if err := page.Configure(place(cfg)); err != nil {
			log.Error("no web page", "error", err)
		}
	}
	return func() {
		page.Close()
		client.Close()
		_ = server.Close() // nobody is left to ask
	}
}

// place is where a configuration puts the page.
func place(c configs.Config) web.Place {
	return web.Place{Network: c.Web.Network, Address: c.Web.Address, URL: c.WebURL}
}
