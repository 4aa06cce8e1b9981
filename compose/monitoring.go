package compose

import (
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/etcdctr/etcdctr/cluster"
)

// Where the stack's Prometheus finds its files: what package monitoring writes for
// it, and the certificate that it shows the members.
const (
	ContainerMonitoringDir      = "/etc/prometheus"
	ContainerMonitoringCertsDir = "/etc/etcd/certs"

	containerPrometheusDir = "/prometheus" // of the image
)

// prometheusService is Prometheus beside the members, on their network. It
// waits for none of them: it asks until they answer.
func prometheusService(c *cluster.Cluster, o Options) types.ServiceConfig {
	s := container(c, cluster.PrometheusName, RoleMonitoring)
	s.Image = c.Monitoring.Image
	s.Command = types.ShellCommand{
		"--config.file=" + ContainerMonitoringDir + "/prometheus.yml",
		"--storage.tsdb.path=" + containerPrometheusDir,
		"--storage.tsdb.retention.time=" + c.Monitoring.Retention,
	}
	s.Restart = c.Upkeep.Restart
	readAnyOwners(&s) // and write to a volume that is another user's in the image
	s.Volumes = []types.ServiceVolumeConfig{bind(o.MonitoringDir, ContainerMonitoringDir), prometheusData(c)}
	if c.TLS == cluster.Mutual {
		s.Volumes = append(s.Volumes, bind(o.CertsDir+"/clients/"+cluster.MonitoringClient, ContainerMonitoringCertsDir))
	}
	if c.DNS != nil { // members are known by names of its domain
		lookUp(&s, c)
	}
	if c.Monitoring.Port != 0 {
		s.Networks[LoopbackNetwork] = nil
		s.Ports = []types.ServicePortConfig{port("127.0.0.1", c.Monitoring.Port, cluster.PrometheusPort)}
	}
	return s
}

func prometheusData(c *cluster.Cluster) types.ServiceVolumeConfig {
	if c.Data == cluster.Memory {
		return types.ServiceVolumeConfig{Type: types.VolumeTypeTmpfs, Target: containerPrometheusDir}
	}
	return types.ServiceVolumeConfig{
		Type: types.VolumeTypeVolume, Source: VolumeName(cluster.PrometheusName), Target: containerPrometheusDir,
		Volume: &types.ServiceVolumeVolume{},
	}
}
