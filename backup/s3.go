package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// bucket is a Store of an S3-compatible service.
type bucket struct {
	client       *minio.Client
	name, prefix string // the prefix without slashes around it
}

// openS3 opens BUCKET/PREFIX. Everything else comes from where the tools of such
// services look: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or the file that
// `aws configure` writes, AWS_REGION, and AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL
// of a service that is not Amazon's.
func openS3(where string) (Store, error) {
	name, prefix, _ := strings.Cut(where, "/")
	if name == "" {
		return nil, errors.New("s3:// names no bucket: write s3://BUCKET/PREFIX")
	}
	given := cmp.Or(os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL"))
	endpoint, err := url.Parse(cmp.Or(given, "https://s3.amazonaws.com"))
	if err != nil || endpoint.Host == "" || (endpoint.Scheme != "http" && endpoint.Scheme != "https") {
		return nil, fmt.Errorf("AWS_ENDPOINT_URL: %q must be https://HOST", given)
	}
	keys := credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}})
	if who, err := keys.GetWithContext(nil); err != nil || who.AccessKeyID == "" {
		return nil, fmt.Errorf("s3://%s: there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", where)
	}
	lookup := minio.BucketLookupAuto
	if given != "" {
		lookup = minio.BucketLookupPath
	}
	client, err := minio.New(endpoint.Host, &minio.Options{
		Creds: keys, Secure: endpoint.Scheme == "https", Region: os.Getenv("AWS_REGION"), BucketLookup: lookup,
	})
	if err != nil {
		return nil, fmt.Errorf("s3://%s: %w", where, err)
	}
	return &bucket{client, name, strings.Trim(prefix, "/")}, nil
}

func (b *bucket) Place(name string) string { return "s3://" + path.Join(b.name, b.prefix, name) }

func (b *bucket) key(name string) string { return path.Join(b.prefix, name) }

// meaning tells what is not there by the error that all stores have for it.
func (b *bucket) meaning(name string, err error) error {
	if err == nil {
		return nil
	}
	if minio.ToErrorResponse(err).StatusCode == http.StatusNotFound {
		err = fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return fmt.Errorf("%s: %w", b.Place(name), err)
}

func (b *bucket) List(ctx context.Context) ([]Stored, error) {
	var all []Stored
	below := b.prefix
	if below != "" {
		below += "/"
	}
	for o := range b.client.ListObjects(ctx, b.name, minio.ListObjectsOptions{Prefix: below}) {
		if o.Err != nil {
			return nil, b.meaning("", o.Err)
		}
		if name := strings.TrimPrefix(o.Key, below); name != "" && !strings.Contains(name, "/") {
			all = append(all, Stored{name, o.Size})
		}
	}
	return all, ctx.Err()
}

// Write makes the file on this machine first: it is read again before it is kept.
func (b *bucket) Write(ctx context.Context, name string, write func(archiveFile) error) error {
	f, done, err := nameless()
	if err != nil {
		return err
	}
	defer done()
	if err := write(f); err != nil {
		return err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return err
	}
	_, err = b.client.PutObject(ctx, b.name, b.key(name), f, size, minio.PutObjectOptions{ContentType: "application/zstd"})
	if err != nil {
		b.giveUp(context.WithoutCancel(ctx), name)
	}
	return b.meaning(name, err)
}

// giveUpWithin is how long a service has that may be gone.
const giveUpWithin = 10 * time.Second

// giveUp deletes what was uploaded of a file: nobody sees it, and it is paid for. The
// client does too, unless it was interrupted. If it fails, why the file is not there
// says more.
func (b *bucket) giveUp(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(ctx, giveUpWithin)
	defer cancel()
	_ = b.client.RemoveIncompleteUpload(ctx, b.name, b.key(name))
}

func (b *bucket) Open(ctx context.Context, name string) (Opened, error) {
	o, err := b.client.GetObject(ctx, b.name, b.key(name), minio.GetObjectOptions{})
	if err != nil {
		return nil, b.meaning(name, err)
	}
	info, err := o.Stat()
	if err != nil {
		return nil, errors.Join(b.meaning(name, err), o.Close())
	}
	return &openedObject{o, info.Size}, nil
}

type openedObject struct {
	*minio.Object
	size int64
}

func (o *openedObject) Size() int64 { return o.size }

// ReadAt reads all that was asked for, or says why not. The client says that the
// object ends there, too, which io.ReaderAt leaves it free to do.
func (o *openedObject) ReadAt(p []byte, off int64) (int, error) {
	n, err := o.Object.ReadAt(p, off)
	if n == len(p) {
		err = nil
	}
	return n, err
}

func (b *bucket) Delete(ctx context.Context, name string) error {
	return b.meaning(name, b.client.RemoveObject(ctx, b.name, b.key(name), minio.RemoveObjectOptions{}))
}
