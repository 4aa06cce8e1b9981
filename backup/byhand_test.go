package backup_test

import (
	"bufio"
	"context"
	"io"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/logs"
	"github.com/etcdctr/etcdctr/member"
)

// What somebody has asked for is not what is kept by rules.
func TestABackupByHandIsNotDeletedByRules(t *testing.T) {
	t.Parallel()
	c := start(t, []string{"etcd1"})
	write(t, c.raw(t), 3, 10)
	s, now := storeAt(t, t.TempDir()), noon
	byHand := request()
	byHand.Time = noon.Add(-time.Hour)
	kept, made, err := backup.TakeInto(t.Context(), c.client, s, byHand)
	if err != nil || !made.ByHand {
		t.Fatalf("by hand: %v, %v", made.ByHand, err)
	}
	r := &backup.Runner{
		Store: s, Request: request(), Now: func() time.Time { return now }, Keep: backup.Keep{Last: 1},
		Next: func(last time.Time) time.Time { return last.Add(time.Hour) },
		Ask: func(context.Context) (*member.Client, func() error, error) {
			return c.client, func() error { return nil }, nil
		},
	}
	for range 3 {
		if taken, err := r.Once(t.Context()); !taken || err != nil {
			t.Fatal(taken, err)
		}
		now = now.Add(time.Hour)
	}
	all, err := backup.List(t.Context(), s)
	if err != nil || len(all) != 2 {
		t.Fatalf("%d backups are left, want the last and the one by hand: %v", len(all), err)
	}
	if all[0].Metadata.ByHand || !all[1].Metadata.ByHand || all[1].Path != kept {
		t.Errorf("what is left is %s and %s", all[0].Path, all[1].Path)
	}
}

// A failure of the service is one in its log, too.
func TestTheServiceSaysItsFailuresAsErrors(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	environment := map[string]string{
		cluster.BackupSpecVariable: "tls: none\nbackup: {destination: b}\n", cluster.BackupDestinationVariable: t.TempDir(),
		cluster.BackupMembersVariable: "etcd1=http://127.0.0.1:1",
	}
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- backup.Serve(ctx, func(name string) string { return environment[name] }, in)
		_ = in.Close() // which never fails
	}()
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("it says nothing")
	}
	if e := logs.Read("backup", lines.Text(), time.Time{}); e.Level != logs.Error || e.Time.IsZero() {
		t.Errorf("%q is read as %v of %s", lines.Text(), e.Level, e.Time)
	}
	cancel()
	_, _ = io.Copy(io.Discard, out)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
