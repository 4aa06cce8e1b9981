//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdctr/etcdctr/internal/etcdtest"
	"github.com/etcdctr/etcdctr/process"
)

// This file has the ways in which a cluster is broken for the doctor, as processes;
// see follow.

func TestTheDoctorIsObeyedAboutWhoTheMembersAre(t *testing.T) {
	follow(t, map[string]ailment{
		"one was removed by hand": {breaks: func(a *ailing) { a.removeMember("etcd2") }},
		"two were removed by hand": {breaks: func(a *ailing) {
			a.removeMember("etcd2")
			a.removeMember("etcd3")
		}},
		"one was removed and its data deleted": {breaks: func(a *ailing) {
			a.removeMember("etcd2")
			a.stop("etcd2")
			a.deleteData("etcd2")
		}},
		"one was removed while it was stopped": {breaks: func(a *ailing) {
			a.stop("etcd2")
			a.removeMember("etcd2")
		}},
		"a voter was added that nobody has":   {breaks: func(a *ailing) { a.addMember() }},
		"a learner was added that nobody has": {breaks: func(a *ailing) { a.addMember("--learner") }},
		"one has the data of another cluster": {
			breaks: func(a *ailing) { a.strange("etcd2") }, honest: "keep its data aside",
		},
	})
}

func TestTheDoctorIsObeyedAboutProcessesThatAreGone(t *testing.T) {
	follow(t, map[string]ailment{
		"one was stopped":  {breaks: func(a *ailing) { a.stop("etcd2") }},
		"two were stopped": {breaks: func(a *ailing) { a.stop("etcd2", "etcd3") }},
		"all were stopped": {breaks: func(a *ailing) { a.stop() }},
		"power was cut":    {breaks: func(a *ailing) { a.powerCut() }},
		"one hangs":        {breaks: func(a *ailing) { a.freeze("etcd2") }},
		"two hang":         {breaks: func(a *ailing) { a.freeze("etcd1", "etcd3") }},
		"the only one was stopped": {
			size: 1, breaks: func(a *ailing) { a.stop() },
		},
		"two of five were stopped, and one hangs": {
			size: 5, breaks: func(a *ailing) {
				a.stop("etcd4", "etcd5")
				a.freeze("etcd3")
			},
		},
		"a port of one was taken": {
			breaks: func(a *ailing) {
				a.stop()
				a.takePort("etcd2")
				_, _ = a.try("up", "--detach") // it can't be up
			},
			honest: "something else listens on",
		},
	})
}

func TestTheDoctorIsObeyedAboutDataThatIsGone(t *testing.T) {
	follow(t, map[string]ailment{
		"that of one, which was stopped": {breaks: func(a *ailing) {
			a.stop("etcd2")
			a.deleteData("etcd2")
		}},
		"that of one, which runs": {breaks: func(a *ailing) {
			a.deleteData("etcd2")
			a.kill("etcd2")
		}},
		"the log of one": {breaks: func(a *ailing) {
			a.stop("etcd2")
			a.deleteData("etcd2", "member", "wal")
		}},
		"the database of one": {breaks: func(a *ailing) {
			a.stop("etcd2")
			a.deleteData("etcd2", "member", "snap")
		}},
		"that of two, and the third runs": {breaks: func(a *ailing) {
			a.stop("etcd2", "etcd3")
			a.deleteData("etcd2")
			a.deleteData("etcd3")
		}},
		"that of two, and the third was stopped": {breaks: func(a *ailing) {
			a.stop()
			a.deleteData("etcd1")
			a.deleteData("etcd3")
		}},
		"that of two, and the third was killed": {breaks: func(a *ailing) {
			a.powerCut()
			a.deleteData("etcd2")
			a.deleteData("etcd3")
		}},
		"that of one, and another was stopped": {breaks: func(a *ailing) {
			a.stop()
			a.deleteData("etcd1")
		}},
		"that of two of five": {size: 5, breaks: func(a *ailing) {
			a.stop("etcd2", "etcd4")
			a.deleteData("etcd2")
			a.deleteData("etcd4")
		}},
		"that of all": {lost: true, breaks: func(a *ailing) {
			a.stop()
			for _, name := range []string{"etcd1", "etcd2", "etcd3"} {
				a.deleteData(name)
			}
		}},
		"what one wrote last": {breaks: func(a *ailing) {
			a.stop("etcd2")
			a.keepCopy("etcd2")
			a.etcdctr("start", "etcd2")
			a.write("later", 50)
			a.stop("etcd2")
			a.putCopyBack("etcd2")
			_, _ = a.try("start", "etcd2") // it fails
		}},
	})
}

