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
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"awayd/cmd/page"
)

// A part is one table of the page.
type part struct {
	name  string // for -only
	title string
	run   func(context.Context) (table, error)
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
	{"probes", "Models and their servers", probes},
	{"explore", "States explored", exploration},
	{"mutations", "Mutants", mutations},
	{"crashes", "Crashes at every step, on real servers", proveCrashes},
	{"faults", "Broken networks", faultsPart},
	{"isolation", "Others who hang", isolationPart},
	{"clients", "What a contact sees on the screen", proveClients},
}

func main() {
	only := flag.String("only", "", "run these parts alone, and keep what the page says of the others: "+names())
	write := flag.String("write", "", "write the page to this `file`; else it is printed")
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
// only after the others have run, and then nothing is written.
func prove(ctx context.Context, only, file string) error {
	chosen := parts
	var text page.Page
	if only != "" {
		wanted := strings.Split(only, ",")
		chosen = slices.DeleteFunc(slices.Clone(parts), func(p part) bool { return !slices.Contains(wanted, p.name) })
		if len(chosen) != len(wanted) {
			return fmt.Errorf("-only %s: the parts are %s", only, names())
		}
		if file != "" {
			was, err := os.ReadFile(file)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			text = page.Read(string(was))
		}
	}
	text.Heading = heading
	var failed error
	for _, p := range chosen {
		began := time.Now()
		t, err := p.run(ctx)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", p.name, err))
		}
		fmt.Fprintf(os.Stderr, "%s: %s\n", p.name, time.Since(began).Round(time.Second))
		text.Set(p.title, t.markdown())
	}
	if failed != nil || file == "" {
		fmt.Print(text.String())
		return failed
	}
	return os.WriteFile(file, []byte(text.String()), 0o644)
}

const heading = `# Never early, never stale

This page is written by ` + "`make proof`" + `, which takes the better part of an hour. It counts how often a contact was told of an
absence before its start, or kept a message after its end, while everything was done to make that happen.
`

// markdown is the section of the table, without its title.
func (t table) markdown() string {
	var b strings.Builder
	fmt.Fprintln(&b, t.intro)
	if len(t.head) > 0 {
		fmt.Fprintf(&b, "\n| %s |\n|%s\n", strings.Join(t.head, " | "), strings.Repeat("---|", len(t.head)))
	}
	for _, row := range t.rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
	}
	for _, n := range t.notes {
		fmt.Fprintf(&b, "\n%s\n", n)
	}
	return b.String()
}
