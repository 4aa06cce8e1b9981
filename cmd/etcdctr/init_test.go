package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
)

// What a first file shows commented out is what is decided without it.
func TestTheFirstFileShowsTheDefaults(t *testing.T) {
	shown := regexp.MustCompile(`(?m)^# ([a-z-]+:|  [a-z-]+: )`).ReplaceAllString(string(initialFile(nil)), "$1")
	resolve := func(file string) *cluster.Cluster {
		spec, err := cluster.Load("etcdctr.yaml", []byte(file))
		if err != nil {
			t.Fatalf("%v\n%s", err, file)
		}
		c, err := cluster.Resolve(spec, cluster.InContainers)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	with := resolve(shown)
	settings, without := strings.CutSuffix(shown, "settings:\n  max-request-bytes: 10485760\n")
	if !without {
		t.Fatalf("the file ends otherwise:\n%s", shown)
	}
	decided := resolve(settings)
	plain := resolve("")
	for i, m := range plain.Members {
		if diff := cmp.Diff(m.Variables(), decided.Members[i].Variables()); diff != "" {
			t.Errorf("%s (-without +with what is shown):\n%s", m.Name, diff)
		}
	}
	if with.TLS != plain.TLS || with.Name != plain.Name || with.Spec.Etcd != cluster.DefaultVersion.String() {
		t.Errorf("shown are TLS %s, name %s, etcd %s", with.TLS, with.Name, with.Spec.Etcd)
	}
}

func TestInitAsksAgainWhereAnAnswerCannotBeMeant(t *testing.T) {
	answers := []string{"Orders!", "orders", "", "holidays", "production"}
	var questions, told []string
	said, err := askInit(func(q string) (string, error) {
		questions = append(questions, q)
		answer := answers[0]
		answers = answers[1:]
		return answer, nil
	}, func(err error) { told = append(told, err.Error()) })
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"name": "orders", "members": "3", "profile": "production"}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if len(questions) != 5 || len(told) != 2 || !strings.Contains(told[1], `"holidays"`) {
		t.Errorf("asked %q, told %q", questions, told)
	}
}
