package cluster_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
)

// spec reads a file and lays flags over it.
func spec(t *testing.T, file string, flags map[string]string) cluster.Spec {
	t.Helper()
	s, err := cluster.Load("etcdctr.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range flags {
		if err := s.Set(key, value); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestWhatFlagsGaveIsRecalled(t *testing.T) {
	for name, c := range map[string]struct {
		file      string
		flags     map[string]string
		later     string
		nowFlags  map[string]string
		wantTaken []string
		want      string
	}{
		"nothing was given": {file: "members: 5", later: "members: 5", want: "members: 5\n"},
		"a flag is given no more": {
			flags: map[string]string{"publish": "loopback", "members": "5"}, wantTaken: []string{"members", "publish"},
			want: "members: 5\npublish: loopback\n",
		},
		"a flag is given anew": {
			flags: map[string]string{"publish": "loopback"}, nowFlags: map[string]string{"publish": "none"},
			want: "publish: none\n",
		},
		"the file says what it said": {
			file: "members: 3", flags: map[string]string{"members": "5"}, later: "members: 3",
			wantTaken: []string{"members"}, want: "members: 5\n",
		},
		"the file has changed since": {
			file: "members: 3", flags: map[string]string{"members": "5"}, later: "members: 7", want: "members: 7\n",
		},
		"the file says it now": {
			flags: map[string]string{"profile": "production"}, later: "profile: ci", want: "profile: ci\n",
		},
		"an image is given, and etcd no more": {
			flags: map[string]string{"etcd": "3.6", "members": "5"}, nowFlags: map[string]string{"image": "etcd:v3.7.3"},
			wantTaken: []string{"members"}, want: "image: etcd:v3.7.3\nmembers: 5\n",
		},
		"an etcd is given, and the image no more": {
			flags: map[string]string{"image": "etcd:v3.7.3"}, nowFlags: map[string]string{"etcd": "3.6"}, want: "etcd: \"3.6\"\n",
		},
		"the file has another etcd since an image was given": {
			file: "etcd: 3.7", flags: map[string]string{"image": "etcd:v3.7.3"}, later: "etcd: 3.6", want: "etcd: \"3.6\"\n",
		},
		"an image of no release that is known is given": {
			flags: map[string]string{"etcd": "3.6"}, nowFlags: map[string]string{"image": "etcd:mine"},
			wantTaken: []string{"etcd"}, want: "etcd: \"3.6\"\nimage: etcd:mine\n",
		},
		"the name is no part of it": {flags: map[string]string{"name": "orders"}},
	} {
		t.Run(name, func(t *testing.T) {
			wish := spec(t, c.file, c.flags).Wish()
			got, taken := spec(t, c.later, c.nowFlags).Recall(wish)
			if diff := cmp.Diff(c.wantTaken, taken); diff != "" {
				t.Errorf("taken (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.want, got.Text()); diff != "" {
				t.Errorf("spec (-want +got):\n%s", diff)
			}
			if again, _ := spec(t, c.later, c.nowFlags).Recall(got.Wish()); again.Text() != got.Text() {
				t.Errorf("the next time it is\n%s, want\n%s", again.Text(), got.Text())
			}
		})
	}
}

func TestAWishOfAnotherProgramIsLeftAlone(t *testing.T) {
	s, taken := spec(t, "members: 5", nil).Recall("from-the-future: [")
	if len(taken) > 0 || s.Text() != "members: 5\n" {
		t.Errorf("got %v of\n%s", taken, s.Text())
	}
}

func TestLinesOfTheFileThatFlagsSayOtherwiseAreNamed(t *testing.T) {
	const file = "name: orders\ntls: none\nmembers: 3\n"
	flags := map[string]string{"tls": "mutual", "members": "3", "publish": "loopback", "name": "others"}
	want := cluster.Problems{{
		File: "etcdctr.yaml", Line: 2, Path: "tls",
		Message: "is none here, and mutual by a flag, which is kept with what runs and nowhere else: write it here",
	}}
	given := spec(t, file, flags)
	recalled, _ := spec(t, file, nil).Recall(given.Wish())
	for how, s := range map[string]cluster.Spec{"given": given, "recalled": recalled} {
		if diff := cmp.Diff(want, s.Overridden()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", how, diff)
		}
	}
	if none := spec(t, file, nil).Overridden(); len(none) > 0 {
		t.Errorf("nothing is given, and it names %v", none)
	}
}

func TestFlagsSayAgainWhatFlagsSaid(t *testing.T) {
	wish := spec(t, "tls: none", map[string]string{"members": "5", "monitoring": "true"}).Wish()
	s, _ := spec(t, "tls: none", map[string]string{"name": "orders", "certs-dir": "/certs"}).Recall(wish)
	want := []cluster.Variable{{Name: "name", Value: "orders"}, {Name: "members", Value: "5"}, {Name: "monitoring", Value: "true"}, {Name: "certs-dir", Value: "/certs"}}
	if diff := cmp.Diff(want, s.Flags()); diff != "" {
		t.Errorf("flags (-want +got):\n%s", diff)
	}
	if got := spec(t, "members: 5", nil).Flags(); len(got) > 0 {
		t.Errorf("a file's keys are given as flags: %v", got)
	}
}
