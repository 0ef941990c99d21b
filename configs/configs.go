// Package configs reads awayd's configuration: what holds for the daemon as a
// whole, in TOML. What belongs to one account is in the state.
//
// The reader is strict and reports every problem of a file at once, each with
// its line. All directives stand in one table (directives.go), which the
// annotated example and the manual are made from. The folder also holds the
// files that a package installs.
package configs

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"
)

// Config is a configuration whose values were all checked, except where noted.
type Config struct {
	Poll         string // what github.com/robfig/cron reads
	LogLevel     slog.Level
	LogFormat    string        // text or json
	LogRetention time.Duration // 0: for ever

	Zone    *time.Location // nil: the calendar's, else the system's
	Lang    string         // not checked here: package absence knows the languages
	Message string         // not checked here: package absence knows the fields

	WorkDays    [7]bool // by time.Weekday
	WorkStart   int     // minutes since midnight
	WorkEnd     int     // minutes since midnight; before WorkStart: of the next day
	Bridge      bool    // join absences with only non-working time between them
	MinDuration time.Duration
	Words       []string // beside the built-in ones
	Categories  []string // beside the built-in ones
	Rules       []Rule   // before the built-in ones

	MessageFromEvent bool // a description may carry the message

	Audience string // presence, open or group:NAME
	Presence bool
	Activity bool

	Messages bool   // persons are told of trouble with their accounts
	Notify   Notify // who is told what persons cannot be

	Web    Address  // where the web page listens
	WebURL *url.URL // how the outside reaches it, with a slash at the end; nil: it does not

	Metrics Address // where Prometheus may ask

	file  string
	lines map[string]int // where each directive that was given stands
}

// Notify says who is told what a person cannot be, and as whom.
type Notify struct {
	JID          string // empty: nobody
	From         string // never empty if JID is not
	PasswordFile string // absolute, or empty
	Address      string // HOST:PORT, or empty: SRV records
	TLSCA        string // an absolute file name, or empty
}

// Default returns the configuration of an empty file.
func Default() Config {
	var c Config
	for _, d := range Directives() {
		if err := d.set(&c, d.Default); err != nil {
			panic(fmt.Sprintf("configs: default of %s: %v", d.Name, err)) // a test reads them all
		}
	}
	return c
}

// maxFile is far above any configuration.
const maxFile = 64 << 10

// Load reads a configuration file. That there is none is an error that is
// fs.ErrNotExist; the problems of one that was read are of type [Problems].
func Load(file string) (Config, error) {
	f, err := os.Open(file)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(file, text)
}

// A Problem is one thing wrong with a configuration.
type Problem struct {
	File      string
	Line      int    // from 1; 0 if it is in no line
	Directive string // empty if it is in none
	Text      string
}

// Error is FILE:LINE: directive: what is wrong.
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	b.WriteString(": ")
	if p.Directive != "" {
		b.WriteString(p.Directive + ": ")
	}
	b.WriteString(p.Text)
	return b.String()
}

// Problems are all that is wrong with a configuration, in order of lines.
type Problems []Problem

// Error has a line for each problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}

// Hint says what to do, to be printed after "Try:".
func (p Problems) Hint() string {
	return "correct the configuration, then `awayd check`"
}

// Problem returns what another package found wrong with the value of a
// directive, with the place where it was given.
func (c Config) Problem(directive string, err error) Problems {
	file := c.file
	if file == "" {
		file = "built-in configuration"
	}
	return Problems{{File: file, Line: c.lines[directive], Directive: directive, Text: err.Error()}}
}
