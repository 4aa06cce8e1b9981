package main

import (
	"flag"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var updateScripts = flag.Bool("update-scripts", false, "rewrite the outputs that scripts compare with")

// TestMain lets the test binary be the program, under each of its names.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"etcdctr": main,
		"etcd":    main,
		"etcdctl": main,
		"etcdutl": main,
	})
}

// TestScript runs every testdata/script/*.txtar: one file a verb, written as
// somebody would type it.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       *updateScripts,
	})
}