func TestTheDoctorIsObeyedAboutDataThatIsDamaged(t *testing.T) {
	follow(t, map[string]ailment{
		"a bit of the log of one":        {breaks: func(a *ailing) { a.spoil("wal", flipped, "etcd2") }},
		"the log of one is empty":        {breaks: func(a *ailing) { a.spoil("wal", emptied, "etcd2") }},
		"the database of one is empty":   {breaks: func(a *ailing) { a.spoil("snap", emptied, "etcd2") }},
		"the database of one is noise":   {breaks: func(a *ailing) { a.spoil("snap", noise, "etcd2") }},
		"the databases of two are noise": {breaks: func(a *ailing) { a.spoil("snap", noise, "etcd1", "etcd2") }},
		"the logs of two":                {breaks: func(a *ailing) { a.spoil("wal", flipped, "etcd2", "etcd3") }},
		"the log of one, and another was stopped": {breaks: func(a *ailing) {
			a.spoil("wal", flipped, "etcd2")
			a.stop("etcd1")
		}},
		"the logs of all": {
			breaks: func(a *ailing) { a.spoil("wal", flipped, "etcd1", "etcd2", "etcd3") }, honest: "brings a backup back",
		},
		"etcd says that one is corrupt": {breaks: func(a *ailing) { a.alarm(etcdserverpb.AlarmType_CORRUPT, "etcd2") }},
		"that of one differs, and etcd says that another is corrupt": {differs: true, breaks: func(a *ailing) {
			a.spoil("snap", altered, "etcd1")
			a.alarm(etcdserverpb.AlarmType_CORRUPT, "etcd2")
		}},
	})
}

func TestTheDoctorIsObeyedAboutCertificates(t *testing.T) {
	member := func(name string) string { return filepath.Join("certs", "members", name) }
	follow(t, map[string]ailment{
		"those of one are gone": {breaks: func(a *ailing) {
			a.delete(member("etcd2"))
			a.kill("etcd2")
		}},
		"those of all are gone": {breaks: func(a *ailing) {
			a.delete(filepath.Join("certs", "members"))
			a.powerCut()
		}},
		"the key of one is that of another": {breaks: func(a *ailing) {
			a.copyFile(filepath.Join(member("etcd1"), "peer", "tls.key"), filepath.Join(member("etcd2"), "peer", "tls.key"))
			a.kill("etcd2")
		}},
		"the key of one is empty": {breaks: func(a *ailing) {
			writeFile(a.t, filepath.Join(a.dir, member("etcd2"), "peer", "tls.key"), "")
			a.kill("etcd2")
		}},
		"what one has made for itself is empty": {describes: "tls: auto\n", breaks: func(a *ailing) {
			writeFile(a.t, filepath.Join(a.data("etcd2"), "fixtures", "peer", "key.pem"), "")
			a.kill("etcd2")
		}},
	})
}

func TestTheDoctorIsObeyedAboutRoom(t *testing.T) {
	const small = "quota-backend-bytes: 16MiB\n"
	follow(t, map[string]ailment{
		"the database is full of history": {describes: small, breaks: func(a *ailing) { a.fill() }},
		"it was compacted, and nothing else": {describes: small, breaks: func(a *ailing) {
			a.fill()
			a.compact()
		}},
		"there is room, and the alarm is left": {breaks: func(a *ailing) { a.alarm(etcdserverpb.AlarmType_NOSPACE, "etcd1") }},
		"it is full, and one was stopped": {describes: small, breaks: func(a *ailing) {
			a.fill()
			a.stop("etcd3")
		}},
	})
}

// stop stops members, or all.
func (a *ailing) stop(names ...string) {
	a.t.Helper()
	a.etcdctr(append([]string{"stop"}, names...)...)
}

