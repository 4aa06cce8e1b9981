package images

import (
	"archive/tar"
	"bytes"
	"io"
	"path"
	"slices"
	"strings"
	"testing"
)

func FuzzParseSums(f *testing.F) {
	f.Add(strings.Repeat("a", 64) + "  etcd-v3.7.3-linux-amd64.tar.gz\n")
	f.Add(strings.Repeat("0", 64) + " *etcd.zip\r\n\n# comment")
	f.Fuzz(func(t *testing.T, text string) {
		for name, sum := range parseSums(text) {
			if name == "" || len(sum) != 64 || !strings.Contains(text, sum) {
				t.Errorf("read %q of %q", sum, name)
			}
		}
	})
}

// FuzzUnpackPrograms makes an archive of one entry that a header can describe,
// and lets anything at all follow it: mutated headers alone would fail by their
// checksums and never get any further.
func FuzzUnpackPrograms(f *testing.F) {
	const stem = "etcd-v3.7.3-linux-amd64"
	for _, name := range []string{stem + "/etcd", "../etcd", stem + "/../../etcdctl", "/etc/passwd", stem + "//./etcdutl", `..\etcd`} {
		f.Add(name, "", byte(tar.TypeReg), []byte("x"), []byte(nil))
	}
	f.Add(stem+"/etcd", "/bin/sh", byte(tar.TypeSymlink), []byte(nil), bytes.Repeat([]byte{0}, 1024))
	f.Add(stem+"/etcd", stem+"/etcd", byte(tar.TypeLink), []byte(nil), []byte("no header"))
	f.Fuzz(func(t *testing.T, name, target string, kind byte, data, rest []byte) {
		var archive bytes.Buffer
		tw := tar.NewWriter(&archive)
		if tw.WriteHeader(&tar.Header{Name: name, Linkname: target, Typeflag: kind, Size: int64(len(data)), Mode: 0o755}) == nil {
			_, _ = tw.Write(data) // refused where the kind has no content
			_ = tw.Flush()
		}
		archive.Write(rest)
		var wrote []string
		found, err := unpackPrograms(tar.NewReader(&archive), stem, func(program string, r io.Reader) error {
			wrote = append(wrote, program)
			got, err := io.ReadAll(io.LimitReader(r, int64(len(data))+1))
			if len(wrote) == 1 && path.Clean(name) == stem+"/"+program && !bytes.Equal(got, data) {
				t.Errorf("%s has %q, packed was %q", program, got, data)
			}
			return err
		})
		slices.Sort(wrote)
		if len(slices.Compact(slices.Clone(wrote))) != len(wrote) {
			t.Errorf("wrote %q", wrote)
		}
		for _, program := range wrote {
			if !slices.Contains(Names, program) {
				t.Errorf("wrote %q", program)
			}
		}
		if err == nil && len(found) != len(wrote) {
			t.Errorf("found %q, wrote %q", found, wrote)
		}
	})
}
