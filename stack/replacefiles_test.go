package stack

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"testing"
)

func TestReplacedFilesKeepOwnersAndModes(t *testing.T) {
	var in bytes.Buffer
	w := tar.NewWriter(&in)
	for _, h := range []tar.Header{
		{Name: "client/", Typeflag: tar.TypeDir, Mode: 0o700},
		{Name: "client/key.pem", Typeflag: tar.TypeReg, Mode: 0o600, Uid: 65532, Gid: 65532, Size: 3},
		{Name: "client/other", Typeflag: tar.TypeReg, Mode: 0o644, Size: 3},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write([]byte("old")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	before := in.Bytes()
	out, err := rewrite(bytes.NewReader(before), map[string][]byte{"key.pem": []byte("newer")})
	if err != nil {
		t.Fatal(err)
	}
	r := tar.NewReader(out)
	h, err := r.Next()
	if err != nil || h.Name != "key.pem" || h.Uid != 65532 || h.Gid != 65532 || h.Mode != 0o600 {
		t.Errorf("got %+v, %v", h, err)
	}
	if content, err := io.ReadAll(r); err != nil || string(content) != "newer" {
		t.Errorf("content %q, %v", content, err)
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("there is more: %v", err)
	}
	if _, err := rewrite(bytes.NewReader(before), map[string][]byte{"cert.pem": nil}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}
