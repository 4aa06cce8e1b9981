package logs

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLastWordsAreThoseThatTellOfSomethingWrong(t *testing.T) {
	const (
		info  = `{"level":"info","msg":"starting"}`
		cause = `{"level":"info","msg":"closing","error":"no space left on device"}`
		fatal = `{"level":"fatal","msg":"discovery failed","error":"size key not found"}`
		alarm = `{"level":"panic","msg":"tocommit(5) is out of range"}`
		plain = `flag provided but not defined: -enable-v2`
	)
	for what, test := range map[string]struct{ log, want []string }{
		"nothing":                       {nil, []string{}},
		"nothing wrong":                 {[]string{info}, []string{"starting"}},
		"a line that is not etcd's":     {[]string{plain}, []string{plain}},
		"the cause beside the message":  {[]string{info, fatal}, []string{"discovery failed: size key not found"}},
		"a cause at any level":          {[]string{info, cause, info}, []string{"closing: no space left on device"}},
		"a message that is the cause":   {[]string{alarm}, []string{"tocommit(5) is out of range"}},
		"the same again and again once": {[]string{fatal, fatal, alarm}, []string{"discovery failed: size key not found", "tocommit(5) is out of range"}},
		"the last ones of many": {
			[]string{"1", "2", "3", "4", "5", "6", "7"}, []string{"3", "4", "5", "6", "7"},
		},
	} {
		t.Run(what, func(t *testing.T) {
			if diff := cmp.Diff(test.want, append([]string{}, LastWords(test.log, 5)...)); diff != "" {
				t.Errorf("last words (-want +got):\n%s", diff)
			}
		})
	}
}
