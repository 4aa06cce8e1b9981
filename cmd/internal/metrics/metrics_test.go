package metrics

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestMetricsAreThereOnceTheyAreRegistered(t *testing.T) {
	early := prometheus.NewCounter(prometheus.CounterOpts{Name: "etcdctr_test_early", Help: "Made before."})
	dropped := prometheus.NewCounter(prometheus.CounterOpts{Name: "etcdctr_test_dropped", Help: "Taken back before."})
	late := prometheus.NewCounter(prometheus.CounterOpts{Name: "etcdctr_test_late", Help: "Made after."})

	prometheus.MustRegister(early, dropped)
	if !prometheus.Unregister(dropped) || prometheus.Unregister(late) {
		t.Error("what was put off, and nothing else, can be taken back")
	}
	if got := gathered(t); got["etcdctr_test_early"] {
		t.Error("it is registered at once, which costs every command its time")
	}
	Register()
	prometheus.MustRegister(late)
	got := gathered(t)
	for name, want := range map[string]bool{"etcdctr_test_early": true, "etcdctr_test_dropped": false, "etcdctr_test_late": true} {
		if got[name] != want {
			t.Errorf("%s is there: %v, want %v", name, got[name], want)
		}
	}
}

func gathered(t *testing.T) map[string]bool {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range families {
		names[f.GetName()] = true
	}
	return names
}
