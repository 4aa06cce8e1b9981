package target

import (
	"testing"

	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/health/doctor"
)

func TestThatAMemberWasTakenBackIsNoCauseOfItsFailure(t *testing.T) {
	log := []string{`{"level":"warn","msg":"prober found high clock drift","clock-drift":"1.02s"}`}
	u := &converge.UnwellError{Server: "etcd1", What: "does not serve within 1m0s", Log: log}
	if d, found := doctor.Diagnose(doctor.Evidence{Members: []doctor.Member{unwell(u)}}); found && d.Known {
		t.Errorf("it is %+v", d)
	}
}

func TestFailureCarriesTheLastWordsAndWhereTheRestIs(t *testing.T) {
	u := &converge.UnwellError{Server: "etcd1", What: "exited with code 1", Log: []string{"one", "two"}}
	err := explainFailure(u, u.Server, u.Log)
	const want = "etcd1 exited with code 1\netcd1 says: one\netcd1 says: two"
	if err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if hint := hints.Of(err); hint != "`etcdctr logs etcd1` shows its whole log, if --keep has kept it" {
		t.Errorf("the hint is %s", hint)
	}
}
