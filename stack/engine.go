package stack

import (
	"context"

	"github.com/moby/moby/client"
)

// Engine is what a Docker Engine is asked for; *client.Client is one. API 1.41
// (Engine 20.10) suffices.
type Engine interface {
	Observer
	containers
	networks
	volumes
	ImageInspect(ctx context.Context, ref string, o ...client.ImageInspectOption) (client.ImageInspectResult, error)
	ClientVersion() string
}

// Observer is the part of an Engine that only looks.
type Observer interface {
	ContainerList(context.Context, client.ContainerListOptions) (client.ContainerListResult, error)
	NetworkList(context.Context, client.NetworkListOptions) (client.NetworkListResult, error)
	VolumeList(context.Context, client.VolumeListOptions) (client.VolumeListResult, error)
}

type containers interface {
	ContainerCreate(context.Context, client.ContainerCreateOptions) (client.ContainerCreateResult, error)
	ContainerInspect(ctx context.Context, container string, o client.ContainerInspectOptions) (client.ContainerInspectResult, error)
	ContainerStart(ctx context.Context, container string, o client.ContainerStartOptions) (client.ContainerStartResult, error)
	ContainerStop(ctx context.Context, container string, o client.ContainerStopOptions) (client.ContainerStopResult, error)
	ContainerKill(ctx context.Context, container string, o client.ContainerKillOptions) (client.ContainerKillResult, error)
	ContainerUnpause(ctx context.Context, container string, o client.ContainerUnpauseOptions) (client.ContainerUnpauseResult, error)
	ContainerRename(ctx context.Context, container string, o client.ContainerRenameOptions) (client.ContainerRenameResult, error)
	ContainerRemove(ctx context.Context, container string, o client.ContainerRemoveOptions) (client.ContainerRemoveResult, error)
	ContainerLogs(ctx context.Context, container string, o client.ContainerLogsOptions) (client.ContainerLogsResult, error)
	CopyToContainer(ctx context.Context, container string, o client.CopyToContainerOptions) (client.CopyToContainerResult, error)
	CopyFromContainer(ctx context.Context, container string, o client.CopyFromContainerOptions) (client.CopyFromContainerResult, error)
	ExecCreate(ctx context.Context, container string, o client.ExecCreateOptions) (client.ExecCreateResult, error)
	ExecAttach(ctx context.Context, exec string, o client.ExecAttachOptions) (client.ExecAttachResult, error)
	ExecInspect(ctx context.Context, exec string, o client.ExecInspectOptions) (client.ExecInspectResult, error)
	ExecResize(ctx context.Context, exec string, o client.ExecResizeOptions) (client.ExecResizeResult, error)
}

type networks interface {
	NetworkCreate(ctx context.Context, name string, o client.NetworkCreateOptions) (client.NetworkCreateResult, error)
	NetworkRemove(ctx context.Context, network string, o client.NetworkRemoveOptions) (client.NetworkRemoveResult, error)
	NetworkConnect(ctx context.Context, network string, o client.NetworkConnectOptions) (client.NetworkConnectResult, error)
}

type volumes interface {
	VolumeCreate(context.Context, client.VolumeCreateOptions) (client.VolumeCreateResult, error)
	VolumeRemove(ctx context.Context, volume string, o client.VolumeRemoveOptions) (client.VolumeRemoveResult, error)
}
