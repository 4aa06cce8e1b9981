//go:build unix

package pages_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/internal/pages"
)

const page = `# A page

    $ echo one
    one
    $ echo two \
        three
    two three

Text, and 1. no block:

    not because of its indent alone, but after an empty line

<!-- file: folder/a.txt -->
` + "```yaml\na: 1\n```" + `

<!-- with: PLACEHOLDER=echo meant -->
<!-- before:
export NUMBER=7
echo hidden > hidden
-->
    test "$NUMBER" = 7
    cat folder/a.txt hidden
    test PLACEHOLDER = meant

<!-- fails -->
    $ ls nowhere
    ls: … 'nowhere': No such file or directory

<!-- any order -->
    $ printf 'b\na\n'
    a
    b

<!-- not run: nobody is there -->
    curl https://example.com

<!-- stays: test -f begun -->
    sh -c 'trap "exit 0" INT; touch begun; while :; do sleep 0.1; done'
`

func TestAPageIsRunAsItIsRead(t *testing.T) {
	p, err := pages.Parse("page.md", strings.Replace(page, "    not because", "    echo not because", 1))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"page.md: nobody is there"}; !cmp.Equal(p.NotRun(), want) {
		t.Errorf("not run is %q, want %q", p.NotRun(), want)
	}
	r := pages.Runner{Dir: t.TempDir(), Env: []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8"}, Log: t.Logf}
	if err := r.Run(t.Context(), p); err != nil {
		t.Error(err)
	}
}

func TestAPageThatIsNotTrueIsFound(t *testing.T) {
	for text, want := range map[string]string{
		"    false\n":                                 "page.md:1: false\n: ended with 1",
		"    $ echo a\n    b\n":                       "prints\na\nand the page shows\nb",
		"<!-- fails -->\n    true\n":                  "does not fail",
		"```toml\na: 1\n```\n":                        "neither a file nor said not to be run",
		"<!-- nonsense: 1 -->\n":                      "is no comment that package pages knows",
		"    $ echo 1.5 ms of etcd1\n    2 ms of b\n": "prints",
	} {
		p, err := pages.Parse("page.md", text)
		if err == nil {
			r := pages.Runner{Dir: t.TempDir(), Env: []string{"PATH=/usr/bin:/bin"}}
			err = r.Run(t.Context(), p)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestWhatDiffersEachTimeIsNotCompared(t *testing.T) {
	for _, tt := range []struct {
		shown, printed string
		want           bool
	}{
		{"etcd1  follower  13.6 ms\n", "etcd1   leader    3 ms\n", true},
		{"healthy: cluster ee7aaaa55e693196, 3 members, led by etcd3\n", "healthy: cluster 94d1bf0d2bb13c4f, 3 members, led by etcd1\n", true},
		{"running for 2 seconds, healthy\n", "running for less than a second, healthy\n", true},
		{"a\n…\nd\n", "a\nb\nc\nd\n", true},
		{"a\n…\n", "a\n", true},
		{"a … c\n", "a b c\n", true},
		{"a\n", "a\nb\n", false},
		{"a\nb\n", "a\n", false},
		{"etcd is up\n", "etcd is down\n", false},
	} {
		if got := pages.Prints(tt.shown, tt.printed); got != tt.want {
			t.Errorf("%q as %q: %t", tt.printed, tt.shown, got)
		}
	}
}
