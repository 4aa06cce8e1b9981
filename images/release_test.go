package images

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

var testStem = "etcd-" + testVersion + "-linux-" + runtime.GOARCH

// tarEntry is a file of a test's archive. Without content its header's size
// stays what it is, and the archive lacks that much.
type tarEntry struct {
	header  tar.Header
	content []byte
}

func targz(t *testing.T, entries ...tarEntry) []byte {
	t.Helper()
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	tw := tar.NewWriter(zw)
	for _, e := range entries {
		h := e.header
		h.Mode = 0o755
		if e.content != nil {
			h.Size = int64(len(e.content))
		}
		if err := tw.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write(e.content); err != nil {
			t.Fatal(err)
		}
	}
	_ = tw.Flush() // complains where content is left out on purpose
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// releaseEntries are what upstream's archives hold.
func releaseEntries(t *testing.T) []tarEntry {
	t.Helper()
	entries := []tarEntry{
		{header: tar.Header{Name: testStem + "/", Typeflag: tar.TypeDir}},
		{header: tar.Header{Name: testStem + "/README.md"}, content: []byte("# etcd\n")},
	}
	for _, name := range Names {
		data, err := os.ReadFile(filepath.Join(programs(t, testVersion), name))
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, tarEntry{header: tar.Header{Name: testStem + "/" + name}, content: data})
	}
	return entries
}

// mirror serves one release.
type mirror struct {
	archive []byte
	sums    string // "" is the right one
	cut     int    // end the first answer after so many bytes, 0 never
	noRange bool

	mu       sync.Mutex
	requests []string // "GET /path" and the range asked for
}

