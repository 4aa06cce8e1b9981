// Package images makes etcd images: binaries from somewhere, into an OCI
// image, to somewhere.
//
//	Source ──▶ Binaries ──▶ Image ──▶ Engine, OCI layout, archive or registry
//
// A Source finds etcd, etcdctl and etcdutl for one platform; Origins lists the kinds of
// them. What it finds are Binaries: examined,
// static, of one version and one architecture; anything else is refused there,
// before an image exists.
//
// Build turns Binaries into an Image with the official image's layout: the
// programs in /usr/local/bin, the data in /var/lib/etcd, ports 2379 and 2380
// declared, a CMD and no ENTRYPOINT. No builder and no base image take part,
// and nothing of the machine or the hour gets in: the same binaries give the
// same digest wherever and whenever they are packed.
//
// Load, WriteLayout, WriteArchive and Push take images to where they are used.
// A software bill of materials goes along as an OCI referrer wherever the
// destination can hold one.
//
// The package never prints: what takes time tells a Progress about it.
package images

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// A Source is a place that etcd's programs come from.
type Source interface {
	// Binaries finds etcd, etcdctl and etcdutl for one platform and examines
	// them. The error says everything that is wrong with what was found.
	Binaries(ctx context.Context, platform v1.Platform) (*Binaries, error)
}

// Event tells how work on one thing goes.
type Event struct {
	Item    string // what is worked on: a file name, an image reference
	Action  string // what is done to it: "downloading"
	Detail  string // what of it right now, if that changes often
	Current int64  // bytes so far
	Total   int64  // bytes in the end, 0 when unknown or not counted
	Done    bool   // the action ended well
}

// Progress is told about work under way. It is called from the goroutine that
// works, often, and must return quickly. A nil Progress is not called.
type Progress func(Event)

func (p Progress) report(e Event) {
	if p != nil {
		p(e)
	}
}