func (a *ailing) process(name string) process.ID {
	a.t.Helper()
	for _, m := range a.state().Members {
		if m.Name == name {
			return m.Process
		}
	}
	a.t.Fatalf("there is no process of %s", name)
	return process.ID{}
}

func (a *ailing) kill(name string) {
	a.t.Helper()
	kill9(a.t, a.process(name))
}

// powerCut kills everything at once.
func (a *ailing) powerCut() {
	a.t.Helper()
	s := a.state()
	kill9(a.t, s.Supervisor)
	for _, m := range s.Members {
		_ = syscall.Kill(m.Process.PID, syscall.SIGKILL) // it may have ended with its supervisor
	}
}

func (a *ailing) freeze(names ...string) {
	a.t.Helper()
	for _, name := range names {
		pid := a.process(name).PID
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			a.t.Fatal(err)
		}
		a.t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) }) // it may be gone
	}
}

// takePort listens where a member does.
func (a *ailing) takePort(name string) {
	a.t.Helper()
	m, _ := process.Find(a.stack().Members, name)
	for address := range m.Addresses {
		l, err := net.Listen("tcp", address)
		if err != nil {
			a.t.Fatal(err)
		}
		a.t.Cleanup(func() { l.Close() })
	}
}

func (a *ailing) stack() process.Stack {
	a.t.Helper()
	s, err := a.home().Stack()
	if err != nil {
		a.t.Fatal(err)
	}
	return s
}

func (a *ailing) data(name string) string {
	a.t.Helper()
	m, ok := process.Find(a.stack().Members, name)
	if !ok {
		a.t.Fatalf("there is no %s", name)
	}
	return m.DataDir
}

// deleteData deletes a member's data, or a part of it.
func (a *ailing) deleteData(name string, part ...string) {
	a.t.Helper()
	if err := os.RemoveAll(filepath.Join(append([]string{a.data(name)}, part...)...)); err != nil {
		a.t.Fatal(err)
	}
}

func (a *ailing) delete(path string) {
	a.t.Helper()
	if err := os.RemoveAll(filepath.Join(a.dir, path)); err != nil {
		a.t.Fatal(err)
	}
}

func (a *ailing) copyFile(from, to string) {
	a.t.Helper()
	text, err := os.ReadFile(filepath.Join(a.dir, from))
	if err != nil {
		a.t.Fatal(err)
	}
	writeFile(a.t, filepath.Join(a.dir, to), string(text))
}

func (a *ailing) keepCopy(name string) {
	a.t.Helper()
	if err := os.CopyFS(filepath.Join(a.dir, "copy"), os.DirFS(a.data(name))); err != nil {
		a.t.Fatal(err)
	}
}

func (a *ailing) putCopyBack(name string) {
	a.t.Helper()
	a.deleteData(name)
	if err := os.Rename(filepath.Join(a.dir, "copy"), a.data(name)); err != nil {
		a.t.Fatal(err)
	}
}

// Ways to spoil a file.
func flipped(text []byte) []byte {
	text = bytes.Clone(text)
	text[200] ^= 0xff
	return text
}

func emptied([]byte) []byte { return nil }

// altered makes another value of the one of the key before/7.
func altered(text []byte) []byte {
	return bytes.ReplaceAll(text, []byte("\x2a\x08before/7"), []byte("\x2a\x08behind/7"))
}

func noise(text []byte) []byte { return bytes.Repeat([]byte("noise!!!"), len(text)/8) }

// spoil kills members, spoils the files in a folder of their data, and has whoever
// looks after them start them again.
func (a *ailing) spoil(folder string, how func([]byte) []byte, names ...string) {
	a.t.Helper()
	a.stop(names...)
	for _, name := range names {
		files, err := filepath.Glob(filepath.Join(a.data(name), "member", folder, "*"))
		if err != nil {
			a.t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, ".tmp") || strings.HasSuffix(file, ".snap") {
				continue
			}
			text, err := os.ReadFile(file)
			if err == nil {
				err = os.WriteFile(file, how(text), 0o600)
			}
			if err != nil {
				a.t.Fatal(err)
			}
		}
	}
	_, _ = a.try(append([]string{"start"}, names...)...) // they don't
}

