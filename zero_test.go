//go:build unix

package etcdctr_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime"
)

// Options that say nothing have nothing replaced that nobody was asked about, and end no
// program.
func TestOptionsThatSayNothing(t *testing.T) {
	folder := t.TempDir()
	ctx := t.Context()
	c, err := etcdctr.New(etcdctr.Options{Folder: folder, Runtimes: []runtime.Runtime{processes(folder)}}).
		Find(ctx, cluster.Spec{Name: "zero", Members: cluster.Count(1), TLS: "none", ClientPort: "auto"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Up(ctx, etcdctr.UpOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := c.Down(context.WithoutCancel(ctx), true); err != nil {
			t.Error(err)
		}
	})
	place, _, err := c.Backup(ctx, t.TempDir(), backup.Request{})
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range []struct {
		name string
		do   func() error
		want error
	}{
		{"Restore", func() error { _, err := c.Restore(ctx, place, etcdctr.RestoreOptions{}); return err }, backup.ErrNoConsent},
		{"Recover", func() error { _, err := c.Recover(ctx, etcdctr.RecoverOptions{}); return err }, etcdctr.ErrQuorum},
		{"PlanRestore", func() error { _, err := c.PlanRestore(ctx, place, etcdctr.RestoreOptions{}); return err }, nil},
		{"PlanRecover", func() error { _, err := c.PlanRecover(ctx, etcdctr.RecoverOptions{}); return err }, etcdctr.ErrQuorum},
		{"Examine", func() error { _, err := c.Examine(ctx, etcdctr.Examination{}); return err }, nil},
		{"Plan", func() error { _, err := c.Plan(ctx, etcdctr.Change{Verb: converge.Up}); return err }, nil},
		{"Compact", func() error {
			done, err := c.Compact(ctx, etcdctr.Compaction{})
			if err == nil && done.Revision == 0 {
				err = errors.New("it tells no revision")
			}
			return err
		}, nil},
		{"Compact by age", func() error {
			_, err := c.Compact(ctx, etcdctr.Compaction{Before: time.Unix(1, 0)})
			return err
		}, etcdctr.ErrNoDestination},
		{"RotationSteps", func() error {
			steps, err := c.RotationSteps(ctx, []certs.Move{{Kind: certs.Restart, Members: []string{"etcd1"}}}, true)
			if err == nil && (len(steps.Gather) > 0 || len(steps.Restart) == 0 || len(steps.All) != len(steps.Restart)) {
				err = fmt.Errorf("of a member that runs: %+v", steps)
			}
			return err
		}, nil},
		{"Watch", func() error { _, err := c.Watch(etcdctr.WatchOptions{}).Observe(ctx); return err }, nil},
		{"Stop", func() error { _, err := c.Make(ctx, etcdctr.Change{Verb: converge.Stop}); return err }, nil},
		{"Recover what is stopped", func() error {
			_, err := c.Recover(ctx, etcdctr.RecoverOptions{Output: t.TempDir()})
			return err
		}, backup.ErrNoConsent},
		{"RotationSteps of what is stopped", func() error {
			steps, err := c.RotationSteps(ctx, []certs.Move{{Kind: certs.Restart, Members: []string{"etcd1"}}}, true)
			if err == nil && (len(steps.Gather) == 0 || len(steps.All) > 0) {
				err = fmt.Errorf("of a member that is stopped: %+v", steps)
			}
			return err
		}, nil},
		{"Examine what is stopped", func() error { _, err := c.Examine(ctx, etcdctr.Examination{}); return err }, nil},
	} {
		if err := entry.do(); !errors.Is(err, entry.want) || err != nil && entry.want == nil {
			t.Errorf("%s: %v, want %v", entry.name, err, entry.want)
		}
	}
	have, err := c.Observe(ctx)
	if err != nil || len(have.Members()) != 1 || have.Members()[0].Data != runtime.Kept {
		t.Errorf("it has %+v: %v", have, err)
	}
}
