package configs

import (
	_ "embed" // the example
	"fmt"
	"strconv"
	"strings"
)

//go:embed awayd.toml.example
var example string

// Example returns the annotated example, which a package installs and
// administrators start from.
func Example() string { return example }

// generateExample makes the example from the table of directives. A test
// holds the file to it.
func generateExample() string {
	var b strings.Builder
	b.WriteString("# Configuration of awayd: what holds for the daemon as a whole. What belongs to one\n" +
		"# account is set with `awayd link` and `awayd set`, and goes before what is here.\n" +
		"# `awayd check` reads this file, and so does SIGHUP (systemctl reload awayd).\n" +
		"#\n" +
		"# Every directive may be left out. Those below are commented out and show the default.\n")
	for _, d := range Directives() {
		b.WriteString("\n")
		for _, line := range wrap(d.Doc, 86) {
			b.WriteString("# " + line + "\n")
		}
		fmt.Fprintf(&b, "#%s = %s\n", d.Name, d.DefaultTOML())
	}
	b.WriteString("\n")
	for _, line := range wrap(ruleDoc, 86) {
		b.WriteString("# " + line + "\n")
	}
	for line := range strings.SplitSeq(ruleExample, "\n") {
		b.WriteString("#   " + line + "\n")
	}
	return b.String()
}

// DefaultTOML returns the default as the file would give it.
func (d Directive) DefaultTOML() string {
	switch v := d.Default.(type) {
	case string:
		return strconv.Quote(v)
	case []string:
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = strconv.Quote(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	return fmt.Sprint(d.Default)
}

// wrap breaks text into lines of at most width characters.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
