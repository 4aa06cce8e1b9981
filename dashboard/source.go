package dashboard

import (
	"context"
	"io"
	"time"

	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/runtime"
)

// Source is the cluster that is shown. Its methods may be called at the same time.
type Source interface {
	// Observe tells what runs the members and how.
	Observe(ctx context.Context) (*runtime.State, error)
	// Check asks the members how they are.
	Check(ctx context.Context) (health.Report, error)
	// Scrape gives a member's metrics in the text format of Prometheus.
	Scrape(ctx context.Context, member string) (io.ReadCloser, error)
	// Listen gives what members have said since, and goes on until ctx ends.
	Listen(ctx context.Context, since time.Time, line func(runtime.Line)) error
	// Steps are those of changes that were begun, or have failed, after a moment.
	Steps(after time.Time) ([]Step, error)
	// Diagnose names the cause of what is wrong, and Prove tries who can reach the
	// members. Both take their time and are asked for by whoever looks.
	Diagnose(ctx context.Context) (Diagnosis, error)
	Prove(ctx context.Context) ([]Proof, error)
}

// Step is one of a change, such as of `etcdctr up`.
type Step struct {
	Time    time.Time
	Servers []string
	Text    string
	Failed  bool
}

// Diagnosis is a cause and what to do about it; no cause where there is nothing to
// put right.
type Diagnosis struct {
	Member  string `json:"member,omitempty"`
	Cause   string `json:"cause,omitempty"`
	Command string `json:"command,omitempty"` // to be typed
	ByHand  string `json:"byHand,omitempty"`  // instead of a command
}

// Proof is one way to reach a member, and whether it is as promised.
type Proof struct {
	Subject  string `json:"subject"`
	Check    string `json:"check"`
	Expected string `json:"expected"`
	Seen     string `json:"seen"`
	OK       bool   `json:"ok"`
}
