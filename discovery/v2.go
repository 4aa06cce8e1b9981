package discovery

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
)

// V2URL gives the URL that members of etcd 3.5 and 3.6 take for a token, by the
// URL of an etcd that serves the v2 protocol.
func V2URL(endpoint, token string) string {
	return strings.TrimSuffix(endpoint, "/") + "/v2/keys" + cluster.Registry + "/" + token
}

// SplitV2URL gives the registry and the token of such a URL.
func SplitV2URL(s string) (registry, token string, err error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") == "" {
		return "", "", fmt.Errorf("%q is not a v2 discovery URL: write it as %s", s, V2URL("http://HOST:2379", "TOKEN"))
	}
	s = strings.TrimSuffix(s, "/")
	cut := strings.LastIndexByte(s, '/')
	return s[:cut], s[cut+1:], nil
}

// NewV2 gives the v2 service with its registry at a URL. A nil config stands for
// the system's authorities.
func NewV2(registry string, config *tls.Config) *Service {
	return &Service{v2{registry: registry, http: &http.Client{
		Timeout:   Timeout,
		Transport: &http.Transport{TLSClientConfig: config, Proxy: http.ProxyFromEnvironment},
	}}}
}

// v2 keeps the registry in the store of etcd 2, which etcd 3.5 still serves
// with --enable-v2.
type v2 struct {
	registry string
	http     *http.Client
}

func (s v2) close() error {
	s.http.CloseIdleConnections()
	return nil
}

// list asks for the size by itself: names that begin with an underscore are not
// listed.
func (s v2) list(ctx context.Context, token string) ([]entry, error) {
	var entries []entry
	size, err := s.do(ctx, http.MethodGet, token+"/"+sizeKey, nil)
	if err != nil && !errors.Is(err, errNoKey) {
		return nil, err
	}
	if err == nil {
		entries = append(entries, entry{sizeKey, size.Value})
	}
	dir, err := s.do(ctx, http.MethodGet, token, nil)
	if errors.Is(err, errNoKey) {
		return entries, nil
	}
	if err != nil {
		return nil, err
	}
	slices.SortFunc(dir.Nodes, func(a, b v2Node) int { return a.CreatedIndex - b.CreatedIndex })
	for _, n := range dir.Nodes {
		entries = append(entries, entry{n.Key[strings.LastIndexByte(n.Key, '/')+1:], n.Value})
	}
	return entries, nil
}

func (s v2) create(ctx context.Context, keys map[string]string) (bool, error) {
	for k, v := range keys {
		_, err := s.do(ctx, http.MethodPut, k+"?prevExist=false", url.Values{"value": {v}})
		if errors.Is(err, errKeyExists) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

func (s v2) remove(ctx context.Context, token string) error {
	_, err := s.do(ctx, http.MethodDelete, token+"?recursive=true", nil)
	if errors.Is(err, errNoKey) {
		return ErrUnknownToken
	}
	return err
}

type v2Node struct {
	Key          string
	Value        string
	Nodes        []v2Node
	CreatedIndex int
}

// What etcd's v2 API says by numbers (server/etcdserver/api/v2error).
var (
	errNoKey     = errors.New("key not found")
	errKeyExists = errors.New("key already exists")
	v2Errors     = map[int]error{100: errNoKey, 105: errKeyExists}
)

func (s v2) do(ctx context.Context, method, path string, form url.Values) (v2Node, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.registry+"/"+path, strings.NewReader(form.Encode()))
	if err != nil {
		return v2Node{}, err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := s.http.Do(req)
	if err != nil {
		return v2Node{}, v2Error(s.registry, err)
	}
	defer res.Body.Close()
	return s.answer(res)
}

// v2Error tells a service that is not there from one that says no.
func v2Error(registry string, err error) error {
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "dial" {
		return fmt.Errorf("%w at %s: %w", ErrNotReached, registry, op)
	}
	return fmt.Errorf("the v2 discovery service at %s: %w", registry, err)
}

func (s v2) answer(res *http.Response) (v2Node, error) {
	var a struct {
		Node      v2Node
		ErrorCode int
		Message   string
	}
	const most = 1 << 20
	body, err := io.ReadAll(io.LimitReader(res.Body, most))
	if err == nil {
		err = json.Unmarshal(body, &a)
	}
	switch {
	case err != nil || a.ErrorCode == 0 && res.StatusCode/100 != 2:
		return v2Node{}, fmt.Errorf("%s does not serve v2 discovery (%s): etcd 3.5 does with --enable-v2, later releases do not", s.registry, res.Status)
	case a.ErrorCode == 0:
		return a.Node, nil
	case v2Errors[a.ErrorCode] != nil:
		return v2Node{}, v2Errors[a.ErrorCode]
	}
	return v2Node{}, fmt.Errorf("%s: %s", s.registry, a.Message)
}
