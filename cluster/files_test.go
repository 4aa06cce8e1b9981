package cluster_test

import (
	"path/filepath"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

func TestFilesAreMeantFromTheFolderOfTheClusterFile(t *testing.T) {
	here, err := filepath.Abs("here")
	if err != nil {
		t.Fatal(err)
	}
	s := cluster.Spec{CertsDir: "certs", EtcdBinary: here, Backup: cluster.BackupSpec{Destination: "s3://bucket/orders"}}
	s.Locate("orders")
	if s.CertsDir != filepath.Join("orders", "certs") || s.EtcdBinary != here || s.DiscoveryKey != "" || s.Backup.Destination != "s3://bucket/orders" {
		t.Errorf("got %+v", s)
	}
}

// A spec is checked before the token is read that is kept for it, or made.
func TestASpecIsCheckedWithoutItsToken(t *testing.T) {
	if err := cluster.Check(cluster.Spec{Bootstrap: "discovery"}); err != nil {
		t.Error(err)
	}
	if cluster.Check(cluster.Spec{Bootstrap: "discovery", TLS: "perhaps"}) == nil {
		t.Error("TLS can be perhaps")
	}
}
