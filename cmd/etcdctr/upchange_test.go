package main

import (
	"strings"
	"testing"
)

func TestChangesThatDataOrOtherMembersContradictAreRefused(t *testing.T) {
	members := func(url string, more ...string) []memberSettings {
		var all []memberSettings
		for _, name := range []string{"etcd1", "etcd2"} {
			env := append([]string{"ETCD_INITIAL_ADVERTISE_PEER_URLS=" + strings.ReplaceAll(url, "NAME", name)}, more...)
			all = append(all, memberSettings{name, env})
		}
		return all
	}
	plain := members("http://NAME:2380")
	mutual := members("https://NAME:2380", "ETCD_TRUSTED_CA_FILE=ca.crt")
	auto := members("https://NAME:2380", "ETCD_AUTO_TLS=true")
	for what, test := range map[string]struct {
		was, is []memberSettings
		runs    bool
		want    string // empty: it may be
	}{
		"none at all":               {nil, mutual, true, ""},
		"none of them left":         {mutual, nil, true, ""},
		"the same":                  {mutual, mutual, true, ""},
		"another setting":           {mutual, members("https://NAME:2380", "ETCD_TRUSTED_CA_FILE=ca.crt", "ETCD_QUOTA=1"), true, ""},
		"TLS, to plain data":        {plain, mutual, false, "the data in D is of a cluster with --tls none, and cannot go over to mutual"},
		"no TLS, to data with it":   {mutual, plain, true, "the data in D is of a cluster with --tls mutual, and cannot go over to none"},
		"another TLS, one by one":   {auto, mutual, true, "the members run with --tls auto, and cannot go over to mutual one after the other"},
		"another TLS, all together": {auto, mutual, false, ""},
		"peers that do not tell":    {[]memberSettings{{"etcd1", nil}}, plain, true, ""},
		"other peers":               {plain, members("http://NAME:2480"), true, "the data in D is of another cluster, etcd1=http://etcd1:2380,etcd2=http://etcd2:2380, than is wanted, etcd1=http://etcd1:2480,"},
	} {
		err := mayBecome("D", test.was, test.is, test.runs)
		if (err == nil) != (test.want == "") || err != nil && !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", what, err, test.want)
		}
	}
}

func TestNoReleaseIsLeftOut(t *testing.T) {
	for _, test := range []struct{ was, is, want string }{
		{"gcr.io/etcd-development/etcd:v3.5.35", "gcr.io/etcd-development/etcd:v3.6.16", ""},
		{"gcr.io/etcd-development/etcd:v3.7.3", "mirror:5000/etcd:v3.6.16", ""},
		{"gcr.io/etcd-development/etcd:v3.5.35", "mirror:5000/etcd:v3.7.3", "etcd1 is an etcd v3.5.35, and v3.7.3 does not follow on its data"},
		{"etcd:3.7.3", "etcd:3.5.35", "etcd1 is an etcd v3.7.3, and v3.5.35 does not follow on its data"},
		{"mirror:5000/etcd", "etcd:v3.7.3", ""},
		{"etcd:ours", "etcd:v3.7.3", ""},
		{"etcd@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "etcd:v3.7.3", ""},
		{"sha256:no reference", "etcd:v3.7.3", ""},
	} {
		err := mayFollow("etcd1", test.was, test.is)
		if (err == nil) != (test.want == "") || err != nil && !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("from %s to %s: got %v, want %q", test.was, test.is, err, test.want)
		}
	}
}
