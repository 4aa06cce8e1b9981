package runtime

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
)

// Exposer is a Runtime that can tell from where its servers are reached: what is
// published, listened on, and who is on their networks.
type Exposer interface {
	// Expose compares what want promises with what there is. Warnings are what no
	// comparison can tell.
	Expose(ctx context.Context, want *cluster.Cluster) (all []Exposure, warnings []string, err error)
}

// Exposure is one thing that was promised and looked at, in words that can be
// compared.
type Exposure struct {
	Subject        string // a server or a network
	Check          string
	Expected, Seen string
	// Remedy is what to do where they differ, if it is something of its own.
	Remedy string

	there, beside []string // of the company on a network
}

// Nothing is the word for an exposure that there is not.
const Nothing = "none"

// Company compares who is on the network of a cluster's members besides these with who
// may be: those that are there of the beside.
func Company(network, check string, there, beside []string) Exposure {
	return company("network "+network, check, there, beside)
}

// With is the company on a network where some more may be; any other exposure is as it is.
func (x Exposure) With(beside ...string) Exposure {
	if len(x.there) == 0 {
		return x
	}
	return company(x.Subject, x.Check, x.there, slices.Concat(x.beside, beside))
}

func company(subject, check string, there, beside []string) Exposure {
	uninvited := slices.DeleteFunc(slices.Clone(there), func(who string) bool { return slices.Contains(beside, who) })
	invited := slices.DeleteFunc(slices.Clone(there), func(who string) bool { return slices.Contains(uninvited, who) })
	x := Exposure{Subject: subject, Check: check, Expected: sorted(invited), Seen: sorted(there), there: there, beside: beside}
	if len(uninvited) > 0 {
		x.Remedy = fmt.Sprintf("whoever is on the members' network reaches their ports, and gets no further there than its certificate: "+
			"--beside '%s' expects an application that belongs there, and anybody else is to leave the network", strings.Join(uninvited, ","))
	}
	return x
}

func sorted(words []string) string {
	if len(words) == 0 {
		return Nothing
	}
	return strings.Join(slices.Sorted(slices.Values(words)), ", ")
}
