package cluster

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Version is an etcd release.
type Version struct {
	Minor int // of etcd 3
	Patch int
	Pre   string // what follows the patch, such as "-rc.1"; usually empty
}

// Support is what the project promises of a minor of etcd.
type Support string

// The kinds of support.
const (
	// Supported minors are those that upstream maintains.
	Supported Support = "supported"
	// Untested is a pre-release: it can be asked for, by its full name only.
	Untested Support = "pre-release, untested"
	// Foreign minors are not run here, but known well enough to judge what
	// others wrote for them and to take their data over.
	Foreign Support = "not supported to run"
)

// Release is a minor of etcd. What a new one takes stands in CONTRIBUTING.md, "Where a
// change goes", as does what a patch takes.
type Release struct {
	// Tested is the release of the minor that the project is tested with, and
	// that the table was read from.
	Tested  Version
	Support Support
}

// releases are all that is known, oldest first and without a gap.
var releases = []Release{
	{Version{Minor: 4, Patch: 23}, Foreign},
	{Version{Minor: 5, Patch: 35}, Supported},
	{Version{Minor: 6, Patch: 16}, Supported},
	{Version{Minor: 7, Patch: 3}, Supported},
	{Version{Minor: 8, Patch: 0, Pre: "-alpha.0"}, Untested},
}

// Releases lists every minor that is known, oldest first, foreign ones and
// pre-releases included.
func Releases() []Release { return append([]Release(nil), releases...) }

// The oldest and the newest minor of etcd 3 that the project supports.
var (
	OldestMinor = supported()[0].Tested.Minor
	NewestMinor = supported()[len(supported())-1].Tested.Minor
)

// KnownPatches maps each supported minor to the release the project is tested
// with.
var KnownPatches = knownPatches()

// DefaultVersion is the release a Spec gets that names none. It is the release
// linked into the binary, so that a machine without a registry can run it.
var DefaultVersion = KnownPatches[NewestMinor]

func supported() []Release {
	var out []Release
	for _, r := range releases {
		if r.Support == Supported {
			out = append(out, r)
		}
	}
	return out
}

func knownPatches() map[int]Version {
	out := map[int]Version{}
	for _, r := range supported() {
		out[r.Tested.Minor] = r.Tested
	}
	return out
}

// findRelease gives the line of a minor.
func findRelease(minor int) (Release, bool) {
	for _, r := range releases {
		if r.Tested.Minor == minor {
			return r, true
		}
	}
	return Release{}, false
}

// SupportedEtcd lists the supported minors, oldest first, as "v3.5".
func SupportedEtcd() []string {
	var out []string
	for _, r := range supported() {
		out = append(out, minorName(r.Tested.Minor))
	}
	return out
}

// ReleaseWords are what a Spec's key etcd takes for what is supported, the newest first:
// each minor, and the release of it that is tested.
func ReleaseWords() []string {
	var out []string
	for _, r := range slices.Backward(supported()) {
		out = append(out, strings.TrimPrefix(minorName(r.Tested.Minor), "v"), r.Tested.String())
	}
	return out
}

// minorName gives a minor of etcd 3 as "v3.5".
func minorName(minor int) string { return fmt.Sprintf("v3.%d", minor) }

var (
	versionPattern = regexp.MustCompile(`^v?3\.(\d{1,3})\.(\d{1,4})(-[0-9A-Za-z.-]+)?$`)
	minorPattern   = regexp.MustCompile(`^v?3\.(\d{1,3})$`)
)

// ParseVersion reads "v3.7.3", with or without the v, or a minor alone such as
// "3.6", which stands for the release of it that the project is tested with. It
// gives releases that can be run: of a supported minor, or a pre-release by its
// full name.
func ParseVersion(s string) (Version, error) {
	v, full, err := readVersion(s)
	if err != nil {
		return Version{}, err
	}
	r, known := findRelease(v.Minor)
	switch {
	case known && r.Support == Supported && full:
		return v, nil
	case known && r.Support == Supported, known && r.Support == Untested && v == r.Tested:
		return r.Tested, nil
	case known && r.Support == Untested:
		return Version{}, fmt.Errorf("etcd %s is not released: use one of %s, or by its full name the pre-release %s, which is not tested",
			s, strings.Join(SupportedEtcd(), ", "), r.Tested)
	}
	return Version{}, fmt.Errorf("etcd %s is not supported: use one of %s", s, strings.Join(SupportedEtcd(), ", "))
}

// ReadVersion reads any release of etcd 3 by its full name, "v3.4.23" with or
// without the v, whether it is supported or not: of what others run.
func ReadVersion(s string) (Version, error) {
	v, full, err := readVersion(s)
	if err == nil && !full {
		err = fmt.Errorf("%q is a minor of etcd, not a release such as %s", s, DefaultVersion)
	}
	return v, err
}

// readVersion reads a release, or a minor alone, which is not full.
func readVersion(s string) (v Version, full bool, err error) {
	if m := minorPattern.FindStringSubmatch(s); m != nil {
		v.Minor, _ = strconv.Atoi(m[1]) // the pattern allows digits only
		return v, false, nil
	}
	m := versionPattern.FindStringSubmatch(s)
	if m == nil {
		return Version{}, false, fmt.Errorf("%q is not an etcd release: write it as %s", s, DefaultVersion)
	}
	v.Minor, _ = strconv.Atoi(m[1])
	v.Patch, _ = strconv.Atoi(m[2])
	v.Pre = m[3]
	return v, true, nil
}

// Support tells what the project promises of the release; empty for a minor
// that it does not know.
func (v Version) Support() Support {
	r, _ := findRelease(v.Minor)
	if r.Support == Supported && v.Pre != "" {
		return Untested
	}
	return r.Support
}

// String gives the release as upstream tags it: "v3.7.3".
func (v Version) String() string {
	return fmt.Sprintf("v3.%d.%d%s", v.Minor, v.Patch, v.Pre)
}
