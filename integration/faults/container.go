package faults

import (
	"context"
	"fmt"
	"net/url"
	"os"

	"github.com/testcontainers/testcontainers-go"
	rediscontainer "github.com/testcontainers/testcontainers-go/modules/redis"
)

// StartContainer starts a Redis in a container. The image is redis:7-alpine, or the one that REDIS_IMAGE names.
func StartContainer(ctx context.Context) (*Server, error) {
	provider, err := testcontainers.NewDockerProvider()
	if err == nil {
		defer provider.Close() //nolint:errcheck // was only asked for its health
		err = provider.Health(ctx)
	}
	if err != nil {
		return nil, &MissingError{What: fmt.Sprintf("no Docker engine answers (%v): start one", err)}
	}
	image := os.Getenv("REDIS_IMAGE")
	if image == "" {
		image = "redis:7-alpine"
	}
	container, err := rediscontainer.Run(ctx, image)
	end := func() { _ = testcontainers.TerminateContainer(container) }
	if err != nil {
		end()
		return nil, &MissingError{What: fmt.Sprintf("no container of image %s (%v): pull it, or name one that is there in REDIS_IMAGE", image, err)}
	}
	at, err := container.ConnectionString(ctx)
	if err != nil {
		end()
		return nil, err
	}
	u, err := url.Parse(at)
	if err != nil {
		end()
		return nil, err
	}
	return &Server{Addr: u.Host, Admin: administrator(u.Host), end: end}, nil
}
