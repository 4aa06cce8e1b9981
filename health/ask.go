package health

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
)

// answer is what one member said, or why it did not.
type answer struct {
	member Member
	err    error // of reaching it; then only the certificates may be there

	status  *clientv3.StatusResponse
	members []*etcdserverpb.Member // as this member knows them
	read    time.Duration          // what a linearizable read took
	readErr error

	compacted bool // asked of a member with an alarm

	digest digest // asked on demand

	clock        clock
	certificates []shown
}

// shown is a certificate that a member or its client shows.
type shown struct {
	use  string // "server", "peer" or "client"
	cert *x509.Certificate
}

// ask puts all questions to one member.
func (c Cluster) ask(ctx context.Context, m Member) answer {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	a := answer{member: m}

	peer := make(chan []shown, 1)
	go func() { peer <- c.peerCertificate(ctx, m) }()

	front := c.knock(ctx, m)
	a.clock, a.certificates, a.err = front.clock, front.certificates, front.err
	if a.err == nil {
		c.question(ctx, m, &a)
	}
	a.certificates = append(a.certificates, <-peer...)
	a.certificates = append(a.certificates, c.ownCertificate()...)
	return a
}

// question asks what only etcd's own client can.
func (c Cluster) question(ctx context.Context, m Member, a *answer) {
	client, err := c.client(ctx, m)
	if err != nil {
		a.err = err
		return
	}
	defer client.Close()

	if a.status, a.err = c.status(ctx, client, m); a.err != nil {
		return
	}
	// Serializable: the member's own knowledge, even without a quorum.
	members, err := client.MemberList(ctx, clientv3.WithSerializable())
	if err == nil {
		a.members = members.Members
	}
	if a.err = standIn(a); a.err != nil {
		return
	}
	if a.read, a.readErr = c.linearizableRead(ctx, client); a.readErr == nil {
		c.catchUp(ctx, client, a)
	}
	if revision := a.status.Header.Revision; len(a.alarms()) > 0 && revision > 1 {
		_, err := client.Get(ctx, "health", clientv3.WithRev(revision-1), clientv3.WithSerializable())
		a.compacted = errors.Is(err, rpctypes.ErrCompacted)
	}
}

func (c Cluster) status(ctx context.Context, client *clientv3.Client, m Member) (*clientv3.StatusResponse, error) {
	s, err := client.Status(ctx, m.ClientURL)
	if err == nil && s.DbSizeQuota == 0 {
		s.DbSizeQuota = m.Quota
	}
	return s, err
}

// catchUp takes the status of a member that has answered a linearizable read: it has
// carried out by then all that its cluster had, and one that was just elected need not have
// before.
func (c Cluster) catchUp(ctx context.Context, client *clientv3.Client, a *answer) {
	if s, err := c.status(ctx, client, a.member); err == nil {
		a.status = s
	}
}

// client talks etcd's API to one member, by one connection: etcd's own Maintenance opens
// one for every question.
func (c Cluster) client(ctx context.Context, m Member) (*clientv3.Client, error) {
	client, err := clientv3.New(clientv3.Config{
		Endpoints:   []string{m.ClientURL},
		TLS:         c.TLS,
		Context:     ctx,
		Logger:      zap.NewNop(),
		DialOptions: []grpc.DialOption{grpc.WithContextDialer(c.dialTCP)},
	})
	if err == nil {
		client.Maintenance = clientv3.NewMaintenanceFromMaintenanceClient(clientv3.RetryMaintenanceClient(client, client.ActiveConnection()), client)
	}
	return client, err
}

func (c Cluster) dialTCP(ctx context.Context, address string) (net.Conn, error) {
	return c.Dial(ctx, "tcp", address)
}

// Nobody is the common name of a certificate by which etcd is tried, and which is to be no
// user's: that it is refused shows nothing that is wrong.
const Nobody = "no-user-of-etcds"

// linearizableRead reads a key that need not exist. To be refused the key is an
// answer too: the member has consulted its quorum about who may read.
func (c Cluster) linearizableRead(ctx context.Context, client *clientv3.Client) (time.Duration, error) {
	start := time.Now()
	_, err := client.Get(ctx, "health")
	if errors.Is(err, rpctypes.ErrPermissionDenied) {
		err = nil
	}
	return time.Since(start), err
}
