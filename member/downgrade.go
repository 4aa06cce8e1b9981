package member

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// ValidateDowngrade asks whether etcd would downgrade to a minor release such as
// "3.6". It says yes even if a member is away, which then could not follow: see
// EnableDowngrade.
func (c *Client) ValidateDowngrade(ctx context.Context, target string) error {
	return c.downgrade(ctx, "validate", clientv3.DowngradeValidate, target)
}

// EnableDowngrade has the cluster prepare for a minor release, such as "3.6".
// That it does so already is no error; ErrDowngradeUnderWay is one to another
// release. etcd says that it will, also where a member is away and so nothing
// ever happens: WaitStorageVersion tells when members may be replaced.
func (c *Client) EnableDowngrade(ctx context.Context, target string) error {
	who, err := c.servant(ctx, 0)
	if err != nil {
		return fmt.Errorf("cannot enable the downgrade to %s: %w", target, err)
	}
	switch has := who.said.DowngradeTarget; {
	case has == "":
		return c.downgrade(ctx, "enable", clientv3.DowngradeEnable, target)
	case minor(has) != minor(target):
		return fmt.Errorf("cannot enable the downgrade to %s: %w: %s", target, ErrDowngradeUnderWay, has)
	}
	return nil
}

// CancelDowngrade ends a downgrade, at whatever point it is: members of both
// releases go on together. That none is under way is no error.
func (c *Client) CancelDowngrade(ctx context.Context) error {
	err := c.downgrade(ctx, "cancel", clientv3.DowngradeCancel, "")
	if errors.Is(err, rpctypes.ErrNoInflightDowngrade) {
		return nil
	}
	return err
}

func (c *Client) downgrade(ctx context.Context, word string, action clientv3.DowngradeAction, target string) error {
	what := strings.TrimSpace("the downgrade to " + target)
	if target == "" {
		what = "the downgrade"
	}
	limited, cancel := context.WithTimeout(ctx, c.config.Patience.Progress)
	defer cancel()
	for {
		err := c.downgradeOnce(limited, action, target)
		if err == nil {
			return nil
		}
		if !passing(err) || rest(limited) != nil {
			return fmt.Errorf("cannot %s %s: %w", word, what, meaning(err))
		}
	}
}

func (c *Client) downgradeOnce(ctx context.Context, action clientv3.DowngradeAction, target string) error {
	who, err := c.servant(ctx, 0)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Patience.Change)
	defer cancel()
	_, err = who.to.maintenance.Downgrade(ctx, action, minor(target))
	return err
}

// minor is a release without its patch, such as "3.6" of "3.6.16".
func minor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// WaitStorageVersion waits until the data of every member that etcd counts is in
// the form of a minor release, such as "3.6": only then can a member of that
// release take it over. A VersionError says whose is not after
// Patience.Progress.
func (c *Client) WaitStorageVersion(ctx context.Context, version string) (View, error) {
	return c.WaitView(ctx, func(v View) error { return v.unlike("storage version", version, Endpoint.storageMinor) })
}

// WaitClusterVersion waits until all members that etcd counts have agreed on the
// cluster version of a minor release, such as "3.6": only then is an upgrade
// over.
func (c *Client) WaitClusterVersion(ctx context.Context, version string) (View, error) {
	return c.WaitView(ctx, func(v View) error { return v.unlike("cluster version", version, Endpoint.clusterMinor) })
}

// WaitNoDowngrade waits until no member that etcd counts knows of a downgrade any
// more: etcd ends one by itself, shortly after the last member has been replaced.
func (c *Client) WaitNoDowngrade(ctx context.Context) (View, error) {
	return c.WaitView(ctx, func(v View) error { return v.unlike("the downgrade", "", Endpoint.downgrade) })
}

func (e Endpoint) downgrade() string {
	if !e.Answers() {
		return "unknown"
	}
	return minor(e.DowngradeTarget)
}

// storageMinor is the release of the member's data. A member of 3.5 does not
// tell, and knows no other than its own.
func (e Endpoint) storageMinor() string {
	if e.StorageVersion == "" && minor(e.Version) == "3.5" {
		return "3.5"
	}
	return minor(e.StorageVersion)
}

func (e Endpoint) clusterMinor() string { return minor(e.ClusterVersion) }

// VersionError names the members that are not yet of a version.
type VersionError struct {
	What   string            // such as "storage version"
	Wanted string            // such as "3.6"; empty for none
	Others map[string]string // by member what it has; empty where it does not answer
}

func (e *VersionError) Error() string {
	var parts []string
	for name, has := range e.Others {
		if has == "" {
			has = "unknown"
		}
		parts = append(parts, name+" ("+has+")")
	}
	slices.Sort(parts)
	if e.Wanted == "" {
		return fmt.Sprintf("%s is not over for %s", e.What, strings.Join(parts, ", "))
	}
	return fmt.Sprintf("%s %s is not that of %s", e.What, e.Wanted, strings.Join(parts, ", "))
}

func (v View) unlike(what, wanted string, has func(Endpoint) string) error {
	if len(v.Members) == 0 {
		return ErrNotServing
	}
	others := map[string]string{}
	for _, m := range v.Members {
		if is := has(v.endpointOf(m)); is != minor(wanted) {
			others[m.String()] = is
		}
	}
	if len(others) == 0 {
		return nil
	}
	return &VersionError{What: what, Wanted: minor(wanted), Others: others}
}
