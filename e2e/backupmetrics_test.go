//go:build e2e && linux

package e2e

import (
	"errors"
	"fmt"
	"testing"
)

// The Prometheus of a stack asks the service that takes its backups, by the certificate
// that it shows the members, and notices when that is gone.
func TestPrometheusIsToldOfTheBackups(t *testing.T) {
	s := newStack(t)
	_, p := s.monitored("auth: {enabled: true}\nbackup: {destination: backups, continuous: true}\n")
	s.etcdctr("up")
	const others = 1
	p.wantScraped(3 + others)
	p.wantSeries(fmt.Sprintf(`etcdctr_backup_last_revision{job="etcd-backup",cluster=%q} > 0`, s.name))
	p.wantSeries(`etcdctr_backup_followed_revision > 0`)
	p.wantSeries(`etcdctr_backup_failing == 0`)
	p.wantAlerts()
	if out, code := s.verdict("verify", "--image", s.ref); code != 0 {
		t.Errorf("verify ends with %d:\n%s", code, out)
	}
	run(t, s.dir, "docker", "stop", s.name+"-backup-1")
	p.wantSeries(`up{job="etcd-backup"} == 0`)
	s.etcdctr("down", "--volumes", "--yes", "--no-backup")
	s.wantNothingLeft()
}

// wantSeries wants an expression to have a result.
func (p *prometheus) wantSeries(expr string) {
	p.t.Helper()
	eventually(p.t, expr, func() error {
		n, err := p.query(expr)
		if err == nil && n == 0 {
			err = errors.New("there is nothing")
		}
		return err
	})
}
