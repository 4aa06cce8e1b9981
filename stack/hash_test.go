package stack

import "testing"

// The hashes are what `docker compose config --hash '*'` of v5.5.1 prints, and
// what its `up` writes on networks and volumes. A compose-go that marshals
// otherwise makes other hashes, and Compose would then recreate what etcdctr
// made.
func TestHashesAreThoseOfCompose(t *testing.T) {
	w := wanted(t, three)
	for name, want := range map[string]string{"etcd1": "9709e80471f5a338933fe8dbbaa8ce9d2461cda5edbe876471750feb71e3caeb", "etcd2": "b9c9e93f508d68d8f535b53af00982e3826f6dda0b06679ac57fbf855af3aa35"} {
		if got, err := serviceHash(w.Project.Services[name]); err != nil || got != want {
			t.Errorf("hash of %s: %s, %v, want %s", name, got, err, want)
		}
	}
	if got, err := networkHash(w.Project.Networks["cluster"]); err != nil || got != "a1eff4fda23c8f10feab767a308174f2bee93dde794b6209305a9554f8b8b36f" {
		t.Errorf("hash of the network: %s, %v, want another", got, err)
	}
	if got, err := volumeHash(w.Project.Volumes["etcd1-data"]); err != nil || got != "fdcb681b8b9342dbe10341668248996328b8bc774a0a4b7a200286b1cec81064" {
		t.Errorf("hash of the volume: %s, %v, want another", got, err)
	}
}
