package images

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/moby/moby/api/types/image"
)

// interruption is a context that ends when it is asked for the nth time whether
// it has: at each stage of a piece of work in turn.
type interruption struct {
	context.Context
	left atomic.Int64
}

func (i *interruption) Err() error {
	if i.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

func TestInterruptedAtAnyStageNothingHalfIsLeft(t *testing.T) {
	imgs := one(t)
	oci(t, imgs[0]) // compressed already, so that writing is what is interrupted
	stored := engine{has: map[string]image.InspectResponse{testRef: {}}, save: dockerArchive(t, imgs[0])}
	archive := targz(t, releaseEntries(t)...)
	for name, work := range map[string]func(ctx context.Context, root string) error{
		"image build to a layout": func(ctx context.Context, root string) error {
			_, err := WriteLayout(ctx, filepath.Join(root, "layout"), testRef, imgs)
			return err
		},
		"image build to an archive": func(ctx context.Context, root string) error {
			_, err := WriteArchive(ctx, filepath.Join(root, "etcd.tar"), testRef, imgs)
			return err
		},
		"image save": func(ctx context.Context, root string) error {
			return Save(ctx, &stored, []string{testRef}, filepath.Join(root, "etcd.tar"), nil)
		},
		"image bundle": func(ctx context.Context, root string) error {
			return WriteBundle(ctx, &stored, []string{testRef}, []File{{"docker-compose.yml", []byte("x")}}, filepath.Join(root, "bundle.tar"), nil)
		},
		"a release": func(ctx context.Context, root string) error {
			r := release(t, &mirror{archive: archive})
			r.Cache.Dir = root
			_, err := r.Binaries(ctx, testPlatform)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			interrupted := 0
			for n := int64(0); ; n += 1 + n/3 {
				root := t.TempDir()
				ctx := &interruption{Context: t.Context()}
				ctx.left.Store(n)
				err := work(ctx, root)
				if err == nil {
					break
				}
				interrupted++
				if !errors.Is(err, context.Canceled) {
					t.Fatalf("stage %d: got %v, want an interruption", n, err)
				}
				wantNothing(t, root)
			}
			if interrupted < 2 {
				t.Errorf("was interrupted %d times before it was done", interrupted)
			}
		})
	}
}

// wantNothing fails if anything but locks and what a later run goes on from is in
// root.
func wantNothing(t *testing.T, root string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasSuffix(path, ".lock") && !strings.HasSuffix(path, ".part") {
			t.Errorf("%s was left behind", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A push that ends anywhere leaves the reference what it was.
func TestPushThatFailsAnywhereLeavesTheReferenceWhatItWas(t *testing.T) {
	var allowed atomic.Int64 // writing requests
	next := newRegistry()
	host := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead && allowed.Add(-1) < 0 {
			refuse(w, http.StatusForbidden, "DENIED", "enough")
			return
		}
		next.ServeHTTP(w, r)
	}))
	ref := host + "/etcd:1"
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	allowed.Store(1000)
	before, err := Push(t.Context(), ref, []*Image{build(t, Dir{Path: programs(t, "v3.6.16")})}, PushOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pushed, failed := two(t), int64(0)
	for ; ; failed++ {
		allowed.Store(failed)
		after, err := Push(t.Context(), ref, pushed, PushOptions{})
		now, headErr := remote.Head(tag)
		if headErr != nil {
			t.Fatal(headErr)
		}
		if err == nil {
			if now.Digest != after {
				t.Errorf("the reference is %s, pushed was %s", now.Digest, after)
			}
			break
		}
		if now.Digest != before {
			t.Errorf("after %d requests the reference is %s, was %s", failed, now.Digest, before)
		}
	}
	if failed < 5 {
		t.Errorf("failed %d times before it was done", failed)
	}
}
