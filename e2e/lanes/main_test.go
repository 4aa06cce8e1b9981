package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// acting has this test binary be the one whose tests are run in lanes.
const acting = "LANES_TEST_ACTS"

func TestMain(m *testing.M) {
	code := m.Run()
	if os.Getenv(acting) != "" && strings.Contains(strings.Join(os.Args, " "), "TestActsAndLeavesSomething") {
		fmt.Println("something is left")
		code = 1
	}
	os.Exit(code)
}

func TestActsWell(t *testing.T) {
	t.Run("one", func(*testing.T) {})
	t.Run("other", func(*testing.T) {})
}

func TestActsAndFails(t *testing.T) {
	if os.Getenv(acting) != "" {
		t.Fatal("as it is to")
	}
}

func TestActsAndLeavesSomething(*testing.T) {}

func TestActsAndEndsTheProcess(*testing.T) {
	if os.Getenv(acting) != "" {
		os.Exit(3)
	}
}

// ends runs what acts, and gives how each test ended.
func ends(t *testing.T, pattern string) map[string]string {
	t.Helper()
	t.Setenv(acting, "1")
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	l := lanes{out: &out, number: 2, dir: ".", pkg: "acting"}
	if err := l.main(context.Background(), pattern, []string{binary}); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for line := range strings.Lines(out.String()) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Package != "acting" {
			t.Fatalf("%q: %v", line, err)
		}
		if slices.Contains([]string{"pass", "fail"}, e.Action) {
			all[e.Test] = e.Action
		}
	}
	return all
}

func TestEachTestIsRunInAProcessOfItsOwn(t *testing.T) {
	want := map[string]string{
		"TestActsWell": "pass", "TestActsWell/one": "pass", "TestActsWell/other": "pass",
		"TestActsAndFails":                                  "fail",
		"TestActsAndLeavesSomething":                        "pass",
		"TestActsAndLeavesSomething" + "/what is around it": "fail",
		"TestActsAndEndsTheProcess":                         "fail",
	}
	if diff := cmp.Diff(want, ends(t, "^TestActs")); diff != "" {
		t.Errorf("tests end (-want +got):\n%s", diff)
	}
}

func TestSomeSubtestsAreRun(t *testing.T) {
	want := map[string]string{"TestActsWell": "pass", "TestActsWell/other": "pass"}
	if diff := cmp.Diff(want, ends(t, "^TestActsWell$/other")); diff != "" {
		t.Errorf("tests end (-want +got):\n%s", diff)
	}
}
