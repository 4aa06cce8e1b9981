package docker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/images"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// ImageError is about an image that is not on the engine and could not be got.
type ImageError struct {
	Ref   string
	At    cluster.Engine // zero for the one that the environment names
	Err   error
	Login bool // the registry refused whoever asked
	Plain bool // the registry has no TLS, and the engine is not told to do without
	Never bool // nobody was to be asked
	There bool // the engine has one, and another was to be looked for
}

func (e *ImageError) Error() string {
	if e.Never {
		return fmt.Sprintf("the image %s is not on the engine%s, and is not to be pulled", e.Ref, e.there())
	}
	return fmt.Sprintf("cannot pull the image %s%s: %s", e.Ref, e.there(), engineText(e.Err))
}

// there tells one engine from the other ones of a cluster.
func (e *ImageError) there() string {
	if !e.At.Given() {
		return ""
	}
	return " at " + e.At.At
}

func (e *ImageError) Unwrap() error { return e.Err }

// engineText drops what every answer of an engine begins with.
func engineText(err error) string {
	return strings.TrimPrefix(err.Error(), "Error response from daemon: ")
}

// ImageIDs gives the IDs of images by reference, and gets those first that the
// policy asks for.
func (r *Runtime) ImageIDs(ctx context.Context, refs []string) (map[string]string, error) {
	if err := r.answers(ctx); err != nil {
		return nil, err
	}
	ids := map[string]string{}
	var errs []error
	for _, ref := range refs {
		id, err := r.imageID(ctx, ref)
		errs = append(errs, err)
		ids[ref] = id
	}
	return ids, errors.Join(errs...)
}

func (r *Runtime) imageID(ctx context.Context, ref string) (string, error) {
	if ref == compose.OwnImage {
		return r.ownImage(ctx)
	}
	id, err := stack.ImageID(ctx, r.engine, ref)
	if err != nil || id != "" && !r.again(ref) {
		return id, err
	}
	if r.o.Pull == PullNever {
		return "", &ImageError{Ref: ref, At: r.o.At, Never: true}
	}
	if err := r.fetch(ctx, ref, id != ""); err != nil {
		return "", err
	}
	return stack.ImageID(ctx, r.engine, ref)
}

// again reports whether an image is to be pulled that is there, and is true for
// each once.
func (r *Runtime) again(ref string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := !r.pulled[ref]
	r.pulled[ref] = true
	return r.o.Pull == PullAlways && first
}

// fetch pulls an image. Where no registry can be reached, the official image of
// the release that this program has inside is packed in its place, unless there
// is one of that name.
func (r *Runtime) fetch(ctx context.Context, ref string, there bool) error {
	errPull := r.pull(ctx, ref)
	if errPull == nil || ctx.Err() != nil {
		return errors.Join(errPull, ctx.Err())
	}
	if there || !r.carries(ref) {
		return &ImageError{Ref: ref, At: r.o.At, Err: errPull, Login: wantsLogin(errPull), Plain: speaksPlain(errPull), There: there}
	}
	if err := r.load(ctx, ref); err != nil {
		return fmt.Errorf("cannot pull the image %s (%s), nor make it from this program: %w", ref, engineText(errPull), err)
	}
	r.tell(runtime.Event{Server: ref, Action: Packed, Detail: engineText(errPull), Done: true})
	return nil
}

// Packed is the action of the event for an image that could not be pulled and
// was made of this program's own etcd. Its detail says why.
const Packed = "pack"

// carries reports whether this program has inside what a reference stands for:
// the official image of its release. Another name may stand for anything.
func (r *Runtime) carries(ref string) bool {
	return r.o.Self != nil && r.o.SelfRelease != "" && ref == cluster.OfficialImage+":"+r.o.SelfRelease
}

