package images

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	registrytransport "github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// PushOptions say how a registry is spoken to.
type PushOptions struct {
	PlainHTTP bool // let a registry on another machine be spoken to unencrypted
	Progress  Progress

	// CertsDirs are folders with one for each registry, HOST or HOST:PORT, that
	// holds what Docker takes there: authorities to trust besides the system's
	// (*.crt), and a client's certificate to show (*.cert with its *.key).
	CertsDirs []string
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
	secure, err := trusting(tag.RegistryStr(), opts.CertsDirs)
	if err != nil {
		return digest, err
	}
	total, err := blobsOf(c.main)
	if err != nil {
		return digest, err
	}
	up := &upload{
		next:  transport(secure, opts.PlainHTTP),
		event: Event{Item: tag.Name(), Action: "pushing", Total: total}, progress: opts.Progress,
	}
	err = c.pushThrough(pusher{ctx: ctx, repository: tag.Context(), transport: up}, tag)
	up.end(err)
	if err != nil {
		return digest, &PushError{ref, registryError(tag.RegistryStr(), err)}
	}
	return digest, nil
}

// pushThrough uploads everything under its digest, and then moves the tag.
func (c *content) pushThrough(p pusher, tag name.Tag) error {
	if err := p.write(c.main); err != nil {
		return err
	}
	for _, r := range c.referrers {
		if err := p.write(r); err != nil {
			return fmt.Errorf("its bill of materials: %w", err)
		}
	}
	return remote.Tag(tag, c.main.(remote.Taggable), p.options()...)
}

// PushError is the error of a reference that could not be pushed to.
type PushError struct {
	Ref string
	Err error
}

func (e *PushError) Error() string { return fmt.Sprintf("push %s: %v", e.Ref, e.Err) }

func (e *PushError) Unwrap() error { return e.Err }

// Why a registry is not spoken to, as found in errors.
var (
	ErrUntrusted = errors.New("its certificate is not trusted")
	ErrDenied    = errors.New("it wants another login")
)

// registryError puts the cause first. Of a host that may speak plain HTTP,
// go-containerregistry tells what became of that attempt as well.
func registryError(host string, err error) error {
	untrusted, refused := (*tls.CertificateVerificationError)(nil), (*registrytransport.Error)(nil)
	switch {
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("registry %s: it answers without TLS, and %w", host, ErrPlainHTTP)
	case errors.As(err, &untrusted):
		return fmt.Errorf("registry %s: %w: %w", host, ErrUntrusted, untrusted.Err)
	case errors.As(err, &refused) && (refused.StatusCode == http.StatusUnauthorized || refused.StatusCode == http.StatusForbidden):
		return fmt.Errorf("registry %s: %w: %s", host, ErrDenied, words(refused))
	}
	return err
}

// words are a registry's own; an answer to HEAD has none.
func words(e *registrytransport.Error) string {
	if len(e.Errors) == 0 {
		return http.StatusText(e.StatusCode)
	}
	var list []string
	for _, d := range e.Errors {
		list = append(list, d.String())
	}
	return strings.Join(list, "; ")
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
func (p pusher) write(t interface{ Digest() (v1.Hash, error) }) error {
	digest, err := t.Digest()
	if err != nil {
		return err
	}
	ref := p.repository.Digest(digest.String())
	if index, ok := t.(v1.ImageIndex); ok {
		return remote.WriteIndex(ref, index, p.options()...)
	}
	return remote.Write(ref, t.(v1.Image), p.options()...)
}
