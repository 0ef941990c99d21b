package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"awayd/cmd/proof/mutate"
)

// mutated are the parts of awayd on which the promise rests.
var mutated = []mutate.Target{
	{
		Dir: "xmppout/pep", Files: []string{"choreography.go", "steps.go", "look.go"},
		Steps: true, Conditions: true, Writes: true,
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
	mutantLimit = 3 * time.Minute
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

// judgeMutants builds all mutants at once, and runs each.
func judgeMutants(ctx context.Context, root string) ([]verdict, error) {
	mutants, files, err := mutate.Make(root, mutated)
	if err != nil {
		return nil, err
	}
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
	return list, sideBySide(ctx, len(mutants), explorers, func(ctx context.Context, i int) error {
		list[i].Mutant = mutants[i]
		var err error
		list[i].explored, err = exploreMutant(ctx, binaries["cmd/proof/explore"], mutants[i])
		if err == nil && strings.HasPrefix(mutants[i].Package, "xmppout") {
			list[i].tested, err = testMutant(ctx, root, binaries["xmppout"], mutants[i])
		}
		return err
	})
}

// runMutant runs a test binary with one mutant alive, and returns what it printed,
// and whether it passed.
func runMutant(ctx context.Context, dir, binary string, m mutate.Mutant, tests string) (out []byte, passed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, mutantLimit+time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "-test.run", tests, "-test.failfast", "-test.v", "-test.timeout", mutantLimit.String())
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), mutate.Variable+"="+strconv.Itoa(m.Number))
	out, err = cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil {
		return out, false, nil
	}
	return out, err == nil, err
}

var (
	brokenLine = regexp.MustCompile(`broken: (.*)`)
	failLine   = regexp.MustCompile(`^--- FAIL: (\S+)`)
)

func exploreMutant(ctx context.Context, binary string, m mutate.Mutant) (string, error) {
	out, passed, err := runMutant(ctx, filepath.Dir(binary), binary, m, "^TestBounded$")
	if err != nil || passed {
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

// testMutant names the first of xmppout's tests on real servers that fails.
func testMutant(ctx context.Context, root, binary string, m mutate.Mutant) (string, error) {
	out, passed, err := runMutant(ctx, filepath.Join(root, "xmppout"), binary, m, "^(TestVacation|TestActionsAgain|TestStageOnVisibleNode|TestLook)$")
	if err != nil || passed {
		return "", err
	}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		if found := failLine.FindStringSubmatch(lines.Text()); found != nil {
			return found[1], nil
		}
	}
	return "the tests end", nil
}
