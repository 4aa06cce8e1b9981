package images

import (
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
