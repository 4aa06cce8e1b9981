package exposure

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
)

// User is somebody as whom keys are tried.
type User struct {
	Name string
	// Password is what it comes with, beside the certificate of Cluster.Client.
	Password string
	// Certificate is the user's own. Where neither it nor a password is given, one
	// is made by Cluster.Issuer, which lives for minutes and never leaves memory.
	Certificate *tls.Certificate
}

// Keys are one key, or all from Key up to End, as etcd has it.
type Keys struct{ Key, End string }

// Written are those that a write is tried at: the first, and one that is as good as
// the last.
func (k Keys) Written() []string {
	switch end := []byte(k.End); {
	case k.End == "":
		return []string{k.Key}
	case k.End == "\x00": // there is no end
		return []string{k.Key, "\xff\xff"}
	case end[len(end)-1] == 0: // the key that it is made of is the last
		return slices.Compact([]string{k.Key, string(end[:len(end)-1])})
	default:
		end[len(end)-1]--
		return []string{k.Key, string(end) + "\xff"}
	}
}

// Access is what came of trying keys as a user.
type Access struct {
	User        string
	Keys        Keys
	Read, Write Answer
	Detail      string // why it was not tried
}

// TryUsers tries to read and to write keys as each of the users, and changes
// nothing: a read counts what is there, and a write stands in the branch of a
// transaction that is not taken, whose permissions etcd checks all the same. It is
// tried at Keys.Written.
func (c Cluster) TryUsers(ctx context.Context, users []User, keys []Keys) ([]Access, error) {
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	results := make([][]Access, len(users))
	var all sync.WaitGroup
	for i, u := range users {
		all.Go(func() { results[i] = c.tryUser(ctx, u, keys) })
	}
	all.Wait()
	var flat []Access
	for _, r := range results {
		flat = append(flat, r...)
	}
	return flat, ctx.Err()
}

func (c Cluster) tryUser(ctx context.Context, u User, keys []Keys) []Access {
	var results []Access
	client, impossible := c.as(ctx, u)
	if client != nil {
		defer client.Close()
	}
	for _, k := range keys {
		a := Access{User: u.Name, Keys: k, Read: NotTried, Write: NotTried, Detail: impossible}
		if client != nil {
			a.Read, a.Write, a.Detail = c.tryKeys(ctx, client, k)
		}
		results = append(results, a)
	}
	return results
}

// as gives a client that is a user, or tells why there is none.
func (c Cluster) as(ctx context.Context, u User) (client *clientv3.Client, impossible string) {
	certificate := c.Client
	switch {
	case u.Password != "":
	case u.Certificate != nil:
		certificate = *u.Certificate
	case c.Issuer == nil:
		return nil, "neither its certificate nor the key of the clients' authority is here"
	default:
		var err error
		if certificate, err = c.impostor(u.Name); err != nil {
			return nil, err.Error()
		}
	}
	config := clientv3.Config{
		TLS:     &tls.Config{Certificates: []tls.Certificate{certificate}, RootCAs: c.Servers, MinVersion: tls.VersionTLS12},
		Context: ctx, Logger: zap.NewNop(), Password: u.Password, DialTimeout: c.Timeout,
		DialOptions: []grpc.DialOption{grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return c.Dial(ctx, "tcp", address)
		})},
	}
	if u.Password != "" {
		config.Username = u.Name
	}
	for _, m := range c.Members {
		config.Endpoints = append(config.Endpoints, "https://"+m.ClientAddr)
	}
	client, err := clientv3.New(config)
	if err != nil {
		return nil, err.Error()
	}
	return client, ""
}

// impostor makes a certificate of a name.
func (c Cluster) impostor(name string) (tls.Certificate, error) {
	return c.certificate(c.Issuer, x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotAfter: c.Now.Add(5 * time.Minute),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

func (c Cluster) tryKeys(ctx context.Context, client *clientv3.Client, k Keys) (read, write Answer, detail string) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	options := []clientv3.OpOption{clientv3.WithCountOnly()}
	if k.End != "" {
		options = append(options, clientv3.WithRange(k.End))
	}
	_, errRead := client.Get(ctx, k.Key, options...)
	var puts []clientv3.Op
	for _, key := range k.Written() { // should the branch be taken after all, it would put what is there already
		puts = append(puts, clientv3.OpPut(key, "", clientv3.WithIgnoreValue(), clientv3.WithIgnoreLease()))
	}
	_, errWrite := client.Txn(ctx).Else(puts...).Commit()
	read, detailRead := permitted("read", errRead)
	write, detailWrite := permitted("write", errWrite)
	if detailRead == "" {
		return read, write, detailWrite
	}
	return read, write, detailRead
}

// permitted tells a refusal from no answer.
func permitted(what string, err error) (Answer, string) {
	switch {
	case err == nil:
		return LetIn, ""
	case errors.Is(err, rpctypes.ErrPermissionDenied), errors.Is(err, rpctypes.ErrUserNotFound), errors.Is(err, rpctypes.ErrUserEmpty):
		return Refused, ""
	}
	return Silent, fmt.Sprintf("%s: %v", what, err)
}
