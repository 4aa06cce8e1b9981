package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/images"
)

// imageSource is where an image's programs may come from.
type imageSource struct {
	word, means string
	versioned   bool // it has whatever release is asked for
	open        func(*sourceFlags, images.Progress) (images.Source, error)
}

// Sources that have flags of their own.
const (
	sourceRelease = "release"
	sourceDir     = "dir"
)

// imageSources are all of them, the usual one first.
var imageSources = []imageSource{
	{"self", "this program", false, func(*sourceFlags, images.Progress) (images.Source, error) { return selfSource() }},
	{"module", "compiled from Go modules", true, moduleSource},
	{sourceRelease, "upstream's archive", true, releaseSource},
	{sourceDir, "programs you have", false, func(f *sourceFlags, _ images.Progress) (images.Source, error) { return images.Dir{Path: f.dir}, nil }},
}

func moduleSource(f *sourceFlags, progress images.Progress) (images.Source, error) {
	version, cache, err := f.fetched()
	return images.Module{Version: version, Cache: cache, Progress: progress}, err
}

func releaseSource(f *sourceFlags, progress images.Progress) (images.Source, error) {
	version, cache, err := f.fetched()
	return images.Release{Version: version, Mirror: f.mirror, PlainHTTP: f.plainHTTP, Cache: cache, Progress: progress}, err
}

// fetched is which release is wanted, and where what comes from elsewhere is kept.
func (f *sourceFlags) fetched() (version string, cache images.Cache, err error) {
	v, err := f.version()
	if err != nil {
		return "", images.Cache{}, usage(err)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", images.Cache{}, withHint(fmt.Errorf("find a folder for what is downloaded and compiled: %w", err), "set XDG_CACHE_HOME")
	}
	return v.String(), images.Cache{Dir: filepath.Join(dir, "etcdctr")}, nil
}

// chosen is the source that the flags choose.
func (f *sourceFlags) chosen() imageSource {
	return imageSources[slices.IndexFunc(imageSources, func(s imageSource) bool { return s.word == f.source })]
}

// wordsOfSources are the words of all of them, and these with what they mean.
func wordsOfSources() (words []string, described string) {
	var texts []string
	for _, s := range imageSources {
		words, texts = append(words, s.word), append(texts, s.word+" ("+s.means+")")
	}
	return words, either(texts, "or")
}

// versionedSources are those that have whatever release is asked for.
func versionedSources() string {
	var words []string
	for _, s := range imageSources {
		if s.versioned {
			words = append(words, s.word)
		}
	}
	return either(words, "and")
}

// either gives "a, b or c".
func either(words []string, last string) string {
	n := len(words) - 1
	if n < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:n], ", ") + " " + last + " " + words[n]
}
