//go:build e2e

package e2e_test

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"testing"
)

// TestExamplesPrintWhatTheySay runs the examples of the documentation, which
// `go test` without an engine only compiles. Each says at its end what it
// prints.
func TestExamplesPrintWhatTheySay(t *testing.T) {
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for name, example := range map[string]func(){
		"ExampleRun":                        ExampleRun,
		"ExampleWithSpec":                   ExampleWithSpec,
		"ExampleMember_Kill":                ExampleMember_Kill,
		"ExampleCluster_ContainerEndpoints": ExampleCluster_ContainerEndpoints,
		"ExampleCluster_Certificate":        ExampleCluster_Certificate,
	} {
		t.Run(name, func(t *testing.T) {
			want := regexp.MustCompile(`(?s)func ` + name + `\(\) \{.*?\t// Prints: ([^\n]*\n)\}`).FindSubmatch(source)
			if want == nil {
				t.Fatal("does not say what it prints")
			}
			if got := printed(t, example); got != string(want[1]) {
				t.Errorf("prints %q, says %q", got, want[1])
			}
		})
	}
}

// printed gives what f writes to standard output.
func printed(t *testing.T, f func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = w
	defer func() { os.Stdout = stdout }()
	var b bytes.Buffer
	done := make(chan error)
	go func() {
		_, err := io.Copy(&b, r)
		done <- err
	}()
	f()
	_ = w.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return b.String()
}
