package architecture

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the API that tests compare with")

// promised are the packages whose API stays as docs/support.md says.
var promised = []string{
	".", "adopt", "certs", "cluster", "converge", "e2e", "health", "health/doctor", "health/exposure", "lint", "member",
	"runtime", "runtime/docker", "runtime/local", "runtime/runtimetest",
}

// apiFile is what was released: one line for each name that others may have
// written into their programs, with its type.
const apiFile = "testdata/released/api.txt"

// TestNothingOfTheAPIIsLost holds the packages to what was released of them.
// Additions are free, and are held from the next release on, which runs this test
// with -update. What takes something away does so too, and says it in the changelog.
func TestNothingOfTheAPIIsLost(t *testing.T) {
	now := exported(t)
	if *update {
		if err := os.WriteFile(apiFile, []byte(strings.Join(now, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	released, err := os.ReadFile(apiFile)
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, line := range now {
		have[line] = true
	}
	for line := range strings.Lines(string(released)) {
		if line = strings.TrimSpace(line); !have[line] {
			t.Errorf("gone from the API: %s\n(if it has to go: CHANGELOG.md, and go test ./internal/architecture -run API -update)", line)
		}
	}
}

func TestTheAPIIsReadAsItIsWritten(t *testing.T) {
	const source = `package p
const Limit, low = 1, 2
var ErrOne, errTwo error
type T struct { A, b int; C func(x int) (y string); E }
type E = map[string]T
type I interface { M(a, b T) error; m() }
func F(a, b int, c ...string) (T, error) { return T{}, nil }
func (t *T) Do() {}
func (t hidden) Do() {}
`
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"const Limit", "var ErrOne error", "type T struct", "type T struct, A int", "type T struct, C func(int) string", "type T struct, E",
		"type E = map[string]T", "type I interface", "type I interface, M func(T, T) error", "type I interface, and what others can't write",
		"func F(int, int, ...string) (T, error)", "func (*T) Do()",
	}
	if got := exportedOf(file); !slices.Equal(got, want) {
		t.Errorf("the API is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// exported is the API of the promised packages, sorted.
func exported(t *testing.T) []string {
	t.Helper()
	var lines []string
	for _, name := range promised {
		p, err := build.ImportDir(filepath.Join(root, name), 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range p.GoFiles {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, f), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range exportedOf(file) {
				lines = append(lines, name+": "+line)
			}
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// exportedOf are the declarations of a file that others see.
func exportedOf(file *ast.File) []string {
	var lines []string
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			lines = append(lines, functionOf(d)...)
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					lines = append(lines, typeOf(s)...)
				case *ast.ValueSpec:
					lines = append(lines, valuesOf(d.Tok, s)...)
				}
			}
		}
	}
	return lines
}

func functionOf(d *ast.FuncDecl) []string {
	if !d.Name.IsExported() {
		return nil
	}
	if d.Recv == nil {
		return []string{"func " + d.Name.Name + typeParameters(d.Type.TypeParams) + signature(d.Type)}
	}
	receiver := d.Recv.List[0].Type
	if !ast.IsExported(strings.TrimLeft(text(receiver), "*")) {
		return nil
	}
	return []string{fmt.Sprintf("func (%s) %s%s", text(receiver), d.Name.Name, signature(d.Type))}
}

func typeOf(s *ast.TypeSpec) []string {
	if !s.Name.IsExported() {
		return nil
	}
	head := "type " + s.Name.Name + typeParameters(s.TypeParams)
	if s.Assign.IsValid() {
		head += " ="
	}
	switch typ := s.Type.(type) {
	case *ast.StructType:
		return membersOf(head+" struct", typ.Fields)
	case *ast.InterfaceType:
		return membersOf(head+" interface", typ.Methods)
	}
	return []string{head + " " + text(s.Type)}
}

// membersOf are the fields of a struct or the methods of an interface. An interface
// with a method that is not exported can't be implemented elsewhere.
func membersOf(head string, fields *ast.FieldList) []string {
	lines := []string{head}
	for _, f := range fields.List {
		if len(f.Names) == 0 {
			lines = append(lines, head+", "+text(f.Type))
		}
		for _, name := range f.Names {
			switch {
			case name.IsExported():
				lines = append(lines, head+", "+name.Name+" "+text(f.Type))
			case strings.HasSuffix(head, "interface"):
				lines = append(lines, head+", and what others can't write")
			}
		}
	}
	return lines
}

func valuesOf(tok token.Token, s *ast.ValueSpec) []string {
	var lines []string
	for _, name := range s.Names {
		if !name.IsExported() {
			continue
		}
		line := tok.String() + " " + name.Name
		if s.Type != nil {
			line += " " + text(s.Type)
		}
		lines = append(lines, line)
	}
	return lines
}

func typeParameters(list *ast.FieldList) string {
	if list == nil {
		return ""
	}
	var all []string
	for _, f := range list.List {
		for range f.Names {
			all = append(all, text(f.Type))
		}
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// signature is a function's type without the names in it, which are nobody's
// business.
func signature(f *ast.FuncType) string {
	results := types(f.Results)
	switch len(results) {
	case 0:
		return "(" + strings.Join(types(f.Params), ", ") + ")"
	case 1:
		return "(" + strings.Join(types(f.Params), ", ") + ") " + results[0]
	}
	return "(" + strings.Join(types(f.Params), ", ") + ") (" + strings.Join(results, ", ") + ")"
}

func types(list *ast.FieldList) []string {
	if list == nil {
		return nil
	}
	var all []string
	for _, f := range list.List {
		for range max(1, len(f.Names)) {
			all = append(all, text(f.Type))
		}
	}
	return all
}

func text(e ast.Expr) string {
	if f, ok := e.(*ast.FuncType); ok {
		return "func" + signature(f)
	}
	var to bytes.Buffer
	if err := printer.Fprint(&to, token.NewFileSet(), e); err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(to.String()), " ")
}
