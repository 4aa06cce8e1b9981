package etcdctr

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/member"
)

// This file is about clusters that something else runs, somewhere.

// Endpoints are members of a cluster of which nothing is known but where clients reach
// them.
type Endpoints struct {
	// URLs are such as https://10.0.0.1:2379; without a scheme, as etcdctl takes them,
	// they are of TLS where anything about it is said. Members that none of them leads to are
	// left out of what is chosen from.
	URLs []string
	// CACert vouches for the members, and Cert and Key are shown to them: files, each
	// of which may be empty.
	CACert, Cert, Key string
	// SkipVerify takes any certificate for a member's.
	SkipVerify bool
	// User and Password are those of a user of etcd's.
	User, Password string
}

// Backup keeps what the cluster holds in an archive, as that of a Cluster does. The
// request says what it is called.
func (e Endpoints) Backup(ctx context.Context, path string, r backup.Request) (string, backup.Metadata, error) {
	if r.Cluster == "" {
		r.Cluster = cluster.DefaultName
	}
	if r.Time.IsZero() {
		r.Time = time.Now()
	}
	e.URLs = e.withScheme()
	if err := cluster.Check(cluster.Spec{Name: r.Cluster}); err != nil {
		return "", backup.Metadata{}, err
	}
	into, path, err := endpointsInto(path, r)
	if err != nil {
		return "", backup.Metadata{}, err
	}
	authority, err := e.authority()
	if err != nil {
		return "", backup.Metadata{}, err
	}
	if authority != nil {
		r.Authorities = map[string][]byte{"client-ca": authority}
	}
	config := member.Config{User: e.User, Password: e.Password}
	if config.TLS, err = e.tls(authority); err != nil {
		return "", backup.Metadata{}, err
	}
	members, err := member.Discover(ctx, e.URLs, config)
	if err != nil {
		return "", backup.Metadata{}, err
	}
	err = oneVotes(ctx, members)
	var made backup.Metadata
	switch {
	case err != nil:
	case into != nil:
		path, made, err = backup.TakeInto(ctx, members, into, r)
	default:
		made, err = backup.Take(ctx, members, path, r)
	}
	return path, made, errors.Join(err, members.Close())
}

// endpointsInto is the bucket that a backup goes to, or else the file.
func endpointsInto(path string, r backup.Request) (backup.Store, string, error) {
	if inBucket(path) {
		s, err := bucketFor(path)
		return s, path, err
	}
	file, err := r.Destination(path)
	return nil, file, err
}

func (e Endpoints) withScheme() []string {
	scheme := "http://"
	if e.CACert != "" || e.Cert != "" || e.SkipVerify {
		scheme = "https://"
	}
	urls := slices.Clone(e.URLs)
	for i, u := range urls {
		if !strings.Contains(u, "://") {
			urls[i] = scheme + u
		}
	}
	return urls
}

// oneVotes refuses members of whom only learners can be asked: what they lack nobody can
// say.
func oneVotes(ctx context.Context, members *member.Client) error {
	v, err := members.Look(ctx)
	if err != nil {
		return err
	}
	answer := slices.DeleteFunc(v.Endpoints, func(e member.Endpoint) bool { return !e.Answers() })
	if len(answer) > 0 && !slices.ContainsFunc(answer, func(e member.Endpoint) bool { return !e.Learner }) {
		return fmt.Errorf("%w: %s is a learner", backup.ErrNobody, answer[0].Name)
	}
	return nil
}

// authority is the certificate of who vouches for the members; nil for who vouches for
// servers on this machine.
func (e Endpoints) authority() ([]byte, error) {
	if e.CACert == "" {
		return nil, nil
	}
	data, err := os.ReadFile(e.CACert)
	if err != nil {
		return nil, fmt.Errorf("cannot read the authority: %w", err)
	}
	return data, nil
}

// tls is what the members are dialled with; nil where all URLs are of plain text.
func (e Endpoints) tls(authority []byte) (*tls.Config, error) {
	if !slices.ContainsFunc(e.URLs, func(u string) bool { return strings.HasPrefix(u, "https:") }) {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: e.SkipVerify} //nolint:gosec // it is asked for
	if authority != nil {
		if config.RootCAs = x509.NewCertPool(); !config.RootCAs.AppendCertsFromPEM(authority) {
			return nil, fmt.Errorf("%s holds no certificate", e.CACert)
		}
	}
	if e.Cert != "" {
		pair, err := tls.LoadX509KeyPair(e.Cert, e.Key)
		if err != nil {
			return nil, fmt.Errorf("cannot read the certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
