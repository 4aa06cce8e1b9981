package images

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/etcdctr/etcdctr/internal/listed"
	"github.com/etcdctr/etcdctr/internal/option"
)

// Origin is a kind of Source, by the word that people choose it by.
type Origin struct {
	Word, Means string
	// What tells more of it than Means, where there is room for a line.
	What string
	// Versioned says that it has whatever release is asked for.
	Versioned bool
	source    func(SourceOptions) Source
}

// Words of origins that have options of their own.
const (
	FromRelease = "release"
	FromDir     = "dir"
)

// SourceOptions are what the sources of all origins go by: each takes what it needs.
type SourceOptions struct {
	Self      Self
	Version   string // of what is Versioned, "v3.7.3"
	Dir       string // of FromDir
	Mirror    string // of FromRelease, as is PlainHTTP
	PlainHTTP bool
	Cache     Cache // of what is Versioned
	Progress  Progress
}

var origins = []Origin{
	{"self", "this program", "the etcd, etcdctl and etcdutl inside this program", false, func(o SourceOptions) Source { return o.Self }},
	{"module", "compiled from Go modules", "compiled from etcd's Go modules, with the Go toolchain found here", true, func(o SourceOptions) Source {
		return Module{Version: o.Version, Cache: o.Cache, Progress: o.Progress}
	}},
	{FromRelease, "upstream's archive", "upstream's archive, checked against its SHA256SUMS", true, func(o SourceOptions) Source {
		return Release{Version: o.Version, Mirror: o.Mirror, PlainHTTP: o.PlainHTTP, Cache: o.Cache, Progress: o.Progress}
	}},
	{FromDir, "programs you have", "programs you have", false, func(o SourceOptions) Source { return Dir{Path: o.Dir} }},
}

// Origins lists all of them, the usual one first.
func Origins() []Origin { return slices.Clone(origins) }

// OriginOf gives the one of a word.
func OriginOf(word string) (Origin, bool) {
	i := slices.IndexFunc(origins, func(o Origin) bool { return o.Word == word })
	if i < 0 {
		return Origin{}, false
	}
	return origins[i], true
}

// VersionedWords are those of the origins that have whatever release is asked for.
func VersionedWords() []string {
	var words []string
	for _, o := range origins {
		if o.Versioned {
			words = append(words, o.Word)
		}
	}
	return words
}

// Check tells everything of the options that a source of this kind lacks, or has no use
// for.
func (o Origin) Check(with SourceOptions) error {
	const source, dir, mirror, etcd = option.Name("source"), option.Name("dir"), option.Name("mirror"), option.Name("etcd")
	var errs []error
	if (o.Word == FromDir) != (with.Dir != "") {
		errs = append(errs, option.Errorf("%s %s and %s FOLDER go together", source, FromDir, dir))
	}
	if with.Mirror != "" && o.Word != FromRelease {
		errs = append(errs, option.Errorf("%s is for %s %s", mirror, source, FromRelease))
	}
	if with.Version != "" && !o.Versioned {
		errs = append(errs, option.Errorf("%s is for %s %s: %s has the version it has", etcd, source, listed.And(VersionedWords()), o.Word))
	}
	return errors.Join(errs...)
}

// Source gives a source of this kind.
func (o Origin) Source(with SourceOptions) Source { return o.source(with) }

// BuildAll makes an image of what a source has for each platform.
func BuildAll(ctx context.Context, source Source, platforms []v1.Platform) ([]*Image, error) {
	var imgs []*Image
	for _, platform := range platforms {
		b, err := source.Binaries(ctx, platform)
		if err != nil {
			return nil, err
		}
		img, err := Build(b)
		if err != nil {
			return nil, err
		}
		imgs = append(imgs, img)
	}
	return imgs, nil
}

// String tells what a source had.
func (b *Binaries) String() string {
	var programs []string
	for _, name := range Names {
		programs = append(programs, name+" "+b.Version)
	}
	return fmt.Sprintf("%s: %s, %s, static", b.Origin, strings.Join(programs, ", "), b.Platform)
}
