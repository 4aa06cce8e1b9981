package backup_test

import (
	"testing"

	"github.com/etcdctr/etcdctr/backup"
)

func TestABackupIsInAFolderOrInABucket(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "writer", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_S3": "",
	} {
		t.Setenv(name, value)
	}
	for place, want := range map[string]struct{ store, name string }{
		"orders.tar.zst":                      {".", "orders.tar.zst"},
		"/backups/orders.tar.zst":             {"/backups", "orders.tar.zst"},
		"s3://backups/orders/orders1.tar.zst": {"s3://backups/orders", "orders1.tar.zst"},
	} {
		s, name, err := backup.StoreOf(place)
		if err != nil {
			t.Errorf("%s: %v", place, err)
			continue
		}
		if s.Place("") != want.store || name != want.name {
			t.Errorf("%s is %s in %s", place, name, s.Place(""))
		}
	}
	for _, place := range []string{"s3:/backups/orders.tar.zst", "S3://backups/orders.tar.zst", "https://backups/orders.tar.zst", "s3://backups", "s3://backups/"} {
		if _, _, err := backup.StoreOf(place); err == nil {
			t.Errorf("%s is a place", place)
		}
	}
}
