package multicall

import (
	"archive/tar"
	"errors"
	"io"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An image calls the program by its links, so each of them has to be a name that it
// answers to, and no other.
func TestTheProgramAnswersToTheNamesOfItsImage(t *testing.T) {
	names := slices.Sorted(maps.Keys(programs))
	if diff := cmp.Diff(names, namesInImage(t)); diff != "" {
		t.Errorf("the program and images/rootfs.tar (-answers +is called):\n%s", diff)
	}
	text, err := os.ReadFile("multicall.go")
	if err != nil {
		t.Fatal(err)
	}
	comment, _, _ := strings.Cut(string(text), "\npackage ")
	for _, name := range names {
		if !regexp.MustCompile(`\b` + name + `\b`).MatchString(comment) {
			t.Errorf("the comment of package multicall does not tell what %s is", name)
		}
	}
}

// namesInImage are the links in an image to the program, and the program.
func namesInImage(t *testing.T) []string {
	t.Helper()
	file, err := os.Open("../../../images/rootfs.tar")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	names := []string{"etcd"}
	for archive := tar.NewReader(file); ; {
		entry, err := archive.Next()
		if errors.Is(err, io.EOF) {
			slices.Sort(names)
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		if entry.Typeflag == tar.TypeSymlink && path.Base(entry.Linkname) == "etcd" {
			names = append(names, path.Base(entry.Name))
		}
	}
}
