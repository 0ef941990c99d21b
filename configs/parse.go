package configs

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// Parse reads the text of a configuration; file names it in problems.
//
// It walks the syntax tree of go-toml rather than decoding into a struct,
// because that is what has a line for every problem and does not stop at the
// first.
func Parse(file string, text []byte) (Config, error) {
	r := reader{config: Default(), directives: make(map[string]Directive)}
	r.config.file, r.config.lines = file, make(map[string]int)
	for _, d := range Directives() {
		r.directives[d.Name] = d
	}
	if len(text) > maxFile {
		r.problem(0, "", fmt.Sprintf("larger than %d bytes", maxFile))
	} else {
		r.read(text)
		r.completeNotify()
	}
	if err := r.config.checkWeb(); err != nil && len(r.problems) == 0 {
		r.problem(r.config.lines["web"], "web", err.Error())
	}
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
		return Config{}, r.problems
	}
	return r.config, nil
}

// completeNotify settles what the notify directives mean together.
func (r *reader) completeNotify() {
	n := &r.config.Notify
	if n.JID == "" {
		for _, name := range []string{"notify_from", "notify_password_file", "notify_address", "notify_tls_ca"} {
			if line := r.config.lines[name]; line > 0 && r.config.lines["notify_jid"] == 0 && *n != (Notify{}) {
				r.problem(line, name, "it is for notify_jid, which is not given")
			}
		}
		return
	}
	if n.From == "" {
		n.From = n.JID
	}
}

type reader struct {
	parser     unstable.Parser
	directives map[string]Directive
	config     Config
	problems   Problems

	given            map[string]bool // keys of the [[rule]] table that is read; nil outside of one
	offset, newlines int             // how far line has counted
}

func (r *reader) problem(line int, directive, text string) {
	r.problems = append(r.problems, Problem{File: r.config.file, Line: line, Directive: directive, Text: text})
}

func (r *reader) read(text []byte) {
	r.parser.Reset(text)
	inTable := false
	for r.parser.NextExpression() {
		switch e := r.parser.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			inTable = true
			r.endRule()
			name, line := r.key(e)
			if name == ruleTable && e.Kind == unstable.ArrayTable {
				r.startRule(line)
				continue
			}
			// What follows belongs to the table: one problem says it all.
			if name == ruleTable {
				r.problem(line, "", "a rule is written with two brackets: [[rule]]")
				continue
			}
			r.problem(line, "", fmt.Sprintf("there are no tables but [[rule]]: write the directives without [%s]", name))
		case unstable.KeyValue:
			switch {
			case r.given != nil:
				r.assignRule(e)
			case !inTable:
				r.assign(e)
			}
		}
	}
	r.endRule()
	if err := r.parser.Error(); err != nil {
		r.syntax(err)
	}
}

// syntax reports where the text is no TOML. Nothing after it is read.
func (r *reader) syntax(err error) {
	var failed *unstable.ParserError
	line := 1 + bytes.Count(r.parser.Data(), []byte{'\n'})
	if errors.As(err, &failed) && len(failed.Highlight) > 0 {
		line = r.line(r.parser.Range(failed.Highlight))
	}
	r.problem(line, "", "not TOML: "+strings.TrimPrefix(err.Error(), "toml: "))
}

// assign takes one directive over into the configuration.
func (r *reader) assign(e *unstable.Node) {
	name, line := r.key(e)
	d, ok := r.directives[name]
	if !ok {
		r.problem(line, name, "no such directive"+r.nearest(name))
		return
	}
	if first, again := r.config.lines[name]; again {
		r.problem(line, name, fmt.Sprintf("given twice, first in line %d", first))
		return
	}
	r.config.lines[name] = line
	value, err := valueOf(e.Value())
	if err == nil && kindOf(value) != kindOf(d.Default) {
		err = fmt.Errorf("want %s, got %s", kindOf(d.Default), kindOf(value))
	}
	if err == nil {
		err = d.set(&r.config, value)
	}
	if err != nil {
		r.problem(line, name, err.Error())
	}
}

// key returns the dotted name of an expression, and its line.
func (r *reader) key(e *unstable.Node) (string, int) {
	var parts []string
	line := 0
	for it := e.Key(); it.Next(); {
		if line == 0 {
			line = r.line(it.Node().Raw)
		}
		parts = append(parts, string(it.Node().Data))
	}
	return strings.Join(parts, "."), line
}

// line counts on from where it was asked last: from the top each time would
// take seconds for a file of nothing but problems.
func (r *reader) line(at unstable.Range) int {
	offset := int(at.Offset)
	if offset < r.offset {
		r.offset, r.newlines = 0, 0
	}
	r.newlines += bytes.Count(r.parser.Data()[r.offset:offset], []byte{'\n'})
	r.offset = offset
	return 1 + r.newlines
}

// An other is a value of a TOML type that no directive has.
type other string

// valueOf returns a value as string, bool, []string or other.
func valueOf(n *unstable.Node) (any, error) {
	switch n.Kind {
	case unstable.String:
		return string(n.Data), nil
	case unstable.Bool:
		return string(n.Data) == "true", nil
	case unstable.Array:
		list := []string{}
		for it := n.Children(); it.Next(); {
			if it.Node().Kind == unstable.Comment {
				continue
			}
			if it.Node().Kind != unstable.String {
				return nil, errors.New("want strings in the list only")
			}
			list = append(list, string(it.Node().Data))
		}
		return list, nil
	case unstable.Integer, unstable.Float:
		return other("a number"), nil
	case unstable.InlineTable:
		return other("a table"), nil
	}
	return other("a date or time"), nil
}

// kindOf names the type of a value.
func kindOf(v any) string {
	switch v := v.(type) {
	case string:
		return "a string in quotes"
	case bool:
		return "true or false"
	case []string:
		return "a list of strings"
	case other:
		return string(v)
	}
	return "nothing"
}

// nearest suggests the directive that was probably meant.
func (r *reader) nearest(name string) string {
	plain := strings.ToLower(strings.NewReplacer("-", "_", ".", "_", " ", "_").Replace(name))
	best, least := "", 1+max(1, len(plain)/4)
	for _, d := range Directives() {
		if n := distance(plain, d.Name); n < least {
			best, least = d.Name, n
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", best)
}

// distance is the number of bytes to insert, delete, replace or swap with
// their neighbour that turn a into b.
func distance(a, b string) int {
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j+1]+1, next[j]+1, row[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
