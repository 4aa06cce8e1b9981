package cluster_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
)

func TestAQuestionIsAskedAgainWhereItsAnswerCannotBeMeant(t *testing.T) {
	answers := []string{"Orders!", "orders", "", "holidays", "production"}
	var questions, told []string
	said, err := cluster.AskFirst(func(q string) (string, error) {
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
