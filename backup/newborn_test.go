package backup

import "testing"

// A cluster gives itself 3.0.0 until it has heard which releases its members run, which
// takes seconds: that says nothing about who wrote its data.
func TestDataOfAClusterThatHasAgreedOnNoReleaseIsOfAny(t *testing.T) {
	for _, test := range []struct {
		of      Contents
		newborn bool
		reader  int
	}{
		{Contents{}, true, oldest},
		{Contents{ClusterVersion: "3.0.0"}, true, oldest},
		{Contents{ClusterVersion: "3.5.0"}, false, 5},
		{Contents{ClusterVersion: "3.4.0"}, false, 4},
		{Contents{ClusterVersion: "3.6.0", StorageVersion: "3.6.0"}, false, 6},
	} {
		if got, reader := test.of.newborn(), test.of.Reader(); got != test.newborn || reader != test.reader {
			t.Errorf("%+v: newborn %v, read by 3.%d", test.of, got, reader)
		}
	}
}
