package main

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRuns(t *testing.T) {
	plain := pen{colour: ink}
	red := pen{colour: inks[31]}
	for _, c := range []struct {
		name, line string
		want       []run
	}{
		{"empty", "", nil},
		{"plain", "two words", []run{{0, "two words", plain}}},
		{"colour ends", "a \x1b[31mred\x1b[0m z", []run{{0, "a ", plain}, {2, "red", red}, {5, " z", plain}}},
		{"begins", "\x1b[31mé\x1b[39m!", []run{{0, "é", red}, {1, "!", plain}}},
		{"two at once", "\x1b[1;31mx\x1b[mz", []run{{0, "x", pen{colour: inks[31], bold: true}}, {1, "z", plain}}},
		{"bold ends", "\x1b[1;2mx\x1b[22;39mz", []run{{0, "x", pen{colour: faint, bold: true}}, {1, "z", plain}}},
	} {
		p := plain
		if d := cmp.Diff(c.want, runs(c.line, &p), cmp.AllowUnexported(run{}, pen{})); d != "" {
			t.Errorf("%s: -want +got:\n%s", c.name, d)
		}
	}
}

func TestDrawTerminal(t *testing.T) {
	drawn := drawTerminal("$ cat <file> & \"that\"\n\x1b[32mgreen\nstill\x1b[0m\n\n", 40)
	dec := xml.NewDecoder(strings.NewReader(drawn))
	for {
		if _, err := dec.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, drawn)
		}
	}
	if n := strings.Count(drawn, inks[32]); n != 2 {
		t.Errorf("%d runs are green, want 2: a colour goes on in the next line\n%s", n, drawn)
	}
}
