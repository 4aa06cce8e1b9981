package adopt

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// compose is a container of a service of a Compose file.
func composed(id, service, dependsOn string, mounts ...container.MountPoint) container.InspectResponse {
	return container.InspectResponse{ID: id, Mounts: mounts, Config: &container.Config{Labels: map[string]string{
		projectLabel: "shop", serviceLabel: service, dependsLabel: dependsOn, filesLabel: "/srv/shop/compose.yaml,/srv/shop/more.yaml",
	}}}
}

func TestWhatIsToBeTakenOutOfAComposeFileIsNamed(t *testing.T) {
	volume := container.MountPoint{Type: mount.TypeVolume, Name: "shop_d1", Destination: "/data"}
	folder := container.MountPoint{Type: mount.TypeBind, Source: "/srv/d2", Destination: "/data"}
	all := []container.InspectResponse{
		composed("1", "etcd1", "", volume), composed("2", "etcd2", "", folder),
		composed("3", "web", "db:service_started:false,etcd2:service_healthy:true"), composed("4", "db", ""), composed("5", "web", "etcd1:service_started:false"),
		{ID: "6", Config: &container.Config{}},
	}
	got := projectsOf(all, []Member{{id: "1", DataDir: "/data"}, {id: "2", DataDir: "/data"}, {id: "6"}})
	want := []Project{{Name: "shop", Files: []string{"/srv/shop/compose.yaml", "/srv/shop/more.yaml"}, Services: []string{"etcd1", "etcd2"}, Volumes: []string{"d1"}, Dependents: []string{"web"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	const said = "/srv/shop/compose.yaml, /srv/shop/more.yaml (services: etcd1, etcd2; volumes: d1; depends_on of web)"
	if got[0].String() != said {
		t.Errorf("it says %s", got[0])
	}
}

func TestAdoptedMembersThatRunAgainAreNamed(t *testing.T) {
	old := func(name string, status runtime.Status) Member {
		m := of(name, status, open(name)...)
		m.Hosts = []string{"shop-" + name + "-1.adopted"}
		return m
	}
	// Something that makes containers anew has one of them there twice.
	s := shop(old("etcd1", runtime.Stopped), old("etcd2", runtime.Running), old("etcd2", runtime.Restarting))
	got, err := Revived(t.Context(), &fakeForeign{stack: s})
	stop := etcdctr.Revived{Name: "shop-etcd2-1.adopted", Stop: "docker stop shop-etcd2-1.adopted"}
	if diff := cmp.Diff([]etcdctr.Revived{stop, stop}, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	dir := t.TempDir()
	process := Member{Server: runtime.Server{Detail: "process 7", DataAt: dir}, DataDir: dir, id: "7"}
	if got := process.revived(cluster.Process); got.Stop != "kill 7" {
		t.Errorf("it is stopped by %s", got.Stop)
	}
	if err := noteUnit(process, "etcd.service"); err != nil {
		t.Fatal(err)
	}
	if got := process.revived(cluster.Process); got.Stop != "systemctl disable --now etcd.service" {
		t.Errorf("it is stopped by %s", got.Stop)
	}
}
