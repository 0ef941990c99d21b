// Command bench measures awayd beside other programs on the same work, on real
// servers and in the same run, and writes what it found to a page of the
// documentation.
//
// Each part is a section of the page. What a part measures is the product's own
// code; see [interleave] for how noise is kept from being taken for a result.
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

// A part is one section of the page.
type part struct {
	name string // for -only
	run  func(context.Context, *report) error
}

// parts are in the order of the page.
var parts = []part{
	{"polls", polls},
	{"expansion", expansion},
	{"growth", growth},
	{"flips", flips},
	{"herd", herd},
	{"memory", memory},
	{"start", start},
	{"year", year},
	{"own", goBenchmarks},
}

func main() {
	only := flag.String("only", "", "run these parts alone, with commas between: "+names())
	write := flag.String("write", "", "write the page to this `file` as well; with -only, what it says of the other parts stays")
	rounds := flag.Int("rounds", 0, "how often each contender runs; 0: what the part thinks is enough")
	var c crowds
	flag.IntVar(&c.accounts, "accounts", 10_000, "the largest crowd of memory and start")
	flag.IntVar(&c.people, "people", 1000, "how many live the simulated year")
	flag.IntVar(&c.days, "days", 365, "how long it is")
	many := flag.Int("herd", 1000, "how many accounts leave in the same second")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := bench(ctx, *only, *write, report{rounds: *rounds, herd: *many, crowds: c}); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
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

// chosen returns the parts that -only names; all if it names none.
func chosen(only string) ([]part, error) {
	if only == "" {
		return parts, nil
	}
	var list []part
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(parts, func(p part) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("choose parts: there is no %q; there are %s", name, names())
		}
		list = append(list, parts[i])
	}
	return list, nil
}

// bench runs the parts and prints the page. What failed or missed its target
// fails the whole, but only after the others have run.
func bench(ctx context.Context, only, file string, asked report) error {
	list, err := chosen(only)
	if err != nil {
		return err
	}
	var text page.Page
	if only != "" && file != "" {
		was, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		text = page.Read(string(was))
	}
	if text.Heading, err = heading(ctx); err != nil {
		return err
	}
	var failed error
	for _, p := range list {
		began := time.Now()
		r := asked
		if err := p.run(ctx, &r); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", p.name, err))
		}
		fmt.Fprintf(os.Stderr, "%s: %s\n", p.name, time.Since(began).Round(time.Second))
		if r.title != "" {
			text.Set(r.title, r.markdown())
		}
		if file != "" { // what was measured stays, even if the next part is interrupted
			failed = errors.Join(failed, os.WriteFile(file, []byte(text.String()), 0o644))
		}
		if missed := r.missed(); len(missed) > 0 {
			failed = errors.Join(failed, fmt.Errorf("%s: missed: %s", p.name, strings.Join(missed, "; ")))
		}
	}
	fmt.Print(text.String())
	return failed
}
