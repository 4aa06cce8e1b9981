package adopt

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
)

// This file finds the release of members. Who runs is asked: the name of an image says
// what somebody has called it.

var (
	// ErrRelease is the error of members whose release is not told, or not supported.
	ErrRelease = fmt.Errorf("the release of the members has to be named: one of %s", strings.Join(cluster.SupportedEtcd(), ", "))
	// ErrOtherRelease is the error of describing members as another minor of etcd than
	// they say that they run.
	ErrOtherRelease = errors.New("members go on by the release that they run")
)

// askReleases has members that run tell their releases. Who does not answer, as its
// client port asks for a certificate, is what it is known as.
func askReleases(ctx context.Context, f Foreign, s *Stack) {
	var all sync.WaitGroup
	for i := range s.Members {
		m := &s.Members[i]
		if !m.Runs() {
			continue
		}
		all.Go(func() {
			if v, ok := askRelease(ctx, f, *m); ok {
				m.Release, m.answers = v.String(), true
			}
		})
	}
	all.Wait()
}

// askRelease asks at /version, where etcd answers anybody whom its port lets in, also
// without a quorum.
func askRelease(ctx context.Context, f Foreign, m Member) (cluster.Version, bool) {
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, m.ClientURL()+"/version", http.NoBody)
	if err != nil {
		return cluster.Version{}, false
	}
	transport := &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return f.Dial(ctx, m, m.ClientURL()) },
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // nothing is said to it, and whose certificates it has is not known here
		DisableKeepAlives: true,
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return cluster.Version{}, false
	}
	defer response.Body.Close()
	var versions struct {
		Server string `json:"etcdserver"`
	}
	if json.NewDecoder(response.Body).Decode(&versions) != nil {
		return cluster.Version{}, false
	}
	v, err := cluster.ReadVersion(versions.Server)
	return v, err == nil
}

// answerPatience is how long a member may take to answer: one that is frozen never does.
const answerPatience = 3 * time.Second

// release is that of the members: the lowest, where they are on their way to another;
// empty where nothing tells.
func (s *Stack) release() string {
	var lowest string
	var least cluster.Version
	for _, m := range s.Members {
		if v, err := cluster.ReadVersion(m.Release); err == nil && (lowest == "" || v.Compare(least) < 0) {
			lowest, least = m.Release, v
		}
	}
	return lowest
}

// checkRelease refuses a minor that is none of those which members answer.
func (s *Stack) checkRelease(want cluster.Version) error {
	var errs []error
	for _, m := range s.Members {
		v, err := cluster.ReadVersion(m.Release)
		switch {
		case err != nil || !m.answers:
		case v.Minor == want.Minor:
			return nil
		default:
			errs = append(errs, fmt.Errorf("%s answers that it is an etcd %s, and %s is said: %w", m.Name, v, want, ErrOtherRelease))
		}
	}
	return errors.Join(errs...)
}
