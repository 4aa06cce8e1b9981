package stack

import (
	"errors"
	"testing"
)

func TestAnEngineWithoutASubnetIsToldFromOthers(t *testing.T) {
	for text, want := range map[string]bool{
		"could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network": true,
		"all predefined address pools have been fully subnetted":                                                     true,
		"could not find free subnet from subnet pools":                                                               true,
		"Pool overlaps with other one on this address space":                                                         false,
		"no space left on device":                                                                                    false,
	} {
		cause := errors.New(text)
		err := networkError(cause)
		if got := errors.Is(err, ErrNoSubnet); got != want || !errors.Is(err, cause) {
			t.Errorf("%q is an engine without a subnet: %t, want %t; the error is %v", text, got, want, err)
		}
	}
}
