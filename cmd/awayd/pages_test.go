package main

import (
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commandInPage is an awayd command line in a page: indented, after a prompt or
// sudo, or between backquotes.
var commandInPage = regexp.MustCompile("(?m)(?:^ *(?:\\$ |sudo )+|^    |`(?:sudo )?)awayd ((?:-|[a-z]).*)")

// readPages returns the pages of the documentation.
func readPages(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(files) < 5 {
		t.Fatalf("only %d pages: %v", len(files), err)
	}
	pages := make(map[string]string)
	for _, file := range append(files, "../../README.md", "../../CHANGELOG.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		pages[file] = string(text)
	}
	return pages
}

// Every command that a page names exists, with the flags that stand there.
func TestCommandsInPages(t *testing.T) {
	count := 0
	for file, text := range readPages(t) {
		text = strings.ReplaceAll(text, "\\\n", " ")
		for _, found := range commandInPage.FindAllStringSubmatch(text, -1) {
			line, _, _ := strings.Cut(found[1], "`")
			if err := checkCommand(line); err != nil {
				t.Errorf("%s: awayd %s: %v", file, line, err)
			}
			count++
		}
	}
	if count < 50 {
		t.Errorf("only %d commands are found in all pages", count)
	}
}

func checkCommand(line string) error {
	words := strings.Fields(strings.TrimRight(line, ".,;:"))
	cmd, rest, err := (&app{}).root().Find(words)
	if err != nil {
		return err
	}
	if !cmd.HasParent() {
		return errors.New("no such command")
	}
	for _, word := range rest {
		if name, ok := strings.CutPrefix(strings.TrimRight(word, ".,;:)"), "--"); ok {
			name, _, _ = strings.Cut(name, "=")
			if !hasFlag(cmd, func(f *pflag.Flag) bool { return f.Name == name }) {
				return errors.New("no flag --" + name)
			}
		} else if letter, ok := strings.CutPrefix(word, "-"); ok && letter != "" {
			if !hasFlag(cmd, func(f *pflag.Flag) bool { return f.Shorthand == letter }) {
				return errors.New("no flag -" + letter)
			}
		}
	}
	return nil
}

func hasFlag(cmd *cobra.Command, is func(*pflag.Flag) bool) bool {
	found := false
	see := func(f *pflag.Flag) { found = found || is(f) }
	cmd.LocalFlags().VisitAll(see)
	cmd.InheritedFlags().VisitAll(see)
	return found
}

func TestCheckCommand(t *testing.T) {
	for line, ok := range map[string]bool{
		"status": true, "log -n 3 --json": true, "frobnicate": false, "log --frob": false, "status -x": false, "--state DIR status": true,
	} {
		if err := checkCommand(line); (err == nil) != ok {
			t.Errorf("awayd %s: %v", line, err)
		}
	}
}

// Every file and every heading that a page links to exists, and pictures that
// are text can be read.
func TestLinksInPages(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"`)
	for file, text := range readPages(t) {
		for _, found := range link.FindAllStringSubmatch(text, -1) {
			u, err := url.Parse(found[1] + found[2])
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			if u.Scheme != "" {
				continue
			}
			target := file
			if u.Path != "" {
				target = filepath.Join(filepath.Dir(file), u.Path)
			}
			content, err := os.ReadFile(target)
			if info, statErr := os.Stat(target); statErr == nil && info.IsDir() {
				continue
			}
			switch {
			case err != nil:
				t.Errorf("%s links to %s: %v", file, u, err)
			case u.Fragment != "" && !hasHeading(string(content), u.Fragment):
				t.Errorf("%s links to %s, which has no such heading", file, u)
			case filepath.Ext(target) == ".svg":
				if err := wellFormed(string(content)); err != nil {
					t.Errorf("%s shows %s: %v", file, u, err)
				}
			}
		}
	}
}

// hasHeading reports whether a heading of the page has this anchor.
func hasHeading(page, anchor string) bool {
	notInAnchors := regexp.MustCompile(`[^a-z0-9 _-]`)
	for line := range strings.Lines(page) {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			title = notInAnchors.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
			if strings.ReplaceAll(title, " ", "-") == anchor {
				return true
			}
		}
	}
	return false
}

// Every test and every target of make that a page names exists.
func TestNamesInPages(t *testing.T) {
	tests := make(map[string]bool)
	named := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	if err := filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, found := range named.FindAllStringSubmatch(string(text), -1) {
			tests[found[1]] = true
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range readPages(t) {
		for _, found := range regexp.MustCompile("`(Test[A-Z]\\w+)`").FindAllStringSubmatch(text, -1) {
			if !tests[found[1]] {
				t.Errorf("%s: there is no %s", file, found[1])
			}
		}
		for _, found := range regexp.MustCompile("(?m)(?:^ *|`)make ([a-z-]+)").FindAllStringSubmatch(text, -1) {
			if !strings.Contains(string(makefile), "\n"+found[1]+":") {
				t.Errorf("%s: there is no make %s", file, found[1])
			}
		}
	}
}

func wellFormed(text string) error {
	dec := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
