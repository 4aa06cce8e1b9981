package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	etcdversion "go.etcd.io/etcd/api/v3/version"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

// version is set by the linker in a release build; see buildVersion for the
// rest.
var version string

type versionInfo struct {
	Version   string   `json:"version"`
	Etcd      string   `json:"etcd"`
	Image     bool     `json:"carriesImage"` // a linux program for images, smaller than this one
	Supported []string `json:"supportedEtcd"`
	Go        string   `json:"go"`
	Platform  string   `json:"platform"`
}

func newVersionCommand(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Tell the version, the etcd carried inside and the etcd versions supported",
		Args:  typed.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return printVersion(a, format)
		},
	}
	typed.AddFormat(cmd, &format)
	return cmd
}

func printVersion(a *app, format string) error {
	v := versionInfo{
		Version:   buildVersion(),
		Etcd:      "v" + etcdversion.Version,
		Image:     len(carriedProgram) > 0,
		Supported: cluster.SupportedEtcd(),
		Go:        runtime.Version(),
		Platform:  runtime.GOOS + "/" + runtime.GOARCH,
	}
	return a.Result(format, v, func() {
		fmt.Fprintf(a.Out, "etcdctr %s (%s, %s)\n", v.Version, v.Go, v.Platform)
		fmt.Fprintf(a.Out, "carries etcd %s\n", v.Etcd)
		if !v.Image {
			fmt.Fprintln(a.Out, "carries no image, as releases and make build do: it packs itself, on linux")
		}
		fmt.Fprintf(a.Out, "supports etcd %s\n", strings.Join(v.Supported, ", "))
	})
}

// buildVersion falls back to what the Go toolchain recorded, so that
// `go install …@v1.2.3` and a build from a checkout tell the truth too.
func buildVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