func (m *mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests = append(m.requests, strings.TrimSpace(filepath.Base(r.URL.Path)+" "+r.Header.Get("Range")))
	switch r.URL.Path {
	case "/" + testVersion + "/SHA256SUMS":
		sums := m.sums
		if sums == "" {
			sums = fmt.Sprintf("%x  %s.tar.gz\n", sha256.Sum256(m.archive), testStem)
		}
		fmt.Fprint(w, sums)
	case "/" + testVersion + "/" + testStem + ".tar.gz":
		m.serveArchive(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (m *mirror) serveArchive(w http.ResponseWriter, r *http.Request) {
	if m.cut > 0 {
		w.Header().Set("Content-Length", fmt.Sprint(len(m.archive)))
		_, _ = w.Write(m.archive[:m.cut])
		m.cut = 0
		return
	}
	if m.noRange {
		_, _ = w.Write(m.archive)
		return
	}
	http.ServeContent(w, r, "archive", time.Time{}, bytes.NewReader(m.archive))
}

// release is a source that takes a release from m, on loopback.
func release(t *testing.T, m *mirror) Release {
	t.Helper()
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	return Release{Version: testVersion, Mirror: server.URL, Cache: Cache{Dir: t.TempDir()}, pause: time.Nanosecond}
}

// partOf is where a release's download is kept until it is complete.
func partOf(r Release) string {
	return filepath.Join(r.Cache.Dir, "release", fmt.Sprintf("%x", sha256.Sum256([]byte(r.Mirror)))[:12], testStem+".tar.gz.part")
}

func wantRequests(t *testing.T, m *mirror, want ...string) {
	t.Helper()
	if got := strings.Join(m.requests, ", "); got != strings.Join(want, ", ") {
		t.Errorf("asked for %s\nwant      %s", got, strings.Join(want, ", "))
	}
}

func TestReleaseIsDownloadedOnceAndThenNeedsNoNetwork(t *testing.T) {
	m := &mirror{archive: targz(t, releaseEntries(t)...)}
	r := release(t, m)
	for range 2 {
		b, err := r.Binaries(t.Context(), testPlatform)
		if err != nil {
			t.Fatal(err)
		}
		if b.Version != testVersion || len(b.Programs) != 3 {
			t.Errorf("got %+v", b)
		}
	}
	wantRequests(t, m, "SHA256SUMS", testStem+".tar.gz")
	if _, err := os.Stat(partOf(r)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the download is still there: %v", err)
	}
}

func TestReleaseTakenFromTheCacheIsWhatWasVerified(t *testing.T) {
	m := &mirror{archive: targz(t, releaseEntries(t)...)}
	r := release(t, m)
	b, err := r.Binaries(t.Context(), testPlatform)
	if err != nil {
		t.Fatal(err)
	}
	write(t, b.Programs[0].File, []byte("changed meanwhile"))
	if _, err := r.Binaries(t.Context(), testPlatform); err != nil {
		t.Fatal(err)
	}
	wantRequests(t, m, "SHA256SUMS", testStem+".tar.gz", "SHA256SUMS", testStem+".tar.gz")
}

func TestReleaseRefuses(t *testing.T) {
	program := func(name, content string) tarEntry {
		return tarEntry{header: tar.Header{Name: testStem + "/" + name}, content: []byte(content)}
	}
	good := targz(t, releaseEntries(t)...)
	for name, test := range map[string]struct {
		mirror *mirror
		want   []string
	}{
		"an archive that was tampered with": {
			&mirror{archive: good, sums: strings.Repeat("0", 64) + "  " + testStem + ".tar.gz\n"},
			[]string{"SHA256SUMS beside it says " + strings.Repeat("0", 64), "take another mirror"},
		},
		"an archive without a checksum": {
			&mirror{archive: good, sums: "# nothing\n"},
			[]string{"SHA256SUMS: does not list " + testStem + ".tar.gz"},
		},
		"a path outside the archive": {
			&mirror{archive: targz(t, append(releaseEntries(t), program("../../../etc/cron.d/evil", "x"))...)},
			[]string{"/../../../etc/cron.d/evil", "tampered with"},
		},
		"an absolute path": {
			&mirror{archive: targz(t, tarEntry{header: tar.Header{Name: "/etc/passwd"}, content: []byte("x")})},
			[]string{`"/etc/passwd", a path outside the archive`},
		},
		"a link where a program should be": {
			&mirror{archive: targz(t, tarEntry{header: tar.Header{Name: testStem + "/etcd", Typeflag: tar.TypeSymlink, Linkname: "/bin/sh"}})},
			[]string{"etcd as something else than one file"},
		},
		"a program that is there twice": {
			&mirror{archive: targz(t, append(releaseEntries(t), program("etcd", "other"))...)},
			[]string{"etcd as something else than one file"},
		},
		"10 GB where a program should be": {
			&mirror{archive: targz(t, tarEntry{header: tar.Header{Name: testStem + "/etcd", Size: 10 << 30}})},
			[]string{"etcd with 10240 MB, which is no etcd program"},
		},
		"an archive that lacks a program": {
			&mirror{archive: targz(t, releaseEntries(t)[:4]...)},
			[]string{"lacks " + testStem + "/etcdutl"},
		},
		"an archive that ends early": {
			&mirror{archive: good[:len(good)/2]},
			[]string{"is damaged", "unexpected EOF"},
		},
		"something that is no archive": {
			&mirror{archive: []byte("<html>log in first</html>")},
			[]string{"is not a whole gzip archive"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := release(t, test.mirror)
			_, err := r.Binaries(t.Context(), testPlatform)
			wantError(t, err, test.want...)
			wantNothing(t, r.Cache.Dir)
		})
	}
}

func TestReleaseThatIsNotThereIsAskedForOnce(t *testing.T) {
	m := &mirror{archive: []byte("x")}
	r := release(t, m)
	r.Version = "v3.7.99"
	_, err := r.Binaries(t.Context(), testPlatform)
	wantError(t, err, "/v3.7.99/SHA256SUMS", "404")
	wantRequests(t, m, "SHA256SUMS")
}

func TestPlainHTTPStaysOnThisMachineUnlessAskedFor(t *testing.T) {
	var sent []string
	next := roundTrip(func(r *http.Request) (*http.Response, error) {
		sent = append(sent, r.URL.String())
		return nil, errors.New("sent")
	})
	for _, url := range []string{
		"http://127.0.0.1:5000/", "http://[::1]/", "http://localhost/", "https://mirror.example/",
		"http://mirror.example/", "http://10.0.0.1/", "http://registry.local/",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = (encrypted{next}).RoundTrip(req); err == nil { //nolint:bodyclose // there is none
			t.Fatal("no error")
		}
	}
	want := "http://127.0.0.1:5000/ http://[::1]/ http://localhost/ https://mirror.example/"
	if got := strings.Join(sent, " "); got != want {
		t.Errorf("sent %s\nwant %s", got, want)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
