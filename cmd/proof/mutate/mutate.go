// Package mutate makes mutants of Go source: copies in which one step, one
// condition or one write is missing, or two steps have changed places.
//
// All mutants of a package are in one copy, each behind a question that only a
// number in the environment answers with yes. So one build serves them all. The
// tree is never touched: the copies are for the overlay of the go command.
package mutate

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Variable names the environment variable that holds the number of the mutant
// that is to live.
const Variable = "AWAYD_MUTANT"

// A Mutant is one change of one function.
type Mutant struct {
	Number  int
	Package string // directory
	Func    string
	What    string // what is different
}

func (m Mutant) String() string { return m.Package + " " + m.Func + ": " + m.What }

// A Target is what is to be changed: functions of files of one directory.
type Target struct {
	Dir   string
	Files []string // names
	// Funcs are the functions, as Type.Name or Name; nil: all of the files.
	Funcs []string
	// Except are functions of these files that are left alone.
	Except []string
	// Ignore are the beginnings of what makes no difference to anybody: entries
	// of logs.
	Ignore []string
	// Conditions, Steps and Writes say which changes are of interest.
	Conditions, Steps, Writes bool
}

// Make reads the targets below root and returns the mutants, and the files that
// hold them by their paths.
func Make(root string, targets []Target) ([]Mutant, map[string][]byte, error) {
	m := &maker{known: make(map[string]int), files: make(map[string][]byte)}
	for _, t := range targets {
		if err := m.target(root, t); err != nil {
			return nil, nil, err
		}
	}
	return m.list, m.files, nil
}

type maker struct {
	Target
	fn    string
	list  []Mutant
	known map[string]int // how often a description came
	files map[string][]byte
}

func (m *maker) target(root string, t Target) error {
	m.Target = t
	var pkg string
	for _, name := range t.Files {
		path := filepath.Join(root, t.Dir, name)
		set := token.NewFileSet()
		// Without comments, which would not know where to stay.
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("read source: %w", err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && m.wanted(f) {
				m.function(f)
			}
		}
		var out bytes.Buffer
		if err := format.Node(&out, token.NewFileSet(), file); err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
		m.files[path] = out.Bytes()
		pkg = file.Name.Name
	}
	m.files[filepath.Join(root, t.Dir, "mutants_on.go")] = []byte(strings.Replace(helpers, "PACKAGE", pkg, 1))
	return nil
}

// helpers are what mutants ask. Read takes the place of a call that reads from
// the server.
const helpers = `package PACKAGE

import (
	"os"
	"strconv"
)

var mutantAlive, _ = strconv.Atoi(os.Getenv("` + Variable + `"))

// SetMutant has another mutant live, or with 0 none.
func SetMutant(n int) { mutantAlive = n }

func mutantIs(n int) bool { return n == mutantAlive }

func mutantSkips(n int, call func() error) error {
	if mutantIs(n) {
		return nil
	}
	return call()
}

func mutantReads[T any](n int, call func() (T, error)) (T, error) {
	if mutantIs(n) {
		var nothing T
		return nothing, nil
	}
	return call()
}
`

func name(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	t := f.Recv.List[0].Type
	if p, ok := t.(*ast.StarExpr); ok {
		t = p.X
	}
	return t.(*ast.Ident).Name + "." + f.Name.Name
}

func (m *maker) wanted(f *ast.FuncDecl) bool {
	if f.Body == nil {
		return false
	}
	if slices.Contains(m.Except, name(f)) {
		return false
	}
	return m.Funcs == nil || slices.Contains(m.Funcs, name(f))
}

// add makes another mutant and returns its number, as an expression.
func (m *maker) add(what string) ast.Expr {
	key := m.Dir + m.fn + what
	m.known[key]++
	if n := m.known[key]; n > 1 {
		what += fmt.Sprintf(" (%d)", n)
	}
	m.list = append(m.list, Mutant{len(m.list) + 1, m.Dir, m.fn, what})
	return &ast.BasicLit{Kind: token.INT, Value: strconv.Itoa(len(m.list))}
}

func (m *maker) ignored(what string) bool {
	for _, i := range m.Ignore {
		if strings.HasPrefix(what, i) {
			return true
		}
	}
	return false
}

