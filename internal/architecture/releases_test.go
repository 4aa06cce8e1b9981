package architecture

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// minorsOf are the minors of etcd with one kind of support, oldest first.
func minorsOf(support cluster.Support) []string {
	var minors []string
	for _, r := range cluster.Releases() {
		if r.Support == support {
			minors = append(minors, fmt.Sprintf("3.%d", r.Tested.Minor))
		}
	}
	return minors
}

func TestTheMakefileBuildsEveryRelease(t *testing.T) {
	makefile := string(contents(t, "Makefile"))
	supported := minorsOf(cluster.Supported)
	last := len(supported) - 1
	for name, want := range map[string]string{
		"OLDER": strings.Join(supported[:last], " "), "LINKED": supported[last], "COMING": strings.Join(minorsOf(cluster.Untested), " "),
	} {
		if line := strings.TrimSpace(name+" := "+want) + "\n"; !strings.Contains(makefile, line) {
			t.Errorf("the Makefile does not have %q, as the list at cluster/version.go wants", line)
		}
	}
}

// The modules that etcd is built of, and the labels of an image that is built by hand,
// are of the releases in the list.
func TestWhatIsBuiltIsOfTheReleasesInTheList(t *testing.T) {
	for _, r := range cluster.Releases() {
		if r.Support == cluster.Foreign {
			continue
		}
		module := fmt.Sprintf("tools/etcd-3.%d/go.mod", r.Tested.Minor)
		if r.Tested == cluster.DefaultVersion {
			module = "go.mod"
		}
		wantIn(t, module, "\tgo.etcd.io/etcd/server/v3 "+r.Tested.String())
	}
	wantIn(t, "Dockerfile", fmt.Sprintf("version=%q", cluster.DefaultVersion))
}

// Pages that say what comes if nobody says anything, and what comes next, follow.
func TestPagesNameTheNewestAndTheComingRelease(t *testing.T) {
	newest := fmt.Sprintf("3.%d", cluster.NewestMinor)
	wantIn(t, "docs/cluster-file.md", "\netcd: "+cluster.DefaultVersion.String()+" ")
	wantIn(t, "docs/README.md", "(releases/"+newest+".md)")
	wantIn(t, "docs/upgrade.md", "etcdctr up --etcd "+newest)
	wantIn(t, "README.md", "`etcdctr up --etcd "+newest+"`")
	wantIn(t, "README.md", "etcd "+strings.TrimPrefix(cluster.DefaultVersion.String(), "v")+", etcdctl and etcdutl are inside")
	wantIn(t, "docs/support.md", "\netcd "+known(append(minorsOf(cluster.Foreign), minorsOf(cluster.Untested)...))+" known to")
	coming := map[string]bool{}
	for _, r := range cluster.Releases() {
		coming[r.Tested.String()] = r.Support == cluster.Untested
	}
	for _, page := range pages(t) {
		for _, name := range prerelease.FindAllString(string(contents(t, page)), -1) {
			if !coming["v"+strings.TrimPrefix(name, "v")] {
				t.Errorf("%s names the pre-release %s, which is not in the list at cluster/version.go", page, name)
			}
		}
	}
}

// known is a list of releases with its verb.
func known(releases []string) string {
	if len(releases) == 1 {
		return releases[0] + " is"
	}
	last := len(releases) - 1
	return strings.Join(releases[:last], ", ") + " and " + releases[last] + " are"
}

var (
	patched = regexp.MustCompile(`\bv?3\.(\d+)\.([1-9]\d*)\b`)
	running = regexp.MustCompile(`(?m)^ {4}(?:\S )?etcd\d +(?:follower +|leader +)?(3\.\d+\.\d+) |\bruns (3\.\d+\.\d+), and ran`)
)

// TestPagesShowTheReleasesInTheList: what pages print of a run is compared without its
// numbers, so a release that was the newest once would stand there for good.
func TestPagesShowTheReleasesInTheList(t *testing.T) {
	tested := map[string]bool{}
	for _, r := range cluster.Releases() {
		tested[strings.TrimPrefix(r.Tested.String(), "v")] = true
	}
	newest, shown := strings.TrimPrefix(cluster.DefaultVersion.String(), "v"), 0
	for _, page := range pages(t) {
		text := string(contents(t, page))
		for _, name := range patched.FindAllString(text, -1) {
			if !tested[strings.TrimPrefix(name, "v")] {
				t.Errorf("%s names etcd %s, and the list at cluster/version.go has another patch", page, name)
			}
		}
		for _, match := range running.FindAllStringSubmatch(text, -1) {
			if shown++; match[1]+match[2] != newest {
				t.Errorf("%s shows members of %s, and the newest is %s", page, match[1]+match[2], newest)
			}
		}
	}
	if shown < 10 {
		t.Errorf("%d members with their releases were found on all pages", shown)
	}
}

