package images

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// startRegistry gives the address of a registry on loopback.
func startRegistry(t *testing.T) string {
	t.Helper()
	return serve(t, newRegistry())
}

func newRegistry() http.Handler {
	quiet := registry.Logger(log.New(io.Discard, "", 0))
	return registry.New(quiet, registry.WithReferrersSupport(true))
}

// serve gives the address that a handler answers at.
func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func TestPushBringsTheBillOfMaterialsAndMovesTheTagLast(t *testing.T) {
	ref := startRegistry(t) + "/etcd:v3.7.3"
	var last Event
	digest, err := Push(t.Context(), ref, two(t), PushOptions{Progress: func(e Event) { last = e }})
	if err != nil {
		t.Fatal(err)
	}
	if !last.Done || last.Total == 0 || last.Current != last.Total {
		t.Errorf("the last event is %+v", last)
	}
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(tag)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := index.Digest(); err != nil || got != digest {
		t.Errorf("the tag is %s (%v), pushed was %s", got, err, digest)
	}
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range m.Manifests {
		wantBillInRegistry(t, tag.Context().Digest(d.Digest.String()))
	}
}

// wantBillInRegistry makes sure that an image has one referrer, its bill of
// materials.
func wantBillInRegistry(t *testing.T, image name.Digest) {
	t.Helper()
	referrers, err := remote.Referrers(image)
	if err != nil {
		t.Fatal(err)
	}
	m, err := referrers.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Manifests) != 1 {
		t.Fatalf("%s has the referrers %+v", image, m.Manifests)
	}
	bill, err := remote.Image(image.Context().Digest(m.Manifests[0].Digest.String()))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := v1.NewHash(image.DigestStr())
	if err != nil {
		t.Fatal(err)
	}
	wantBill(t, bill, subject)
}

func TestEveryWayIntoARegistryGivesTheSameDigestAndBill(t *testing.T) {
	host := startRegistry(t)
	dir := t.TempDir()
	want, err := Push(t.Context(), host+"/direct:1", one(t), PushOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for way, write := range map[string]func(context.Context, string, string, []*Image) (v1.Hash, error){
		"layout": WriteLayout, "archive": WriteArchive,
	} {
		path := filepath.Join(dir, way)
		if _, err := write(t.Context(), path, testRef, one(t)); err != nil {
			t.Fatal(err)
		}
		ref := host + "/" + way + ":1"
		got, err := PushStored(t.Context(), path, ref, PushOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("through an %s %s, directly %s", way, got, want)
		}
		tag, err := name.NewTag(ref)
		if err != nil {
			t.Fatal(err)
		}
		wantBillInRegistry(t, tag.Context().Digest(got.String()))
	}
}
