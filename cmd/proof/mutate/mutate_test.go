package mutate

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const original = `package main

import "os"

type choreography struct{ said *[]string }

func (c choreography) a() error { *c.said = append(*c.said, "a"); return nil }
func (c choreography) b() error { *c.said = append(*c.said, "b"); return nil }

func (c choreography) both(twice bool) error {
	if twice {
		if err := c.a(); err != nil {
			return err
		}
	}
	if err := c.a(); err != nil {
		return err
	}
	return c.b()
}

func main() {
	var said []string
	c := choreography{&said}
	if err := c.both(len(os.Args) == 1); err != nil {
		panic(err)
	}
	for _, s := range said {
		os.Stdout.WriteString(s)
	}
}
`

// Every mutant of a small program does what it says, and without one it does
// what it did.
func TestMutants(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"main.go": original, "go.mod": "module small\n\ngo 1.26\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list, files, err := Make(dir, []Target{{Files: []string{"main.go"}, Funcs: []string{"choreography.both"}, Steps: true, Conditions: true}})
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := Overlay(t.TempDir(), files)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(overlay); err != nil || !json.Valid(text) {
		t.Fatalf("%v: %s", err, text)
	}
	binary := filepath.Join(dir, "small")
	build := exec.Command("go", "build", "-overlay", overlay, "-o", binary, ".")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got []string
	for _, m := range append([]Mutant{{}}, list...) {
		cmd := exec.Command(binary)
		cmd.Env = append(os.Environ(), Variable+"="+strconv.Itoa(m.Number))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", m, err, out)
		}
		got = append(got, strings.TrimSpace(m.What+" "+string(out)))
	}
	want := []string{
		"aab", "c.b() before c.a() aba", "never twice ab", "without c.a() ab", "without c.a() (2) ab", "without c.b() aa",
	}
	if !slices.Equal(got, want) {
		t.Errorf("mutants did %q, want %q", got, want)
	}
}
