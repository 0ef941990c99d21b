package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"

	"github.com/coreos/go-systemd/v22/daemon"

	"awayd/configs"
	"awayd/sync/finding"
)

// reloads remembers how the last reload of the configuration went.
type reloads struct {
	mu      sync.Mutex
	refused error
}

func (r *reloads) ended(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused = err
}

// examine tells of a configuration that was refused.
func (r *reloads) examine() []finding.Finding {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refused == nil {
		return nil
	}
	return []finding.Finding{finding.Bad("reload", "correct the configuration, then systemctl reload awayd",
		"the last one was refused, and the configuration from before it holds: %v", r.refused)}
}

// reloads takes up the configuration anew on SIGHUP.
func (a *app) reloads(ctx context.Context, d *wired, log *slog.Logger, level *slog.LevelVar) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
		}
		notify(log, daemon.SdNotifyReloading)
		cfg, err := a.readConfig()
		if err == nil {
			err = d.configure(ctx, cfg, log)
		}
		d.reloaded.ended(err)
		if err != nil {
			log.Error("configuration not reloaded, the old one holds", "error", err)
		} else {
			level.Set(cfg.LogLevel)
			log.Info("configuration reloaded")
		}
		if s, err := d.inOneLine(); err == nil {
			notify(log, "STATUS="+s)
		}
		notify(log, daemon.SdNotifyReady)
	}
}

// configure makes another configuration hold, or if an address of it cannot be
// opened, changes nothing: addresses move together, once all of them are open.
func (w *wired) configure(ctx context.Context, c configs.Config, log *slog.Logger) error {
	page, err := w.page.Prepare(place(c))
	if err != nil {
		return err
	}
	metrics, err := w.metrics.Prepare(c.Metrics.Network, c.Metrics.Address)
	if err != nil {
		page.Drop()
		return err
	}
	page.Commit()
	metrics.Commit()
	w.dialer.configure(c)
	w.notify.configure(c)
	// One account that cannot take it up does not keep the others from it.
	if err := w.engine.Reload(ctx, defaults(c)); err != nil {
		log.Error("the new configuration does not hold for every account", "error", err)
	}
	return nil
}

// openMetrics opens the metrics, if the configuration says where. That they
// cannot be asked keeps nobody's absence from being told.
func (a *app) openMetrics(d *wired, log *slog.Logger) {
	cfg, err := a.config()
	if err == nil {
		err = d.metrics.Configure(cfg.Metrics.Network, cfg.Metrics.Address)
	}
	if err != nil {
		log.Error("no metrics", "error", err)
	}
}

// examine tells of what the configuration asked this daemon to open.
func (w *wired) examine() []finding.Finding {
	return slices.Concat(w.reloaded.examine(), w.page.Examine(), w.metrics.Examine())
}
