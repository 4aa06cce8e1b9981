package member

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// What etcd 3.7 needs of data that came from 3.5. It decodes a member's whole
// write-ahead log since the last snapshot on disk, and ends in a panic on
// entries that 3.5 wrote; 3.6 makes such a snapshot every 10,000 entries only,
// so a small cluster never gets rid of them. On its way through a downgrade and
// back, 3.6 makes one at once.

// RenewSnapshots has every member of a cluster of etcd 3.6 make a snapshot on
// disk, in 5 to 8 seconds and without a restart: the step before 3.7, unless the
// cluster is known to have never run 3.5. All members have to run 3.6, which is
// a VersionError otherwise, and to answer. That each of them made its snapshot
// is read off a metric; where one did not, it tries once more, and fails with
// ErrNoProgress. Afterwards no downgrade is under way: one to 3.5, which a run
// that was cut off may have left, is canceled.
func (c *Client) RenewSnapshots(ctx context.Context) error {
	names, err := c.allOn36(ctx)
	if err != nil {
		return fmt.Errorf("only a cluster of etcd 3.6 can be prepared for 3.7: %w", err)
	}
	before, err := c.countSnapshots(ctx, names)
	if err != nil {
		return err
	}
	const attempts = 2
	var missing []string
	for range attempts {
		if err := c.thereAndBack(ctx); err != nil {
			return err
		}
		now, err := c.countSnapshots(ctx, names)
		if err != nil {
			return err
		}
		missing = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return now[name] > before[name] })
		if len(missing) == 0 {
			return nil
		}
	}
	return fmt.Errorf("%w: %s made no snapshot on disk, without which etcd 3.7 cannot read the log: "+
		"restart it with etcd 3.6 once more", ErrNoProgress, strings.Join(missing, ", "))
}

// allOn36 gives the names of all members.
func (c *Client) allOn36(ctx context.Context) ([]string, error) {
	v, err := c.Look(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, m := range v.Members {
		names = append(names, v.endpointOf(m).Name)
	}
	return names, v.unlike("release", "3.6", func(e Endpoint) string { return minor(e.Version) })
}

// thereAndBack goes to a cluster of version 3.5 and back.
func (c *Client) thereAndBack(ctx context.Context) error {
	who, err := c.servant(ctx, 0)
	if err != nil {
		return err
	}
	if who.said.DowngradeTarget == "" {
		if _, err := c.WaitClusterVersion(ctx, "3.6"); err != nil {
			return err
		}
	}
	if err := c.EnableDowngrade(ctx, "3.5"); err != nil {
		return err
	}
	_, there := c.WaitClusterVersion(ctx, "3.5")
	// Also after Ctrl-C: it was enabled here, and nobody else wants it.
	if err := errors.Join(there, c.CancelDowngrade(context.WithoutCancel(ctx))); err != nil {
		return err
	}
	_, err = c.WaitClusterVersion(ctx, "3.6")
	return err
}

// snapshotCount is the metric of snapshots on disk (etcdserver/api/snap/
// metrics.go, in 3.5 to 3.7).
const snapshotCount = "etcd_debugging_snap_save_total_duration_seconds_count"

// countSnapshots asks each member how many it has made since its start.
func (c *Client) countSnapshots(ctx context.Context, names []string) (map[string]float64, error) {
	counts := map[string]float64{}
	for _, name := range names {
		n, err := c.metric(ctx, name, snapshotCount)
		if err != nil {
			return nil, fmt.Errorf("cannot read the metrics of %s: %w", name, err)
		}
		counts[name] = n
	}
	return counts, nil
}

// metric reads one of a member's metrics that has no labels.
func (c *Client) metric(ctx context.Context, name, metric string) (float64, error) {
	ctx, cancel := c.question(ctx)
	defer cancel()
	response, err := c.get(ctx, c.config.URLs[name]+"/metrics")
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("it answers %s", response.Status)
	}
	return findMetric(response.Body, metric)
}

// findMetric reads Prometheus' text format.
func findMetric(text io.Reader, metric string) (float64, error) {
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), metric+" "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	if err := lines.Err(); err != nil {
		return 0, err
	}
	return 0, fmt.Errorf("there is no %s among them", metric)
}
