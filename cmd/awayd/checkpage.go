package main

import (
	"fmt"
	"slices"
	"strings"

	"awayd/cmd/awayd/control"
	"awayd/sync/finding"
)

// findings shows what check found: what is to be mended first, and where all is
// well no more than what was examined.
func (p *page) findings(list []control.Finding, verbose bool) {
	subjects := bySubject(list)
	width := widest(subjects, p.share(2), func(of []control.Finding) string { return of[0].Subject })
	for _, of := range subjects {
		if verbose {
			p.subjectInFull(of)
		} else {
			p.subject(of, width)
		}
	}
	p.hang("", summary(list))
}

// bySubject puts together what was found about one subject, and the worst first.
func bySubject(list []control.Finding) [][]control.Finding {
	var subjects [][]control.Finding
	for rest := list; len(rest) > 0; {
		n := slices.IndexFunc(rest, func(f control.Finding) bool { return f.Subject != rest[0].Subject })
		if n < 0 {
			n = len(rest)
		}
		subjects = append(subjects, rest[:n])
		rest = rest[n:]
	}
	rank := []finding.Severity{finding.Error, finding.Warning, finding.OK}
	slices.SortStableFunc(subjects, func(a, b []control.Finding) int {
		return slices.Index(rank, worst(a)) - slices.Index(rank, worst(b))
	})
	return subjects
}

// subject shows what was examined in a line, and in full what is not well.
func (p *page) subject(of []control.Finding, width int) {
	var well []string
	for _, f := range of {
		if f.Severity == finding.OK {
			well = append(well, f.Topic)
		}
	}
	said := strings.Join(well, ", ")
	if len(of) == 1 && len(well) == 1 {
		said = of[0].Detail
	}
	label := p.mark(worst(of)) + "  " + fill(printable(of[0].Subject), width) + "  "
	if len(well) == 0 {
		said = "" // what is wrong follows
	}
	p.hangIn(dim, label, said)
	for _, f := range of {
		if f.Severity != finding.OK {
			p.finding(f, f.Topic+": ")
		}
	}
}

// subjectInFull shows everything that was found about one subject.
func (p *page) subjectInFull(of []control.Finding) {
	p.printf("%s  %s\n", p.mark(worst(of)), printable(of[0].Subject))
	width := widest(of, maxColumn, func(f control.Finding) string { return f.Topic })
	for _, f := range of {
		p.finding(f, fill(printable(f.Topic), width)+"  ")
	}
}

func (p *page) finding(f control.Finding, topic string) {
	p.hang("      "+p.mark(f.Severity)+"  "+printable(topic), f.Detail)
	if f.Hint != "" {
		p.hang("            Try: ", f.Hint)
	}
}

func (p *page) mark(s finding.Severity) string {
	switch s {
	case finding.OK:
		return p.style(green, "ok  ")
	case finding.Warning:
		return p.style(yellow, "warn")
	}
	return p.style(red, "FAIL")
}

func worst(findings []control.Finding) finding.Severity {
	of := make([]finding.Severity, len(findings))
	for i, f := range findings {
		of[i] = f.Severity
	}
	return finding.Worst(of...)
}

// summary is the last line.
func summary(findings []control.Finding) string {
	bad, doubts := 0, 0
	for _, f := range findings {
		switch f.Severity {
		case finding.Error:
			bad++
		case finding.Warning:
			doubts++
		}
	}
	var said []string
	if bad > 0 {
		said = append(said, fmt.Sprintf("%d to mend", bad))
	}
	if doubts > 0 {
		said = append(said, count(doubts, "warning"))
	}
	if len(said) == 0 {
		return fmt.Sprintf("All is well: %s.", count(len(findings), "finding"))
	}
	return strings.Join(said, ", ") + "."
}
