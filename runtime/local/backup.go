package local

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/process"
)

// backupProgram is what this program is called by to take backups; main sees to it.
const backupProgram = "backup"

// bucketVariables begin the names of those that lead to a bucket.
const bucketVariables = "AWS_"

// useBackup adds the service that takes the backups to a stack.
func (r *Runtime) useBackup(s *process.Stack, c *cluster.Cluster) {
	if c.Backup == nil || !c.Backup.Service || r.o.Self == "" {
		return
	}
	home := filepath.Join(r.home(c.Name).Dir, cluster.BackupName)
	destination := c.Backup.Destination
	if c.Backup.InFolder() && !filepath.IsAbs(destination) {
		destination = filepath.Join(filepath.Dir(r.o.Folder), destination)
	}
	m := process.Member{
		Name: cluster.BackupName, Path: r.o.Self, Args: []string{backupProgram}, DataDir: filepath.Join(home, dataFolder),
		Inherited: slices.DeleteFunc(slices.Clone(r.o.Environ), func(entry string) bool {
			return !isInheritable(nameOf(entry)) && !strings.HasPrefix(entry, bucketVariables)
		}),
	}
	variables := append(c.BackupVariables(destination, filepath.Join(certsFolder(c), "clients", cluster.BackupName)),
		cluster.Variable{Name: cluster.BackupMetricsVariable, Value: filepath.Join(home, "metrics.prom")})
	for _, v := range variables {
		m.Env = append(m.Env, v.Name+"="+v.Value)
	}
	s.Services = append(s.Services, m)
}
