//go:build e2e

package e2e

import "testing"

// TestTheDocumentedProgramsAreVetted looks at what `make lint` does not see. It takes
// all that they import to be vetted too, which is much for a hermetic test.
func TestTheDocumentedProgramsAreVetted(t *testing.T) {
	goIn(t, documentedPrograms(t), "vet", "./...")
}
