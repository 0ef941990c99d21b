package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"awayd/cmd/proof/mutate"
)

// The page lists exactly the mutants that the source yields, and what is said
// to make no difference is one of them.
func TestPageListsEveryMutant(t *testing.T) {
	root, err := moduleRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, _, err := mutate.Make(root, mutated)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "never-early.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rows, found := strings.Cut(string(page), "| mutant |")
	if !found {
		t.Fatal("the page has no table of mutants: run make proof")
	}
	rows, _, _ = strings.Cut(rows, "\n\n")
	listed := make(map[string]bool)
	for _, line := range strings.Split(rows, "\n") {
		if what, ok := strings.CutPrefix(line, "| "); ok {
			what, _, _ = strings.Cut(what, " | ")
			listed[what] = true
		}
	}
	known := make(map[string]bool)
	for _, m := range list {
		known[m.String()] = true
		if !listed[cell(m.String())] {
			t.Errorf("the page does not list %q: run make proof", m)
		}
		delete(listed, cell(m.String()))
	}
	for what := range listed {
		t.Errorf("the page lists %q, which the source does not yield: run make proof", what)
	}
	for what := range equivalents {
		if !known[what] {
			t.Errorf("%q is explained, and there is no such mutant", what)
		}
	}
}