var prerelease = regexp.MustCompile(`\bv?3\.\d+\.\d+-(?:alpha|beta|rc)\.\d+\b`)

func wantIn(t *testing.T, file, text string) {
	t.Helper()
	if !strings.Contains(string(contents(t, file)), text) {
		t.Errorf("%s does not have %q, as the list at cluster/version.go wants", file, text)
	}
}

// listed is a list of three minors of etcd or more, with whatever pages put around a
// minor, or a span of them.
var (
	listed = regexp.MustCompile("\\b3\\.\\d\\b[`/]*(?:,\\s+[`]?3\\.\\d\\b[`/]*)+(?:,?\\s+(?:and|or)\\s+[`]?3\\.\\d\\b[`/]*)?(?:[^.0-9]|\\.\\s)")
	spans  = regexp.MustCompile(`\b3\.(\d)\s+to\s+3\.(\d)\b(?:[^.0-9]|\.\s)`)
	minor  = regexp.MustCompile(`\b3\.\d\b`)
)

// writtenBy are pages that tests write or that tell of what was run once.
var writtenBy = regexp.MustCompile(`^docs/(errors|refused-calls|bootstraps|lint|metrics|settings)\.md$`)

// TestPagesListEveryRelease: where a page or a comment names three minors or more it
// means those that are supported, and a list that is not theirs is one that was forgotten.
// What is said of etcd's sources has to be read again in those of a new minor.
func TestPagesListEveryRelease(t *testing.T) {
	supported := minorsOf(cluster.Supported)
	found := 0
	for _, page := range append(pages(t), sources(t)...) {
		text := strings.ReplaceAll(string(contents(t, page)), "\n// ", "\n")
		for _, list := range listed.FindAllString(text, -1) {
			named := minor.FindAllString(list, -1)
			if len(named) < 3 {
				continue
			}
			if found++; !slices.Equal(named, supported) {
				t.Errorf("%s lists the releases %s, and supported are %s", page, strings.Join(named, ", "), strings.Join(supported, ", "))
			}
		}
		for _, span := range spans.FindAllStringSubmatch(text, -1) {
			if from, to := number(span[1]), number(span[2]); to-from >= 2 && (from != cluster.OldestMinor || to != cluster.NewestMinor) {
				t.Errorf("%s says %s, and supported are %s", page, span[0], strings.Join(supported, ", "))
			}
		}
	}
	if found < 9 {
		t.Errorf("%d lists of releases were found on all pages", found)
	}
}

func number(text string) int {
	n, _ := strconv.Atoi(text) // digits only
	return n
}

// pages are the Markdown files that are written by hand, by their paths.
func pages(t *testing.T) []string {
	t.Helper()
	return slices.DeleteFunc(paths(t, "*.md", "docs/*.md", "e2e/*.md", "bench/*.md"), func(page string) bool {
		return page == "CHANGELOG.md" || writtenBy.MatchString(page)
	})
}

// sources are the Go files that are no tests, whose minors follow the list, by their paths.
func sources(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, p := range listPackages(t) {
		folder := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		all = append(all, paths(t, folder+"/*.go")...)
	}
	return slices.DeleteFunc(all, func(file string) bool { return strings.HasSuffix(file, "_test.go") })
}

// paths are the files that patterns name, from the root.
func paths(t *testing.T, patterns ...string) []string {
	t.Helper()
	var all []string
	for _, pattern := range patterns {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range found {
			path, _ := filepath.Rel(root, file)
			all = append(all, filepath.ToSlash(path))
		}
	}
	return all
}

func contents(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// ofOneMinor is the name of a test that is there once for each minor.
var ofOneMinor = regexp.MustCompile(`^(Test\w+(?:With|Etcd))3(\d)(\w*)$`)

// TestWhatIsTriedOnOneReleaseIsTriedOnAll: tests that machines share among each other
// have the minor in their name, and are there for every one.
func TestWhatIsTriedOnOneReleaseIsTriedOnAll(t *testing.T) {
	tried := map[string][]int{}
	files, err := filepath.Glob(filepath.Join(root, "e2e", "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && ofOneMinor.MatchString(f.Name.Name) {
				m := ofOneMinor.FindStringSubmatch(f.Name.Name)
				tried[m[1]+"3N"+m[3]] = append(tried[m[1]+"3N"+m[3]], number(m[2]))
			}
		}
	}
	want := slices.Sorted(maps.Keys(cluster.KnownPatches))
	for name, minors := range tried {
		if slices.Sort(minors); !slices.Equal(minors, want) {
			t.Errorf("%s is there for the minors %v, and supported are %v", name, minors, want)
		}
	}
	if len(tried) < 3 {
		t.Errorf("%d such tests were found", len(tried))
	}
}
