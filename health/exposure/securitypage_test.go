package exposure

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The page of what is promised names every attempt with the promise that it proves.
// What else verify proves, e2e compares with the page.
func TestTheSecurityPageNamesEveryAttempt(t *testing.T) {
	page, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for _, name := range regexp.MustCompile("`((?:client|peer|metrics) port, [^`]+)`").FindAllStringSubmatch(string(page), -1) {
		named = append(named, name[1])
	}
	made := []string{metricsPort + " port, " + anyConnection}
	for _, a := range (Cluster{Mode: Mutual}).attempts(Member{}, forged{}) {
		made = append(made, a.port+" port, "+a.name)
	}
	slices.Sort(named)
	slices.Sort(made)
	if diff := cmp.Diff(made, named); diff != "" {
		t.Errorf("attempts and docs/security.md (-made +named):\n%s", diff)
	}
}
