package images

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

func TestReleaseGoesOnWhereADownloadWasCut(t *testing.T) {
	m := &mirror{archive: targz(t, releaseEntries(t)...), cut: 4096}
	if _, err := release(t, m).Binaries(t.Context(), testPlatform); err != nil {
		t.Fatal(err)
	}
	wantRequests(t, m, "SHA256SUMS", testStem+".tar.gz", testStem+".tar.gz bytes=4096-")
}

func TestReleaseGoesOnWhereAnEarlierRunWasInterrupted(t *testing.T) {
	m := &mirror{archive: targz(t, releaseEntries(t)...)}
	r := release(t, m)
	ctx, cancel := context.WithCancel(t.Context())
	r.Progress = func(e Event) {
		if e.Item == testStem+".tar.gz" && e.Current > 0 {
			cancel()
		}
	}
	if _, err := r.Binaries(ctx, testPlatform); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want an interruption", err)
	}
	st, err := os.Stat(partOf(r))
	if err != nil || st.Size() == 0 {
		t.Fatalf("nothing was kept: %v", err)
	}
	r.Progress = nil
	if _, err := r.Binaries(t.Context(), testPlatform); err != nil {
		t.Fatal(err)
	}
	wantRequests(t, m, "SHA256SUMS", testStem+".tar.gz", "SHA256SUMS", fmt.Sprintf("%s.tar.gz bytes=%d-", testStem, st.Size()))
}

func TestReleaseGivesAStalledMirrorUpAndGoesOnLater(t *testing.T) {
	for name, sends := range map[string]int{"after some of the archive": 4096, "before the first byte": 0} {
		t.Run(name, func(t *testing.T) {
			m := &mirror{archive: targz(t, releaseEntries(t)...)}
			var stalled atomic.Bool
			stalled.Store(true)
			over := make(chan struct{})
			stalling := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !stalled.Load() || filepath.Ext(r.URL.Path) != ".gz" {
					m.ServeHTTP(w, r)
					return
				}
				if sends > 0 && r.Header.Get("Range") == "" {
					w.Header().Set("Content-Length", fmt.Sprint(len(m.archive)))
					_, _ = w.Write(m.archive[:sends])
					w.(http.Flusher).Flush()
				}
				<-over
			}))
			t.Cleanup(stalling.Close)
			t.Cleanup(func() { close(over) })
			r := Release{Version: testVersion, Mirror: stalling.URL, Cache: Cache{Dir: t.TempDir()}, pause: time.Nanosecond, stall: 300 * time.Millisecond}
			_, err := r.Binaries(t.Context(), testPlatform)
			wantError(t, err, "download "+stalling.URL, "the server stopped sending, nothing has come for 300ms", "goes on where it stopped")
			wantNothing(t, r.Cache.Dir)

			stalled.Store(false)
			m.requests, r.stall = nil, 0
			if _, err := r.Binaries(t.Context(), testPlatform); err != nil {
				t.Fatal(err)
			}
			want := testStem + ".tar.gz"
			if sends > 0 {
				want += fmt.Sprintf(" bytes=%d-", sends)
			}
			wantRequests(t, m, "SHA256SUMS", want)
		})
	}
}

func TestReleaseStartsAnewFromAMirrorThatDoesNotResume(t *testing.T) {
	m := &mirror{archive: targz(t, releaseEntries(t)...), cut: 4096, noRange: true}
	if _, err := release(t, m).Binaries(t.Context(), testPlatform); err != nil {
		t.Fatal(err)
	}
}

func TestReleaseStartsAnewWhereAnEarlierRunLeftSomethingElse(t *testing.T) {
	m := &mirror{archive: targz(t, releaseEntries(t)...)}
	r := release(t, m)
	write(t, partOf(r), []byte("of another file"))
	if _, err := r.Binaries(t.Context(), testPlatform); err != nil {
		t.Fatal(err)
	}
}
