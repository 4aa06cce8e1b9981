package compose_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/dotenv"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
)

// awkward are values that some reader along the way would like to interpret.
var awkward = []string{
	"", " ", "plain", "two words", "$HOME", "${HOME}", "$$", `it's`, `"quoted"`, `back\slash`, `\n`, `\$`, "\\",
	"one\ntwo\n", "tab\there", "a #b", "#c", "a=b", "größe ✓", "`id`", "$(id)", "!x", "*", "~", "&x", "a\\", "'", `"`,
}

func memberWith(value string) cluster.Member {
	return cluster.Member{Name: "etcd1", Environment: map[string]string{"VALUE": value}}
}

func TestAnEnvironmentFileIsReadBackByCompose(t *testing.T) {
	for _, value := range awkward {
		if got := readBack(t, value); got != value {
			t.Errorf("%q came back as %q", value, got)
		}
	}
}

func readBack(t *testing.T, value string) string {
	t.Helper()
	file := compose.EnvFile(memberWith(value))
	env, err := dotenv.ParseWithLookup(strings.NewReader(string(file)), func(string) (string, bool) { return "interpreted", true })
	if err != nil {
		t.Fatalf("%q: %v in\n%s", value, err, file)
	}
	return env["VALUE"]
}

func FuzzEnvFile(f *testing.F) {
	for _, value := range awkward {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if strings.ContainsRune(value, 0) {
			t.Skip("no environment can carry a zero byte")
		}
		if got := readBack(t, value); got != value {
			t.Errorf("%q came back as %q", value, got)
		}
	})
}

func TestAShellReadsItsFileBack(t *testing.T) {
	for _, value := range awkward {
		script := string(compose.ShellFile(memberWith(value))) + `printf %s "$VALUE"`
		got, err := exec.Command("sh", "-c", script).Output()
		if err != nil || string(got) != value {
			t.Errorf("%q came back as %q, %v", value, got, err)
		}
	}
}
