package engine

import (
	"fmt"
	"strings"
	"testing"
)

// What many accounts have to say is one message, and not a long one.
func TestProclaim(t *testing.T) {
	reports := map[string]report{}
	for i := range 7 {
		reports[fmt.Sprintf("p%d@example.org", i)] = report{lines: []string{"the same"}}
	}
	reports["ada@example.org"] = report{lines: []string{"something else", "the same"}}
	const want = "awayd:\n\nada@example.org: something else\n\n" +
		"ada@example.org, p0@example.org, p1@example.org, p2@example.org, p3@example.org and 3 more: the same"
	if got := proclaim(reports); got != want {
		t.Errorf("got %q", got)
	}
	for i := range 1000 {
		reports[fmt.Sprintf("q%d@example.org", i)] = report{lines: []string{fmt.Sprint("line ", i)}}
	}
	got := proclaim(reports)
	if n := strings.Count(got, "\n\n"); n != heraldLines+1 || !strings.HasSuffix(got, "And more, 1002 in all: see awayd status.") {
		t.Errorf("%d paragraphs: %q", n, got)
	}
}
