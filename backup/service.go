package backup

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/member"
)

// Serve is a Runner as a service of the cluster's own, in a container or under the
// supervisor of processes: it reaches the members by their names, as they reach each
// other, and asks nothing that runs them. What it is to do its environment says: see
// cluster.Cluster.BackupVariables. It ends with ctx.
func Serve(ctx context.Context, getenv func(string) string, out io.Writer) error {
	spec, err := cluster.Load("cluster", []byte(getenv(cluster.BackupSpecVariable)))
	if err != nil {
		return err
	}
	want, err := resolveSomewhere(spec)
	if err != nil {
		return err
	}
	if want.Backup == nil {
		return fmt.Errorf("%s is none to be backed up", want.Name)
	}
	r := &Runner{
		Request: Request{Cluster: want.Name, ClusterFile: spec.Text(), Stored: want.Backup.Stored, Seal: SealFor(want.Backup.Encryption)},
		Next:    want.Backup.Next, Keep: Keep(want.Backup.Keep), Continuous: want.Backup.Continuous, Now: time.Now,
		MetricsFile: getenv(cluster.BackupMetricsVariable),
		Tell:        func(what string) { note(out, "info", what) },
		Fail:        func(err error) { note(out, "error", err.Error()) },
	}
	if r.Store, err = OpenStore(getenv(cluster.BackupDestinationVariable)); err != nil {
		return err
	}
	urls := map[string]string{}
	for pair := range strings.SplitSeq(getenv(cluster.BackupMembersVariable), ",") {
		name, url, _ := strings.Cut(pair, "=")
		urls[name] = url
	}
	dir := getenv(cluster.BackupCertsVariable)
	if dir != "" {
		authority, err := os.ReadFile(filepath.Join(dir, authorityFile))
		if err != nil {
			return err
		}
		r.Request.Authorities = map[string][]byte{"client-ca": authority}
	}
	r.Ask = func(context.Context) (*member.Client, func() error, error) {
		read := func() (*tls.Config, error) { return clientOf(want.TLS, dir) } // anew each time: it may be renewed
		config, err := read()
		if err != nil {
			return nil, nil, err
		}
		c, err := member.New(member.Config{URLs: urls, TLS: config, Renew: read})
		if err != nil {
			return nil, nil, err
		}
		return c, c.Close, nil
	}
	stop, err := listen(getenv(cluster.BackupListenVariable), dir, r)
	if err != nil {
		r.Fail(fmt.Errorf("nobody can ask for metrics: %w", err)) // backups matter more
	}
	defer stop()
	return r.Run(ctx)
}

// note writes a line as etcd writes its own, which whoever reads a member's log reads too.
func note(out io.Writer, level, what string) {
	line, err := json.Marshal(struct {
		Level   string `json:"level"`
		Time    string `json:"ts"`
		Message string `json:"msg"`
	}{level, time.Now().UTC().Format(noteTime), what})
	if err != nil {
		line = []byte(what) // it is three texts
	}
	fmt.Fprintf(out, "%s\n", line)
}

// noteTime is etcd's form of times in its log.
const noteTime = "2006-01-02T15:04:05.000000Z0700"

// resolveSomewhere resolves a description wherever it is meant for: what is asked of
// it here, when and where to backups are taken, is the same everywhere.
func resolveSomewhere(spec cluster.Spec) (*cluster.Cluster, error) {
	var first error
	for _, place := range []cluster.Placement{cluster.InContainers, cluster.InProcesses("", ""), cluster.UnderSystemd} {
		want, err := cluster.Resolve(spec, place)
		if err == nil {
			return want, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// The files of a client's certificate, as package certs lays them out.
const authorityFile, certFile, keyFile = "ca.crt", "tls.crt", "tls.key"

// clientOf is what members are dialled with; nil for plain text.
func clientOf(mode cluster.TLSMode, dir string) (*tls.Config, error) {
	switch mode {
	case cluster.NoTLS:
		return nil, nil
	case cluster.AutoTLS: // nobody can verify what members made up
		return &tls.Config{InsecureSkipVerify: true}, nil
	}
	return readIdentity(dir)
}

// readIdentity reads a certificate and who vouches for the members.
func readIdentity(dir string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, certFile), filepath.Join(dir, keyFile))
	if err != nil {
		return nil, fmt.Errorf("cannot read the certificate to reach the members with: %w", err)
	}
	authority, err := os.ReadFile(filepath.Join(dir, authorityFile))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s holds no certificate", filepath.Join(dir, authorityFile))
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, RootCAs: pool}, nil
}
