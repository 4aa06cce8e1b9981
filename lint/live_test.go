package lint

import "testing"

// Lines of an engine's answer, which nobody has as a file, say nothing to anybody.
func TestWhatRunsIsFoundInItsContainer(t *testing.T) {
	const answer = `[{"Name": "/shop-kv-1", "Config": {"Image": "quay.io/coreos/etcd:v3.5.9", "Cmd": ["etcd"], "Env": ["ETCDCTL_API=3"]},
"HostConfig": {"PortBindings": {"2379/tcp": [{"HostIp": "", "HostPort": "2379"}]}}}]`
	for live, wants := range map[bool]string{true: "shop-kv-1", false: "answer.json:1:2"} {
		stacks, err := Read([]Input{{Name: "answer.json", Data: []byte(answer), Live: live}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		findings := Check(stacks[0])
		if len(findings) == 0 {
			t.Fatal("nothing is found")
		}
		if at := findings[0].String(); at != wants {
			t.Errorf("live %t: it is found at %s, want %s", live, at, wants)
		}
		for _, f := range findings {
			if live && (f.File != "shop-kv-1" || f.Line != 0) {
				t.Errorf("%s is found at %s", f.Rule, f)
			}
		}
	}
}
