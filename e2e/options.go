package e2e

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"slices"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"

	"github.com/etcdctr/etcdctr/cluster"
)

// Option says something about the cluster to start. Options apply in their
// order.
type Option func(*options)

type options struct {
	spec      cluster.Spec
	reuse     string // name of a cluster that outlives the run
	networks  []string
	customize []testcontainers.ContainerCustomizer
	logger    log.Logger
	copies    bool // files, even to an engine that is here
}

// defaults apply before the caller's options. There are none but in the
// module's own suite, which has no registry to pull images from.
var defaults []Option

func optionsOf(opts ...Option) *options {
	o := &options{}
	for _, opt := range slices.Concat(defaults, opts) {
		opt(o)
	}
	return o
}

// WithSpec describes the whole cluster. It takes the place of what the options
// before it said of the cluster.
func WithSpec(spec cluster.Spec) Option {
	return func(o *options) { o.spec = spec }
}

// WithMembers asks for n members; without it there are three. One member
// starts fastest, and is enough for a test that does not stop any.
func WithMembers(n int) Option {
	return func(o *options) { o.spec.Members = cluster.Count(n) }
}

// WithEtcd chooses the release, such as v3.6.16, or the minor, such as 3.6.
func WithEtcd(release string) Option {
	return func(o *options) { o.spec.Etcd = release }
}

// WithImage chooses the image; without it, it is the official one of the
// release. An image that the engine does not have is pulled.
func WithImage(reference string) Option {
	return func(o *options) { o.spec.Image = reference }
}

// WithTLS chooses how connections are secured; without it, by mutual TLS.
func WithTLS(mode cluster.TLSMode) Option {
	return func(o *options) { o.spec.TLS = string(mode) }
}

// WithBootstrap chooses how the members find each other; without it, by a
// static list.
func WithBootstrap(b cluster.Bootstrap) Option {
	return func(o *options) { o.spec.Bootstrap = string(b) }
}

// WithNetwork puts the members on one more network, for containers that are
// there: see Cluster.ContainerEndpoints. The network is the caller's, who makes
// it before and removes it after the cluster.
func WithNetwork(name string) Option {
	return func(o *options) { o.networks = append(o.networks, name) }
}

// WithContainer applies testcontainers' own options to each of the cluster's
// containers, for what a Spec does not say: log consumers, image substitutors,
// lifecycle hooks.
func WithContainer(customize ...testcontainers.ContainerCustomizer) Option {
	return func(o *options) { o.customize = append(o.customize, customize...) }
}

// WithLogger says where testcontainers reports what it does; without it, in
// the test's log, or with Run where testcontainers' own default is.
func WithLogger(logger log.Logger) Option {
	return func(o *options) { o.logger = logger }
}

// namePrefix begins the names of clusters that are not given one.
const namePrefix = "etcdctr-e2e"

// resolve decides what the cluster is. host is where the engine publishes
// ports, as seen from here.
func (o *options) resolve(host string, in cluster.Placement) (*cluster.Cluster, error) {
	spec := o.spec
	if spec.Name = cmp.Or(o.reuse, spec.Name, namePrefix); o.reuse == "" {
		spec.Name = uniqueName(spec.Name)
	}
	if spec.Profile == "" {
		spec.Profile = "ci"
	}
	if spec.Data == "" {
		spec.Data = string(cluster.Volume)
	}
	spec.Publish = string(cluster.PublishLoopback)
	if spec.WantsFreshToken() {
		var err error
		if spec.DiscoveryToken, err = cluster.NewDiscoveryToken(rand.Reader); err != nil {
			return nil, err
		}
	}
	return cluster.Resolve(spec, func(seat cluster.Seat) cluster.Place {
		place := in(seat)
		if host != localAddress {
			place.AlsoKnownAs = append(place.AlsoKnownAs, host)
		}
		return place
	})
}

// processID begins the random part of every name, so that what one process has
// made can be told from what others have.
var processID = randomHex(2)

// uniqueName gives a name that nothing else on the engine has.
func uniqueName(prefix string) string {
	return prefix + "-" + processID + randomHex(3)
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b)
	return hex.EncodeToString(b)
}
