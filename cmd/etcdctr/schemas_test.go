package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/adopt"
	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/discovery"
	"github.com/etcdctr/etcdctr/dns"
	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/images"
	"github.com/etcdctr/etcdctr/lint"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// shapes are what --format json prints, by command, and the lines of --progress
// json. Several commands print a plan.
var shapes = map[string]any{
	"adopt": adopt.Report{}, "backup": backup.FoundReport{}, "backup-verify": backup.Report{}, "certs-list": []certs.Certificate{}, "certs-verify": []certs.Finding{},
	"compact-recover": member.Recovery{}, "defrag": []member.Reclaimed{}, "discovery-status": discovery.Status{}, "dns": []dns.Record{},
	"dns-check": []dns.Finding{}, "doctor": etcdctr.Diagnosis{}, "environment": map[string]string{}, "explain": cluster.Explanation{}, "explain-list": []cluster.Explanation{},
	"health": health.Report{}, "image-build": images.Result{}, "lint": lint.Result{}, "ls": []runtime.Summary{}, "plan": []converge.StepReport{},
	"progress-message": terminal.Message{}, "progress-step": terminal.Step{}, "ps": []etcdctr.ServerReport{}, "restore": backup.Restored{}, "restore-discard": []runtime.Aside{}, "restore-undo": etcdctr.Undone{},
	"restore-undo-plan": etcdctr.UndoForecast{}, "verify": []etcdctr.Proof{},
	"version": versionInfo{},
}

// shapeOf is which of them a command prints; of several, which depends on what it is
// asked.
var shapeOf = map[string]string{
	"adopt": "adopt", "backup": "backup", "backup list": "backup", "backup prune": "backup", "backup verify": "backup-verify",
	"certs list": "certs-list", "certs verify": "certs-verify", "compact": "compact-recover", "connect": "environment",
	"defrag": "defrag", "discovery status": "discovery-status", "dns": "dns", "dns check": "dns-check", "doctor": "doctor",
	"down": "plan", "env": "environment", "explain": "explain explain-list", "health": "health", "image build": "image-build", "lint": "lint",
	"ls": "ls", "member replace": "plan", "ps": "ps", "recover": "restore plan", "restart": "plan", "restore": "restore restore-discard restore-undo restore-undo-plan plan", "start": "plan",
	"stop": "plan", "up": "plan", "verify": "verify", "version": "version",
}

// TestEveryJSONHasAShape holds the commands to that list, and its page to both.
func TestEveryJSONHasAShape(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(filepath.Dir(schemasDir), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var look func(*cobra.Command)
	look = func(cmd *cobra.Command) {
		for _, c := range cmd.Commands() {
			look(c)
		}
		name := strings.TrimPrefix(cmd.CommandPath(), "etcdctr ")
		format := cmd.Flags().Lookup("format")
		if format == nil {
			return
		}
		if f, ok := format.Value.(*typed.Choice); !ok || !slices.Contains(f.Of, typed.JSONFormat) {
			return
		}
		if shapeOf[name] == "" {
			t.Errorf("%s prints JSON of no shape", name)
		}
		for shape := range strings.FieldsSeq(shapeOf[name]) {
			if shapes[shape] == nil {
				t.Errorf("%s prints JSON of the shape %s, which is none", name, shape)
			}
			if !strings.Contains(string(page), "`"+name+"`") || !strings.Contains(string(page), "(v1/"+shape+".json)") {
				t.Errorf("docs/schemas/README.md does not tell the shape %s of %s", shape, name)
			}
		}
	}
	look(newRootCommand(newApp()))
}

// unheld are shapes of commands that no script can run: a test's program is not linked
// statically, so that no image is made of it. e2e reads what is printed of one.
var unheld = []string{"image-build"}

// TestEveryShapeIsHeldByAScript wants each shape to be compared with what a command has
// printed.
func TestEveryShapeIsHeldByAScript(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	held := slices.Clone(unheld)
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			if words := strings.Fields(line); len(words) > 1 && words[0] == "conforms" {
				held = append(held, strings.Split(words[1], "|")...)
			}
		}
	}
	for name := range shapes {
		if !slices.Contains(held, name) {
			t.Errorf("no script holds what is printed to %s.json: conforms %s", name, name)
		}
	}
}

// schemasDir has a folder for each version of the shapes. Within one, fields are
// added, and none is removed or gets another meaning.
const schemasDir = "../../docs/schemas/v1"

