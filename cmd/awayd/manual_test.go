package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The manual page has every command with every flag, and no other.
func TestManual(t *testing.T) {
	page, err := os.ReadFile("../../docs/man/awayd.1.scd")
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	flags := map[string]bool{"--help": true}
	for _, cmd := range (&app{}).root().Commands() {
		if cmd.Hidden || cmd.Name() == "help" {
			continue
		}
		entry := describes(text, cmd)
		if entry == "" {
			t.Errorf("the manual page does not have the command %s", cmd.Name())
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			flags["--"+f.Name] = true
			// Those of link and set have sections of their own.
			if cmd.Name() == "link" || cmd.Name() == "set" {
				entry = text
			}
			if !regexp.MustCompile(`--` + f.Name + `\b`).MatchString(entry) {
				t.Errorf("the manual page does not have the flag --%s of %s", f.Name, cmd.Name())
			}
		})
		cmd.InheritedFlags().VisitAll(func(f *pflag.Flag) { flags["--"+f.Name] = true })
	}
	for _, flag := range regexp.MustCompile(`--[a-z][a-z-]*`).FindAllString(text, -1) {
		if !flags[flag] {
			t.Errorf("the manual page has a flag %s, which is of no command", flag)
		}
	}
}

// describes returns the lines in which the page begins the entries of cmd.
func describes(page string, cmd *cobra.Command) string {
	var found []string
	name := regexp.MustCompile(`(^|, )\*` + cmd.Name() + `\*`)
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, "\t") && name.MatchString(line) {
			found = append(found, line)
		}
	}
	return strings.Join(found, "")
}
