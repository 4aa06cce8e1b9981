package docker

import (
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"

	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// A reference may mean another image by now, as that of etcdctr's own does where another
// etcdctr has made it: what differs is the image, and not how it is called.
func TestAnImageThatWasMadeAnewDiffersByItsID(t *testing.T) {
	const was, is = "sha256:e38000000000000", "sha256:1f8000000000000"
	wanted := &target{wanted: stack.Wanted{Images: map[string]string{compose.OwnImage: is}}}
	in := container.InspectResponse{Config: &container.Config{Image: compose.OwnImage}}
	var service types.ServiceConfig
	service.Image = compose.OwnImage
	for _, listed := range []string{was, compose.OwnImage} {
		got := wanted.image(stack.Container{Image: listed, ImageID: was}, in, service)
		if want := (runtime.Difference{Name: runtime.Image, Was: "e38000000000", Is: "1f8000000000"}); got != want {
			t.Errorf("listed as %s it is %+v, want %+v", listed, got, want)
		}
	}
	other := container.InspectResponse{Config: &container.Config{Image: "example.com/etcdctr:1"}}
	got := wanted.image(stack.Container{Image: was, ImageID: was}, other, service)
	if got.Was != "example.com/etcdctr:1" || got.Is != compose.OwnImage {
		t.Errorf("of another reference it is %+v", got)
	}
}
