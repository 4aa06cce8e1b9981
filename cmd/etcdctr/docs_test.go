package main

import (
	"os"
	"reflect"
	"regexp"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// TestEveryKeyOfTheClusterFileIsDocumented wants each key at the beginning of
// a line, or of a member, of docs/cluster-file.md.
func TestEveryKeyOfTheClusterFileIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/cluster-file.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []any{cluster.Spec{}, cluster.MemberSpec{}} {
		typ := reflect.TypeOf(of)
		for i := range typ.NumField() {
			key := typ.Field(i).Tag.Get("key")
			if key == "" {
				continue
			}
			if !regexp.MustCompile(`(?m)^[ -]*` + key + `:`).Match(page) {
				t.Errorf("%s of %s is not in docs/cluster-file.md", key, typ.Name())
			}
		}
	}
}
