//go:build linux

package datadir

import "testing"

func TestWhoRootIsOutside(t *testing.T) {
	for mapping, want := range map[string]string{
		"         0          0 4294967295\n":                               "0",
		"         0     200000      65536\n":                               "200000", // userns-remap
		"         0       1000          1\n         1     200000  65536\n": "1000",   // a rootless engine
	} {
		if got := outside(mapping); got != want {
			t.Errorf("with %q root is %s outside, want %s", mapping, got, want)
		}
	}
}
