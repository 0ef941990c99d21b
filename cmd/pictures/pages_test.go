package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFillPage(t *testing.T) {
	seen := map[string]string{"one": "$ one\nthe first\n", "two": "$ two"}
	page := "Look:\n\n<!-- seen: one -->\n```\nold\n\nand older\n```\n\n```\nnot an excerpt\n```\n\n<!-- seen: two -->\n```\n```\nend\n"
	want := "Look:\n\n<!-- seen: one -->\n```\n$ one\nthe first\n```\n\n```\nnot an excerpt\n```\n\n<!-- seen: two -->\n```\n$ two\n```\nend\n"
	for range 2 { // a filled page is filled again
		got, err := fillPage(page, seen)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("-want +got:\n%s", d)
		}
		page = got
	}
	if _, err := fillPage("<!-- seen: three -->\n```\n```\n", seen); err == nil || !strings.Contains(err.Error(), "three") {
		t.Errorf("an excerpt that nobody has seen: %v", err)
	}
}

// Every page with excerpts is filled, and every excerpt is well formed.
func TestPagesAreFilled(t *testing.T) {
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	filled := map[string]bool{}
	for _, name := range pages {
		filled[filepath.Join("../..", name)] = true
	}
	for _, file := range append(files, "../../README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		marks, blocks := strings.Count(string(text), "\n<!-- seen:"), len(excerpt.FindAllString(string(text), -1))
		if marks != blocks {
			t.Errorf("%s: %d marks, but %d excerpts", file, marks, blocks)
		}
		if marks > 0 && !filled[filepath.Clean(file)] {
			t.Errorf("%s has excerpts, and nobody fills them", file)
		}
	}
}
