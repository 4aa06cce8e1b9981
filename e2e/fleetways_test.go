//go:build e2e && linux

package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
)

// TestFleetBySSHIsComparedWithSockets runs the same commands by both ways in turn, and
// logs what each took: ssh is to take at most twice as long.
func TestFleetBySSHIsComparedWithSockets(t *testing.T) {
	useTodaysEngine(t)
	image := etcdImage(t, cluster.NewestMinor)
	f := newFleet(t, 3, image)
	bySSH, bySocket := "name: "+f.name+"\nimage: "+image+"\nmembers:\n", ""
	for _, m := range f.machines {
		bySSH += "  - {name: " + m.member + ", host: " + m.address + ", engine: ssh://root@" + m.address + "}\n"
	}
	bySocket = bySSH
	for _, m := range f.machines {
		bySocket = strings.Replace(bySocket, "ssh://root@"+m.address, "unix://"+m.disk+"/engine.sock", 1)
	}
	writeFile(t, f.home+"/etcdctr.yaml", bySSH)
	writeFile(t, f.home+"/sockets.yaml", bySocket)
	f.etcdctr("up")
	const rounds = 7
	for _, command := range []string{"ps", "health", "logs --tail 1", "exec etcd2 -- etcdctl version", "verify"} {
		took := map[string][]time.Duration{}
		for range rounds {
			for _, file := range []string{"etcdctr.yaml", "sockets.yaml"} {
				words := strings.Fields(command)
				began := time.Now()
				f.etcdctr(slices.Concat(words[:1], []string{"--file", file}, words[1:])...)
				took[file] = append(took[file], time.Since(began))
			}
		}
		ssh, socket := median(took["etcdctr.yaml"]), median(took["sockets.yaml"])
		t.Logf("%-32s by ssh %v, by sockets %v: %.2f times", command, ssh.Round(time.Millisecond), socket.Round(time.Millisecond), ssh.Seconds()/socket.Seconds())
	}
	f.etcdctr("down", "--volumes", "--yes")
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
