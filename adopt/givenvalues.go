package adopt

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/mount"
)

// This file writes what a container was given as it stands in a Compose file, or shorter;
// empty is what nobody has given it.

func blkio(d inspected) string {
	r := d.HostConfig.Resources
	if r.BlkioWeight != 0 {
		return fmt.Sprintf("weight=%d", r.BlkioWeight)
	}
	return flag(len(r.BlkioWeightDevice)+len(r.BlkioDeviceReadBps)+len(r.BlkioDeviceWriteBps)+len(r.BlkioDeviceReadIOps)+len(r.BlkioDeviceWriteIOps) > 0)
}

// command is one by which something else than etcd begins, such as a script: what etcd
// is told there is among its settings.
func command(d inspected) string {
	words := slices.Concat(d.Config.Entrypoint, d.Config.Cmd)
	if len(words) == 0 || path.Base(words[0]) == "etcd" || slices.Equal(words, slices.Concat(d.image.Entrypoint, d.image.Cmd)) {
		return ""
	}
	return words[0]
}

func devices(d inspected) string {
	var all []string
	for _, device := range d.HostConfig.Devices {
		all = append(all, device.PathOnHost+":"+device.PathInContainer)
	}
	for _, request := range d.HostConfig.DeviceRequests {
		all = append(all, cmp.Or(request.Driver, list(slices.Concat(request.Capabilities...))))
	}
	return list(all)
}

func healthcheck(d inspected) string {
	h := d.Config.Healthcheck
	if h == nil || d.image.Healthcheck != nil && slices.Equal(h.Test, d.image.Healthcheck.Test) {
		return ""
	}
	return strings.Join(h.Test, " ")
}

// hostname is one that somebody has chosen: else it is the container's ID.
func hostname(d inspected) string {
	if d.Config.Hostname == "" || strings.HasPrefix(d.ID, d.Config.Hostname) || !d.HostConfig.NetworkMode.IsUserDefined() && !d.HostConfig.NetworkMode.IsDefault() {
		return ""
	}
	return d.Config.Hostname
}

// labels are those of neither Compose nor the image.
func labels(d inspected) string {
	own := maps.Clone(d.Config.Labels)
	maps.DeleteFunc(own, func(k, v string) bool {
		of, known := d.image.Labels[k]
		return strings.HasPrefix(k, composeLabels) || known && of == v
	})
	return pairs(own)
}

// logs is how a container's log is kept, where that is not by the engine's usual way
// alone.
func logs(driver string, options map[string]string) string {
	if len(options) == 0 && (driver == "" || driver == "json-file" || driver == "journald") {
		return ""
	}
	return strings.TrimSuffix(driver+","+pairs(options), ",")
}

// own are the networks of a container but that where it meets its successors; empty for
// one that has none of its own.
func (d inspected) own() []string {
	met, _ := meeting(d.InspectResponse)
	var all []string
	for name := range d.NetworkSettings.Networks {
		if name != met {
			all = append(all, name)
		}
	}
	return all
}

func networks(d inspected) string {
	if m := d.HostConfig.NetworkMode; m.IsHost() || m.IsNone() || m.IsContainer() {
		return string(m)
	}
	return list(d.own())
}

// aliases are the names that a container was given on its networks: those of Compose's
// service, of the container and of its ID it has anyhow.
func aliases(d inspected) string {
	has := []string{bare(d.Name), strings.TrimSuffix(bare(d.Name), retiredSuffix), d.Config.Labels[composeLabels+"service"]}
	var all []string
	for _, name := range d.own() {
		for _, alias := range d.NetworkSettings.Networks[name].Aliases {
			if !slices.Contains(has, alias) && !strings.HasPrefix(d.ID, alias) && !slices.Contains(all, alias) {
				all = append(all, alias)
			}
		}
	}
	return list(all)
}

func fixedAddresses(d inspected) string {
	var all []string
	for _, name := range d.own() {
		if ipam := d.NetworkSettings.Networks[name].IPAMConfig; ipam != nil && ipam.IPv4Address.IsValid() {
			all = append(all, ipam.IPv4Address.String())
		}
	}
	return list(all)
}

func restart(d inspected) string {
	p := d.HostConfig.RestartPolicy
	switch {
	case p.IsNone():
		return ""
	case p.MaximumRetryCount > 0:
		return fmt.Sprintf("%s:%d", p.Name, p.MaximumRetryCount)
	}
	return string(p.Name)
}

func ulimits(d inspected) string {
	var all []string
	for _, u := range d.HostConfig.Ulimits {
		all = append(all, fmt.Sprintf("%s=%d:%d", u.Name, u.Soft, u.Hard))
	}
	return list(all)
}

// volumes are all mounts but those of the data.
func volumes(d inspected) string {
	data, log := keptIn(d.InspectResponse, d.data), keptIn(d.InspectResponse, d.log)
	var all []string
	for _, m := range d.Mounts {
		switch {
		case m.Destination == data.Destination || m.Destination == log.Destination || m.Type == mount.TypeTmpfs:
		case m.Type == mount.TypeVolume:
			all = append(all, m.Name+":"+m.Destination)
		default:
			all = append(all, m.Source+":"+m.Destination)
		}
	}
	return list(all)
}

func list(words []string) string { return strings.Join(slices.Sorted(slices.Values(words)), ",") }

func pairs(m map[string]string) string {
	var all []string
	for k, v := range m {
		all = append(all, k+"="+v)
	}
	return list(all)
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// pointed is a number that may be missing, or stand for none.
func pointed(n *int64, none int64) string {
	if n == nil || *n == none {
		return ""
	}
	return number(*n)
}

func flag(on bool) string {
	if on {
		return "true"
	}
	return ""
}

func unless(value, usual string) string {
	if value == usual {
		return ""
	}
	return value
}

func capabilities(words []string) string {
	var all []string
	for _, w := range words {
		all = append(all, strings.TrimPrefix(strings.ToUpper(w), "CAP_"))
	}
	return list(all)
}
