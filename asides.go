package etcdctr

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/internal/listed"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file tells of what was set aside, for those who look at a cluster for another reason.

// asideRemark says what was set aside of a cluster, since when, and what brings it back or
// deletes it; empty where nothing is. What deletes it is named of a cluster that is healthy
// alone: of any other it may be the last good copy.
func asideRemark(all []runtime.Aside, healthy bool) string {
	if len(all) == 0 {
		return ""
	}
	var servers, commands []string
	var oldest time.Time
	var bytes int64
	known, restored := true, false
	for _, a := range all {
		servers = append(servers, a.Server)
		if !a.Time.IsZero() && (oldest.IsZero() || a.Time.Before(oldest)) {
			oldest = a.Time
		}
		bytes += a.Bytes
		known, restored = known && a.Bytes > 0, restored || a.Restored
	}
	slices.Sort(servers)
	remark := "former data of " + listed.And(slices.Compact(servers)) + " is set aside"
	if len(all) == 1 {
		remark += " in " + all[0].Where
	}
	if !oldest.IsZero() {
		remark += ", since " + oldest.UTC().Format(time.RFC3339)
	}
	if known {
		remark += fmt.Sprintf(", %.1f MB", float64(bytes)/1e6)
	}
	if restored {
		commands = append(commands, fmt.Sprintf("`%s` brings back what the last restore, or undo, has replaced", Typed([]string{"restore", "--undo"})))
	}
	if healthy {
		commands = append(commands, fmt.Sprintf("`%s` deletes it once nobody needs it", Typed([]string{"restore", "--discard"})))
	} else {
		commands = append(commands, "keep it until the cluster is healthy")
	}
	return remark + ": " + strings.Join(commands, "; ")
}

// remarkAside adds what was set aside to a report.
func remarkAside(all []runtime.Aside, r *health.Report) {
	for _, a := range all {
		r.Aside = append(r.Aside, health.Aside{Member: a.Server, Where: a.Where, Since: a.Time, Bytes: a.Bytes})
	}
	if remark := asideRemark(all, r.Healthy); remark != "" {
		r.Remarks = append(r.Remarks, remark)
	}
}
