package discovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Service is a discovery service.
type Service struct{ store store }

// store holds the registry's keys, by their path below the registry.
type store interface {
	// list gives all keys of a token.
	list(ctx context.Context, token string) ([]entry, error)
	// create writes keys that must not be there yet; it reports whether they
	// were not.
	create(ctx context.Context, keys map[string]string) (bool, error)
	// remove deletes all keys of a token.
	remove(ctx context.Context, token string) error
	close() error
}

// entry is one key of a token: its path behind the token, and its value.
type entry struct{ path, value string }

// Close ends the connection.
func (s *Service) Close() error { return s.store.close() }

// Status is what a service knows of a token.
type Status struct {
	Token string `json:"token"`
	// Size is how many members the token is for; 0 when it takes no
	// registrations (any more).
	Size    int      `json:"size"`
	Members []Member `json:"members"` // who has registered, the first first
}

// Member is one registration.
type Member struct {
	ID       string `json:"id"`       // in hexadecimal
	Name     string `json:"name"`     // empty when it registered something else than a name and URLs
	PeerURLs string `json:"peerURLs"` // separated by commas
}

// Missing is how many members have not registered yet.
func (s Status) Missing() int { return max(s.Size-len(s.Members), 0) }

// The errors that a token can make.
var (
	ErrUnknownToken = errors.New("the token is not known")
	ErrClosedToken  = errors.New("the token is closed: its cluster has formed")
	ErrUsedToken    = errors.New("the token is used by another cluster")
	ErrTokenExists  = errors.New("the token exists already")
	ErrWrongSize    = errors.New("the token is for another number of members")
)

// sizeKey holds the size, behind a token.
const sizeKey = "_config/size"

// Register makes a token for a new cluster of size members.
func (s *Service) Register(ctx context.Context, token string, size int) error {
	if size < 1 {
		return fmt.Errorf("size %d: a cluster has at least 1 member", size)
	}
	ok, err := s.store.create(ctx, map[string]string{token + "/" + sizeKey: strconv.Itoa(size)})
	if err == nil && !ok {
		err = ErrTokenExists
	}
	return tokenError(token, err)
}

// Status tells who has registered under a token.
func (s *Service) Status(ctx context.Context, token string) (Status, error) {
	entries, err := s.store.list(ctx, token)
	if err == nil && len(entries) == 0 {
		err = ErrUnknownToken
	}
	if err != nil {
		return Status{}, tokenError(token, err)
	}
	status := Status{Token: token, Members: []Member{}}
	for _, e := range entries {
		switch {
		case e.path == sizeKey:
			if status.Size, err = strconv.Atoi(strings.TrimSpace(e.value)); err != nil || status.Size < 1 {
				return Status{}, tokenError(token, fmt.Errorf("its size is %q, and members that start with it exit: remove it and make another", e.value))
			}
		case !strings.HasPrefix(e.path, "_"):
			status.Members = append(status.Members, member(e))
		}
	}
	return status, nil
}

// member reads a registration, such as "etcd1=http://etcd1:2380" or, with
// several URLs, "etcd1=http://a:2380,etcd1=http://b:2380".
func member(e entry) Member {
	m := Member{ID: strings.TrimPrefix(e.path, "members/")}
	var urls []string
	for _, pair := range strings.Split(strings.TrimSpace(e.value), ",") {
		name, url, ok := strings.Cut(pair, "=")
		if !ok {
			return m
		}
		m.Name = name
		urls = append(urls, url)
	}
	slices.Sort(urls)
	m.PeerURLs = strings.Join(urls, ",")
	return m
}

// Remove forgets a token. Members that have formed their cluster do not mind.
func (s *Service) Remove(ctx context.Context, token string) error {
	entries, err := s.store.list(ctx, token)
	if err == nil && len(entries) == 0 {
		err = ErrUnknownToken
	}
	if err != nil {
		return tokenError(token, err)
	}
	return tokenError(token, s.store.remove(ctx, token))
}

// Check refuses a token that the wanted members, all of their cluster, would
// fail with or, worse, succeed. Members that have registered already, as those
// of a cluster that was started before, are no obstacle.
func (s *Service) Check(ctx context.Context, token string, wanted []Member) error {
	status, err := s.Status(ctx, token)
	if err != nil {
		return err
	}
	return status.check(wanted)
}

func (s Status) check(wanted []Member) error {
	for _, m := range s.Members {
		if !slices.Contains(wanted, m) {
			return tokenError(s.Token, fmt.Errorf("%w: %s at %s has registered", ErrUsedToken, m.Name, m.PeerURLs))
		}
	}
	switch {
	case s.Size == 0 && len(s.Members) == len(wanted):
		return nil // formed; the members go by their data
	case s.Size == 0:
		return tokenError(s.Token, ErrClosedToken)
	case s.Size < len(wanted):
		return tokenError(s.Token, fmt.Errorf("%w: %d, and the cluster has %d: one too many is refused as `cluster is full`",
			ErrWrongSize, s.Size, len(wanted)))
	case s.Size > len(wanted):
		return tokenError(s.Token, fmt.Errorf("%w: %d, and the cluster has %d: they would wait for the others for ever",
			ErrWrongSize, s.Size, len(wanted)))
	}
	return nil
}

// Join registers the wanted members, all of their cluster, at once. Doing it
// again changes nothing.
func (s *Service) Join(ctx context.Context, token string, wanted []Member) error {
	status, err := s.Status(ctx, token)
	if err != nil {
		return err
	}
	if err := status.check(wanted); err != nil || len(status.Members) == len(wanted) {
		return err
	}
	keys := map[string]string{}
	for _, m := range wanted {
		if !slices.Contains(status.Members, m) {
			keys[token+"/members/"+m.ID] = m.registration()
		}
	}
	ok, err := s.store.create(ctx, keys)
	if err == nil && !ok {
		err = ErrUsedToken
	}
	return tokenError(token, err)
}

// registration is a member's as etcd writes it.
func (m Member) registration() string {
	urls := strings.Split(m.PeerURLs, ",")
	for i, u := range urls {
		urls[i] = m.Name + "=" + u
	}
	return strings.Join(urls, ",")
}

// tokenError says which token an error is about.
func tokenError(token string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("discovery token %s: %w", token, err)
}