// TestSchemas holds docs/schemas to the types that are printed. `make docs` writes
// them; a difference that takes something away is a new version.
func TestSchemas(t *testing.T) {
	for name, of := range shapes {
		schema := schemaOf(reflect.TypeOf(of))
		schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
		schema["$id"] = "https://github.com/etcdctr/etcdctr/blob/main/docs/schemas/v1/" + name + ".json"
		data, err := json.MarshalIndent(schema, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		comparePage(t, filepath.Join(schemasDir, name+".json"), string(data)+"\n")
	}
	files, err := filepath.Glob(filepath.Join(schemasDir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".json"); shapes[name] == nil {
			t.Errorf("%s is of nothing that is printed", f)
		}
	}
}

// schemaOf describes a type as encoding/json writes it.
func schemaOf(typ reflect.Type) map[string]any {
	marshaler := reflect.TypeFor[json.Marshaler]()
	switch {
	case typ == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case typ.Implements(marshaler) || reflect.PointerTo(typ).Implements(marshaler):
		return map[string]any{} // its own business
	}
	switch typ.Kind() {
	case reflect.Pointer:
		return schemaOf(typ.Elem())
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice, reflect.Array:
		return map[string]any{"type": []string{"array", "null"}, "items": schemaOf(typ.Elem())}
	case reflect.Map:
		return map[string]any{"type": []string{"object", "null"}, "additionalProperties": schemaOf(typ.Elem())}
	case reflect.Struct:
		return schemaOfStruct(typ)
	case reflect.Interface:
		return map[string]any{}
	}
	return map[string]any{"type": "integer"}
}

func schemaOfStruct(typ reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for i := range typ.NumField() {
		f := typ.Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case !f.IsExported() && !f.Anonymous, tag == "-":
			continue
		case f.Anonymous && tag == "":
			inner := schemaOf(f.Type)
			for name, of := range inner["properties"].(map[string]any) {
				properties[name] = of
			}
			required = append(required, inner["required"].([]string)...)
			continue
		case tag == "":
			tag = f.Name
		}
		properties[tag] = schemaOf(f.Type)
		if !strings.Contains(options, "omit") && f.Type.Kind() != reflect.Pointer {
			required = append(required, tag)
		}
	}
	slices.Sort(required)
	return map[string]any{"type": "object", "properties": properties, "required": required}
}

// conforms holds what the last command has printed, or each line of what it has
// said, to a schema.
func conforms(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: conforms SCHEMA [stderr], of several for lines of either: A|B")
	}
	documents := []string{ts.ReadFile("stdout")}
	if len(args) == 2 {
		documents = strings.Split(strings.TrimSpace(ts.ReadFile("stderr")), "\n")
	}
	for _, d := range documents {
		var wrong []string
		for name := range strings.SplitSeq(args[0], "|") {
			if err := conform(name, d); err != nil {
				wrong = append(wrong, err.Error())
			}
		}
		if len(wrong) > strings.Count(args[0], "|") {
			ts.Fatalf("%s\n%s", strings.Join(wrong, "\n"), d)
		}
	}
}

// schemas is where the scripts find them: they are run elsewhere.
var schemas = func() string {
	dir, err := filepath.Abs(schemasDir)
	if err != nil {
		panic(err)
	}
	return dir
}()

func conform(name, document string) error {
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(schemas, name+".json"))
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(document))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return schema.Validate(value)
}

// Whoever reads the shapes of today goes on with those of tomorrow: what a schema
// of this version has promised once stays. testdata/released is what was released.
func TestNoShapeLosesAField(t *testing.T) {
	released, err := filepath.Glob("testdata/released/v1/*.json")
	if err != nil || len(released) == 0 {
		t.Fatalf("no released schema: %v", err)
	}
	for _, f := range released {
		var then, now map[string]any
		read(t, f, &then)
		read(t, filepath.Join(schemasDir, filepath.Base(f)), &now)
		delete(then, "required") // what may be missing is only added to
		if lost := lostOf(then, now); len(lost) > 0 {
			t.Errorf("%s has lost %s: that takes a new version of the shapes", filepath.Base(f), strings.Join(lost, ", "))
		}
	}
}

func read(t *testing.T, file string, to *map[string]any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, to)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// lostOf names the properties that a schema has no longer, or with another type.
func lostOf(then, now map[string]any) []string {
	var lost []string
	if !cmp.Equal(then["type"], now["type"]) {
		lost = append(lost, fmt.Sprintf("its type %v", then["type"]))
	}
	for _, key := range []string{"items", "additionalProperties"} {
		if inner, ok := then[key].(map[string]any); ok {
			of, _ := now[key].(map[string]any)
			lost = append(lost, lostOf(inner, of)...)
		}
	}
	properties, _ := then["properties"].(map[string]any)
	have, _ := now["properties"].(map[string]any)
	for name, p := range properties {
		of, ok := have[name].(map[string]any)
		if !ok {
			lost = append(lost, name)
			continue
		}
		for _, l := range lostOf(p.(map[string]any), of) {
			lost = append(lost, name+"."+l)
		}
	}
	slices.Sort(lost)
	return lost
}
