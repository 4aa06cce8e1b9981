package compose

import (
	"fmt"
	"path"

	"github.com/etcdctr/etcdctr/cluster"
)

// BackupUnitFiles are those that take a cluster's backups under systemd, on one
// machine that reaches all members; none where its description has none, or leaves
// them to others. Program is the absolute path of etcdctr there.
func BackupUnitFiles(c *cluster.Cluster, program string) []File {
	if c.Backup == nil || !c.Backup.Identity {
		return nil
	}
	unit := cluster.UnitName(c.Name, cluster.BackupName)
	destination, folder := backupDestination(c.Backup, unit)
	variables := append(c.BackupVariables(destination, path.Join(ConfigDir, unit)),
		cluster.Variable{Name: cluster.BackupMetricsVariable, Value: path.Join("/run", unit, "metrics.prom")})
	return []File{
		{unit + ".service", fmt.Appendf(nil, backupUnitTemplate, c.Name, path.Join(ConfigDir, unit), program, SystemUser, folder.service, folder.unit, unit)},
		{unit + ".env", lines(variables, func(v cluster.Variable) string { return v.Name + "=" + quoteUnitEnv(v.Value) })},
	}
}

// backupDestination is where the unit writes, and what lets it: a folder that systemd
// makes, unless the description has one by its whole path, or a bucket.
func backupDestination(b *cluster.Backup, unit string) (string, unitFolder) {
	switch {
	case !b.InFolder():
		return b.Destination, folderOfUnit(unit)
	case !path.IsAbs(b.Destination):
		return path.Join(cluster.ContainerVolumeDir, unit, b.Destination), folderOfUnit(unit)
	}
	return b.Destination, folderOfUser(b.Destination)
}

// backupUnitTemplate is the unit that takes the backups. Its program goes by the name
// that it is called by.
const backupUnitTemplate = `# Takes the backups of the cluster %[1]s at their times. Made by etcdctr.

[Unit]
Description=Backups of the etcd cluster %[1]s
After=network-online.target
Wants=network-online.target
%[6]s
[Service]
Type=exec
EnvironmentFile=%[2]s.env
# What leads to a bucket (AWS_…) is a secret, and not printed.
EnvironmentFile=-%[2]s.secrets
ExecStart=@%[3]s backup
Restart=on-failure
RestartSec=30s

User=%[4]s
Group=%[4]s
%[5]s
UMask=0077
# Its metrics, for the textfile collector of Prometheus' node exporter. They stay when it
# ends, and tell then that no backup was taken.
RuntimeDirectory=%[7]s
RuntimeDirectoryPreserve=yes

# It needs where the backups are, its network and nothing else of the machine.
` + confinement
