package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"awayd/cmd/proof/mutate"
)

// mutated are the parts of awayd on which the promise rests.
var mutated = []mutate.Target{
	{
		Dir: "xmppout/pep", Files: []string{"choreography.go", "steps.go", "look.go"},
		Steps: true, Conditions: true, Writes: true,
		// What the group is called, and who is in it, as values.
		Except: []string{"circle", "digest", "without"},
	},
	{
		Dir: "sync/plan", Files: []string{"decide.go"}, Conditions: true, Writes: true,
	},
	{
		Dir: "sync/plan", Files: []string{"plan.go"}, Writes: true,
		Funcs: []string{
			"Journal.Begin", "Journal.Done", "Journal.Saw",
			"Journal.Sending", "Journal.Making", "Journal.Opening", "Journal.Deleted",
		},
	},
	{
		Dir: "sync/engine", Files: []string{"keeper.go", "perform.go"}, Steps: true, Writes: true,
		Funcs: []string{
			"Keeper.round", "Keeper.look", "Keeper.showPresence", "Keeper.settleBegun", "Keeper.perform", "Keeper.saveJournal",
			"ledger.save", "ledger.Sending", "ledger.Making", "ledger.Opening", "ledger.Deleted",
		},
		Ignore: []string{"k.Note(", "k.Log.", "l.k.Log.", "cancel()"},
	},
}

const (
	// mutantLimit bounds one exploration of a mutant. One that does not come to
	// an end has been noticed.
	mutantLimit = 10 * time.Minute
	// explorers is how many run at once.
	explorers = 2
)

// A verdict is what became of one mutant.
type verdict struct {
	mutate.Mutant
	explored string // how the exploration noticed it; empty: it did not
	tested   string // the test on real servers that fails
}

func mutations(ctx context.Context) (table, error) {
	t := table{
		intro: "Each step, condition, read and write of the choreography, of the decision and of the journal is taken away in turn, and the bounded exploration is run. What it does not notice must make no difference, and says why. The last column names the first test on real servers that fails.",
		head:  []string{"mutant", "the exploration sees", "on real servers"},
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		return t, err
	}
	list, err := judgeMutants(ctx, root)
	if err != nil {
		return t, err
	}
	var survived []error
	noticed, excused := 0, 0
	for _, v := range list {
		reason, known := equivalents[v.Mutant.String()]
		switch {
		case v.explored != "" && known:
			survived = append(survived, fmt.Errorf("%v is noticed, and need not be explained", v.Mutant))
		case v.explored != "":
			noticed++
		case known:
			v.explored, excused = "no difference: "+reason, excused+1
		default:
			survived = append(survived, fmt.Errorf("%v is not noticed", v.Mutant))
			v.explored = "**nothing**"
		}
		t.rows = append(t.rows, []string{cell(v.Mutant.String()), cell(v.explored), cell(v.tested)})
	}
	t.notes = []string{fmt.Sprintf("%d mutants, %d noticed, %d that make no difference.", len(list), noticed, excused)}
	return t, errors.Join(survived...)
}

// cell makes s fit for a cell of a table.
func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;").Replace(s)
}

func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// realTests runs the mutants of the choreography on real servers.
//
//go:embed mutants_test.go.txt
var realTests []byte

// judgeMutants builds all mutants at once, and runs each.
func judgeMutants(ctx context.Context, root string) ([]verdict, error) {
	mutants, files, err := mutate.Make(root, mutated)
	if err != nil {
		return nil, err
	}
	files[filepath.Join(root, "xmppout", "mutants_test.go")] = realTests
	dir, err := os.MkdirTemp("", "awayd-mutants-")
	if err != nil {
		return nil, fmt.Errorf("make mutants: %w", err)
	}
	defer os.RemoveAll(dir)
	overlay, err := mutate.Overlay(dir, files)
	if err != nil {
		return nil, err
	}
	binaries := map[string]string{}
	for _, pkg := range []string{"cmd/proof/explore", "xmppout"} {
		binaries[pkg] = filepath.Join(dir, filepath.Base(pkg)+".test")
		build := exec.CommandContext(ctx, "go", "test", "-c", "-overlay", overlay, "-o", binaries[pkg], "./"+pkg)
		build.Dir = root
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build mutants: %w\n%s", err, out)
		}
	}
	list := make([]verdict, len(mutants))
	var real []int
	for i, m := range mutants {
		list[i].Mutant = m
		if strings.HasPrefix(m.Package, "xmppout") {
			real = append(real, m.Number)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return sideBySide(ctx, len(mutants), explorers, func(ctx context.Context, i int) (err error) {
			if _, known := equivalents[mutants[i].String()]; known && os.Getenv("AWAYD_LONG") == "" {
				return nil // it takes as long as all that are noticed
			}
			list[i].explored, err = exploreMutant(ctx, binaries["cmd/proof/explore"], mutants[i])
			return err
		})
	})
	g.Go(func() error {
		failed, err := testMutants(ctx, filepath.Join(root, "xmppout"), binaries["xmppout"], real)
		for i, m := range mutants {
			list[i].tested = failed[m.Number]
		}
		return err
	})
	return list, g.Wait()
}

var (
	brokenLine  = regexp.MustCompile(`broken: (.*)`)
	verdictLine = regexp.MustCompile(`(?m)^mutant (\d+) (begins|passes|fails (\S+))$`)
)

// exploreMutant returns how the exploration notices a mutant; empty: it does not.
func exploreMutant(ctx context.Context, binary string, m mutate.Mutant) (string, error) {
	cmd := exec.CommandContext(ctx, binary, "-test.run", "^TestBounded$", "-test.timeout", mutantLimit.String())
	cmd.Dir = filepath.Dir(binary)
	cmd.Env = append(os.Environ(), mutate.Variable+"="+strconv.Itoa(m.Number))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err == nil || !errors.As(err, &exit) || ctx.Err() != nil {
		return "", err
	}
	if found := brokenLine.FindSubmatch(out); found != nil {
		return string(found[1]), nil
	}
	if bytes.Contains(out, []byte("test timed out")) {
		return "no end: awayd or the exploration", nil
	}
	if bytes.Contains(out, []byte("panic:")) {
		return "a panic", nil
	}
	return "", fmt.Errorf("mutant %d failed for no reason:\n%s", m.Number, out)
}

// testMutants returns the first test on real servers that fails, by the number of
// the mutant. A mutant that ends the tests altogether ends one run of them.
func testMutants(ctx context.Context, dir, binary string, numbers []int) (map[int]string, error) {
	failed := make(map[int]string)
	for len(numbers) > 0 {
		var names []string
		for _, n := range numbers {
			names = append(names, strconv.Itoa(n))
		}
		cmd := exec.CommandContext(ctx, binary, "-test.run", "^TestEachMutant$", "-test.timeout", "2h")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "AWAYD_MUTANTS="+strings.Join(names, " "))
		out, _ := cmd.CombinedOutput()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		judged := 0
		for _, line := range verdictLine.FindAllSubmatch(out, -1) {
			n, err := strconv.Atoi(string(line[1]))
			switch {
			case err != nil:
				return nil, err
			case string(line[2]) == "begins":
				judged++
				failed[n] = "the tests end"
			default:
				failed[n] = string(line[3]) // empty if it passes
			}
		}
		if judged == 0 {
			return nil, fmt.Errorf("run the tests of mutants:\n%s", out)
		}
		numbers = numbers[judged:]
	}
	return failed, nil
}
