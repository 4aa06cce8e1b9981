package images

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEveryOriginGivesItsSource(t *testing.T) {
	cache := Cache{Dir: "cache"}
	with := SourceOptions{Self: Self{File: "etcdctr"}, Version: "v3.7.3", Dir: "programs", Mirror: "https://mirror", PlainHTTP: true, Cache: cache}
	want := map[string]Source{
		"self":    Self{File: "etcdctr"},
		"module":  Module{Version: "v3.7.3", Cache: cache},
		"release": Release{Version: "v3.7.3", Mirror: "https://mirror", PlainHTTP: true, Cache: cache},
		"dir":     Dir{Path: "programs"},
	}
	for _, listed := range Origins() {
		o, ok := OriginOf(listed.Word)
		if diff := cmp.Diff(want[listed.Word], o.Source(with), cmp.AllowUnexported(Release{})); !ok || diff != "" {
			t.Errorf("%s (-want +got):\n%s", listed.Word, diff)
		}
		delete(want, listed.Word)
	}
	if len(want) > 0 {
		t.Errorf("no origin gives %v", want)
	}
	if _, ok := OriginOf("floppy"); ok {
		t.Error("floppy is an origin")
	}
}

func TestEveryOriginTellsWhatOptionsItHasNoUseFor(t *testing.T) {
	for word, test := range map[string]struct {
		with SourceOptions
		want string // empty for none
	}{
		"self":    {SourceOptions{Version: "v3.6.16"}, "etcd is for source module and release: self has the version it has"},
		"module":  {SourceOptions{Version: "v3.6.16", Mirror: "https://mirror"}, "mirror is for source release"},
		"release": {SourceOptions{Version: "v3.6.16", Mirror: "https://mirror"}, ""},
		"dir":     {SourceOptions{}, "source dir and dir FOLDER go together"},
	} {
		o, _ := OriginOf(word)
		if err := o.Check(test.with); test.want == "" && err != nil || test.want != "" && (err == nil || err.Error() != test.want) {
			t.Errorf("%s: error %v, want %q", word, err, test.want)
		}
	}
	all, _ := OriginOf("self")
	if err := all.Check(SourceOptions{Version: "v3.6.16", Mirror: "https://mirror", Dir: "programs"}); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("three mistakes are told as: %v", err)
	}
	if diff := cmp.Diff([]string{"module", "release"}, VersionedWords()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheUsersCacheIsInTheUsersFolder(t *testing.T) {
	folder, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	if c, err := UserCache(); err != nil || c.Dir != filepath.Join(folder, "etcdctr") {
		t.Errorf("%+v, %v", c, err)
	}
	for _, name := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(name, "")
	}
	if _, err := UserCache(); !errors.Is(err, ErrNoCache) {
		t.Errorf("error %v, want ErrNoCache", err)
	}
}
