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
	response, err := askMetrics(ctx, m)
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

// askMetrics gives a member's answer, to be closed.
func askMetrics(ctx context.Context, m Member) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, m.MetricsURL+"/metrics", http.NoBody)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(request)
}

// Leader gives the name of the member that leads; empty when none says so.
func Leader(ctx context.Context, members []Member) string {
	for _, m := range members {
		if leads(ctx, m) {
			return m.Name
		}
	}
	return ""
}
