package configs

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2/unstable"
)

// A Rule is one [[rule]] table: all conditions that it gives must hold.
type Rule struct {
	Name     string
	Summary  *regexp.Regexp // nil: any title; ignores case
	Category string         // empty: any
	Calendar string         // empty: any
	Absence  bool           // else the event is ignored
	Line     int            // of the table
}

// Problem returns what another package found wrong with the rule.
func (r Rule) Problem(c Config, err error) Problems {
	return Problems{{File: c.file, Line: r.Line, Directive: ruleTable, Text: err.Error()}}
}

// Bounds on own rules: each event is compared with all of them.
const (
	maxRules    = 50
	maxPattern  = 200 // characters
	maxCompiled = 2_000
)

// ruleTable is the name of the tables.
const ruleTable = "rule"

// ruleDoc describes the tables in the example and the manual.
const ruleDoc = "Own rules, one table for each, at the end of the file. They are tried in their order before the built-in ones, and " +
	"the first whose conditions all hold decides: summary, a regular expression (RE2, whatever the case) that the title matches " +
	"somewhere; category; calendar, its display name. The verdict is \"absence\" or \"ignore\". `awayd preview` and the log show " +
	"the name. What was cancelled or declined never counts."

// ruleExample is an example of a table, as the file would give it.
const ruleExample = `[[rule]]
name = "customers"
summary = "^(on-?site|visit):"
calendar = "Work"
verdict = "absence"`

// startRule begins a [[rule]] table.
func (r *reader) startRule(line int) {
	if len(r.config.Rules) == maxRules {
		r.problem(line, ruleTable, fmt.Sprintf("more than %d rules", maxRules))
	}
	r.config.Rules = append(r.config.Rules, Rule{Line: line})
	r.given = make(map[string]bool)
}

// endRule checks the table that ends here, if there is one.
func (r *reader) endRule() {
	if r.given == nil {
		return
	}
	rule := r.config.Rules[len(r.config.Rules)-1]
	switch {
	case !r.given["name"] || !r.given["verdict"]:
		r.problem(rule.Line, ruleTable, "a rule needs a name and a verdict")
	case !r.given["summary"] && !r.given["category"] && !r.given["calendar"]:
		r.problem(rule.Line, ruleTable, "a rule needs a condition: summary, category or calendar")
	}
	for _, other := range r.config.Rules[:len(r.config.Rules)-1] {
		if rule.Name != "" && other.Name == rule.Name {
			r.problem(rule.Line, ruleTable, fmt.Sprintf("there is another rule %q, in line %d", rule.Name, other.Line))
			break
		}
	}
	r.given = nil
}

// assignRule takes one key of a table over into its rule.
func (r *reader) assignRule(e *unstable.Node) {
	key, line := r.key(e)
	name := ruleTable + "." + key
	if r.given[key] {
		r.problem(line, name, "given twice")
		return
	}
	r.given[key] = true
	value, err := valueOf(e.Value())
	s, isText := value.(string)
	if err == nil && !isText {
		err = fmt.Errorf("want %s, got %s", kindOf(""), kindOf(value))
	}
	rule := &r.config.Rules[len(r.config.Rules)-1]
	if err == nil {
		err = rule.set(key, s)
	}
	if err != nil {
		r.problem(line, name, err.Error())
	}
}

func (r *Rule) set(key, s string) (err error) {
	if strings.TrimSpace(s) == "" {
		return errors.New("it is empty")
	}
	if utf8.RuneCountInString(s) > maxPattern {
		return fmt.Errorf("longer than %d characters", maxPattern)
	}
	switch key {
	case "name":
		r.Name, err = s, checkWords([]string{s})
		if strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			err = errors.New("a name is one line")
		}
	case "summary":
		r.Summary, err = compile(s)
	case "category":
		r.Category = s
	case "calendar":
		r.Calendar = s
	case "verdict":
		r.Absence, err = s == "absence", oneOf(s, "absence", "ignore")
	default:
		return errors.New("no such key; there are name, summary, category, calendar and verdict")
	}
	return err
}

// compile reads a regular expression that ignores case. RE2 takes linear time,
// but x{1000} and its like make it large.
func compile(s string) (*regexp.Regexp, error) {
	if _, err := regexp.Compile(s); err != nil {
		return nil, fmt.Errorf("%q is no regular expression: %s", s, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	if instructions(s) > maxCompiled {
		return nil, fmt.Errorf("%q repeats too much", s)
	}
	return regexp.Compile("(?i:" + s + ")")
}

// instructions is the size of the program that a regular expression becomes.
func instructions(s string) int {
	tree, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return 0
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return 0
	}
	return len(program.Inst)
}
