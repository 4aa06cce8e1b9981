// Package startup keeps the garbage collector out of a program's start.
//
// What etcdctr is linked with makes some 6 MB before main, nearly all of it to
// stay. A collection then finds nothing, and takes a fifth of the time of a short
// command. Go's compiler has its heap start big for the same reason.
//
// Import it for its effect. Where dependencies leave the choice, packages are
// initialised in the order of their import paths, so this one comes before most
// of what makes much. Source: https://go.dev/ref/spec#Program_initialization
package startup

import (
	"os"
	"runtime/debug"
)

// With the runtime's smallest heap of 4 MB, a first collection at 16 MB.
const (
	relaxed = 400
	usual   = 100
)

// chosen tells that the user has chosen, and has his way.
var chosen = os.Getenv("GOGC") != ""

func init() {
	if !chosen {
		debug.SetGCPercent(relaxed)
	}
}

// Over is for programs that go on: from here on garbage is collected as usual.
func Over() {
	if !chosen {
		debug.SetGCPercent(usual)
	}
}
