package discovery_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/discovery"
)

// registry answers as much of etcd's v2 API as tokens need, in the words of
// etcd 3.5.35. The end-to-end suite asks the real one.
type registry struct {
	mu   sync.Mutex
	keys []node
}

type node struct {
	Key          string `json:"key"`
	Value        string `json:"value"`
	CreatedIndex int    `json:"createdIndex"`
}

func (s *registry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.TrimPrefix(r.URL.Path, "/v2/keys")
	var found, below []node
	for _, n := range s.keys {
		if n.Key == key {
			found = append(found, n)
		}
		if rest, ok := strings.CutPrefix(n.Key, key+"/"); ok && !strings.HasPrefix(rest, "_") {
			below = append([]node{n}, below...) // in no particular order
		}
	}
	switch {
	case r.Method == http.MethodPut && len(found) > 0:
		answer(w, http.StatusPreconditionFailed, map[string]any{"errorCode": 105, "message": "Key already exists", "cause": key})
	case r.Method == http.MethodPut:
		s.keys = append(s.keys, node{key, r.FormValue("value"), len(s.keys) + 1})
		answer(w, http.StatusCreated, map[string]any{"action": "create", "node": s.keys[len(s.keys)-1]})
	case len(found) == 1:
		answer(w, http.StatusOK, map[string]any{"action": "get", "node": found[0]})
	case r.Method == http.MethodDelete:
		s.keys = nil
		answer(w, http.StatusOK, map[string]any{"action": "delete", "node": map[string]any{"key": key}})
	case len(below) == 0:
		answer(w, http.StatusNotFound, map[string]any{"errorCode": 100, "message": "Key not found", "cause": key})
	default:
		answer(w, http.StatusOK, map[string]any{"action": "get", "node": map[string]any{"key": key, "dir": true, "nodes": below}})
	}
}

func answer(w http.ResponseWriter, status int, v any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func TestATokenOfTheV2Protocol(t *testing.T) {
	ctx := t.Context()
	server := httptest.NewServer(&registry{})
	defer server.Close()
	url := discovery.V2URL(server.URL, token)
	if want := server.URL + "/v2/keys/_etcd/registry/" + token; url != want {
		t.Errorf("got %s, want %s", url, want)
	}
	base, name, err := discovery.SplitV2URL(url)
	want(t, err)
	s := discovery.NewV2(base, nil)
	defer s.Close()

	wantError(t, s.Check(ctx, name, cluster(3)), discovery.ErrUnknownToken)
	want(t, s.Register(ctx, name, 3))
	wantError(t, s.Register(ctx, name, 3), discovery.ErrTokenExists)
	want(t, s.Check(ctx, name, cluster(3)))

	// Members register beside _config, not below members.
	first := discovery.NewMember("etcd1", []string{"http://b:2380", "http://a:2380"}, url)
	for _, m := range []discovery.Member{first, discovery.NewMember("etcd2", []string{"http://etcd2:2380"}, url)} {
		want(t, put(url+"/"+m.ID, m.Name+"="+strings.ReplaceAll(m.PeerURLs, ",", ","+m.Name+"=")))
	}
	status, err := s.Status(ctx, name)
	want(t, err)
	if diff := cmp.Diff(first, status.Members[0]); diff != "" || status.Missing() != 1 {
		t.Errorf("%d missing; the first who came: %s", status.Missing(), diff)
	}
	wantError(t, s.Check(ctx, name, cluster(3)), discovery.ErrUsedToken)
	want(t, s.Remove(ctx, name))
	wantError(t, s.Remove(ctx, name), discovery.ErrUnknownToken)
}

func put(url, value string) error {
	req, err := http.NewRequest(http.MethodPut, url, strings.NewReader("value="+value))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err == nil {
		res.Body.Close()
	}
	return err
}

func TestAServerWithoutTheV2ProtocolIsNamedAsSuch(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"404 and no JSON": http.NotFound,
		"some website":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"JSON, and no":    func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusForbidden, map[string]any{}) },
	} {
		server := httptest.NewServer(handler)
		s := discovery.NewV2(server.URL, nil)
		_, err := s.Status(t.Context(), token)
		if err == nil || !strings.Contains(err.Error(), "does not serve v2 discovery") {
			t.Errorf("%s: got %v", name, err)
		}
		server.Close()
	}
	s := discovery.NewV2("http://"+freeAddress(t), nil)
	_, err := s.Status(t.Context(), token)
	wantError(t, err, discovery.ErrNotReached)
}

func TestAV2URLEndsInItsToken(t *testing.T) {
	for _, url := range []string{"", "token", "http://host", "http://host/", "://"} {
		if _, _, err := discovery.SplitV2URL(url); err == nil {
			t.Errorf("%q: no error", url)
		}
	}
}
