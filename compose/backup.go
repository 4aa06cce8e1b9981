package compose

import (
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/etcdctr/etcdctr/cluster"
)

// OwnImage is the name of the image that etcdctr makes of itself on an engine,
// BackupProgram what in it takes backups, and DNSProgram its DNS server.
const (
	OwnImage      = cluster.OwnImage
	BackupProgram = "/usr/local/bin/backup"
	DNSProgram    = "/usr/local/bin/dns"
)

// Where the service that takes backups finds its certificate, and puts them.
const (
	containerBackupCerts = "/etc/etcd/certs"
	containerBackupDir   = "/backups"
)

// credentialVariables are where the tools of services that speak S3 look; who
// starts the stack has them in the environment.
var credentialVariables = []string{
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3",
}

// backupService takes backups at their times.
func backupService(c *cluster.Cluster, o Options) types.ServiceConfig {
	s := container(c, cluster.BackupName, RoleBackup)
	s.Image = OwnImage
	s.Command = types.ShellCommand{BackupProgram}
	s.Restart = c.Upkeep.Restart
	readAnyOwners(&s)
	destination := o.Backups
	if c.Backup.InFolder() {
		destination = containerBackupDir
		folder := bind(o.Backups, containerBackupDir)
		folder.ReadOnly, folder.Bind.CreateHostPath = false, types.OptOut(true)
		s.Volumes = append(s.Volumes, folder)
	} else {
		s.Networks[BackupNetwork] = nil
		s.DNS, s.DNSSearch, s.DNSOpts = nil, nil, nil
		s.Tmpfs = types.StringList{"/tmp"}
	}
	if c.DNS != nil { // members are known by names of its domain
		lookUp(&s, c)
	}
	s.Environment = environment(c.BackupVariables(destination, containerBackupCerts))
	if !c.Backup.InFolder() {
		for _, name := range credentialVariables {
			s.Environment[name] = nil
		}
	}
	if c.Backup.InFolder() { // a bucket may be behind one
		passProxiesBy(&s, nil, c)
	}
	if c.TLS == cluster.Mutual {
		s.Volumes = append(s.Volumes, bind(o.CertsDir+"/clients/"+cluster.BackupName, containerBackupCerts))
	}
	return s
}
