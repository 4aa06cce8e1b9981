package docker

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// What services have read goes with the data, where it was made for them alone.
func TestWhatServicesReadIsDeletedUnlessAComposeFileNamesIt(t *testing.T) {
	for what, test := range map[string]struct {
		more string // in the folder
		text string
		left []string
	}{
		"nothing else":                {"", "", nil},
		"a file of somebody's":        {"dns/orders/mine", "", []string{"dns/orders/mine"}},
		"another cluster's":           {"dns/others/zone", "", []string{"dns/others/zone"}},
		"a Compose file":              {"compose.yaml", "volumes: [./dns/orders:/etc/coredns]", []string{"compose.yaml", "dns/orders/Corefile", "dns/orders/zone"}},
		"a Compose file without them": {"docker-compose.yml", "name: orders", []string{"docker-compose.yml"}},
	} {
		dir := t.TempDir()
		r := New(Options{Folder: dir, DNSDir: "dns", MonitoringDir: "monitoring"})
		files := map[string]string{
			"dns/orders/zone": "", "dns/orders/Corefile": "", "monitoring/orders/prometheus.yml": "", "monitoring/orders/rules.yml": "",
		}
		if test.more != "" {
			files[test.more] = test.text
		}
		for name, text := range files {
			if err := writeFile(filepath.Join(dir, name), []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.removeConfigs("orders"); err != nil {
			t.Fatal(err)
		}
		if left := filesIn(t, dir); !slices.Equal(left, test.left) {
			t.Errorf("beside %s %v is left, want %v", what, left, test.left)
		}
	}
}

// filesIn are the files in a folder, and the folders that hold nothing.
func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		if rest, _ := os.ReadDir(path); !e.IsDir() || len(rest) == 0 {
			name, err := filepath.Rel(dir, path)
			all = append(all, filepath.ToSlash(name))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
