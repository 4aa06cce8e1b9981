package member

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/internal/listed"
)

// ErrSeveralClusters is the error of members that answer and are of several clusters.
var ErrSeveralClusters = errors.New("they are members of different clusters")

// Discover makes a client for members of which no more is known than URLs that some of
// them are reached at. It calls each by its name among the members, and one that has
// none yet, or does not answer and is not known by that URL, by its host and port. Of
// URLs that lead to one member it keeps one.
func Discover(ctx context.Context, urls []string, config Config) (*Client, error) {
	config.URLs = map[string]string{}
	for _, u := range urls {
		config.URLs[hostOf(u)] = u
	}
	c, err := New(config)
	if err != nil {
		return nil, err
	}
	v, err := c.Look(ctx)
	if err = cmp.Or(err, v.OneCluster()); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, c.rename(v)
}

// OneCluster is an ErrSeveralClusters that says who is in which, where members of several
// clusters answer.
func (v View) OneCluster() error {
	clusters := v.Clusters()
	if len(clusters) < 2 {
		return nil
	}
	var each []string
	for id, names := range clusters {
		each = append(each, fmt.Sprintf("%s in %s", listed.And(names), id))
	}
	return fmt.Errorf("%s: %w", strings.Join(slices.Sorted(slices.Values(each)), ", "), ErrSeveralClusters)
}

func hostOf(text string) string {
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		return u.Host
	}
	return text
}

// rename calls endpoints by the names of the members, and forgets those of members that
// have another.
func (c *Client) rename(v View) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	all := slices.SortedStableFunc(slices.Values(v.Endpoints), func(a, b Endpoint) int {
		return cmp.Compare(b.ID, a.ID) // those that answer come first
	})
	named := map[string]string{}
	for _, e := range all {
		m, ok := v.ByID(e.ID)
		if !ok {
			i := slices.IndexFunc(v.Members, func(m Member) bool { return slices.Contains(m.ClientURLs, e.URL) })
			if i >= 0 {
				m = v.Members[i]
			}
		}
		name := cmp.Or(m.Name, e.Name)
		to := c.open[e.Name]
		delete(c.open, e.Name)
		switch _, there := named[name]; {
		case !there:
			named[name] = e.URL
			if to != nil {
				to.name = name
				c.open[name] = to
			}
		case to != nil:
			errs = append(errs, to.etcd.Close())
		}
	}
	c.config.URLs = named
	return errors.Join(errs...)
}
