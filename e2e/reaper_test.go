package e2e

import (
	"errors"
	"strings"
	"testing"
)

// Why there is no reaper comes before what helps where it is another reason.
func TestTheCauseOfAMissingReaperComesFirst(t *testing.T) {
	cause := errors.New("no such host")
	err := withoutReaper("192.0.2.1", cause)
	why, helps, _ := strings.Cut(err.Error(), cause.Error())
	if !errors.Is(err, cause) || strings.Contains(why, "TESTCONTAINERS") {
		t.Errorf("it says %v", err)
	}
	for _, variable := range []string{"TESTCONTAINERS_RYUK_DISABLED", "TESTCONTAINERS_HOST_OVERRIDE", "192.0.2.1"} {
		if !strings.Contains(helps, variable) {
			t.Errorf("it does not say %s: %v", variable, err)
		}
	}
}
