package stack

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a file says with a colon, engines are told without one, and the hash stays.
func TestEnginesAreToldOfPrivilegesWithoutAColon(t *testing.T) {
	w := wanted(t, `{name: p, services: {a: {image: x, security_opt: ["no-new-privileges:true", "label=disable"]}}}`)
	s := w.Project.Services["a"]
	before, err := serviceHash(s)
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.creation(s, "p-a-1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"no-new-privileges", "label=disable"}, c.host.SecurityOpt); diff != "" {
		t.Errorf("security options (-want +got):\n%s", diff)
	}
	if after, err := serviceHash(s); err != nil || after != before {
		t.Errorf("the hash was %s and is %s: %v", before, after, err)
	}
}
