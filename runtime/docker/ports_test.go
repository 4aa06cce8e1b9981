package docker

import (
	"slices"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// Side by side are clusters of two names, and a cluster stays where it runs.
func TestPortsThatAreLeftToUsGoByTheName(t *testing.T) {
	ports := func(name string, kept map[string]int, taken ...int) []int {
		c, err := cluster.Resolve(cluster.Spec{Name: name, Publish: "loopback", ClientPort: cluster.AutoPort}, cluster.InContainers)
		if err != nil {
			t.Fatal(err)
		}
		move(c, nil, kept, func(port int) bool { return slices.Contains(taken, port) })
		var got []int
		for _, m := range c.Members {
			got = append(got, m.PublishedPort)
		}
		return got
	}
	one, other := ports("job-1", nil), ports("job-2", nil)
	if one[0] < 20000 || one[0] == other[0] || !slices.Equal(one, ports("job-1", nil)) {
		t.Errorf("job-1 is at %v, job-2 at %v", one, other)
	}
	moved := ports("job-1", nil, one[1])
	if want := []int{one[0] + 1000, one[1] + 1000, one[2] + 1000}; !slices.Equal(moved, want) {
		t.Errorf("beside one that has %d it is at %v, want %v", one[1], moved, want)
	}
	slices.Reverse(moved) // their places in the list are others than when they started
	kept := map[string]int{"etcd1": moved[0], "etcd2": moved[1], "etcd3": moved[2]}
	if again := ports("job-1", kept); !slices.Equal(again, moved) {
		t.Errorf("it runs at %v and is to be at %v", moved, again)
	}
}

// The engine of another machine can't be asked who listens there.
func TestWhoComesFindsRoomBesideWhoLeaves(t *testing.T) {
	c, err := cluster.Resolve(cluster.Spec{Publish: "loopback", Members: cluster.Members{List: []cluster.MemberSpec{{Name: "a"}, {Name: "b"}, {Name: "d"}}}}, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]int{"a": 2379, "b": 2479, "c": 2579}
	leaves := leaving(c, kept)
	move(c, nil, kept, func(port int) bool { return leaves[port] })
	if d := c.Members[2]; d.PublishedPort != 3579 || c.Members[1].PublishedPort != 2479 {
		t.Errorf("d is to be at %d, where c is still at %d", d.PublishedPort, kept["c"])
	}
}

func TestPortsThatNobodyChoseAreWhereThereIsRoom(t *testing.T) {
	for what, test := range map[string]struct {
		chosen map[string]bool
		kept   map[string]int
		taken  []int
		want   []int
	}{
		"nobody is there":              {want: []int{2379, 2479, 2579}},
		"one is taken":                 {taken: []int{2479}, want: []int{3379, 3479, 3579}},
		"and the next":                 {taken: []int{2479, 3579}, want: []int{4379, 4479, 4579}},
		"it runs where it is":          {kept: map[string]int{"etcd1": 3379, "etcd2": 3479, "etcd3": 3579}, taken: []int{3379}, want: []int{3379, 3479, 3579}},
		"one joins":                    {kept: map[string]int{"etcd1": 3379, "etcd2": 3479}, taken: []int{2579}, want: []int{3379, 3479, 3579}},
		"it was chosen, and is not":    {kept: map[string]int{"etcd1": 5000}, want: []int{2379, 2479, 2579}},
		"the list is in another order": {kept: map[string]int{"etcd1": 2579, "etcd2": 2379, "etcd3": 2479}, taken: []int{2379, 2479, 2579}, want: []int{2579, 2379, 2479}},
		"who came first has left":      {kept: map[string]int{"etcd1": 2479, "etcd2": 2579}, taken: []int{2379}, want: []int{2479, 2579, 3579}},
		"chosen ones stay":             {chosen: map[string]bool{"etcd1": true}, taken: []int{2379, 2479}, want: []int{2379, 3479, 3579}},
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