func text(n ast.Node) string {
	var out bytes.Buffer
	if err := format.Node(&out, token.NewFileSet(), n); err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

func (m *maker) function(f *ast.FuncDecl) {
	m.fn = name(f)
	onlyError := false
	boolean := false
	if r := f.Type.Results; r != nil && len(r.List) == 1 && len(r.List[0].Names) < 2 {
		onlyError = text(r.List[0].Type) == "error"
		boolean = text(r.List[0].Type) == "bool"
	}
	m.block(f.Body, onlyError, boolean)
}

// block changes the statements of a block, and those within them.
func (m *maker) block(b *ast.BlockStmt, onlyError, boolean bool) {
	b.List = m.statements(b.List, onlyError, boolean)
}

func (m *maker) statements(list []ast.Stmt, onlyError, boolean bool) []ast.Stmt {
	var swaps []ast.Stmt
	if onlyError {
		swaps = m.swaps(list)
	}
	for i, s := range list {
		list[i] = m.statement(s, onlyError, boolean)
	}
	return append(swaps, list...)
}

func (m *maker) statement(s ast.Stmt, onlyError, boolean bool) ast.Stmt {
	switch s := s.(type) {
	case *ast.BlockStmt:
		m.block(s, onlyError, boolean)
	case *ast.RangeStmt:
		m.block(s.Body, onlyError, boolean)
	case *ast.ForStmt:
		m.block(s.Body, onlyError, boolean)
	case *ast.IfStmt:
		if s.Init != nil {
			s.Init = m.statement(s.Init, onlyError, boolean)
		}
		if m.Conditions {
			s.Cond = m.condition(s.Cond)
		}
		m.block(s.Body, onlyError, boolean)
		if s.Else != nil {
			s.Else = m.statement(s.Else, onlyError, boolean)
		}
	case *ast.SwitchStmt:
		for _, c := range s.Body.List {
			clause := c.(*ast.CaseClause)
			if s.Tag == nil && m.Conditions {
				for i, e := range clause.List {
					clause.List[i] = m.condition(e)
				}
			}
			clause.Body = m.statements(clause.Body, onlyError, boolean)
		}
	case *ast.ReturnStmt:
		if len(s.Results) == 1 {
			s.Results[0] = m.result(s.Results[0], onlyError, boolean)
		}
	case *ast.AssignStmt:
		return m.assignment(s)
	case *ast.ExprStmt:
		if _, ok := s.X.(*ast.CallExpr); ok && m.Steps && !m.ignored(text(s.X)) {
			return unless(m.add("without "+text(s.X)), s)
		}
	}
	return s
}

func (m *maker) result(e ast.Expr, onlyError, boolean bool) ast.Expr {
	if call, ok := e.(*ast.CallExpr); ok && onlyError && m.Steps && !made(call) {
		return m.skip(call)
	}
	if boolean && m.Conditions {
		return m.condition(e)
	}
	return e
}

// assignment changes what is assigned: the error of a step, what a step reads,
// a condition, or a field.
func (m *maker) assignment(s *ast.AssignStmt) ast.Stmt {
	if len(s.Rhs) != 1 {
		return s
	}
	call, isCall := s.Rhs[0].(*ast.CallExpr)
	switch last := text(s.Lhs[len(s.Lhs)-1]); {
	case isCall && m.Steps && last == "err" && len(s.Lhs) == 1 && !made(call):
		s.Rhs[0] = m.skip(call)
	case isCall && m.Steps && last == "err" && len(s.Lhs) == 2:
		s.Rhs[0] = m.read(call)
	case m.Writes && s.Tok == token.ASSIGN && strings.Contains(last, "."):
		return unless(m.add("without "+text(s)), s)
	case m.Conditions && logical(s.Rhs[0]):
		s.Rhs[0] = m.condition(s.Rhs[0])
	}
	return s
}

// logical reports whether e is made of conditions.
func logical(e ast.Expr) bool {
	b, ok := e.(*ast.BinaryExpr)
	return ok && (b.Op == token.LAND || b.Op == token.LOR || b.Op == token.EQL || b.Op == token.NEQ)
}

// plainError reports whether e asks for nothing but an error, which is how a
// step ends that did not succeed.
func plainError(e ast.Expr) bool { return text(e) == "err != nil" }

// made reports whether a call only makes an error.
func made(c *ast.CallExpr) bool {
	t := text(c.Fun)
	return strings.HasPrefix(t, "fmt.") || strings.HasPrefix(t, "errors.") || strings.HasSuffix(t, "Error") || strings.HasSuffix(t, "Err")
}

func (m *maker) skip(call *ast.CallExpr) ast.Expr {
	return m.instead("mutantSkips", "without "+text(call), call, ast.NewIdent("error"))
}

func (m *maker) read(call *ast.CallExpr) ast.Expr {
	known := map[string]string{
		"Access": "plan.AccessModel", "Items": "[]plan.Item", "Guests": "bool", "Hides": "bool", "Look": "plan.Observed",
	}
	fun := text(call.Fun)
	typ, ok := known[fun[strings.LastIndex(fun, ".")+1:]]
	if !ok {
		return call
	}
	return m.instead("mutantReads", "without reading "+text(call), call, ast.NewIdent(typ), ast.NewIdent("error"))
}

// instead hands the call to a helper.
func (m *maker) instead(helper, what string, call *ast.CallExpr, results ...ast.Expr) ast.Expr {
	var fields []*ast.Field
	for _, r := range results {
		fields = append(fields, &ast.Field{Type: r})
	}
	return &ast.CallExpr{Fun: ast.NewIdent(helper), Args: []ast.Expr{m.add(what), &ast.FuncLit{
		Type: &ast.FuncType{Params: &ast.FieldList{}, Results: &ast.FieldList{List: fields}},
		Body: &ast.BlockStmt{List: []ast.Stmt{&ast.ReturnStmt{Results: []ast.Expr{call}}}},
	}}}
}

// condition makes each part of a condition never hold, but for the question
// whether a step failed.
func (m *maker) condition(e ast.Expr) ast.Expr {
	switch x := e.(type) {
	case *ast.ParenExpr:
		x.X = m.condition(x.X)
		return x
	case *ast.BinaryExpr:
		if x.Op == token.LAND || x.Op == token.LOR {
			x.X, x.Y = &ast.ParenExpr{X: m.condition(x.X)}, &ast.ParenExpr{X: m.condition(x.Y)}
			return x
		}
	}
	if t := text(e); plainError(e) || t == "true" || t == "false" {
		return e
	}
	return &ast.BinaryExpr{
		X: &ast.UnaryExpr{Op: token.NOT, X: alive(m.add("never " + text(e)))}, Op: token.LAND, Y: &ast.ParenExpr{X: e},
	}
}

func alive(number ast.Expr) *ast.CallExpr {
	return &ast.CallExpr{Fun: ast.NewIdent("mutantIs"), Args: []ast.Expr{number}}
}

func unless(number ast.Expr, s ast.Stmt) ast.Stmt {
	return &ast.IfStmt{
		Cond: &ast.UnaryExpr{Op: token.NOT, X: alive(number)},
		Body: &ast.BlockStmt{List: []ast.Stmt{s}},
	}
}

// swaps returns, for each two steps that follow each other, what runs the rest
// of the block with both in the other order.
func (m *maker) swaps(list []ast.Stmt) []ast.Stmt {
	if !m.Steps {
		return nil
	}
	var swapped []ast.Stmt
	for i := 0; i+1 < len(list); i++ {
		first, ok1 := step(list[i])
		second, ok2 := step(list[i+1])
		if !ok1 || !ok2 {
			continue
		}
		// The copies are of the source as it is written.
		order := append([]ast.Stmt(nil), list[:i]...)
		order = append(order, asStep(second))
		if _, returns := list[i+1].(*ast.ReturnStmt); returns {
			order = append(order, &ast.ReturnStmt{Results: []ast.Expr{first}})
		} else {
			order = append(order, asStep(first))
			order = append(order, list[i+2:]...)
		}
		number := m.add(text(second) + " before " + text(first))
		swapped = append(swapped, &ast.IfStmt{Cond: alive(number), Body: clone(order)})
	}
	return swapped
}

// step returns the call of a statement that is nothing but a step.
func step(s ast.Stmt) (*ast.CallExpr, bool) {
	switch s := s.(type) {
	case *ast.ReturnStmt:
		if len(s.Results) == 1 {
			call, ok := s.Results[0].(*ast.CallExpr)
			return call, ok && !made(call)
		}
	case *ast.IfStmt:
		assign, ok := s.Init.(*ast.AssignStmt)
		if ok && s.Else == nil && plainError(s.Cond) && len(assign.Lhs) == 1 && len(s.Body.List) == 1 {
			call, ok := assign.Rhs[0].(*ast.CallExpr)
			return call, ok
		}
	}
	return nil, false
}

func asStep(call *ast.CallExpr) ast.Stmt {
	return &ast.IfStmt{
		Init: &ast.AssignStmt{Lhs: []ast.Expr{ast.NewIdent("err")}, Tok: token.DEFINE, Rhs: []ast.Expr{call}},
		Cond: &ast.BinaryExpr{X: ast.NewIdent("err"), Op: token.NEQ, Y: ast.NewIdent("nil")},
		Body: &ast.BlockStmt{List: []ast.Stmt{&ast.ReturnStmt{Results: []ast.Expr{ast.NewIdent("err")}}}},
	}
}

// clone copies statements by way of their text, so that what is changed in the
// one is not changed in the other.
func clone(list []ast.Stmt) *ast.BlockStmt {
	src := "package p\nfunc _() " + source(&ast.BlockStmt{List: list})
	file, err := parser.ParseFile(token.NewFileSet(), "", src, parser.SkipObjectResolution)
	if err != nil {
		panic(err) // it was source a moment ago
	}
	return file.Decls[0].(*ast.FuncDecl).Body
}

func source(n ast.Node) string {
	var out bytes.Buffer
	if err := format.Node(&out, token.NewFileSet(), n); err != nil {
		panic(err)
	}
	return out.String()
}

// Overlay writes the files into dir and returns the file for -overlay.
func Overlay(dir string, files map[string][]byte) (string, error) {
	var b strings.Builder
	b.WriteString(`{"Replace":{`)
	n := 0
	for path, content := range files {
		copied := filepath.Join(dir, fmt.Sprintf("%d.go", n))
		if err := os.WriteFile(copied, content, 0o600); err != nil {
			return "", fmt.Errorf("write mutants: %w", err)
		}
		if n > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, "%q:%q", path, copied)
		n++
	}
	b.WriteString("}}")
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, []byte(b.String()), 0o600); err != nil {
		return "", fmt.Errorf("write mutants: %w", err)
	}
	return overlay, nil
}
