package cluster_test

import (
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// What the file says of Prometheus is for when it comes back; a flag has no such excuse.
func TestAFlagTakesPrometheusAwayWhateverTheFileSaysOfIt(t *testing.T) {
	for flag, want := range map[string]string{
		"":                 "",
		"prometheus-image": "--prometheus-image: has no effect without monitoring: true: set that, or leave it out",
	} {
		spec, err := cluster.Load("etcdctr.yaml", []byte("monitoring: true\nprometheus-image: prom/prometheus:v3.16.0\nprometheus-port: 9090\nprometheus-retention: 4w\n"))
		if err != nil {
			t.Fatal(err)
		}
		if err := spec.Set("monitoring", "false"); err != nil {
			t.Fatal(err)
		}
		if flag != "" {
			if err := spec.Set(flag, "prom/prometheus:v3.15.0"); err != nil {
				t.Fatal(err)
			}
		}
		c, err := cluster.Resolve(spec, cluster.InContainers)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want || err == nil && c.Monitoring != nil {
			t.Errorf("with the flag %q:\n%s\nwant:\n%s", flag, got, want)
		}
	}
}
