// Command proof shows on real servers, and by exploring a model of them, that
// no contact is told early and none keeps a stale message, and writes what it
// counted to a page of the documentation.
//
// Each part is a table of its own; its tests run a smaller one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// A part is one table of the page.
type part struct {
	name  string // for -only
	title string
	run   func(context.Context) (table, error)
	// apart is not for the page: it is run by name alone.
	apart bool
}

// A table is what one part counted.
type table struct {
	intro string // a paragraph before it: what was done, and what would count as wrong
	head  []string
	rows  [][]string
	notes []string // paragraphs after it
}

// parts are in the order of the page.
var parts = []part{
	{"probes", "Models and their servers", probes, false},
	{"explore", "States explored", exploration, false},
	// Until the exploration notices every mutant, or says why it need not.
	{"mutations", "Mutants", mutations, true},
	{"crashes", "Crashes at every step, on real servers", proveCrashes, false},
	{"faults", "Broken networks", faultsPart, false},
	{"isolation", "Others who hang", isolationPart, false},
	{"clients", "What a contact sees on the screen", proveClients, false},
}

func main() {
	only := flag.String("only", "", "run this part alone: "+names())
	write := flag.String("write", "", "write the whole page to this `file`; else it is printed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := prove(ctx, *only, *write); err != nil {
		fmt.Fprintf(os.Stderr, "proof: %v\n", err)
		os.Exit(1)
	}
}

func names() string {
	list := make([]string, len(parts))
	for i, p := range parts {
		list[i] = p.name
	}
	return strings.Join(list, ", ")
}

// prove runs the parts. A part that found something wrong fails the whole, but
// only after the others have run.
func prove(ctx context.Context, only, file string) error {
	var page strings.Builder
	page.WriteString(heading)
	var failed error
	for _, p := range parts {
		if (only != "" && only != p.name) || (only == "" && p.apart) {
			continue
		}
		began := time.Now()
		t, err := p.run(ctx)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", p.name, err))
		}
		fmt.Fprintf(os.Stderr, "%s: %s\n", p.name, time.Since(began).Round(time.Second))
		t.markdown(&page, p.title)
	}
	if failed != nil || file == "" || only != "" {
		fmt.Print(page.String())
		return failed
	}
	return os.WriteFile(file, []byte(page.String()), 0o644)
}

const heading = `# Never early, never stale

This page is written by ` + "`make proof`" + `, which takes some minutes. It counts how often a contact was told of an
absence before its start, or kept a message after its end, while everything was done to make that happen.
`

// markdown writes the table under a heading.
func (t table) markdown(w io.Writer, title string) {
	fmt.Fprintf(w, "\n## %s\n\n%s\n", title, t.intro)
	if len(t.head) > 0 {
		fmt.Fprintf(w, "\n| %s |\n|%s\n", strings.Join(t.head, " | "), strings.Repeat("---|", len(t.head)))
	}
	for _, row := range t.rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
	}
	for _, n := range t.notes {
		fmt.Fprintf(w, "\n%s\n", n)
	}
}
