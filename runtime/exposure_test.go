package runtime_test

import (
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/runtime"
)

func TestCompanyIsExpectedByNameOnly(t *testing.T) {
	for name, tt := range map[string]struct {
		there, beside  []string
		expected, seen string
		remedy         string // a part of it
	}{
		"nobody":                       {expected: "none", seen: "none"},
		"an application that is meant": {there: []string{"shop"}, beside: []string{"shop", "blog"}, expected: "shop", seen: "shop"},
		"one that nobody has named":    {there: []string{"shop"}, expected: "none", seen: "shop", remedy: "--beside 'shop' expects"},
		"others beside it":             {there: []string{"z", "shop", "a"}, beside: []string{"shop"}, expected: "shop", seen: "a, shop, z", remedy: "--beside 'z,a' expects"},
	} {
		t.Run(name, func(t *testing.T) {
			x := runtime.Company("etcd_cluster", "other containers", tt.there, tt.beside)
			if x.Subject != "network etcd_cluster" || x.Expected != tt.expected || x.Seen != tt.seen {
				t.Errorf("got %+v, want %q and %q", x, tt.expected, tt.seen)
			}
			if (x.Remedy == "") != (tt.remedy == "") || !strings.Contains(x.Remedy, tt.remedy) {
				t.Errorf("the remedy is %q, want %q in it", x.Remedy, tt.remedy)
			}
		})
	}
}

func TestCompanyMayBeJoinedByMore(t *testing.T) {
	x := runtime.Company("etcd_cluster", "other containers", []string{"z", "shop", "a"}, []string{"a"})
	x.Subject += " on m1"
	if x = x.With("shop", "blog"); x.Subject != "network etcd_cluster on m1" || x.Expected != "a, shop" || x.Seen != "a, shop, z" || !strings.Contains(x.Remedy, "--beside 'z' expects") {
		t.Errorf("with one more: %+v", x)
	}
	if x = x.With("z"); x.Expected != x.Seen || x.Remedy != "" {
		t.Errorf("with all: %+v", x)
	}
	ports := runtime.Exposure{Subject: "etcd1", Check: "published ports", Expected: runtime.Nothing, Seen: "127.0.0.1:2379->2379"}
	if with := ports.With("shop"); with.Expected != ports.Expected || with.Seen != ports.Seen {
		t.Errorf("what is no company became %+v", with)
	}
}
