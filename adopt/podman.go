package adopt

import "slices"

// Podman writes down what a container has because nobody has said anything as if somebody
// had: it is nobody's wish.

// podmansShm and podmansPids are what its containers.conf(5) has for shm_size, 65536k, and
// for pids_limit.
const (
	podmansShm  = 65536000
	podmansPids = 2048
)

// ofPodman tells a container of Podman: it has a variable that says so, by which systemd
// knows where it runs.
func (d inspected) ofPodman() bool {
	return slices.Contains(d.Config.Env, "container=podman") || slices.Contains(d.Config.Env, "container=oci")
}

// podmans tells a variable that Podman sets in each container.
func (d inspected) podmans(name, value string) bool {
	if !d.ofPodman() {
		return false
	}
	switch name {
	case "HOSTNAME":
		return value == d.Config.Hostname
	case "TERM":
		return value == "xterm"
	}
	return name == "container"
}

// namespace is whose a container shares; Podman has a word for its own.
func namespace(mode string) string { return unless(mode, "private") }

func pidsLimit(d inspected) string {
	limit := d.HostConfig.PidsLimit
	if limit != nil && *limit == podmansPids && d.ofPodman() {
		return ""
	}
	return pointed(limit, -1)
}

// usualSignal is what ends a container where nobody says by what: Docker writes down
// nothing then, and Podman this, which it has as a number at times.
var usualSignal = []string{"", "SIGTERM", "15"}

func stopSignal(d inspected) string {
	if slices.Contains(usualSignal, d.Config.StopSignal) && slices.Contains(usualSignal, d.image.StopSignal) {
		return ""
	}
	return unless(d.Config.StopSignal, d.image.StopSignal)
}
