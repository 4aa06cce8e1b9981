package e2e_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/e2e"
)

// Three members with mutual TLS. In a test, Start does the same in one line
// and needs no clean-up.
func ExampleRun() {
	ctx := context.Background()
	etcd, err := e2e.Run(ctx)
	defer etcd.Terminate(ctx) // also after an error
	if err != nil {
		log.Print(err)
		return
	}
	if _, err := etcd.Client.Put(ctx, "colour", "green"); err != nil {
		log.Print(err)
		return
	}
	got, err := etcd.Client.Get(ctx, "colour")
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Printf("%d members, colour is %s\n", len(etcd.Members), got.Kvs[0].Value)
	// Prints: 3 members, colour is green
}

// A cluster as the cluster file describes it: any release, any way to find
// each other, any setting.
func ExampleWithSpec() {
	ctx := context.Background()
	etcd, err := e2e.Run(ctx, e2e.WithSpec(cluster.Spec{
		Etcd:      "3.6",
		Members:   cluster.Count(1),
		Bootstrap: "discovery",
		TLS:       "none",
		Settings:  map[string]string{"max-txn-ops": "256"},
	}))
	defer etcd.Terminate(ctx)
	if err != nil {
		log.Print(err)
		return
	}
	status, err := etcd.Client.Status(ctx, etcd.Endpoints()[0])
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Println(status.Version[:len("3.6")])
	// Prints: 3.6
}

// What a program does when the leader dies under it.
func ExampleMember_Kill() {
	ctx := context.Background()
	etcd, err := e2e.Run(ctx)
	defer etcd.Terminate(ctx)
	if err != nil {
		log.Print(err)
		return
	}
	leader, err := etcd.Leader(ctx)
	if err != nil {
		log.Print(err)
		return
	}
	if err := leader.Kill(ctx); err != nil {
		log.Print(err)
		return
	}
	// The others elect a new one, and take writes again.
	for {
		if _, err := etcd.Client.Put(ctx, "still", "there"); err == nil {
			break
		}
	}
	if err := leader.Start(ctx); err != nil {
		log.Print(err)
		return
	}
	fmt.Println(etcd.Ready(ctx)) // waits for all members
	// Prints: <nil>
}

// A program in a container of its own. It is put on the cluster's network and
// finds the members by name; the files are those of its certificate.
func ExampleCluster_ContainerEndpoints() {
	ctx := context.Background()
	etcd, err := e2e.Run(ctx, e2e.WithMembers(1))
	defer etcd.Terminate(ctx)
	if err != nil {
		log.Print(err)
		return
	}
	id, err := etcd.Certificate(ctx, "orders")
	if err != nil {
		log.Print(err)
		return
	}
	app, err := testcontainers.Run(ctx, etcd.Image(), // your program's image
		testcontainers.CustomizeRequest(testcontainers.GenericContainerRequest{
			ContainerRequest: testcontainers.ContainerRequest{Networks: []string{etcd.Network()}},
		}),
		testcontainers.WithFiles(
			testcontainers.ContainerFile{HostFilePath: id.CAFile, ContainerFilePath: "/ca.crt", FileMode: 0o644},
			testcontainers.ContainerFile{HostFilePath: id.CertFile, ContainerFilePath: "/tls.crt", FileMode: 0o644},
			testcontainers.ContainerFile{HostFilePath: id.KeyFile, ContainerFilePath: "/tls.key", FileMode: 0o600},
		),
		testcontainers.WithCmd("etcdctl", "put", "from", "a container",
			"--endpoints", strings.Join(etcd.ContainerEndpoints(), ","),
			"--cacert", "/ca.crt", "--cert", "/tls.crt", "--key", "/tls.key"),
		testcontainers.WithWaitStrategy(wait.ForExit()))
	defer testcontainers.TerminateContainer(app)
	if err != nil {
		log.Print(err)
		return
	}
	got, err := etcd.Client.Get(ctx, "from")
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Printf("%s\n", got.Kvs[0].Value)
	// Prints: a container
}

// Users of etcd's own authentication are told by their certificates.
func ExampleCluster_Certificate() {
	ctx := context.Background()
	etcd, err := e2e.Run(ctx, e2e.WithMembers(1))
	defer etcd.Terminate(ctx)
	if err != nil {
		log.Print(err)
		return
	}
	for _, user := range []string{"root", "reader"} {
		if _, err := etcd.Client.UserAddWithOptions(ctx, user, "", &clientv3.UserAddOptions{NoPassword: true}); err != nil {
			log.Print(err)
			return
		}
	}
	if _, err := etcd.Client.UserGrantRole(ctx, "root", "root"); err != nil {
		log.Print(err)
		return
	}
	if _, err := etcd.Client.AuthEnable(ctx); err != nil {
		log.Print(err)
		return
	}
	id, err := etcd.Certificate(ctx, "reader")
	if err != nil {
		log.Print(err)
		return
	}
	config := clientv3.Config{Endpoints: etcd.Endpoints()}
	if config.TLS, err = id.TLS(); err != nil {
		log.Print(err)
		return
	}
	reader, err := clientv3.New(config)
	if err != nil {
		log.Print(err)
		return
	}
	defer reader.Close()
	_, err = reader.Put(ctx, "colour", "red")
	fmt.Println(err)
	// Prints: etcdserver: permission denied
}