// speaksPlain tells that a registry answered without TLS, in the words of Go's own client,
// which engines give on.
func speaksPlain(err error) bool {
	return strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

// wantsLogin tells that a registry refused whoever asked. Some engines say it by
// a status, some in the registry's own words only.
func wantsLogin(err error) bool {
	if errdefs.IsUnauthorized(err) || errdefs.IsPermissionDenied(err) {
		return true
	}
	for _, words := range []string{"unauthorized", "no basic auth credentials", "access denied", "denied:"} {
		if strings.Contains(err.Error(), words) {
			return true
		}
	}
	return false
}

func (r *Runtime) pull(ctx context.Context, ref string) error {
	auth := ""
	if r.o.Auth != nil {
		var err error
		if auth, err = r.o.Auth(ref); err != nil {
			return err
		}
	}
	e := runtime.Event{Server: ref, Action: "pull"}
	r.tell(e)
	answer, err := r.engine.ImagePull(ctx, ref, client.ImagePullOptions{RegistryAuth: auth})
	if err != nil {
		return err
	}
	defer answer.Close()
	for message, err := range answer.JSONMessages(ctx) {
		if err != nil {
			return err
		}
		if message.Error != nil {
			return message.Error
		}
		e.Detail = strings.TrimSpace(message.ID + " " + message.Status)
		r.tell(e)
	}
	e.Done = true
	r.tell(e)
	return nil
}

// load puts this program's own image on the engine under a name.
func (r *Runtime) load(ctx context.Context, ref string) error {
	image, err := selfImage(ctx, r.engine, r.o.Self)
	if err != nil {
		return err
	}
	return images.Load(ctx, r.engine, image, []string{ref}, func(e images.Event) {
		r.tell(runtime.Event{Server: e.Item, Action: e.Action, Detail: e.Detail, Done: e.Done})
	})
}

// selfImage packs what a program has with it for the engine's platform.
func selfImage(ctx context.Context, e images.Engine, self images.Source) (*images.Image, error) {
	platform, err := images.EnginePlatform(ctx, e)
	if err != nil {
		return nil, err
	}
	programs, err := self.Binaries(ctx, platform)
	if err != nil {
		return nil, err
	}
	return images.Build(programs)
}

const (
	// RelayProgram is what runs in a relay's container, see package multicall.
	RelayProgram = "/usr/local/bin/relay"

	// setAsideProgram moves data away, see package multicall.
	setAsideProgram = "/usr/local/bin/setaside"

	// lookAtProgram tells what a folder for data is, see package datadir.
	lookAtProgram = "/usr/local/bin/lookat"

	// RelayReference is the name of this program's image on the engine, for
	// people who look at the list of images and wonder.
	RelayReference = compose.OwnImage
)

// OwnImage gives the image of this program on the engine, and puts it there if it
// is not: a second the first time, nothing later. A program that no engine can
// run makes do with one that somebody has put there; if nobody has, the error
// is images.ErrNotLinux.
func OwnImage(ctx context.Context, e images.Engine, self images.Source) (string, error) {
	image, err := selfImage(ctx, e, self)
	if errors.Is(err, images.ErrNotLinux) {
		if _, missing := e.ImageInspect(ctx, RelayReference); missing != nil {
			return "", errors.Join(err, missing)
		}
		return RelayReference, nil
	}
	if err != nil {
		return "", fmt.Errorf("make an image of this program: %w", err)
	}
	if err := images.Load(ctx, e, image, []string{RelayReference}, nil); err != nil {
		return "", err
	}
	loaded, err := e.ImageInspect(ctx, RelayReference)
	if err != nil {
		return "", fmt.Errorf("make an image of this program: %w", err)
	}
	return loaded.ID, nil // the reference may move to another version's at any time
}

// OwnImage is that of this program, on this runtime's engine.
func (r *Runtime) OwnImage(ctx context.Context) (string, error) { return r.ownImage(ctx) }

// ownImage is OwnImage, once.
func (r *Runtime) ownImage(ctx context.Context) (string, error) {
	if r.o.Self == nil {
		return RelayReference, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.own != "" {
		return r.own, nil
	}
	id, err := OwnImage(ctx, r.engine, r.o.Self)
	r.own = id
	return id, err
}

// ImageRefs are the images that a project's services run.
func ImageRefs(p *types.Project) []string { return stack.ImageRefs(p) }

// Lacking gives the images that the engine does not have and that Prepare would
// have it get.
func (r *Runtime) Lacking(ctx context.Context, want *cluster.Cluster) ([]string, error) {
	t, err := r.target(ctx, want)
	if err != nil || r.o.Pull == PullNever {
		return nil, err
	}
	var lacking []string
	for image, id := range t.wanted.Images {
		if id == "" {
			lacking = append(lacking, image)
		}
	}
	slices.Sort(lacking)
	return lacking, nil
}

// FetchAnew pulls all images where all are always pulled.
func (r *Runtime) FetchAnew(ctx context.Context, want *cluster.Cluster) error {
	if r.o.Pull != PullAlways {
		return nil
	}
	t, err := r.target(ctx, want)
	if err != nil {
		return err
	}
	var errs []error
	for _, image := range slices.Sorted(maps.Keys(t.wanted.Images)) {
		if image != compose.OwnImage { // which is made of this program
			_, err := r.imageID(ctx, image)
			errs = append(errs, err)
		}
	}
	return errors.Join(unique(errs)...)
}
