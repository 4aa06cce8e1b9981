//go:build e2e && linux

package e2e

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdctr/etcdctr/cluster"
)

// What works once works again and again, and with much data: nothing is lost, and
// nothing is left behind.

const (
	often    = 10
	mebibyte = 1 << 20
)

// fill puts so many mebibytes, in values of one each, and the key that wantWell looks
// for.
func fill(t *testing.T, config clientv3.Config, mebibytes int) {
	t.Helper()
	c := loadClient(t, config)
	for i := range mebibytes {
		value := strings.Repeat(fmt.Sprintf("%016x", i), mebibyte/16)
		if _, err := c.Put(t.Context(), filledKey(i), value); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Put(t.Context(), "key", "value"); err != nil {
		t.Fatal(err)
	}
}

func filledKey(i int) string { return fmt.Sprintf("filled/%08d", i) }

// wantFilled wants all of that to be there still, as it was put once.
func wantFilled(t *testing.T, config clientv3.Config, mebibytes int) {
	t.Helper()
	c := loadClient(t, config)
	answer, err := c.Get(t.Context(), "filled/", clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Kvs) != mebibytes {
		t.Errorf("%d of %d keys are there", len(answer.Kvs), mebibytes)
	}
	for _, kv := range answer.Kvs {
		if kv.Version != 1 {
			t.Errorf("%s was put %d times", kv.Key, kv.Version)
		}
	}
}

// wantDatabases wants the folder of a cluster of processes to have so many.
func (p *processGround) wantDatabases(want int) {
	p.t.Helper()
	var there []string
	err := filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "/member/snap/db") {
			there = append(there, path)
		}
		return err
	})
	if err != nil || len(there) != want {
		p.t.Errorf("%d databases are wanted, there are %v (%v)", want, there, err)
	}
}

func TestMembersComeAndGoTenTimesWithMuchData(t *testing.T) {
	const data = 200
	p := onProcesses(t)
	p.set("quota-backend-bytes: 2GiB")
	p.up(cluster.NewestMinor, 3)
	fill(t, p.config(), data)
	for range often {
		p.up(cluster.NewestMinor, 5)
		p.wantWell(5)
		p.run(append(p.flags("--etcd", minorRelease(cluster.NewestMinor), "--members", "3"), "--volumes", "--yes")...)
		p.up(cluster.NewestMinor, 3)
		p.wantWell(3)
		p.wantDatabases(3)
	}
	wantFilled(t, p.config(), data)
}

func TestReleasesComeAndGoFiveTimes(t *testing.T) {
	const data = 20
	p := onProcesses(t)
	p.up(5, 3)
	fill(t, p.config(), data)
	for range often / 2 {
		p.up(7, 3)
		p.wantWell(3)
		p.up(5, 3)
		p.wantWell(3)
	}
	wantFilled(t, p.config(), data)
	p.wantDatabases(3)
}

func TestAMemberIsReplacedTwentyTimes(t *testing.T) {
	const data = 20
	for name, on := range grounds {
		t.Run(name, func(t *testing.T) {
			g := on(t)
			g.up(cluster.NewestMinor, 3)
			fill(t, g.config(), data)
			for i := range 2 * often {
				g.run("member", "replace", fmt.Sprintf("etcd%d", i%3+1))
			}
			g.wantWell(3)
			wantFilled(t, g.config(), data)
		})
	}
}

// TestAMemberJoinsWithAGiB tells how long that takes.
func TestAMemberJoinsWithAGiB(t *testing.T) {
	p := onProcesses(t)
	p.set("quota-backend-bytes: 4GiB")
	p.up(cluster.NewestMinor, 3)
	fill(t, p.config(), 1<<10)
	began := time.Now()
	p.up(cluster.NewestMinor, 4)
	t.Logf("a fourth member serves after %.1f s", time.Since(began).Seconds())
	p.wantWell(4)
	wantFilled(t, p.config(), 1<<10)
}
