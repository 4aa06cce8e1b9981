package cluster

import (
	"fmt"
	"regexp"

	"github.com/distribution/reference"
)

// OfficialImage is where the etcd project publishes its image.
const OfficialImage = "gcr.io/etcd-development/etcd"

// ProgramInImage is where that image has etcd, as have those that are made here.
const ProgramInImage = "/usr/local/bin/etcd"

// release decides the etcd release and the image. The two have to agree,
// because the release decides which settings exist; so either brings the
// other along.
func (r *resolver) release() (Version, string) {
	s := r.spec
	var tagged tagRelease
	if s.Image != "" {
		var err error
		if tagged, err = taggedRelease(s.Image); err != nil {
			r.report("image", "%s", err)
		}
		if tagged == (tagRelease{}) && s.imageRelease != (Version{}) {
			tagged = tagRelease{Version: s.imageRelease, full: true}
		}
		if s.ImageToAsk() != "" && err == nil && !Runtime(s.Runtime).RunsPrograms() {
			r.report("image", "%s does not say which etcd it is: add etcd: with its release, such as %s", s.Image, minorName(DefaultVersion.Minor))
		}
	}
	if s.Etcd == "" {
		if tagged == (tagRelease{}) {
			tagged.Version = DefaultVersion
		}
		return tagged.Version, or(s.Image, OfficialImage+":"+tagged.String())
	}
	v, err := ParseVersion(s.Etcd)
	if err != nil {
		r.report("etcd", "%s", err)
		return DefaultVersion, s.Image
	}
	if v.Support() == Untested {
		r.warn("etcd", "%s is a pre-release, which is not tested here: for trying it out, not for data that matters", v)
	}
	if !tagged.isOf(s.Etcd, v) {
		r.report("image", "%s is etcd %s, but etcd: asks for %s: change one of them", s.Image, tagged, v)
	} else if tagged.full {
		v = tagged.Version
	}
	return v, or(s.Image, OfficialImage+":"+v.String())
}

// ImageToAsk is the image of which neither its tag nor the key etcd says what
// release it is; empty if there is none. Whoever can ask the image itself tells by
// WithImageRelease.
func (s Spec) ImageToAsk() string {
	tagged, err := taggedRelease(s.Image)
	if s.Image == "" || s.Etcd != "" || s.imageRelease != (Version{}) || err != nil || tagged != (tagRelease{}) {
		return ""
	}
	return s.Image
}

// WithImageRelease gives the spec with the release that its image was found to be.
func (s Spec) WithImageRelease(v Version) Spec {
	s.imageRelease = v
	return s
}

// tagRelease is the release that a tag names. Where it names a minor alone, it
// stands for one of its releases that is not known, and is the one that the project
// is tested with.
type tagRelease struct {
	Version
	full bool
}

// isOf reports whether the image may be what is asked for.
func (t tagRelease) isOf(asked string, v Version) bool {
	switch {
	case t == (tagRelease{}):
		return true
	case !t.full || minorPattern.MatchString(asked):
		return t.Minor == v.Minor
	}
	return t.Version == v
}

// tagPattern finds the release that a tag begins with: v3.7.3, 3.5, or what others
// make of it, such as 3.5.21-debian-12-r5.
var tagPattern = regexp.MustCompile(`^v?(3\.\d{1,3}(?:\.\d{1,4}(?:-(?:alpha|beta|rc)\.\d+)?)?)(?:[-_+.].*)?$`)

// taggedRelease gives the release that an image's tag names; the zero tagRelease
// for none.
func taggedRelease(image string) (tagRelease, error) {
	ref, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return tagRelease{}, fmt.Errorf("%q is not an image reference such as %s:%s: %w", image, OfficialImage, DefaultVersion, err)
	}
	tagged, ok := ref.(reference.Tagged)
	if !ok {
		return tagRelease{}, nil
	}
	m := tagPattern.FindStringSubmatch(tagged.Tag())
	if m == nil {
		return tagRelease{}, nil
	}
	v, err := ParseVersion(m[1])
	return tagRelease{Version: v, full: versionPattern.MatchString(m[1])}, err
}
