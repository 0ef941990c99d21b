package configs

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestRules(t *testing.T) {
	c, err := Parse("f", []byte("lang = 'de'\n[[rule]] # the first\nname = 'off site'\nsummary = '^off-?site:'\nverdict = 'absence'\n\n"+
		"[[rule]]\nname = \"team\"\ncalendar = \"Team\"\ncategory = \"Away\"\nverdict = \"ignore\"\n"))
	if err != nil || len(c.Rules) != 2 || c.Lang != "de" {
		t.Fatalf("%+v, %v", c, err)
	}
	first, second := c.Rules[0], c.Rules[1]
	if first.Name != "off site" || !first.Absence || first.Line != 2 || !first.Summary.MatchString("OFF-SITE: Berlin") || first.Summary.MatchString("at off-site:") {
		t.Errorf("first %+v", first)
	}
	if second.Calendar != "Team" || second.Category != "Away" || second.Absence || second.Summary != nil || second.Line != 7 {
		t.Errorf("second %+v", second)
	}
	if c, err := Parse("f", []byte(ruleExample)); err != nil || len(c.Rules) != 1 {
		t.Errorf("the example: %v", err)
	}
}

func TestRuleProblems(t *testing.T) {
	rule := func(lines ...string) string { return "[[rule]]\n" + strings.Join(lines, "\n") + "\n" }
	const name, verdict, summary = "name = 'n'", "verdict = 'ignore'", "summary = 'x'"
	for _, test := range []struct{ name, text, want string }{
		{"empty", rule(), "f:1: rule: a rule needs a name and a verdict"},
		{"no name", rule(verdict, summary), "f:1: rule: a rule needs a name and a verdict"},
		{"no condition", rule(name, verdict), "f:1: rule: a rule needs a condition: summary, category or calendar"},
		{"one bracket", "[rule]\nname = 'n'", "f:1: a rule is written with two brackets: [[rule]]"},
		{"verdict", rule(name, summary, "verdict = 'away'"), "f:4: rule.verdict: \"away\" is unknown: write absence or ignore"},
		{"pattern", rule(name, verdict, "summary = '('"), "f:4: rule.summary: \"(\" is no regular expression: missing closing ): `(`"},
		{"pattern that escapes", rule(name, verdict, "summary = 'a)|(b'"), "f:4: rule.summary: \"a)|(b\" is no regular expression: unexpected ): `a)|(b`"},
		{"backtracking", rule(name, verdict, `summary = '(a)\1'`), "f:4: rule.summary: \"(a)\\\\1\" is no regular expression: invalid escape sequence: `\\1`"},
		{"large pattern", rule(name, verdict, "summary = '((((x{9}){9}){9}){9})'"), "f:4: rule.summary: \"((((x{9}){9}){9}){9})\" is no regular expression: invalid repeat count: `{9}`"},
		{"many repetitions", rule(name, verdict, "summary = '(abcdefgh){900}'"), "f:4: rule.summary: \"(abcdefgh){900}\" repeats too much"},
		{"long pattern", rule(name, verdict, "summary = '"+strings.Repeat("x", 201)+"'"), "f:4: rule.summary: longer than 200 characters"},
		{"empty condition", rule(name, verdict, "category = ' '"), "f:4: rule.category: it is empty"},
		{"long name", rule(verdict, summary, "name = '"+strings.Repeat("x", 101)+"'"), "f:4: rule.name: an entry is longer than 100 characters"},
		{"name of two lines", rule(verdict, summary, `name = "a\nb"`), "f:4: rule.name: a name is one line"},
		{"unknown", rule(name, verdict, summary, "title = 'x'"), "f:5: rule.title: no such key; there are name, summary, category, calendar and verdict"},
		{"twice", rule(name, verdict, summary, "name = 'm'"), "f:5: rule.name: given twice"},
		{"number", rule(name, verdict, "summary = 5"), "f:4: rule.summary: want a string in quotes, got a number"},
		{"same name", rule(name, verdict, summary) + rule(name, verdict, summary), "f:5: rule: there is another rule \"n\", in line 1"},
		{"directive behind", rule(name, verdict, summary, "lang = 'de'"), "f:5: rule.lang: no such key; there are name, summary, category, calendar and verdict"},
	} {
		if _, err := Parse("f", []byte(test.text)); err == nil || err.Error() != test.want {
			t.Errorf("%s:\ngot  %v\nwant %s", test.name, err, test.want)
		}
	}
	var many strings.Builder
	for i := range maxRules + 1 {
		many.WriteString(rule(fmt.Sprintf("name = '%d'", i), verdict, summary))
	}
	if _, err := Parse("f", []byte(many.String())); err == nil || !strings.HasSuffix(err.Error(), "rule: more than 50 rules") {
		t.Errorf("many rules: %v", err)
	}
}

// What a configuration can make of a title is bounded.
func TestRuleCost(t *testing.T) {
	re, err := compile("((a|a)*(b|b)*x{20}){5}y")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	re.MatchString(strings.Repeat("ab", 150))
	if took := time.Since(began); took > 100*time.Millisecond {
		t.Errorf("took %v", took)
	}
}
