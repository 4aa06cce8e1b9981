package images

import (
	"context"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// PushOptions say how a registry is spoken to.
type PushOptions struct {
	PlainHTTP bool // let a registry on another machine be spoken to unencrypted
	Progress  Progress
}

// Push puts images into a registry under a reference; images for several
// platforms become one index. It logs in with what `docker login` left. The
// reference moves last, when everything it means is there. It gives the digest
// of what the reference now means.
func Push(ctx context.Context, ref string, imgs []*Image, opts PushOptions) (v1.Hash, error) {
	c, err := newContent(ctx, imgs)
	if err != nil {
		return v1.Hash{}, err
	}
	return c.push(ctx, ref, opts)
}

func (c *content) push(ctx context.Context, ref string, opts PushOptions) (v1.Hash, error) {
	digest, err := c.main.Digest()
	if err != nil {
		return digest, err
	}
	tag, err := registryTag(ref, opts.PlainHTTP)
	if err != nil {
		return digest, err
	}
	p := pusher{ctx: ctx, repository: tag.Context(), transport: transport(opts.PlainHTTP)}
	if err := p.withProgress(tag.Name(), opts.Progress, func(o []remote.Option) error {
		return p.write(c.main, o)
	}); err != nil {
		return digest, fmt.Errorf("push %s: %w", ref, err)
	}
	for _, r := range c.referrers {
		if err := p.write(r, p.options()); err != nil {
			return digest, fmt.Errorf("push the bill of materials of %s: %w", ref, err)
		}
	}
	if err := remote.Tag(tag, c.main.(remote.Taggable), p.options()...); err != nil {
		return digest, fmt.Errorf("push %s: %w", ref, err)
	}
	return digest, nil
}

// registryTag reads a reference. go-containerregistry itself would fall back to
// plain HTTP for hosts that merely look local; transport narrows that down to
// loopback.
func registryTag(ref string, plainHTTP bool) (name.Tag, error) {
	if _, err := parseTag(ref); err != nil {
		return name.Tag{}, err
	}
	if plainHTTP {
		return name.NewTag(ref, name.Insecure)
	}
	return name.NewTag(ref)
}

type pusher struct {
	ctx        context.Context
	repository name.Repository
	transport  http.RoundTripper
}

func (p pusher) options() []remote.Option {
	return []remote.Option{
		remote.WithContext(p.ctx), remote.WithTransport(p.transport), remote.WithAuthFromKeychain(authn.DefaultKeychain),
	}
}

// write uploads what is missing of an image or an index, under its digest only.
func (p pusher) write(t interface{ Digest() (v1.Hash, error) }, options []remote.Option) error {
	digest, err := t.Digest()
	if err != nil {
		return err
	}
	ref := p.repository.Digest(digest.String())
	if index, ok := t.(v1.ImageIndex); ok {
		return remote.WriteIndex(ref, index, options...)
	}
	return remote.Write(ref, t.(v1.Image), options...)
}

// withProgress turns the updates of an upload into events.
func (p pusher) withProgress(item string, progress Progress, write func([]remote.Option) error) error {
	updates := make(chan v1.Update, 16)
	told := make(chan Event)
	go func() {
		event := Event{Item: item, Action: "pushing"}
		for u := range updates {
			event.Current, event.Total = u.Complete, u.Total
			progress.report(event)
		}
		told <- event
	}()
	err := write(append(p.options(), remote.WithProgress(updates))) // closes the channel
	event := <-told
	if err == nil {
		event.Done = true
		progress.report(event)
	}
	return err
}
