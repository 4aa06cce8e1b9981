package cluster

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Version is an etcd release. Only releases of a supported minor have a value.
type Version struct {
	Minor int // of etcd 3
	Patch int
	Pre   string // what follows the patch, such as "-rc.1"; usually empty
}

// The etcd minors that the project supports: the ones upstream maintains.
const (
	OldestMinor = 5
	NewestMinor = 7
)

// DefaultVersion is the release a Spec gets that names none. It is the release
// linked into the binary, so that a machine without a registry can run it.
var DefaultVersion = Version{Minor: 7, Patch: 3}

// KnownPatches maps each supported minor to the release the project is tested
// with.
var KnownPatches = map[int]Version{
	5: {Minor: 5, Patch: 35},
	6: {Minor: 6, Patch: 16},
	7: {Minor: 7, Patch: 3},
}

// SupportedEtcd lists the supported minors, oldest first, as "v3.5".
func SupportedEtcd() []string {
	var out []string
	for m := OldestMinor; m <= NewestMinor; m++ {
		out = append(out, fmt.Sprintf("v3.%d", m))
	}
	return out
}

var (
	versionPattern = regexp.MustCompile(`^v?3\.(\d{1,3})\.(\d{1,4})(-[0-9A-Za-z.-]+)?$`)
	minorPattern   = regexp.MustCompile(`^v?3\.(\d{1,3})$`)
)

// ParseVersion reads "v3.7.3", with or without the v, or a minor alone such as
// "3.6", which stands for the release of it that the project is tested with.
func ParseVersion(s string) (Version, error) {
	if m := minorPattern.FindStringSubmatch(s); m != nil {
		minor, _ := strconv.Atoi(m[1]) // the pattern allows digits only
		if v, ok := KnownPatches[minor]; ok {
			return v, nil
		}
		return Version{}, unsupported(s)
	}
	m := versionPattern.FindStringSubmatch(s)
	if m == nil {
		return Version{}, fmt.Errorf("%q is not an etcd release: write it as %s", s, DefaultVersion)
	}
	minor, _ := strconv.Atoi(m[1])
	patch, _ := strconv.Atoi(m[2])
	if minor < OldestMinor || minor > NewestMinor {
		return Version{}, unsupported(s)
	}
	return Version{Minor: minor, Patch: patch, Pre: m[3]}, nil
}

func unsupported(s string) error {
	return fmt.Errorf("etcd %s is not supported: use one of %s", s, strings.Join(SupportedEtcd(), ", "))
}

// String gives the release as upstream tags it: "v3.7.3".
func (v Version) String() string {
	return fmt.Sprintf("v3.%d.%d%s", v.Minor, v.Patch, v.Pre)
}
