package converge

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/etcdctr/etcdctr/runtime"
)

// awaitOne waits for a server that can be asked, where none of those that are
// waited for runs: an engine may just be starting them again. It gives up on one
// that has ended for good, and gives err where none is coming back.
func (r *run) awaitOne(ctx context.Context, servers []string, err error) (Etcd, error) {
	patience := cmp.Or(r.Patience, usualPatience)
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(glance)
	defer ticker.Stop()
	restarts := restartsOf(r.situation.Have)
	for {
		if u := hopelessOne(r.situation.Have, servers, restarts); u != nil {
			u.Log = r.lastWords(ctx, u)
			return nil, u
		}
		again := r.restarting(servers)
		if again == "" || r.runsMember() {
			return nil, err
		}
		select {
		case <-waiting.Done():
			return nil, cmp.Or(ctx.Err(), error(&UnwellError{Server: again, What: fmt.Sprintf("does not serve within %s", patience), again: true}))
		case <-ticker.C:
		}
		if err := r.observe(ctx); err != nil {
			return nil, err
		}
		var etcd Etcd
		if etcd, err = r.dial(ctx); err == nil {
			return etcd, nil
		}
	}
}

// hopelessOne tells of the first of servers that is not worth waiting for.
func hopelessOne(have *runtime.State, servers []string, restarts map[string]int) *UnwellError {
	for _, name := range servers {
		if what := hopeless(have, name, restarts[name]); what != "" {
			s, _ := have.Server(name)
			return &UnwellError{Server: name, What: what, again: s.Restarts > restarts[name]}
		}
	}
	return nil
}

// restarting is the first of servers that ended and is started again.
func (r *run) restarting(servers []string) string {
	for _, name := range servers {
		if s, _ := r.situation.Have.Server(name); s.Status == runtime.Restarting {
			return name
		}
	}
	return ""
}

// restartsOf is how often each member was started again so far.
func restartsOf(have *runtime.State) map[string]int {
	restarts := map[string]int{}
	for _, s := range have.Members() {
		restarts[s.Name] = s.Restarts
	}
	return restarts
}
