package control

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"mellium.im/xmpp/jid"

	"awayd/sync/account"
	"awayd/sync/engine"
	"awayd/sync/finding"
)

// maxRequest bounds a request; a link carries certificates.
const maxRequest = 4 << 20

// followEvery is how often a followed log is read again.
const followEvery = 500 * time.Millisecond

// A Server answers for the process that owns the state.
type Server struct {
	Engine *engine.Engine
	Store  engine.Store
	Finder Finder
	// Dialer logs in where an ability is tried, Notifier tells what persons cannot
	// be told.
	Dialer   engine.Dialer
	Notifier Notifier
	// Examiner and ExamineState are what `awayd check` asks.
	Examiner     Examiner
	ExamineState func(context.Context) []finding.Finding
	// ExamineDaemon tells of what only a daemon has; nil: this is none.
	ExamineDaemon func() []finding.Finding

	Now    func() time.Time
	Dir    string                                       // the state's directory
	Backup func(ctx context.Context, file string) error // copies the state into a new file
	Enter  func() (WebLink, error)                      // makes a link into the web page; nil: only a daemon has one
}

type (
	jidRequest struct {
		JID string `json:"jid"`
	}
	unlinkRequest struct {
		JID      string `json:"jid"`
		Keep     bool   `json:"keep"`
		Calendar string `json:"calendar,omitempty"` // only this one
	}
	syncRequest struct {
		JID    string `json:"jid"`
		Accept bool   `json:"accept"`
	}
	setRequest struct {
		JID      string   `json:"jid"`
		Settings Settings `json:"settings"`
	}
)

// Handler serves the requests of a [Client].
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h func(*http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
			answer, err := h(r)
			reply(w, answer, err)
		})
	}
	handle("GET /ping", func(*http.Request) (any, error) { return nil, nil })
	handle("GET /status", func(r *http.Request) (any, error) { return s.Engine.Status(bare(r.FormValue("jid"))) })
	handle("GET /accounts", func(r *http.Request) (any, error) { return s.accounts(r.Context()) })
	handle("GET /preview", s.preview)
	handle("GET /check", func(r *http.Request) (any, error) { return s.check(r.Context()) })
	handle("POST /link", decoded(s.link))
	handle("POST /link/login", decoded(s.tryLogin))
	handle("POST /link/offer", decoded(s.offer))
	handle("POST /link/calendars", decoded(s.tryCalendars))
	handle("POST /unlink", decoded(func(ctx context.Context, q unlinkRequest) (any, error) {
		if q.Calendar != "" {
			return nil, s.unlinkCalendar(ctx, bare(q.JID), q.Calendar)
		}
		return nil, s.Engine.Unlink(ctx, bare(q.JID), q.Keep)
	}))
	handle("POST /sync", decoded(func(ctx context.Context, q syncRequest) (any, error) {
		return s.Engine.Sync(ctx, bare(q.JID), q.Accept)
	}))
	handle("POST /set", decoded(func(ctx context.Context, q setRequest) (any, error) {
		return nil, s.set(ctx, q)
	}))
	for path, do := range map[string]func(context.Context, string) error{
		"/pause": s.Engine.Pause, "/resume": s.Engine.Resume, "/withdraw": s.Engine.Withdraw,
	} {
		handle("POST "+path, decoded(func(ctx context.Context, q jidRequest) (any, error) {
			return nil, do(ctx, bare(q.JID))
		}))
	}
	handle("POST /web", func(r *http.Request) (any, error) { return s.enter() })
	mux.HandleFunc("GET /log", s.log)
	mux.HandleFunc("GET /backup", s.backup)
	return mux
}

// bare is a JID as accounts are linked under it: normalised, without resource.
// What is no JID stays as it is, and is unknown.
func bare(s string) string {
	j, err := jid.Parse(s)
	if err != nil {
		return s
	}
	return j.Bare().String()
}

// decoded reads a request's JSON for f.
func decoded[Q any](f func(context.Context, Q) (any, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		var q Q
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			return nil, &Error{Message: "read the request: " + err.Error(), Usage: true}
		}
		return f(r.Context(), q)
	}
}

