package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

// endpointFlags name a cluster by where its clients reach it.
type endpointFlags struct {
	cmd          *cobra.Command
	at           etcdctr.Endpoints
	passwordFile string
}

// Those flags, as etcdctl has them.
const (
	endpointsFlag = "endpoints"
	passwordFlag  = "password-file"
)

var endpointFlagNames = []string{"cacert", "cert", "key", "insecure-skip-tls-verify", "user", passwordFlag}

func addEndpointFlags(cmd *cobra.Command) *endpointFlags {
	f := &endpointFlags{cmd: cmd}
	flags := cmd.Flags()
	flags.StringSliceVar(&f.at.URLs, endpointsFlag, nil, "client URLs of the members of a cluster that something else runs, such as https://10.0.0.1:2379")
	flags.StringVar(&f.at.CACert, "cacert", "", "with --endpoints, certificate of the authority that vouches for the members")
	flags.StringVar(&f.at.Cert, "cert", "", "with --endpoints, certificate to show the members")
	flags.StringVar(&f.at.Key, "key", "", "with --endpoints, private key of that certificate")
	flags.Lookup("key").Value = typed.InWords{Value: flags.Lookup("key").Value, Word: "FILE"}
	flags.BoolVar(&f.at.SkipVerify, "insecure-skip-tls-verify", false, "with --endpoints, take any certificate for a member's")
	flags.StringVar(&f.at.User, "user", "", "with --endpoints, user of etcd's who has the role root, where a password tells who that is")
	flags.StringVar(&f.passwordFile, passwordFlag, "", "file with that user's password (default it is asked for)")
	return f
}

// given tells whether a cluster is named so.
func (f *endpointFlags) given() bool { return f.cmd.Flags().Changed(endpointsFlag) }

// check refuses what does not go together.
func (f *endpointFlags) check() error {
	changed := f.cmd.Flags().Changed
	if !f.given() {
		if i := slices.IndexFunc(endpointFlagNames, changed); i >= 0 {
			return fmt.Errorf("--%s goes with --%s", endpointFlagNames[i], endpointsFlag)
		}
		return nil
	}
	for _, other := range []string{"file", "certs-dir", "data-dir", "with-keys"} {
		if changed(other) {
			return fmt.Errorf("--%s and --%s do not go together: keep one", endpointsFlag, other)
		}
	}
	switch {
	case (f.at.Cert == "") != (f.at.Key == ""):
		return errors.New("--cert and --key go together")
	case f.passwordFile != "" && f.at.User == "":
		return fmt.Errorf("--%s goes with --user", passwordFlag)
	}
	return nil
}

// endpoints are those that are named, with the password.
func (f *endpointFlags) endpoints(ctx context.Context, a *app) (etcdctr.Endpoints, error) {
	at := f.at
	if at.User == "" {
		return at, nil
	}
	var err error
	at.Password, err = f.password(ctx, a)
	return at, err
}

func (f *endpointFlags) password(ctx context.Context, a *app) (string, error) {
	if f.passwordFile == "" {
		what := "the password of " + f.at.User
		if !a.Asker().Person() {
			return "", usage(fmt.Errorf("there is no terminal to ask for %s on: --%s names a file with it", what, passwordFlag))
		}
		return a.Asker().Secret(ctx, what)
	}
	return typed.Secret(passwordFlag, f.passwordFile)
}
