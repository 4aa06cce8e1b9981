// Package carrier moves what a member keeps to and from a volume of another machine,
// for whom nothing but a task of a swarm is to be had there. The task serves the volume
// on the members' network to whoever shows the same pass, once; who that is asks for it
// from another container on it.
package carrier

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/etcdctr/etcdctr/internal/tarfolder"
)

const (
	// Port is where a carrier listens.
	Port = 2378
	// Variable is the environment variable with the pass.
	Variable = "ETCDCTR_CARRIER_PASS"
	// unasked is how long a carrier waits for whoever has started it.
	unasked = time.Minute
)

// Pass is what both ends know each other by: one key and its certificate, made for one
// errand.
type Pass struct{ pair tls.Certificate }

// NewPass makes one.
func NewPass() (Pass, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Pass{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)} // nobody looks at what it says
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	return Pass{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}}, err
}

// String is the pass as Parse reads it. It is a secret.
func (p Pass) String() string {
	key, _ := p.pair.PrivateKey.(ed25519.PrivateKey) // which NewPass and Parse give
	encode := base64.RawURLEncoding.EncodeToString
	return encode(key.Seed()) + "." + encode(p.pair.Certificate[0])
}

// Parse reads a pass.
func Parse(text string) (Pass, error) {
	first, second, _ := strings.Cut(text, ".")
	seed, err := base64.RawURLEncoding.DecodeString(first)
	der, errDER := base64.RawURLEncoding.DecodeString(second)
	if err = errors.Join(err, errDER); err != nil || len(seed) != ed25519.SeedSize || len(der) == 0 {
		return Pass{}, errors.Join(errors.New("this is no pass of a carrier"), err)
	}
	return Pass{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: ed25519.NewKeyFromSeed(seed)}}, nil
}

// config trusts nobody but who shows the same certificate.
func (p Pass) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{p.pair},
		ClientAuth: tls.RequireAnyClientCert, InsecureSkipVerify: true, //nolint:gosec // VerifyConnection compares it as a whole
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) != 1 || !bytes.Equal(s.PeerCertificates[0].Raw, p.pair.Certificate[0]) {
				return errors.New("it shows another pass")
			}
			return nil
		},
	}
}

// Folder is the data directory that is served, and whose what comes there is to be. What
// it is in becomes that one's, too, so that a member finds room for more.
type Folder struct {
	Dir      string
	UID, GID int
}

// Serve serves a folder until ctx ends, nobody has asked for a while, or one request was
// answered a while ago: whoever has asked has Swarm end the task, which takes its
// container away. Swarm leaves the one of a task that has ended by itself.
func Serve(ctx context.Context, p Pass, l net.Listener, f Folder) error {
	answered := make(chan struct{}, 1)
	var under sync.WaitGroup
	defer under.Wait() // nothing is written any more once it is over
	s := &http.Server{ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: unasked, Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		under.Add(1)
		defer under.Done()
		defer func() { answered <- struct{}{} }()
		answer(w, q, f)
	})}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(tls.NewListener(l, p.config())) }()
	alone, cancel := context.WithTimeout(ctx, unasked)
	defer cancel()
	select {
	case err := <-ended:
		return err
	case <-alone.Done():
		return errors.Join(errors.New("nobody has asked"), s.Close())
	case <-answered:
	}
	select {
	case <-ctx.Done():
	case <-time.After(unasked):
	}
	err := s.Shutdown(ctx)
	return errors.Join(err, s.Close())
}

// ServeHere is Serve in a container, by its environment and arguments.
func ServeHere(ctx context.Context, getenv func(string) string, args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("carrier takes a folder and the numbers of a user and a group, not %q", args)
	}
	uid, errUID := strconv.Atoi(args[1])
	gid, errGID := strconv.Atoi(args[2])
	if err := errors.Join(errUID, errGID); err != nil {
		return err
	}
	p, err := Parse(getenv(Variable))
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", net.JoinHostPort("", strconv.Itoa(Port)))
	if err != nil {
		return err
	}
	return Serve(ctx, p, l, Folder{args[0], uid, gid})
}

func answer(w http.ResponseWriter, q *http.Request, f Folder) {
	switch q.Method {
	case http.MethodPut:
		if err := f.take(q.Context(), q.Body); err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		}
	case http.MethodGet:
		data, err := tarfolder.Data(f.Dir)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		defer data.Close()
		if _, err := io.Copy(w, data); err != nil {
			panic(http.ErrAbortHandler) // so that whoever asks sees that it is not whole
		}
	default:
		http.Error(w, "a carrier takes and gives", http.StatusMethodNotAllowed)
	}
}

// take unpacks an archive into the folder, which is made for it, and has it on the disk.
func (f Folder) take(ctx context.Context, archive io.Reader) error {
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return err
	}
	if err := tarfolder.Unpack(ctx, f.Dir, archive); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, archive); err != nil { // what follows the archive's end tells that all has arrived
		return err
	}
	if err := filepath.WalkDir(f.Dir, f.settle); err != nil {
		return err
	}
	return f.settle(filepath.Dir(f.Dir), nil, nil)
}

// settle gives a file to its owner and has it on the disk.
func (f Folder) settle(path string, _ os.DirEntry, err error) error {
	if err == nil {
		err = os.Lchown(path, f.UID, f.GID)
	}
	if err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// Client asks a carrier.
type Client struct{ client *http.Client }

// NewClient makes a client that connects by dial, wherever that leads.
func NewClient(p Pass, dial func(context.Context) (net.Conn, error)) *Client {
	return &Client{&http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := dial(ctx)
			if err != nil {
				return nil, err
			}
			return tls.Client(conn, p.config()), nil
		},
	}}}
}

// Put has a tar archive unpacked.
func (c *Client) Put(ctx context.Context, archive io.Reader) error {
	body, err := c.do(ctx, http.MethodPut, io.NopCloser(archive))
	if err != nil {
		return err
	}
	return body.Close()
}

// Get gives the folder member of the data directory as a tar archive.
func (c *Client) Get(ctx context.Context) (io.ReadCloser, error) {
	return c.do(ctx, http.MethodGet, nil)
}

func (c *Client) do(ctx context.Context, method string, body io.Reader) (io.ReadCloser, error) {
	q, err := http.NewRequestWithContext(ctx, method, "https://carrier.invalid/", body)
	if err != nil {
		return nil, err
	}
	answer, err := c.client.Do(q)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode == http.StatusOK {
		return answer.Body, nil
	}
	said, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<10)) // the status has to do without
	return nil, errors.Join(fmt.Errorf("the carrier says %s: %s", answer.Status, strings.TrimSpace(string(said))), answer.Body.Close())
}
