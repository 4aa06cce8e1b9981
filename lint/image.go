package lint

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/distribution/reference"

	"github.com/etcdctr/etcdctr/cluster"
)

// Release is the release of etcd that a description names, as far as it does.
type Release struct {
	Major, Minor, Patch int    // Patch is -1 if only the minor is named
	Pre                 string // as "-rc.1"
	Known               bool   // Major and Minor are
}

// String gives the release as far as it is known.
func (r Release) String() string {
	switch {
	case !r.Known:
		return "unknown"
	case r.Patch < 0:
		return fmt.Sprintf("v%d.%d", r.Major, r.Minor)
	}
	return fmt.Sprintf("v%d.%d.%d%s", r.Major, r.Minor, r.Patch, r.Pre)
}

// minor gives the minor of etcd 3, if it is one that package cluster has a table
// of.
func (r Release) minor() (int, bool) {
	v := cluster.Version{Minor: r.Minor}
	return r.Minor, r.Known && r.Major == 3 && v.Support() != ""
}

// version gives the whole release, if it is known.
func (r Release) version() (cluster.Version, bool) {
	_, ok := r.minor()
	return cluster.Version{Minor: r.Minor, Patch: r.Patch, Pre: r.Pre}, ok && r.Patch >= 0
}

var releasePattern = regexp.MustCompile(`^v?([23])\.(\d{1,3})(?:\.(\d{1,4}))?(-(?:alpha|beta|rc)[0-9.]*)?(?:[-.+_].*)?$`)

// ParseRelease reads a release at the beginning of a tag, such as v3.5.9,
// 3.5 or 3.6.4-debian-12-r4.
func ParseRelease(s string) (Release, bool) {
	m := releasePattern.FindStringSubmatch(s)
	if m == nil {
		return Release{}, false
	}
	r := Release{Known: true, Patch: -1, Pre: m[4]}
	r.Major, _ = strconv.Atoi(m[1]) // the pattern has digits only
	r.Minor, _ = strconv.Atoi(m[2])
	if m[3] != "" {
		r.Patch, _ = strconv.Atoi(m[3])
	}
	return r, true
}

// maker is who makes an image; layouts and entrypoints differ by it.
type maker string

const (
	upstream maker = "etcd"    // no shell since 3.5, no ENTRYPOINT
	bitnami  maker = "bitnami" // a shell, scripts, data of its own user
	packed   maker = "etcdctr" // no shell, no ENTRYPOINT, a user of its own
	other    maker = ""
)

// bitnamiData is where bitnami's scripts have the data if nothing says
// otherwise.
const bitnamiData = "/bitnami/etcd/data"

// The name that `etcdctr image build` gives an image, the user that it runs as.
const (
	packedName = "localhost/etcd"
	packedUser = "65532"
)

// packedData are the folders that are theirs.
var packedData = []string{"/var/lib/etcd", "/etcd-data"}

// upstreamData is the folder of upstream's images that their process is started in.
const upstreamData = "/var/lib/etcd"

// imageName is what the name of an image tells.
type imageName struct {
	repository string // with its registry, as docker.io/bitnami/etcd
	tag        string
	pinned     bool // by a digest
	maker      maker
	isEtcd     bool // by its name
	readable   bool
}

// etcdImage matches the last part of a repository that holds etcd, vendors'
// included: etcd, etcd-amd64, mirrored-coreos-etcd. What looks after an etcd,
// such as etcd-operator or etcdkeeper, is none.
var etcdImage = regexp.MustCompile(`^([a-z0-9._-]+[-_.])?etcd(3|-amd64|-arm64|-arm|-ppc64le|-s390x|-server)?$`)

// upstreamImages are those that the project etcd publishes.
var upstreamImages = []string{"gcr.io/etcd-development/etcd", "quay.io/coreos/etcd"}

// home is the folder that an image's process is started in where nobody says another;
// empty if that is not known. Upstream's has one since it is made without a shell, which is
// since v3.5.7, and of 3.4 since a patch that its change log does not name.
func (n imageName) home(r Release) string {
	switch {
	case n.maker == packed:
		return packedData[0]
	case n.maker != upstream:
		return ""
	case !r.Known || r.Major > 3 || r.Minor > 5 || r.Minor == 5 && (r.Patch < 0 || r.Patch >= 7):
		return upstreamData
	case r.Minor == 4 && (r.Patch < 0 || r.Patch > 22):
		return ""
	}
	return "/"
}

func readImage(image string) imageName {
	if name, _, open := strings.Cut(image, "$"); open {
		image = strings.TrimRight(name, ":@") // what comes is known when it runs
	}
	ref, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return imageName{}
	}
	n := imageName{repository: ref.Name(), readable: true}
	if tagged, ok := ref.(reference.Tagged); ok {
		n.tag = tagged.Tag()
	}
	_, n.pinned = ref.(reference.Digested)
	last := n.repository[strings.LastIndexByte(n.repository, '/')+1:]
	n.isEtcd = etcdImage.MatchString(last)
	switch {
	case !n.isEtcd:
	case strings.Contains(n.repository, "bitnami"):
		n.maker = bitnami
	case n.repository == packedName:
		n.maker = packed
	default:
		for _, u := range upstreamImages {
			if n.repository == u || strings.HasPrefix(n.repository, u+"-") {
				n.maker = upstream
			}
		}
	}
	return n
}
