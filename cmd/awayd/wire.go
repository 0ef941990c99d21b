package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"awayd/caldav"
	"awayd/cmd/awayd/control"
	"awayd/cmd/awayd/metrics"
	"awayd/cmd/awayd/web"
	"awayd/configs"
	"awayd/state"
	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/engine"
	"awayd/sync/finding"
	"awayd/sync/plan"
	"awayd/xmppout"
)

// The adapters are what the engine asks for.
var (
	_ engine.Store   = (*state.DB)(nil)
	_ engine.Dialer  = dialer{}
	_ engine.Source  = (*caldav.Source)(nil)
	_ control.Finder = finder{}

	_ control.Examiner = dialer{}
	_ engine.Observer  = (*metrics.Counters)(nil)
)

// A wired is a state with everything that works on it.
type wired struct {
	store   *state.DB
	dialer  dialer
	notify  notifier
	engine  *engine.Engine
	control *control.Server
	metrics *metrics.Server

	page     *web.Server // of a daemon; else nil
	reloaded reloads
}

// wire opens the state and puts the parts together. This is the only place
// that knows all of them.
func (a *app) wire(ctx context.Context, log *slog.Logger) (*wired, error) {
	cfg, err := a.config()
	if err != nil {
		return nil, err
	}
	key, err := credential("awayd.key")
	if err != nil {
		return nil, err
	}
	store, err := state.Open(ctx, a.state(), state.Options{Key: key})
	if err != nil {
		return nil, err
	}
	dial := newDialer(cfg)
	notify := newNotifier(cfg, dial)
	find := finder{caldav.Client{Version: version, Connections: new(caldav.Connections)}}
	counters := metrics.NewCounters(reasonOf)
	e, err := engine.New(engine.Config{
		Store: store, Calendars: find, Dialer: dial, Notifier: notify, Defaults: defaults(cfg), Log: log, Observer: counters,
	})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return &wired{store: store, dialer: dial, notify: notify, engine: e, metrics: measure(counters, e, store, log),
		control: &control.Server{Engine: e, Store: store, Dialer: dial, Notifier: notify, Finder: find,
			Examiner: dial, ExamineState: store.Examine, Now: now, Dir: a.state(), Backup: store.Backup}}, nil
}

// measure puts together what Prometheus is told. It listens nowhere yet.
func measure(counters *metrics.Counters, e *engine.Engine, store *state.DB, log *slog.Logger) *metrics.Server {
	return metrics.New(metrics.Config{
		Counters: counters, Now: now, Log: log, Started: now(), Version: version,
		Status: func() ([]engine.Status, error) { return e.Status("") },
		Usage: func(ctx context.Context) (entries, bytes int64, err error) {
			u, err := store.Usage(ctx)
			return u.LogEntries, u.Bytes, err
		},
	})
}

func (w *wired) close() error { return w.store.Close() }

// prune forgets what is too old to be of use.
func (w *wired) prune(ctx context.Context, now time.Time) error {
	err := w.store.PruneSuppressions(ctx, now)
	if keep := w.engine.Defaults().LogRetention; keep > 0 {
		err = errors.Join(err, w.store.PruneLog(ctx, now.Add(-keep)))
	}
	return err
}

// credential reads what systemd's LoadCredential= passed under name; none is
// no error.
func credential(name string) (account.Secret, error) {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return account.Secret{}, nil
	}
	text, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, os.ErrNotExist) {
		return account.Secret{}, nil
	}
	return account.NewSecret(string(text)), err
}

// hasCredential reports whether systemd passed one under name.
func hasCredential(name string) bool {
	s, err := credential(name)
	return err != nil || !s.Empty()
}

// A dialer is xmppout's dialer as the engine wants it, and as the
// configuration that holds now has it.
type dialer struct {
	current *atomic.Pointer[xmppout.Dialer]
	ghosts  *xmppout.Ghosts
	turns   *xmppout.Turns
}

func newDialer(c configs.Config) dialer {
	d := dialer{new(atomic.Pointer[xmppout.Dialer]), new(xmppout.Ghosts), xmppout.NewTurns()}
	d.configure(c)
	return d
}

// configure makes c hold for every session that is dialled from now on.
func (d dialer) configure(c configs.Config) {
	d.current.Store(&xmppout.Dialer{Audience: c.Audience, NoPresence: !c.Presence, Ghosts: d.ghosts, Turns: d.turns})
}

// Dial implements engine.Dialer.
func (d dialer) Dial(ctx context.Context, a account.Account) (engine.Connection, error) {
	s, err := d.current.Load().Dial(ctx, a)
	if err != nil {
		return nil, err // not a nil *Session in an interface
	}
	return s, nil
}

// Examine implements control.Examiner.
func (d dialer) Examine(ctx context.Context, a account.Account, j plan.Journal, now time.Time) (string, []finding.Finding, error) {
	return d.current.Load().Examine(ctx, a, j, now)
}

// A finder is caldav's client as the engine wants it.
type finder struct{ caldav.Client }

// Open implements engine.Calendars.
func (f finder) Open(c account.Calendar) (engine.Source, error) {
	s, err := f.Client.Open(c)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// defaults are the configuration as the engine wants it.
func defaults(c configs.Config) engine.Defaults {
	var rules []absence.OwnRule
	for _, r := range c.Rules {
		rules = append(rules, absence.OwnRule{Name: r.Name, Summary: r.Summary, Category: r.Category, Calendar: r.Calendar, Absence: r.Absence})
	}
	return engine.Defaults{
		Poll: c.Poll, System: systemZone(), Audience: c.Audience, Presence: c.Presence, Activity: c.Activity, Messages: c.Messages,
		LogRetention: c.LogRetention,
		Rules: absence.Settings{
			Zone: c.Zone, Lang: c.Lang, Message: c.Message, MinDuration: c.MinDuration,
			Words: c.Words, Categories: c.Categories, Rules: rules, MessageFromEvent: c.MessageFromEvent, Bridge: c.Bridge,
			WorkDays: c.WorkDays, WorkStart: c.WorkStart, WorkEnd: c.WorkEnd,
		},
	}
}

// newLog returns the daemon's own log. The journal stamps times itself.
func newLog(w io.Writer, c configs.Config, level *slog.LevelVar) (*slog.Logger, error) {
	level.Set(c.LogLevel)
	o := &slog.HandlerOptions{Level: level}
	switch c.LogFormat {
	case "json":
		return slog.New(slog.NewJSONHandler(w, o)), nil
	case "text":
		if os.Getenv("JOURNAL_STREAM") != "" {
			o.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
				if len(groups) == 0 && a.Key == slog.TimeKey {
					return slog.Attr{}
				}
				return a
			}
		}
		return slog.New(slog.NewTextHandler(w, o)), nil
	}
	return nil, usagef("text or json", "log format %q is not known", c.LogFormat)
}

// quietLog is the log of a command that owns the state for a moment: what
// matters is in the sync log and in its answer.
func (a *app) quietLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelError}))
}
