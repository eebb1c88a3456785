package faults

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"syscall"
	"time"

	dockerapi "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/redis/go-redis/v9"
	"github.com/testcontainers/testcontainers-go"
	rediscontainer "github.com/testcontainers/testcontainers-go/modules/redis"
	dockerwait "github.com/testcontainers/testcontainers-go/wait"
)

// container is a Redis in a container.
type container struct {
	of     testcontainers.Container
	signal func(syscall.Signal) error // to its first process
}

// signalName returns the name of a signal. The engine takes the name, because numbers on this machine may differ from those in the container:
// SIGSTOP is 17 on macOS and 19 on Linux.
func signalName(signal syscall.Signal) string {
	switch signal {
	case suspendSignal:
		return "SIGSTOP"
	case resumeSignal:
		return "SIGCONT"
	default:
		return "SIGKILL"
	}
}

// newContainer wraps a container. Its method signal works even after the context of the row has ended, so that close can use it.
func newContainer(ctx context.Context, of testcontainers.Container) *container {
	ctx = context.WithoutCancel(ctx)
	return &container{of, func(signal syscall.Signal) error {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		engine, err := testcontainers.NewDockerClientWithOpts(ctx)
		if err != nil {
			return err
		}
		defer engine.Close() //nolint:errcheck // nothing is left to be read
		_, err = engine.ContainerKill(ctx, of.GetContainerID(), client.ContainerKillOptions{Signal: signalName(signal)})
		return err
	}}
}

// start starts a killed container again, and returns when its Redis answers.
func (c *container) start(ctx context.Context, admin *redis.Client) error {
	if err := c.of.Start(ctx); err != nil {
		return err
	}
	return wait(ctx, "a container answers", func(ctx context.Context) bool { return admin.Ping(ctx).Err() == nil })
}

func (c *container) close() {
	_ = c.signal(syscall.SIGKILL) // a suspended process reacts to no other signal
	_ = testcontainers.TerminateContainer(c.of)
}

// redisImage returns the image of the containers: redis:7-alpine, or the one that REDIS_IMAGE names.
func redisImage() string {
	if image := os.Getenv("REDIS_IMAGE"); image != "" {
		return image
	}
	return "redis:7-alpine"
}

// engineAnswers returns a [MissingError] if no Docker engine answers.
func engineAnswers(ctx context.Context) error {
	provider, err := testcontainers.NewDockerProvider()
	if err == nil {
		defer provider.Close() //nolint:errcheck // only its health counts
		err = provider.Health(ctx)
	}
	if err != nil {
		return &MissingError{What: fmt.Sprintf("no Docker engine answers (%v): start one", err)}
	}
	return nil
}

func noContainer(err error) error {
	return &MissingError{What: fmt.Sprintf("no container of image %s (%v): pull the image, or set REDIS_IMAGE to a local one", redisImage(), err)}
}

// StartContainer starts a Redis in a container. The image is redis:7-alpine, or the one that REDIS_IMAGE names. Without a Docker engine or
// without the image it returns a [MissingError].
func StartContainer(ctx context.Context) (*Server, error) {
	if err := engineAnswers(ctx); err != nil {
		return nil, err
	}
	of, err := rediscontainer.Run(ctx, redisImage())
	if err != nil {
		_ = testcontainers.TerminateContainer(of)
		return nil, noContainer(err)
	}
	c := newContainer(ctx, of)
	at, err := of.ConnectionString(ctx)
	if err != nil {
		c.close()
		return nil, err
	}
	u, err := url.Parse(at)
	if err != nil {
		c.close()
		return nil, err
	}
	return &Server{Addr: u.Host, Admin: administrator(u.Host), container: c}, nil
}

// startHostContainer starts a container that uses the network of this machine. Servers of one topology send each other's addresses to
// clients. Therefore the addresses must be the same inside a container and outside.
func startHostContainer(ctx context.Context, ready string, command func(port string) []string) (*Server, error) {
	if err := engineAnswers(ctx); err != nil {
		return nil, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	of, err := testcontainers.Run(ctx, redisImage(), testcontainers.WithCmd(command(port)...),
		testcontainers.WithHostConfigModifier(func(c *dockerapi.HostConfig) { c.NetworkMode = "host" }),
		testcontainers.WithWaitStrategy(dockerwait.ForLog("(?i)"+ready).AsRegexp()))
	if err != nil {
		_ = testcontainers.TerminateContainer(of)
		return nil, noContainer(err)
	}
	s := &Server{Addr: net.JoinHostPort("127.0.0.1", port), container: newContainer(ctx, of)}
	s.Admin = administrator(s.Addr)
	return s, nil
}
