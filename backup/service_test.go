package backup_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
)

// A description is of what runs the members, and the service of all of it.
func TestTheServiceReadsWhatIsDescribedForAnyRuntime(t *testing.T) {
	for name, text := range map[string]string{
		"containers": "tls: none\nbackup: {destination: b}\n",
		"processes":  "runtime: process\ntls: none\nbackup: {destination: b}\nmembers:\n- {name: etcd1, client-port: 15000}\n",
		"machines":   "tls: none\nbackup: {destination: b}\nmembers: {etcd1: 192.0.2.1, etcd2: 192.0.2.2, etcd3: 192.0.2.3}\n",
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			environment := map[string]string{
				cluster.BackupSpecVariable: text, cluster.BackupDestinationVariable: t.TempDir(),
				cluster.BackupMembersVariable: "etcd1=http://127.0.0.1:1",
			}
			if err := backup.Serve(ctx, func(name string) string { return environment[name] }, io.Discard); err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
}
