package docker

import (
	"slices"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

func TestPortsThatNobodyChoseAreWhereThereIsRoom(t *testing.T) {
	for what, test := range map[string]struct {
		chosen map[string]bool
		kept   map[string]int
		taken  []int
		want   []int
	}{
		"nobody is there":           {want: []int{2379, 2479, 2579}},
		"one is taken":              {taken: []int{2479}, want: []int{3379, 3479, 3579}},
		"and the next":              {taken: []int{2479, 3579}, want: []int{4379, 4479, 4579}},
		"it runs where it is":       {kept: map[string]int{"etcd1": 3379, "etcd2": 3479, "etcd3": 3579}, taken: []int{3379}, want: []int{3379, 3479, 3579}},
		"one joins":                 {kept: map[string]int{"etcd1": 3379, "etcd2": 3479}, taken: []int{2579}, want: []int{3379, 3479, 3579}},
		"it was chosen, and is not": {kept: map[string]int{"etcd1": 5000}, want: []int{2379, 2479, 2579}},
		"chosen ones stay":          {chosen: map[string]bool{"etcd1": true}, taken: []int{2379, 2479}, want: []int{2379, 3479, 3579}},
	} {
		t.Run(what, func(t *testing.T) {
			c, err := cluster.Resolve(cluster.Spec{Publish: "loopback"}, cluster.InContainers)
			if err != nil {
				t.Fatal(err)
			}
			move(c, test.chosen, test.kept, func(port int) bool { return slices.Contains(test.taken, port) })
			var got []int
			for _, m := range c.Members {
				got = append(got, m.PublishedPort)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
