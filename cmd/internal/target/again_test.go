package target

import (
	"testing"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
)

// commandLine is a command of a small program, typed with args.
func commandLine(t *testing.T, named string, args ...string) (*cobra.Command, *Flags) {
	t.Helper()
	w := &World{Console: &terminal.Console{}}
	root := &cobra.Command{Use: "etcdctr"}
	all, flags := map[string]*cobra.Command{}, map[string]*Flags{}
	add := func(to *cobra.Command, name string, of func(*cobra.Command) *Flags) *cobra.Command {
		cmd := &cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}}
		all[name] = cmd
		if of != nil {
			flags[name] = of(cmd)
		}
		to.AddCommand(cmd)
		return cmd
	}
	finding := func(cmd *cobra.Command) *Flags { return w.Finding(cmd) }
	add(root, "up", func(cmd *cobra.Command) *Flags {
		f := w.Describing(cmd)
		AddRunBy(cmd)
		AddEtcdBinary(cmd)
		cmd.Flags().String(FileCompose, "", "")
		cmd.Flags().Bool("detach", false, "")
		return f
	})
	for _, name := range []string{"start", "doctor", "recover", "exec", "restore"} {
		add(root, name, finding)
	}
	add(root, "adopt", func(cmd *cobra.Command) *Flags {
		cmd.Flags().Bool("forget-old", false, "")
		return w.Describing(cmd)
	})
	add(root, "etcdctl", finding).DisableFlagParsing = true
	add(add(root, "certs", nil), "create", w.Describing)
	add(root, "backup", func(cmd *cobra.Command) *Flags {
		cmd.Flags().String("etcd-binary", "", "")
		return w.Finding(cmd)
	})
	add(root, "init", w.ByFile)
	add(root, "build", nil).Flags().String("name", "", "")
	cmd := all[named]
	if err := cmd.Flags().Parse(args); err != nil {
		t.Fatal(err)
	}
	return cmd, flags[named]
}

func TestCommandsThatAreNamedAreAboutTheSameCluster(t *testing.T) {
	for _, test := range []struct {
		typed      string
		args       []string
		text, want string
	}{
		{"start", nil, "`etcdctr recover` rebuilds it", "`etcdctr recover` rebuilds it"},
		{"start", []string{"--name", "orders"}, "`etcdctr recover` rebuilds it, etcdctr start does not", "`etcdctr recover --name orders` rebuilds it, etcdctr start does not"},
		{"start", []string{"-f", "my file.yaml", "--runtime", "process"}, "`etcdctr up --detach`", "`etcdctr up --detach --file 'my file.yaml' --runtime process`"},
		{"start", []string{"--certs-dir", "keys"}, "`etcdctr certs create && etcdctr start etcd1`", "`etcdctr certs create --certs-dir keys && etcdctr start etcd1 --certs-dir keys`"},
		// Each takes what it knows.
		{
			"up",
			[]string{"--members", "5", "--monitoring", "--name", "orders", "--etcd-binary", "/etcd"},
			"`etcdctr doctor`, `etcdctr up`",
			"`etcdctr doctor --name orders`, `etcdctr up --etcd-binary /etcd --members 5 --monitoring=true --name orders`",
		},
		{"start", []string{"--runtime", "docker", "--name", "orders"}, "`etcdctr certs create`", "`etcdctr certs create --name orders`"},
		{"start", []string{"--name", "orders"}, "`etcdctr build`, `etcdctr unknown`, `docker ps`", "`etcdctr build`, `etcdctr unknown`, `docker ps`"},
		{"backup", []string{"--etcd-binary", "/old/etcd"}, "`etcdctr up`", "`etcdctr up`"},
		{"up", []string{"--etcd-binary", "/etcd"}, "`etcdctr backup`", "`etcdctr backup`"},
		{"init", []string{"-f", "a.yaml"}, "`etcdctr up`, `etcdctr up -f a.yaml`", "`etcdctr up --file a.yaml`, `etcdctr up -f a.yaml`"},
		// What takes back, or deletes, takes nothing of what a cluster is; and no certificates are made for one without TLS.
		{
			"adopt",
			[]string{"--tls", "none", "--file", "a.yaml"},
			"`etcdctr adopt --forget-old shop`, `etcdctr adopt shop`, `etcdctr certs create`",
			"`etcdctr adopt --forget-old shop --file a.yaml`, `etcdctr adopt shop --file a.yaml --tls none`, `etcdctr certs create --file a.yaml`",
		},
		{"up", []string{"--tls", "mutual"}, "`etcdctr certs create`", "`etcdctr certs create --tls mutual`"},
		{"build", []string{"--name", "x"}, "`etcdctr up`", "`etcdctr up`"},
		// What says a cluster by itself means that one.
		{
			"up",
			[]string{"--name", "orders", "--runtime", "process", "-f", "a.yaml"},
			"`etcdctr recover --name orders`, `etcdctr up --file-compose b.yml`",
			"`etcdctr recover --name orders`, `etcdctr up --file-compose b.yml`",
		},
		{"start", []string{"--name", "orders", "--runtime", "docker"}, "`etcdctr up --runtime process`", "`etcdctr up --runtime process --name orders`"},
		// What follows is another program's.
		{
			"start",
			[]string{"--name", "orders"},
			"`etcdctr exec etcd1 -- etcdctl member list`, `etcdctr etcdctl alarm list`",
			"`etcdctr exec etcd1 --name orders -- etcdctl member list`, `etcdctr etcdctl --name orders alarm list`",
		},
	} {
		cmd, _ := commandLine(t, test.typed, test.args...)
		retype := Retype(cmd)
		got := retype(test.text)
		if got != test.want {
			t.Errorf("%s %q: %s\nbecame %s\nand not %s", test.typed, test.args, test.text, got, test.want)
		}
		if again := retype(got); again != got {
			t.Errorf("%s %q: %s\nbecame another one the second time: %s", test.typed, test.args, got, again)
		}
	}
}

func TestAgainGivesACommandOnlyFlagsThatItTakes(t *testing.T) {
	_, f := commandLine(t, "up", "--name", "orders", "--members", "5", "--runtime", "process")
	for words, want := range map[string]string{
		"doctor": "etcdctr doctor --name orders --runtime process",
		"up":     "etcdctr up --members 5 --name orders --runtime process",
	} {
		if got := f.Again(words); got != want {
			t.Errorf("%s: %s, and not %s", words, got, want)
		}
	}
}
