package forward

import (
	"strings"
	"testing"
)

func TestWhoWantsHelpOrNamesEndpointsDoesNotAskTheMembers(t *testing.T) {
	for line, want := range map[string]bool{
		"get greeting": true, "-w json endpoint status": true, "member list": true,
		"version": false, "help get": false, "get --help": false, "get -h": false, "": false,
		"--endpoints http://127.0.0.1:1 get greeting": false, "get greeting --endpoints=http://127.0.0.1:1": false,
	} {
		if got := asks(strings.Fields(line)); got != want {
			t.Errorf("%q asks the members: %v, want %v", line, got, want)
		}
	}
}
