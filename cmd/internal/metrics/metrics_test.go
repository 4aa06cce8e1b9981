package metrics

import (
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestPackagesThatAreInitialisedLaterRegisterHere(t *testing.T) {
	if prometheus.DefaultRegisterer != prometheus.Registerer(&kept) {
		t.Error("metrics are registered at once, which costs every command its time")
	}
}

func TestMetricsAreThereOnceTheyAreReleased(t *testing.T) {
	usual := prometheus.NewRegistry()
	p := postponed{registry: usual}
	wanted, dropped := counter("wanted"), counter("dropped")
	p.MustRegister(wanted, dropped)
	if !p.Unregister(dropped) || p.Unregister(counter("stranger")) {
		t.Error("what was put off, and nothing else, can be taken back")
	}
	if got := namesIn(t, usual); len(got) > 0 {
		t.Errorf("before: %q are there", got)
	}
	p.release()
	if got := namesIn(t, usual); !slices.Equal(got, []string{"wanted"}) {
		t.Errorf("after: %q are there, want wanted alone", got)
	}
}

func counter(name string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: "For a test."})
}

func namesIn(t *testing.T, r *prometheus.Registry) []string {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range families {
		names = append(names, f.GetName())
	}
	return names
}
