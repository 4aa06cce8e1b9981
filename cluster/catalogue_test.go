package cluster_test

import (
	"slices"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// TestEverySettingHasAMeaning wants a line in meaning.go for each setting that
// any release goes by, none for what is no setting, and names in it that exist.
func TestEverySettingHasAMeaning(t *testing.T) {
	for _, name := range cluster.SettingNames() {
		k, _ := cluster.LookupSetting(name)
		used := slices.ContainsFunc(k.Minors(), func(minor int) bool {
			o, _ := k.In(minor)
			return o.Standing != cluster.Ignored
		})
		if used != (k.What != "") {
			t.Errorf("%s: used by a release is %t, and its meaning %q", name, used, k.What)
		}
		for _, needed := range k.Needs {
			if _, ok := cluster.LookupSetting(needed); !ok {
				t.Errorf("%s needs %s, which is no setting", name, needed)
			}
		}
	}
	for _, name := range cluster.MeaningNames() {
		if _, ok := cluster.LookupSetting(name); !ok {
			t.Errorf("%s has a meaning, and no release knows it", name)
		}
	}
}

func TestADefaultIsAValue(t *testing.T) {
	for _, name := range cluster.SettingNames() {
		k, _ := cluster.LookupSetting(name)
		for _, minor := range k.Minors() {
			o, _ := k.In(minor)
			if o.Form() == "" {
				t.Errorf("%s of 3.%d: %q is no kind of value", name, minor, o.Kind)
			}
			// 3.4's are from its help, which writes one in words.
			if o.Default != "" && minor > 4 && !o.Fits(o.Default) {
				t.Errorf("%s of 3.%d: its default %q is not %s", name, minor, o.Default, o.Form())
			}
		}
	}
}

func TestBootstrapOnlySettings(t *testing.T) {
	for name, want := range map[string]bool{
		"initial-cluster": true, "initial-cluster-token": true, "initial-advertise-peer-urls": true, "discovery-token": true,
		"name": false, "data-dir": false, "force-new-cluster": false, "listen-peer-urls": false, "quota-backend-bytes": false, "none": false,
	} {
		if got := cluster.BootstrapOnly(name); got != want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

func TestAReleaseHasATableOfItsOwn(t *testing.T) {
	for _, tt := range []struct {
		name  string
		minor int
		want  bool
	}{
		{"log-output", 4, true},
		{"log-output", 5, false},
		{"enable-v2", 5, true},
		{"enable-v2", 6, false},
		{"discovery", 6, true},
		{"discovery", 7, false}, // whose help still mentions it
		{"feature-gates", 8, true},
		{"feature-gates", 9, false},
	} {
		k, _ := cluster.LookupSetting(tt.name)
		if _, got := k.In(tt.minor); got != tt.want {
			t.Errorf("%s in 3.%d: got %t", tt.name, tt.minor, got)
		}
	}
}

// FuzzFits holds the check of values to its contract: it answers for any word
// and any kind.
func FuzzFits(f *testing.F) {
	for _, seed := range []string{"", "1", "-1", "1s", "true", "A=true,B=", "=", ",", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, name := range cluster.SettingNames() {
			k, _ := cluster.LookupSetting(name)
			o, _ := k.In(cluster.NewestMinor)
			if o.Fits(value) && value == "" && o.Kind != "" {
				t.Errorf("%s takes the empty value, which etcd takes for none", name)
			}
		}
	})
}