// strange has a member start on what another cluster has written.
func (a *ailing) strange(name string) {
	a.t.Helper()
	other := newLocal(a.t)
	other.etcdctr("up", "--detach", "--tls", "none")
	m, _ := process.Find((&ailing{local: other}).stack().Members, name)
	other.etcdctr("stop")
	a.stop(name)
	a.deleteData(name)
	if err := os.CopyFS(a.data(name), os.DirFS(m.DataDir)); err != nil {
		a.t.Fatal(err)
	}
	_, _ = a.try("start", name) // it can't serve
}

// memberID is etcd's.
func (a *ailing) memberID(c *clientv3.Client, name string) uint64 {
	a.t.Helper()
	list, err := c.MemberList(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	for _, m := range list.Members {
		if m.Name == name {
			return m.ID
		}
	}
	a.t.Fatalf("etcd knows no %s", name)
	return 0
}

func (a *ailing) removeMember(name string) {
	a.t.Helper()
	c := a.client()
	defer c.Close()
	id := a.memberID(c, name)
	eventually(a.t, "etcd to let a member go", func() error {
		_, err := c.MemberRemove(a.t.Context(), id)
		return unlessRemoved(err)
	})
}

// unlessRemoved is the error of removing a member, unless it has been removed before, by a
// request that was not answered: the member that had it may be the one that went.
func unlessRemoved(err error) error {
	if err != nil && strings.Contains(err.Error(), rpctypes.ErrorDesc(rpctypes.ErrMemberNotFound)) {
		return nil
	}
	return err
}

func (a *ailing) addMember(flags ...string) {
	a.t.Helper()
	url := "--peer-urls=https://" + etcdtest.FreeAddress(a.t, "127.0.0.1")
	eventually(a.t, "etcd to take a member", func() error {
		_, err := a.try(append([]string{"etcdctl", "member", "add", "nobody", url}, flags...)...)
		return err
	})
}

// alarm raises an alarm as etcd itself does.
func (a *ailing) alarm(kind etcdserverpb.AlarmType, name string) {
	a.t.Helper()
	c := a.client()
	defer c.Close()
	r := &etcdserverpb.AlarmRequest{Action: etcdserverpb.AlarmRequest_ACTIVATE, MemberID: a.memberID(c, name), Alarm: kind}
	if _, err := etcdserverpb.NewMaintenanceClient(c.ActiveConnection()).Alarm(a.t.Context(), r); err != nil {
		a.t.Fatal(err)
	}
}

// fill overwrites a key until etcd takes no more.
func (a *ailing) fill() {
	a.t.Helper()
	c := a.client()
	defer c.Close()
	value := strings.Repeat("x", 1_000_000)
	for range 100 {
		if _, err := c.Put(a.t.Context(), "big", value); err != nil {
			return
		}
	}
	a.t.Fatal("the database takes everything")
}

func (a *ailing) compact() {
	a.t.Helper()
	c := a.client()
	defer c.Close()
	got, err := c.Get(a.t.Context(), "big", clientv3.WithCountOnly())
	if err == nil {
		_, err = c.Compact(a.t.Context(), got.Header.Revision)
	}
	if err != nil {
		a.t.Fatal(err)
	}
}

// wantKept wants that what is there has not become less: as soon as it is put right
// by hand, all is there. Without a hand, some member's data has to be on the disk.
func (a *ailing) wantKept() {
	a.t.Helper()
	c := a.client()
	defer c.Close()
	ctx, cancel := context.WithTimeout(a.t.Context(), 10*time.Second)
	defer cancel()
	kept := 0
	for key := range a.acknowledged {
		if r, err := c.Get(ctx, key, clientv3.WithSerializable()); err == nil && len(r.Kvs) == 1 {
			kept++
		}
	}
	folders, err := filepath.Glob(filepath.Join(a.home().Dir, "*", "data*", "member", "snap", "db"))
	if err != nil {
		a.t.Fatal(err)
	}
	if kept < len(a.acknowledged) && len(folders) < len(a.stack().Members) {
		a.t.Errorf("of %d writes %d are served, and on disk are only %v", len(a.acknowledged), kept, folders)
	}
}
