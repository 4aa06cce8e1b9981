package lint

import (
	"fmt"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
)

// releaseRules are about images and releases.
var releaseRules = []Rule{
	{
		ID: "release-unsupported", Severity: Warning,
		Title:  "the release is not maintained any more",
		Why:    "nobody repairs it, not even for security",
		Source: "https://etcd.io/docs/v3.6/op-guide/versioning/",
		Bad:    "    image: quay.io/coreos/etcd:v3.3.8",
		Good:   "    image: quay.io/coreos/etcd:v3.6.16",
		check:  eachMember(checkSupported),
	},
	{
		ID: "release-inconsistent", Severity: Warning,
		Title:  "the release is known to corrupt data",
		Why:    "members can come to hold different data, without a word in any log",
		Source: "https://github.com/etcd-io/etcd/blob/main/Documentation/postmortems/v3.5-data-inconsistency.md and the table in cluster/upgrade.go",
		Bad:    "    image: quay.io/coreos/etcd:v3.5.0",
		Good:   "    image: quay.io/coreos/etcd:v3.5.35",
		check:  eachMember(checkConsistent),
	},
	{
		ID: "release-upgrade-trap", Severity: Warning,
		Title:  "the release is a trap on the way to the next minor",
		Why:    "an upgrade from it can stop half way, or bring back members that were removed: 3.6 believes a list that old releases of 3.5 kept wrongly",
		Source: "https://etcd.io/blog/2025/zombie_members_upgrade/ and the table in cluster/upgrade.go",
		Bad:    "    image: quay.io/coreos/etcd:v3.5.9",
		Good:   "    image: quay.io/coreos/etcd:v3.5.35",
		check:  eachMember(checkUpgradeTrap),
	},
	{
		ID: "image-unmaintained", Severity: Warning,
		Title:  "the image was withdrawn, or is not maintained",
		Why:    "it gets no repairs, and one day it can't be pulled",
		Source: "https://github.com/bitnami/containers/issues/83267",
		Bad:    "    image: bitnami/etcd:3.5.9",
		Good:   "    image: gcr.io/etcd-development/etcd:v3.5.35",
		check:  eachContainer(checkMaintained),
	},
	{
		ID: "tag-floating", Severity: Warning,
		Title:  "the tag of the image moves",
		Why:    "a pull brings another release, and one minor too many at once stops the cluster",
		Source: "https://etcd.io/docs/v3.6/upgrades/",
		Bad:    "    image: quay.io/coreos/etcd:latest",
		Good:   "    image: quay.io/coreos/etcd:v3.6.16",
		check:  eachContainer(checkTag),
	},
}

func checkSupported(m *Member, r *reporter) {
	if !m.Release.Known || m.Release.Major > 3 || m.Release.Minor > cluster.NewestMinor+1 {
		return
	}
	what := "is not maintained any more"
	v := cluster.Version{Minor: m.Release.Minor, Pre: m.Release.Pre}
	switch support := v.Support(); {
	case m.Release.Major == 3 && (support == cluster.Supported || support == cluster.Untested && m.Ours):
		return
	case m.Release.Major == 3 && support == cluster.Untested:
		what = "is a pre-release"
	}
	r.in(m, found{
		at: m.imageAt(), message: fmt.Sprintf("etcd %s %s", m.Release, what),
		remedy: "go to one of " + strings.Join(cluster.SupportedEtcd(), ", ") + ", a minor at a time",
	})
}

// imageAt is where the image is written, or else the member.
func (m *Member) imageAt() Place {
	if m.Container != nil {
		if e, ok := m.Container.v.find("image"); ok {
			return e.value.at
		}
	}
	return m.At
}

func checkConsistent(m *Member, r *reporter) { checkTraps(m, r, false) }

func checkUpgradeTrap(m *Member, r *reporter) { checkTraps(m, r, true) }

// checkTraps tells what is known against a release: on the way to the next
// minor, or anywhere. The trap that takes the newest release to get out of is
// told of.
func checkTraps(m *Member, r *reporter, onTheWay bool) {
	v, ok := m.Release.version()
	if !ok {
		return
	}
	var worst *cluster.Trap
	for _, t := range cluster.Traps(v) {
		if (t.Towards != 0) == onTheWay && (worst == nil || t.Last > worst.Last) {
			worst = &t
		}
	}
	if worst == nil {
		return
	}
	f := found{
		at: m.imageAt(), message: fmt.Sprintf("etcd %s: %s", m.Release, worst.What),
		remedy: fmt.Sprintf("take %s or later: members can be replaced one by one (%s)", worst.Cure(), worst.Source),
	}
	if onTheWay {
		f.message = fmt.Sprintf("on the way from etcd %s to v3.%d %s", m.Release, worst.Towards, worst.What)
		f.remedy = fmt.Sprintf("take %s or later on all members before v3.%d (%s)", worst.Cure(), worst.Towards, worst.Source)
	}
	r.in(m, f)
}

// unmaintained are images by the beginning of their repository, and what became
// of them.
var unmaintained = []struct{ repository, why string }{
	{"docker.io/bitnamilegacy/etcd", "bitnamilegacy is an archive that gets no repairs"},
	{"docker.io/bitnami/etcd", "bitnami has withdrawn its images with a release in their tags"},
	{"docker.io/coreos/etcd", "it was never an image of the project, and has had no release for years"},
	{"docker.io/elcolio/etcd", "it is of etcd 2"},
	{"docker.io/appcelerator/etcd", "it has had no release for years"},
	{"docker.io/microbox/etcd", "it is of etcd 2"},
	{"k8s.gcr.io/etcd", "the registry is frozen: registry.k8s.io is its successor"},
	{"gcr.io/google_containers/etcd", "the registry is frozen: registry.k8s.io is its successor"},
	{"gcr.io/google-containers/etcd", "the registry is frozen: registry.k8s.io is its successor"},
}

func checkMaintained(m *Member, c *Container, r *reporter) {
	for _, u := range unmaintained {
		if c.image.repository == u.repository || strings.HasPrefix(c.image.repository, u.repository+"-") {
			r.in(m, found{
				at: m.imageAt(), message: fmt.Sprintf("%s: %s", c.image.repository, u.why),
				remedy: "take " + cluster.OfficialImage + " with the same release: data folder and user may differ, so move the data with care",
			})
			return
		}
	}
}

func checkTag(m *Member, c *Container, r *reporter) {
	if c.image.pinned || !c.image.isEtcd || unknown(c.Image) || c.Built {
		return
	}
	release, ok := ParseRelease(c.image.tag)
	if ok && release.Patch >= 0 {
		return
	}
	what := "the tag " + c.image.tag + " moves"
	if c.image.tag == "" {
		what = "the image has no tag, which is latest"
	}
	r.in(m, found{at: m.imageAt(), message: what, remedy: wholeRelease(c.image.tag)})
}

// wholeRelease says what takes the place of a tag that moves: nothing that the data of who
// runs now would not go with.
func wholeRelease(tag string) string {
	newest, err := cluster.ParseVersion(strings.TrimPrefix(tag, "v"))
	if err != nil {
		return "write the whole release that it is now, which `etcd --version` in the container tells, such as " + cluster.DefaultVersion.String()
	}
	return "write a whole release of it, such as " + newest.String()
}
