package process

import (
	"bufio"
	"context"
	"net/http"
	"time"
)

// leads asks a member's metrics whether it leads its cluster. A member that
// does not answer does not lead as far as anybody knows.
func leads(ctx context.Context, m Member) bool {
	if m.MetricsURL == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, m.MetricsURL+"/metrics", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if lines.Text() == "etcd_server_is_leader 1" {
			return true
		}
	}
	return false
}

// leaderLast puts the leader behind its followers.
func leaderLast(ctx context.Context, members []Member) []Member {
	var followers, leaders []Member
	for _, m := range members {
		if leads(ctx, m) {
			leaders = append(leaders, m)
		} else {
			followers = append(followers, m)
		}
	}
	return append(followers, leaders...)
}
