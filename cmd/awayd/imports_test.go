package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The import rules of docs/architecture.md. A package may import, of this
// module, only what is listed here for it; "*" is everything.
var mayImport = []struct {
	pkg     string
	allowed []string
	why     string
}{
	{"awayd/sync/absence", nil, "pure values and rules: nothing of this module is below them"},
	{"awayd/sync/account", []string{"awayd/sync/absence"}, "values that engine and adapters share"},
	{"awayd/sync/plan", []string{"awayd/sync/absence"}, "pure decisions over absences"},
	{"awayd/sync/gate", nil, "how many do something with one host at once"},
	{"awayd/sync/finding", nil, "what every part says when it is examined"},
	{"awayd/sync/notice", []string{"awayd/sync/account"}, "pure decisions over what is told about trouble"},
	{"awayd/sync/engine", []string{"awayd/sync/absence", "awayd/sync/account", "awayd/sync/finding", "awayd/sync/gate", "awayd/sync/notice", "awayd/sync/plan"}, "knows adapters through its own interfaces only"},
	{"awayd/caldav", []string{"awayd/sync/absence", "awayd/sync/account", "awayd/sync/finding"}, "an adapter: turns URLs into events, and decides nothing"},
	{"awayd/xmppout/pep", []string{"awayd/sync/plan"}, "the order of the steps, without stanzas, so that it can be explored over a model of a server"},
	{"awayd/xmppout", []string{"awayd/sync/absence", "awayd/sync/account", "awayd/sync/finding", "awayd/sync/gate", "awayd/sync/plan", "awayd/xmppout/pep"}, "an adapter: turns actions into stanzas"},
	{"awayd/state", []string{"awayd/sync/absence", "awayd/sync/account", "awayd/sync/finding", "awayd/sync/plan"}, "an adapter: SQL stays in it"},
	{"awayd/state/statetest", []string{"awayd/sync/absence", "awayd/sync/account", "awayd/sync/plan"}, "what every store has to pass"},
	{"awayd/configs", nil, "the daemon's settings as plain values"},
	{"awayd/cmd/testbed", nil, "real servers for tests; knows nothing of the program under test"},
	{"awayd/cmd/bench/crowd", []string{"awayd/sync/absence", "awayd/sync/account", "awayd/sync/engine", "awayd/sync/plan"}, "many people in memory for the engine and its state"},
	{"awayd/cmd/packaged", []string{"awayd/cmd/testbed"}, "leads the Debian package through its life, from outside"},
	{"awayd/cmd/demo", []string{"awayd/cmd/testbed"}, "uses the program as a person would, from outside"},
	{"awayd/cmd/proof/explore", []string{"awayd/sync/absence", "awayd/sync/account", "awayd/sync/engine", "awayd/sync/plan", "awayd/xmppout/pep"}, "runs the decisions and the steps over a model of a server"},
	{"awayd/cmd/proof/mutate", nil, "changes source, whatever it says"},
	{"awayd/cmd/page", nil, "keeps a page of the documentation that is written in sections"},
	{"awayd/cmd/proof", []string{"awayd/cmd/page", "awayd/cmd/proof/explore", "awayd/cmd/proof/mutate", "awayd/cmd/testbed", "awayd/sync/absence", "awayd/sync/account", "awayd/sync/engine", "awayd/sync/plan", "awayd/xmppout/pep"}, "breaks the program from outside, and explores its parts over a model of a server"},
	{"awayd/cmd/pictures", []string{"awayd/cmd/testbed"}, "uses the program and its page as a person would, from outside"},
	{"awayd/cmd/bench", []string{"awayd/caldav", "awayd/cmd/bench/crowd", "awayd/cmd/page", "awayd/cmd/testbed", "awayd/state", "awayd/sync/absence", "awayd/sync/account"}, "measures the parts of the program as the daemon uses them, beside other programs"},
	{"awayd/cmd/awayd/control", []string{"awayd/caldav", "awayd/sync/absence", "awayd/sync/account", "awayd/sync/engine", "awayd/sync/finding", "awayd/sync/plan"}, "both sides of the control socket"},
	{"awayd/cmd/awayd/web", []string{"awayd/cmd/awayd/control", "awayd/cmd/awayd/socket", "awayd/sync/account", "awayd/sync/engine", "awayd/sync/finding"}, "asks the handlers of the control socket, and has no way of its own to anything; awayd check asks it whether it is open"},
	{"awayd/cmd/awayd/metrics", []string{"awayd/cmd/awayd/socket", "awayd/sync/account", "awayd/sync/engine", "awayd/sync/finding", "awayd/sync/plan"}, "what Prometheus is told, and awayd check whether it can be; knows no adapter"},
	{"awayd/cmd/awayd/socket", nil, "how what people and programs may ask listens"},
	{"awayd/cmd/awayd", []string{"*"}, "wires everything"},
}

// purityForbidden are packages of the standard library that pure code does not
// need: I/O, logs and randomness.
var purityForbidden = []string{"os", "io/fs", "net", "net/http", "log", "log/slog", "math/rand", "math/rand/v2", "database/sql"}

type goPackage struct {
	ImportPath string
	Imports    []string
	Doc        string
	Name       string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Doc,Name", "awayd/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p goPackage
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	return list
}

func TestImportRules(t *testing.T) {
	rules := make(map[string]map[string]bool)
	for _, r := range mayImport {
		rules[r.pkg] = make(map[string]bool)
		for _, a := range r.allowed {
			rules[r.pkg][a] = true
		}
	}
	for _, p := range packages(t) {
		allowed, known := rules[p.ImportPath]
		if !known {
			t.Errorf("%s has no rule: say in mayImport what it may import, and why", p.ImportPath)
			continue
		}
		for _, i := range p.Imports {
			if strings.HasPrefix(i, "awayd/") && !allowed[i] && !allowed["*"] {
				t.Errorf("%s imports %s, which its rule forbids", p.ImportPath, i)
			}
			if strings.HasPrefix(i, "awayd/cmd/proof") && !strings.HasPrefix(p.ImportPath, "awayd/cmd/proof") {
				t.Errorf("%s imports %s, which is for proofs alone", p.ImportPath, i)
			}
			if p.ImportPath != "awayd/sync/absence" && p.ImportPath != "awayd/sync/notice" && p.ImportPath != "awayd/sync/plan" {
				continue
			}
			for _, f := range purityForbidden {
				if i == f {
					t.Errorf("%s is pure and imports %s", p.ImportPath, i)
				}
			}
		}
	}
}

// Pure code gets the moment handed in, so that a year can be played in
// milliseconds.
func TestPureCodeHasNoClock(t *testing.T) {
	clock := regexp.MustCompile(`\btime\.(Now|Since|Until|Sleep|After|AfterFunc|NewTimer|NewTicker|Tick)\(`)
	for _, dir := range []string{"absence", "notice", "plan", "account"} {
		files, err := filepath.Glob(filepath.Join("..", "..", "sync", dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(dir, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if found := clock.Find(text); found != nil {
				t.Errorf("%s uses %s…)", file, found)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, p := range packages(t) {
		if p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}
