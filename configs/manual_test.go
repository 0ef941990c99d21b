package configs

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

const manualFile = "../docs/man/awayd.toml.5.scd"

// TestManual holds the manual page to the table of directives, from which it is
// made with -update.
func TestManual(t *testing.T) {
	want := manual()
	if *update {
		if err := os.WriteFile(manualFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(manualFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the table of directives says. Try: go test ./configs -update", manualFile)
	}
}

// manual is awayd.toml(5) in the language of scdoc(5).
func manual() string {
	var b strings.Builder
	b.WriteString(`awayd.toml(5)

# NAME

awayd.toml - configuration of awayd

# DESCRIPTION

/etc/awayd/awayd.toml says what holds for the daemon as a whole, in TOML. What belongs to one account is set with
*awayd link* and *awayd set*, and goes before what is here; a flag goes before both. The file may be missing, and so may
every directive.

*awayd check* says what is wrong with the file, all of it at once. *systemctl reload awayd* makes changes hold; a file with
mistakes is refused as a whole, and what held before goes on.

# DIRECTIVES

`)
	for _, d := range Directives() {
		fmt.Fprintf(&b, "*%s* = _%s_\n", d.Name, d.Type)
		b.WriteString("\t" + strings.Join(wrap(escape(d.Doc), 110), "\n\t") + "++\n")
		fmt.Fprintf(&b, "Default: %s\n\n", escape(d.DefaultTOML()))
	}
	b.WriteString("# RULES\n\n")
	for _, line := range wrap(escape(ruleDoc), 110) {
		b.WriteString(line + "\n")
	}
	b.WriteString("\n```\n" + strings.TrimSpace(ruleExample) + "\n```\n\n# FILES\n\n" +
		"/etc/awayd/awayd.toml\n\tThe configuration, unless *awayd --config* names another.\n\n" +
		"/usr/share/doc/awayd/examples/awayd.toml\n\tEvery directive with its default, commented out.\n\n" +
		"# SEE ALSO\n\n*awayd*(1)\n")
	return b.String()
}

// escape keeps scdoc from taking text for markup.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "`", "\\`", "#", `\#`, "[", `\[`, "]", `\]`).Replace(s)
}