// reply writes an answer, or an error with the advice that it carries.
func reply(w http.ResponseWriter, answer any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err == nil {
		_ = json.NewEncoder(w).Encode(answer) // the client is gone: nobody to tell
		return
	}
	failure := asError(err)
	status := http.StatusInternalServerError
	if failure.Usage {
		status = http.StatusBadRequest
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(failure)
}

func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	e = &Error{Message: err.Error(), Advice: finding.Hint(err)}
	var unusable interface{ Usage() bool }
	switch {
	case errors.As(err, &unusable) && unusable.Usage():
		e.Usage = true
	case errors.Is(err, engine.ErrUnknownAccount):
		e.Advice = "awayd accounts lists those that are"
		e.Usage = true
	case errors.Is(err, engine.ErrPaused):
		e.Advice = "awayd resume takes part again"
	case errors.Is(err, engine.ErrForeign):
		e.Advice = "take it off there; awayd has nothing to withdraw"
	case errors.Is(err, engine.ErrNothingLive):
		e.Advice = "awayd status shows what is staged and what comes next"
	}
	return e
}

func (s *Server) accounts(ctx context.Context) ([]Account, error) {
	linked, err := s.Store.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	list := []Account{}
	for _, a := range linked {
		doc := Account{JID: a.JID, Mode: string(a.Mode), Linked: a.Linked, Settings: a.Settings, Calendars: []Calendar{}}
		if a.Unread != nil {
			doc.Mode, doc.Error = string(account.Auto), a.Unread.Error()
		}
		for _, c := range a.Calendars {
			doc.Calendars = append(doc.Calendars, Calendar{Name: c.Name, URL: account.ShortURL(c.URL), User: c.User, EveryEvent: c.EveryEvent, Holidays: c.Holidays})
		}
		list = append(list, doc)
	}
	return list, nil
}

func (s *Server) preview(r *http.Request) (any, error) {
	from, err1 := time.Parse(time.RFC3339Nano, r.FormValue("from"))
	to, err2 := time.Parse(time.RFC3339Nano, r.FormValue("to"))
	if err := errors.Join(err1, err2); err != nil {
		return nil, &Error{Message: "read the window: " + err.Error(), Usage: true}
	}
	p, err := s.Engine.Preview(r.Context(), bare(r.FormValue("jid")), from, to)
	if err != nil {
		return nil, err
	}
	return NewPreview(p, from, to), nil
}

// log streams entries, one JSON document a line.
func (s *Server) log(w http.ResponseWriter, r *http.Request) {
	filter := account.LogFilter{Account: bare(r.FormValue("account")), Kind: account.Kind(r.FormValue("kind"))}
	filter.Outcome, filter.Text = r.FormValue("outcome"), r.FormValue("text")
	filter.Last, _ = strconv.Atoi(r.FormValue("last"))
	filter.After, _ = strconv.ParseInt(r.FormValue("after"), 10, 64)
	filter.Before, _ = strconv.ParseInt(r.FormValue("before"), 10, 64)
	if since := r.FormValue("since"); since != "" {
		t, err := time.Parse(time.RFC3339Nano, since)
		if err != nil {
			reply(w, nil, &Error{Message: "read since: " + err.Error(), Usage: true})
			return
		}
		filter.Since = t
	}
	entries, err := s.Store.Log(r.Context(), filter)
	if err != nil {
		reply(w, nil, err)
		return
	}
	out, flush := json.NewEncoder(w), http.NewResponseController(w)
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		for _, e := range entries {
			filter.After = e.ID
			if out.Encode(logEntry(e)) != nil {
				return
			}
		}
		if r.FormValue("follow") == "" || flush.Flush() != nil {
			return
		}
		filter.Last = 0
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
		if entries, err = s.Store.Log(r.Context(), filter); err != nil {
			return
		}
	}
}

func logEntry(e account.Entry) LogEntry {
	return LogEntry{
		ID: e.ID, Time: e.Time, Account: e.Account, Kind: string(e.Kind), Outcome: e.Outcome, Reason: e.Reason,
		Period: e.Period, UID: e.UID, DurationMS: e.Duration.Milliseconds(), Error: e.Error,
	}
}
